"""The emulators of L-edge spectra."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.data.samples import Parameters
from xreg.core.errors import ConfigError, DataError
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.preprocessing import Preprocessing
from xreg.core.testing import EmulatorSuite
from xreg.plugins.networks.architecture import PReLU
from xreg.plugins.networks.networks import CNN, DNN, LCNN, SCNN, SDNN, SLCNN, STCNN, TCNN
from xreg.plugins.polynomial.polynomial import Polynomial

SMALL = {"dense": (20, 12), "layers": 2, "epochs": 20, "batch": 40, "learning_rate": 0.01}
SEQUENCE = {**SMALL, "positions": 6, "filters": 4, "kernel": 3}
EVERY = {
    DNN: {**SMALL, "neurons": 16},
    SDNN: {**SMALL, "neurons": 16},
    **{kind: SEQUENCE for kind in (CNN, TCNN, LCNN, SCNN, STCNN, SLCNN)},
}


class TestDNN(EmulatorSuite):
    component = DNN
    settings = {**EVERY[DNN], "precision": "bfloat16"}


class TestTCNN(EmulatorSuite):
    component = TCNN
    settings = {**SEQUENCE, "activation": "relu", "optimiser": "rmsprop", "loss": "mse"}


class TestSLCNN(EmulatorSuite):
    component = SLCNN
    settings = {**SEQUENCE, "ensemble": 2}


class TestResidual(EmulatorSuite):
    component = SDNN
    settings = {**EVERY[SDNN], "layers": 3, "residual": True, "ensemble": 2}


class TestNonNegative(EmulatorSuite):
    component = SDNN
    settings = {**EVERY[SDNN], "non_negative": True}
    waive = {"refit": "the check's first fit has negative targets, which are refused"}

    def data(self):
        X, Y = super().data()
        return X, Y**2


def lines(n=300, seed=0, width=1.0):
    """Return parameters and spectra of two well separated lines, zero far from them."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(-width, width, (n, 3))
    energy = np.linspace(0, 20, 41)
    centres = 5 + values[:, :1], 15 + values[:, 1:2]
    first, second = (np.exp(-((energy - centre) ** 2)) for centre in centres)
    Y = first + (1 + 0.5 * values[:, 2:]) * second
    samples = Parameters([f"{seed}-{i}" for i in range(n)], values, ("a", "b", "c"), ("eV",) * 3)
    return samples, np.maximum(Y, 0), energy


def model(emulator, scaling="box"):
    samples, Y, energy = lines()
    preprocessing = Preprocessing(targets=scaling)
    pipeline = Pipeline(emulator, Polynomial(degree=2), preprocessing=preprocessing)
    return pipeline.fit(samples, Y, Target("xas", energy))


@pytest.mark.parametrize("kind", [SDNN, CNN, TCNN, SLCNN])
def test_networks_learn_spectra_through_the_pipeline(kind):
    settings = {"epochs": 60, "neurons": 32} if "neurons" in EVERY[kind] else {"epochs": 60}
    fitted = model(kind(**{**EVERY[kind], **settings}))
    samples, Y, _ = lines(seed=1)
    known, guess = Y - Y.mean(axis=0), fitted.predict(samples) - Y
    assert (guess**2).sum() < 0.02 * (known**2).sum()


@pytest.mark.parametrize("scaling", ["box", "global", "channel", "none"])
def test_intensity_is_never_negative_even_far_outside(scaling):
    far, _, _ = lines(seed=2, width=8.0)
    free = model(DNN(**EVERY[DNN]), scaling)
    assert free.predict(far).min() < 0
    bound = model(DNN(**EVERY[DNN], non_negative=True), scaling)
    assert bound.predict(far).min() >= -1e-7


