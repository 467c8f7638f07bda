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
from xreg.core.nn import layers, training
from xreg.core.nn.losses import regression_loss
from xreg_tests.networks import cloud, config, mlp


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
