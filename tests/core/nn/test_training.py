"""The training loop and the layers of ensembles, against torch, NumPy and closed forms."""

from __future__ import annotations

import math
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn

from xreg.core import progress
from xreg.core.errors import DataError, RunError
from xreg.core.metrics import covered_variance
from xreg.core.nn import gradients, layers, training
from xreg.core.nn.losses import regression_loss
from xreg.core.nn.settings import TrainingConfig

LINEARS = ("first", "rest.1", "rest.3")  # of a perceptron of two hidden layers


def config(**settings):
    defaults = {"early_stopping": False, "epochs": 20, "batch": 16, "check_every": 1}
    return TrainingConfig(**{**defaults, **settings})


def cloud(n=60, d=4, m=3, seed=0):
    draw = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=draw)
    Y = torch.tanh(X @ torch.randn(d, m, generator=draw)) + 0.1 * torch.randn(n, m, generator=draw)
    return X, Y


def mlp(models=1, seed=0, **settings):
    network = layers.MLP(4, (8, 8), 3, models=models, **settings)
    network.reset("he-uniform", training.generators(seed, models))
    return network


class TestLosses:
    def test_r2_is_the_metric(self):
        X, Y = cloud()
        network = mlp().eval()
        loss = regression_loss("r2", Y)(network, X, Y)
        assert loss.shape == (1,)
        expected = 1 - covered_variance(Y.numpy(), network(X)[0].detach().numpy())
        assert loss.item() == pytest.approx(expected, rel=1e-5)

    def test_mean_over_batches_is_the_whole(self):
        X, Y = cloud()
        network, loss = mlp().eval(), regression_loss("r2", Y)
        parts = [loss(network, X[i : i + 1], Y[i : i + 1]).item() for i in range(len(X))]
        assert np.mean(parts) == pytest.approx(loss(network, X, Y).item(), rel=1e-4)

    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("mse", lambda e: e**2),
            ("mae", np.abs),
            ("huber", lambda e: np.where(np.abs(e) < 1, e**2 / 2, np.abs(e) - 0.5)),
        ],
    )
    def test_pointwise(self, name, error):
        X, Y = cloud()
        network = mlp(models=2)
        values = regression_loss(name, Y)(network, X.expand(2, -1, -1), 3 * Y)
        residual = network(X).detach().numpy() - 3 * Y.numpy()
        np.testing.assert_allclose(
            values.detach().numpy(), error(residual).mean(axis=(1, 2)), rtol=1e-5
        )

    def test_constant_targets(self):
        with pytest.raises(DataError, match="do not vary"):
            regression_loss("r2", torch.ones(5, 2))


