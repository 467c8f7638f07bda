"""The emulator ``mlp`` on functions that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.errors import ConfigError
from xreg.core.metrics import covered_variance
from xreg.plugins.mlp.mlp import MLP

QUICK = {"depth": 2, "width": 32, "batch": 50, "learning_rate": 5e-3, "epochs": 150}


def peaks(n=600, seed=0):
    """Spectra of two lines whose positions and heights follow three coordinates smoothly."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    energy = np.linspace(-3, 3, 30)
    first = np.exp(-((energy - 0.3 * X[:, :1] + 1) ** 2) / 0.5)
    second = np.exp(-((energy - 0.2 * X[:, 1:2] - 1) ** 2) / 0.4)
    Y = first + (1 + 0.3 * np.tanh(X[:, 2:])) * second
    return X, (Y - Y.mean(axis=0)) / Y.std()


@pytest.fixture(scope="module")
def trained():
    X, Y = peaks()
    return MLP(**QUICK, ensemble=3, calibrate=False).fit(X, Y)


def test_learns_a_known_function(trained):
    X, Y = peaks(seed=1)
    assert trained.score(X, Y) > 0.97


def test_published_network_of_xanesnet_learns():
    X, Y = peaks()
    model = MLP(
        widths=[64, 64],
        activation="relu",
        batch_norm=True,
        dropout=0.25,
        loss="mse",
        learning_rate=1e-3,
        schedule="constant",
        batch=32,
        epochs=60,
        early_stopping=False,
    ).fit(X, Y)
    assert model.score(X, Y) > 0.85
    assert model.best_epoch_.tolist() == [60]


def test_spread_is_that_of_the_networks(trained):
    X, _ = peaks(20, seed=2)
    every = trained.network_(torch.tensor(X, dtype=torch.float32)).detach().double().numpy()
    mean, std = trained.predict(X, return_std=True)
    np.testing.assert_allclose(mean, every.mean(axis=0))
    np.testing.assert_allclose(std, every.std(axis=0, ddof=1))
    _, far = trained.predict(5 * X, return_std=True)
    assert far.mean() > 3 * std.mean(), "networks must disagree where they never saw data"


def test_spread_is_calibrated_on_the_validation_set():
    X, Y = peaks(200)
    held, true = peaks(60, seed=3)
    settings = {**QUICK, "epochs": 30}
    model = MLP(**settings, ensemble=3).fit(X, Y, validation=(held, true))
    mean, std = model.predict(held, return_std=True)
    assert np.mean(np.abs(true - mean) <= std) == pytest.approx(0.683, abs=0.01)
    plain = MLP(**settings, ensemble=3, calibrate=False).fit(X, Y, validation=(held, true))
    same, raw = plain.predict(held, return_std=True)
    np.testing.assert_array_equal(same, mean)
    np.testing.assert_allclose(model.spread_factor_ * raw, std)
    assert MLP(**settings).fit(X, Y, validation=(held, true)).spread_factor_ == 1


def test_ensemble_is_separate_networks():
    X, Y = peaks(80)
    settings = {**QUICK, "epochs": 30, "dropout": 0.1, "batch_norm": True}
    held = peaks(30, seed=3)
    together = MLP(**settings, ensemble=3, seed=4).fit(X, Y, validation=held)
    alone = [MLP(**settings, seed=4 + i).fit(X, Y, validation=held) for i in range(3)]
    mean = np.mean([model.predict(X) for model in alone], axis=0)
    np.testing.assert_allclose(together.predict(X), mean, atol=1e-4)
    assert together.best_epoch_.tolist() == [int(model.best_epoch_[0]) for model in alone]


def test_view_has_true_gradients(trained):
    X, _ = peaks(3, seed=2)
    x = torch.tensor(X, requires_grad=True)
    assert torch.autograd.gradcheck(trained.torch_view(), (x,))
    low = trained.torch_view()(torch.tensor(X, dtype=torch.float32))
    assert low.dtype == torch.float32
    np.testing.assert_allclose(low, trained.predict(X), atol=1e-5)