def test_negative_targets_are_refused_where_the_output_cannot_be():
    X = np.random.default_rng(0).normal(size=(30, 3))
    Y = np.ones((30, 2))
    Y[4, 1] = -0.5
    with pytest.raises(DataError, match="target 4 is below zero intensity in channel 1"):
        DNN(**EVERY[DNN], non_negative=True).fit(X, Y)


def test_parts_meet_between_the_edges():
    _, Y, energy = lines()
    X = np.zeros((len(Y), 2))
    emulator = SDNN(**{**EVERY[SDNN], "epochs": 1}).fit(X, Y)
    assert sum(emulator.parts_) == len(energy)
    assert 8 < energy[emulator.parts_[0]] < 12
    assert SDNN(**{**EVERY[SDNN], "epochs": 1}, border=13).fit(X, Y).parts_ == [13, 28]
    with pytest.raises(ConfigError, match="border 41 leaves no channel of 41"):
        SDNN(**EVERY[SDNN], border=41).fit(X, Y)


def test_subnetworks_share_the_dense_layers_alone():
    _, Y, _ = lines()
    X = np.random.default_rng(0).normal(size=(len(Y), 2))
    emulator = SLCNN(**{**SEQUENCE, "epochs": 1}, border=20).fit(X, Y)
    out = emulator.network_(torch.tensor(X[:1], dtype=torch.float32))[0, 0]
    names = dict(emulator.network_.named_parameters())
    for part, other in ((0, 1), (1, 0)):
        weights = [w for name, w in names.items() if name.startswith(f"rows.{other}.")]
        own = out[:20] if part == 0 else out[20:]
        assert weights
        assert all(not g.any() for g in torch.autograd.grad(own.sum(), weights, retain_graph=True))
    shared = [w for name, w in names.items() if name.startswith("shared.")]
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(out.sum(), shared))


def test_published_sizes():
    X, Y = np.zeros((3, 219)), np.random.default_rng(0).uniform(size=(3, 501))
    once = {"epochs": 1, "early_stopping": False}
    weights = [p.numel() for p in DNN(**once).fit(X, Y).network_.parameters()]
    dense = (219 * 260 + 260) + (260 * 160 + 160) + (160 * 1000 + 1000)
    assert sum(weights) == dense + 4 * (1000 * 1000 + 1000) + 1000 * 501 + 501
    local = LCNN(**once, layers=1, positions=160, filters=3, kernel=25).fit(X, Y).network_
    assert local.rows[0][1].weight.shape == (1, 160, 25, 1, 3)
    grown = TCNN(**once, layers=3, positions=40, filters=2, kernel=7).fit(X, Y).network_
    assert grown.last[0].weight.shape == (1, (40 + 3 * 6) * 2, 501)


@pytest.mark.parametrize("kind", [DNN, LCNN, CNN])
def test_residual_layers_add_to_their_input(kind):
    """Of three layers whose last two give nothing, the first alone is left."""
    samples, Y, _ = lines(40)
    X = np.asarray(samples.values)
    emulator = kind(**{**EVERY[kind], "layers": 3, "epochs": 3}, residual=True).fit(X, Y)
    network, first = emulator.network_, kind(**{**EVERY[kind], "layers": 1, "epochs": 1}).fit(X, Y)
    kept = {}
    for name, value in network.state_dict().items():
        if ".layer." in name:
            value.zero_()
        else:
            kept[name] = value.clone()
    assert len(kept) < len(network.state_dict())
    first.network_.load_state_dict(kept)
    np.testing.assert_array_equal(emulator.predict(X), first.predict(X))


def test_layers_that_lengthen_the_sequence_refuse_to_add():
    with pytest.raises(ConfigError, match="set residual to false"):
        TCNN(**SEQUENCE, residual=True).fit(np.zeros((9, 2)), np.eye(9))


def test_positions_must_divide_the_neurons_before():
    with pytest.raises(ConfigError, match="7 positions do not divide the 12 neurons"):
        LCNN(**{**SEQUENCE, "positions": 7}).fit(np.zeros((9, 2)), np.eye(9))


