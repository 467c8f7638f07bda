"""Losses, layers and written gradients of networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from xreg.core.errors import DataError, RunError
from xreg.core.metrics import covered_variance
from xreg.core.nn import gradients, layers, training
from xreg.core.nn.losses import regression_loss
from xreg_tests.networks import cloud, config, mlp

LINEARS = ("first", "rest.1", "rest.3")  # of a perceptron of two hidden layers


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