def test_view_follows_a_new_fit():
    X, Y = peaks(60)
    model = MLP(**{**QUICK, "epochs": 5}).fit(X, Y)
    model.torch_view()
    model.fit(X, -Y)
    seen = model.torch_view()(torch.tensor(X))
    np.testing.assert_allclose(seen, model.predict(X), atol=1e-5)


def test_no_hidden_layer_is_linear_regression():
    X, Y = peaks(60)
    model = MLP(depth=0, epochs=400, batch=60, learning_rate=0.05, early_stopping=False).fit(X, Y)
    design = np.column_stack([X, np.ones(len(X))])
    best = design @ np.linalg.lstsq(design, Y, rcond=None)[0]
    np.testing.assert_allclose(model.predict(X), best, atol=1e-3)
    x = torch.tensor(X)
    np.testing.assert_allclose(model.torch_view()(x), model.predict(X), atol=1e-5)


def test_given_validation_set_decides():
    X, Y = peaks(100)
    held = peaks(40, seed=3)
    model = MLP(**{**QUICK, "epochs": 100, "check_every": 5}).fit(X, Y, validation=held)
    epoch, _, loss = model.history_.T
    assert model.best_epoch_[0] == epoch[loss.argmin()]
    assert 1 - covered_variance(held[1], model.predict(held[0])) == pytest.approx(
        loss.min() * Y.var(axis=0).mean() / held[1].var(axis=0).mean(), rel=1e-3
    )


def test_weight_decay_shrinks():
    X, Y = peaks(80)
    settings = {**QUICK, "epochs": 60, "early_stopping": False}
    norms = [
        float(MLP(**settings, weight_decay=decay).fit(X, Y).network_.first.weight.detach().norm())
        for decay in (0, 1e-2, 1)
    ]
    assert norms[0] > norms[1] > norms[2]


def test_thread_count_is_given_back():
    X, Y = peaks(40)
    before = torch.get_num_threads()
    MLP(**{**QUICK, "epochs": 2}, threads=before + 1).fit(X, Y).predict(X)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    "settings", [{"widths": [8, 0]}, {"dropout": 1.0}, {"activation": "sine"}, {"patience": 0}]
)
def test_settings_out_of_bounds(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        MLP(**settings)


SEEDS = [0, 4, 1, 1]


# Networks of one seed see the same batches, which are picked once.
@pytest.mark.parametrize(
    ("optimiser", "seeds"),
    [("adam", SEEDS), ("adamw", SEEDS), ("rmsprop", SEEDS), ("sgd", SEEDS), ("adam", [3] * 4)],
)
@pytest.mark.parametrize("ensemble", [1, 2])
def test_networks_trained_together_are_those_trained_alone(optimiser, seeds, ensemble):
    X, Y = peaks(80)
    plain = {"width": 16, "depth": 2, "epochs": 3, "batch": 40, "optimiser": optimiser}
    own = [
        {"learning_rate": 1e-3, "weight_decay": 0.0},
        {"learning_rate": 5e-3, "weight_decay": 0.3, "ensemble": ensemble},
        {"learning_rate": 2e-3, "weight_decay": 1e-2},
        {"learning_rate": 2e-3, "weight_decay": 1e-2, "width": 8},
    ]
    own = [{**settings, "seed": seed} for settings, seed in zip(own, seeds, strict=True)]
    together = [MLP(**{**plain, **settings}) for settings in own]
    MLP.fit_many(together, X, Y, validation=peaks(20, seed=1))
    for settings, model in zip(own, together, strict=True):
        alone = MLP(**{**plain, **settings}).fit(X, Y, validation=peaks(20, seed=1))
        np.testing.assert_allclose(model.predict(X), alone.predict(X), atol=2e-4)
        np.testing.assert_allclose(model.history_, alone.history_, rtol=1e-3)
        assert model.predict(X).std() > 0.02