def test_ensemble_is_separate_networks():
    samples, Y, _ = lines(80)
    X, held = np.asarray(samples.values), (np.asarray(samples.values)[:20], Y[:20])
    for kind in (SLCNN, DNN):
        settings = {**EVERY[kind], "epochs": 10}
        together = kind(**settings, ensemble=2, seed=3).fit(X, Y, validation=held)
        alone = [kind(**settings, seed=3 + i).fit(X, Y, validation=held) for i in range(2)]
        mean, std = together.predict(X, return_std=True)
        each = np.array([emulator.predict(X) for emulator in alone])
        np.testing.assert_allclose(mean, each.mean(axis=0), atol=2e-5)
        np.testing.assert_allclose(std, each.std(axis=0, ddof=1), atol=2e-5)


@pytest.mark.parametrize("kind", [DNN, SLCNN, TCNN])
def test_view_has_true_gradients(kind):
    samples, Y, _ = lines(60)
    emulator = kind(**{**EVERY[kind], "epochs": 5}).fit(np.asarray(samples.values), Y)
    view = emulator.torch_view()
    x = torch.tensor(np.asarray(samples.values[:3]), requires_grad=True)
    assert torch.autograd.gradcheck(view, (x,))
    forward = torch.func.jacfwd(lambda row: view(row[None])[0])(x[0].detach())
    torch.testing.assert_close(forward, torch.func.jacrev(lambda r: view(r[None])[0])(x[0]))


def test_prelu_learns_one_slope_a_layer_and_network() -> None:
    x = torch.tensor([[[-2.0, 3.0]], [[-1.0, -4.0]]])
    layer = PReLU(2)
    with torch.no_grad():
        layer.slope.copy_(torch.tensor([0.5, 0.1]))
    assert layer(x).tolist() == [[[-1.0, 3.0]], [[pytest.approx(-0.1), pytest.approx(-0.4)]]]
    samples, spectra, _ = lines(60)
    values = samples.values
    small = {**SMALL, "neurons": 8, "ensemble": 2, "epochs": 5}
    found = DNN(**small, activation="prelu").fit(values, spectra)
    slopes = [p for name, p in found.network_.named_parameters() if name.endswith("slope")]
    assert len(slopes) == 4  # two shared dense layers, two characteristic ones
    assert all(p.shape == (2,) and (p != 0.25).all() for p in slopes)


def test_swish_is_silu() -> None:
    samples, spectra, _ = lines(60)
    values = samples.values
    small = {**SMALL, "neurons": 8, "epochs": 3}
    one, other = (DNN(**small, activation=a).fit(values, spectra) for a in ("swish", "silu"))
    np.testing.assert_array_equal(one.predict(values), other.predict(values))


@pytest.mark.parametrize("kind", [DNN, SDNN, CNN, TCNN, LCNN, SLCNN])
def test_the_size_is_that_of_the_network_that_is_trained(kind) -> None:
    samples, spectra, _ = lines(60)
    emulator = kind(**{**EVERY[kind], "epochs": 1}).fit(samples.values, spectra)
    weights = sum(p.numel() for p in emulator.network_.parameters())
    parameters, products = emulator.size(3, spectra.shape[1])
    # Where a spectrum is divided is learned: L3 and L2 may have other shares of the last layer.
    assert parameters == pytest.approx(weights, rel=0.05)
    assert products >= 0.8 * parameters


def test_the_published_network_is_planned_without_memory() -> None:
    parameters, products = SLCNN(layers=7, filters=165, kernel=25).size(219, 501)
    first, other = 40 * 25 * 4 * 165, 6 * 40 * 25 * 165 * 165  # of one part: seven layers
    dense = 219 * 260 + 260 * 160
    last = 40 * 165 * 501 / 2  # of one part
    assert products == pytest.approx(2 * (first + other + last) + dense)
    assert parameters > products