class TestLayers:
    def test_batch_norm_is_torchs(self):
        draw = torch.Generator().manual_seed(0)
        ours = layers.BatchNorm(2, 5)
        theirs = [nn.BatchNorm1d(5) for _ in range(2)]
        for _ in range(3):
            x = torch.randn(2, 7, 5, generator=draw) * 2 + 1
            expected = torch.stack([norm(part) for norm, part in zip(theirs, x, strict=True)])
            torch.testing.assert_close(ours(x), expected)
        ours.eval()
        expected = torch.stack([n.eval()(part) for n, part in zip(theirs, x, strict=True)])
        torch.testing.assert_close(ours(x), expected)

    def test_dropout(self):
        drop = layers.Dropout(0.25)
        drop.generators = training.generators(3, 2)
        y = drop(torch.ones(2, 400, 100))
        assert y.unique().tolist() == pytest.approx([0, 1 / 0.75])
        assert (y == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
        assert not torch.equal(y[0], y[1])
        assert torch.equal(drop.eval()(y), y)

    @pytest.mark.parametrize(
        ("init", "variance"),
        [
            ("he-uniform", 2 / 300),
            ("he-normal", 2 / 300),
            ("glorot-uniform", 2 / 500),
            ("lecun-uniform", 1 / 300),
        ],
    )
    def test_initial_variance(self, init, variance):
        linear = layers.Linear(2, 300, 200)
        linear.reset(init, training.generators(0, 2))
        for weight in linear.weight.detach():
            assert weight.var().item() == pytest.approx(variance, rel=0.02)
            assert abs(weight.mean().item()) < 5 * math.sqrt(variance / 60_000)
        assert not torch.equal(linear.weight[0], linear.weight[1])


class TestGradients:
    """The chain rule written out, against autograd."""

    @pytest.mark.parametrize("activation", ["elu", "relu", "leaky-relu", "tanh"])
    @pytest.mark.parametrize("name", ["r2", "mse", "mae", "huber"])
    @pytest.mark.parametrize("models", [1, 3])
    @pytest.mark.parametrize("shared", [True, False])
    def test_losses_and_gradients_are_autograds(self, activation, name, models, shared):
        X, Y = cloud()
        loss = regression_loss(name, Y)
        network = layers.MLP(4, (8, 5), 3, models=models, activation=activation)
        network.reset("he-normal", training.generators(1, models))
        x, y = (t.expand(models, *t.shape) for t in (X, Y))
        if not shared:
            x, y = (torch.stack([t[i:].roll(i, 0)[:50] for i in range(models)]) for t in (X, Y))
        by_autograd = gradients.Autograd(network, loss)
        values = by_autograd(x, y)
        slopes = {key: p.grad.clone() for key, p in network.named_parameters()}
        written = gradients.gradients_of(network, loss, models)
        assert isinstance(written, gradients.Perceptrons)
        for rows in (slice(None), slice(7), slice(None)):  # memory is kept by the number of rows
            short = written(x[:, rows], y[:, rows])
        torch.testing.assert_close(short, values)
        keys = [f"{part}.{kind}" for kind in ("weight", "bias") for part in LINEARS]
        for key, slope in zip(keys, written.by_network(), strict=True):
            torch.testing.assert_close(slope, slopes[key], rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize(
        "settings",
        [{"dropout": 0.2}, {"batch_norm": True}, {"activation": "silu"}, {"activation": "gelu"}],
    )
    def test_other_networks_take_autograd(self, settings):
        loss = regression_loss("mse", cloud()[1])
        found = gradients.gradients_of(mlp(**settings), loss, 1)
        assert isinstance(found, gradients.Autograd)

    def test_frozen_weights_take_autograd(self):
        network = mlp()
        network.first.weight.requires_grad_(False)
        loss = regression_loss("mse", cloud()[1])
        assert isinstance(gradients.gradients_of(network, loss, 1), gradients.Autograd)

    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"optimiser": "adamw", "weight_decay": 0.1},
            {"optimiser": "sgd", "gradient_clip": 0.1},
            {"optimiser": "rmsprop", "schedule": "cosine"},
        ],
    )
    @pytest.mark.parametrize("widths", [(), (8,), (8, 6)])
    def test_training_is_that_by_autograd(self, settings, widths, monkeypatch):
        X, Y = cloud()
        rates, decays = torch.tensor([1e-3, 4e-3]), torch.tensor([0.0, 0.2])
        trained = []
        for quickly in (True, False):
            if not quickly:
                monkeypatch.setattr(
                    training, "gradients_of", lambda m, loss, _: gradients.Autograd(m, loss)
                )
            network = layers.MLP(4, widths, 3, models=2)
            network.reset("he-normal", training.generators(1, 2))
            history = training.train(
                network,
                regression_loss("r2", Y),
                (X, Y),
                config(**{"early_stopping": True, "patience": 3, **settings}),
                models=2,
                validation=cloud(seed=1),
                rates=rates,
                decays=decays,
            )
            trained.append((network, history))
        (quick, quick_history), (usual, usual_history) = trained
        torch.testing.assert_close(quick.state_dict(), usual.state_dict(), rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(quick_history.validation, usual_history.validation)

    def test_module_gets_its_own_tensors_back(self):
        X, Y = cloud()
        network = mlp(models=2)
        before = {key: value.data_ptr() for key, value in network.state_dict().items()}
        loss = regression_loss("mse", Y)
        training.train(network, loss, (X, Y), config(epochs=2), models=2)
        with pytest.raises(RunError, match="diverged"):
            training.train(network, loss, (X, Y * math.nan), config(epochs=2), models=2)
        assert before == {key: value.data_ptr() for key, value in network.state_dict().items()}
        assert all(p.is_contiguous() and p.grad is None for p in network.parameters())


class TestLoop:
    @pytest.mark.parametrize("optimiser", ["adam", "sgd", "rmsprop"])
    def test_reaches_least_squares(self, optimiser):
        X, Y = cloud()
        line = layers.MLP(4, (), 3)
        training.train(
            line,
            regression_loss("mse", Y),
            (X, Y),
            config(optimiser=optimiser, epochs=400, batch=60, learning_rate=0.05),
            models=1,
        )
        design = np.column_stack([X.numpy(), np.ones(len(X))])
        best = np.linalg.lstsq(design, Y.numpy(), rcond=None)[0]
        np.testing.assert_allclose(line.first.weight[0].detach(), best[:4], atol=2e-3)
        np.testing.assert_allclose(line.first.bias[0, 0].detach(), best[4], atol=2e-3)

    def test_weight_decay_is_ridge(self):
        X, Y = cloud()
        X, Y = X - X.mean(0), Y - Y.mean(0)
        decay = 0.3
        line = layers.MLP(4, (), 3)
        training.train(
            line,
            regression_loss("mse", Y),
            (X, Y),
            config(epochs=600, batch=60, learning_rate=0.02, weight_decay=decay),
            models=1,
        )
        x, y = X.double().numpy(), Y.double().numpy()
        # The mean over n samples and m channels, plus decay/2 |W|², is least where
        # (xᵀx + decay n m / 2) W = xᵀy.
        ridge = np.linalg.solve(x.T @ x + decay * y.size / 2 * np.eye(4), x.T @ y)
        np.testing.assert_allclose(line.first.weight[0].detach(), ridge, atol=1e-3)

    def test_any_module_and_tensors(self):
        X, Y = cloud()
        weight = torch.rand(len(X), generator=torch.Generator().manual_seed(1))

        def loss(module, x, y, w):
            return (w[:, None] * (module(x) - y).square()).mean()

        module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        before = loss(module, X, Y, weight).item()
        history = training.train(module, loss, (X, Y, weight), config(learning_rate=0.02))
        assert history.train.shape == (20, 1)
        assert history.train[-1] < history.train[0]
        assert loss(module, X, Y, weight).item() < before / 2
        assert not module.training

    def test_batches_are_equal_and_cover_all_rows(self):
        X = torch.arange(50.0)[:, None]
        seen = []

        def loss(module, x):
            seen.append(x.flatten().tolist())
            return module(x).square().mean()

        training.train(nn.Linear(1, 1), loss, (X,), config(epochs=2, batch=16, learning_rate=1e-9))
        assert [len(rows) for rows in seen] == [13, 13, 12, 12] * 2
        first, second = list(chain(*seen[:4])), list(chain(*seen[4:]))
        assert sorted(first) == sorted(second) == list(range(50))
        assert first != second

    def test_early_stopping_restores_the_best(self):
        X, Y = cloud(n=24)
        held = cloud(n=200, seed=5)
        network, loss = mlp(models=3), regression_loss("mse", Y)
        settings = config(
            early_stopping=True, epochs=2000, patience=5, check_every=3, learning_rate=0.02
        )
        history = training.train(network, loss, (X, Y), settings, models=3, validation=held)
        with torch.no_grad():
            kept = loss(network, *(t.expand(3, -1, -1) for t in held))
        torch.testing.assert_close(kept, history.validation.min(0).values)
        best = history.epoch[history.validation.argmin(0)]
        assert torch.equal(history.best_epoch, best)
        assert history.epoch[-1] < 2000
        assert (history.validation[-1] > kept).all(), "the last weights were not the best"
        # The slowest network saw five checks without progress, and no more.
        assert history.epoch[-1] == best.max() + 5 * 3

    def test_no_early_stopping_keeps_the_last(self):
        X, Y = cloud(n=24)
        held = cloud(n=200, seed=5)
        network, loss = mlp(), regression_loss("mse", Y)
        history = training.train(
            network, loss, (X, Y), config(epochs=80, learning_rate=0.02), models=1, validation=held
        )
        with torch.no_grad():
            torch.testing.assert_close(loss(network, *held), history.validation[-1])

    @pytest.mark.parametrize("extras", [{}, {"batch_norm": True, "dropout": 0.2}])
    def test_ensemble_is_separate_networks(self, extras):
        data, held = cloud(n=45), cloud(n=20, seed=5)
        loss = regression_loss("r2", data[1])
        settings = config(
            early_stopping=True,
            epochs=30,
            patience=3,
            learning_rate=0.02,
            weight_decay=1e-3,
            gradient_clip=1.0,
        )

        def run(seed, models):
            network = mlp(models, seed, **extras)
            draws = training.generators(seed, models)
            history = training.train(
                network, loss, data, settings, models=models, draws=draws, validation=held
            )
            return network(held[0]).detach(), history

        together, history = run(7, 3)
        for i in range(3):
            alone, own = run(7 + i, 1)
            torch.testing.assert_close(together[i], alone[0], atol=1e-5, rtol=1e-4)
            assert history.best_epoch[i] == own.best_epoch[0]

    def test_same_bits_again(self):
        data = cloud()
        loss = regression_loss("r2", data[1])

        def run():
            torch.rand(3)  # the global generator moves on and must not matter
            network = mlp(2, dropout=0.1)
            training.train(network, loss, data, config(), models=2)
            return network(data[0]).detach()

        assert torch.equal(run(), run())

    def test_global_generator_is_left_alone(self):
        data = cloud()
        before = torch.get_rng_state()
        network = mlp(2, dropout=0.1)
        training.train(network, regression_loss("r2", data[1]), data, config(epochs=2), models=2)
        assert torch.equal(torch.get_rng_state(), before)

    def test_clip_limits_each_network(self):
        X, Y = cloud()
        network = mlp(models=2)
        before = [p.detach().clone() for p in network.parameters()]
        rate, limit = 1e-3, 1e-4
        training.train(
            network,
            regression_loss("mse", Y),
            (X, 100 * Y),
            config(
                optimiser="sgd",
                schedule="constant",
                learning_rate=rate,
                gradient_clip=limit,
                epochs=1,
                batch=60,
            ),
            models=2,
        )
        moved = torch.stack(
            [
                (p.detach() - q).reshape(2, -1).norm(dim=1)
                for p, q in zip(network.parameters(), before, strict=True)
            ]
        ).norm(dim=0)
        # Nesterov's first step is (1 + 0.9) times the gradient.
        np.testing.assert_allclose(moved, 1.9 * rate * limit, rtol=0.05)

    def test_divergence_is_named(self):
        X, Y = cloud()
        with pytest.raises(RunError, match=r"diverged in epoch \d+.*learning_rate") as caught:
            training.train(
                mlp(),
                regression_loss("mse", Y),
                (X, Y),
                config(optimiser="sgd", learning_rate=10, epochs=50),
                models=1,
            )
        assert caught.value.exit_code == 1

    def test_progress(self):
        X, Y = cloud()
        told = []
        with progress.listen(lambda *args: told.append(args)):
            training.train(
                mlp(), regression_loss("r2", Y), (X, Y), config(check_every=5), models=1, task="fit"
            )
        assert [(task, done, total) for task, done, total, _ in told[:4]] == [
            ("fit", i, 20) for i in (5, 10, 15, 20)
        ]


class TestSchedule:
    @pytest.mark.parametrize(
        ("schedule", "expected"),
        [
            ("constant", [1, 1, 1]),
            ("cosine", [1, 0.5, 0.5 * (1 + math.cos(0.9 * math.pi))]),
            ("exponential", [1, 0.1, 0.01**0.9]),
            ("step", [1, 0.1, 0.01]),
        ],
    )
    def test_scheduled_rate(self, schedule, expected):
        settings = config(schedule=schedule)
        rates = [training.scheduled_rate(settings, x) for x in (0, 0.5, 0.9)]
        assert rates == pytest.approx(expected)

    def test_warmup(self):
        settings = config(schedule="cosine", warmup=0.2)
        rates = [training.scheduled_rate(settings, x) for x in (0, 0.05, 0.1, 0.2, 0.6)]
        assert rates[0] > 0
        assert rates[1:] == pytest.approx([0.25, 0.5, 1, 0.5])


class TestHoldOut:
    def test_parts(self):
        kept, aside = training.hold_out(50, 0.2, seed=1)
        assert len(aside) == 10
        assert sorted([*kept.tolist(), *aside.tolist()]) == list(range(50))
        assert torch.equal(training.hold_out(50, 0.2, seed=1)[1], aside)
        assert not torch.equal(training.hold_out(50, 0.2, seed=2)[1], aside)

    def test_too_few(self):
        with pytest.raises(DataError, match="1 training sample"):
            training.hold_out(1, 0.5, seed=0)


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with training.threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_quick_products_round_no_more_and_leave_no_trace():
    draw = torch.Generator().manual_seed(0)
    x, w = torch.randn(2, 64, 300, generator=draw), torch.randn(2, 300, 200, generator=draw)
    before = torch.get_float32_matmul_precision()
    with training.quick_products():
        quick = torch.bmm(x, w)
    assert torch.get_float32_matmul_precision() == before
    exact = torch.bmm(x.double(), w.double())
    error = (quick - exact).square().mean().sqrt() / exact.square().mean().sqrt()
    assert error < 1e-6  # rounded to bfloat16 it would be 2e-3
