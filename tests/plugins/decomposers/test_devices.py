"""Decomposers that train or search: on a GPU they find what they find on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.errors import ConfigError
from xreg.core.nn.view import AffineView
from xreg.plugins.eca.eca import ECA
from xreg.plugins.ednn.ednn import EDNN
from xreg.plugins.mlp.mlp import MLP
from xreg.plugins.networks.networks import DNN
from xreg.plugins.nnca.nnca import NNCA
from xreg.plugins.ridge.ridge import Ridge
from xreg_tests.pretended import gpu

__all__ = ["gpu"]

SHORT = {"epochs": 4, "check_every": 2, "batch": 20, "starts": 3, "width": 8, "depth": 1}
EMULATORS = {
    "mlp": (MLP, {"width": 8, "epochs": 40}),
    "dnn": (DNN, {"dense": (8,), "neurons": 8, "layers": 1, "epochs": 40}),
    "ridge": (Ridge, {}),
}


@pytest.fixture(scope="module")
def data():
    draw = np.random.default_rng(3)
    X = draw.normal(size=(40, 5))
    Y = np.tanh(X @ draw.normal(size=(5, 4)))
    return X, (Y - Y.mean(axis=0)) / Y.std()


@pytest.mark.parametrize("settings", [{}, {"nested": False, "early_stopping": False}])
def test_ednn(gpu, data, settings):
    here = EDNN(**SHORT, **settings, device="cpu").fit(*data)
    with gpu() as pretended:
        there = EDNN(**SHORT, **settings, device="cuda").fit(*data)
        assert pretended is None or pretended.operations > 100
    compare(here, there, data[0])


def test_nnca(gpu, data):
    here = NNCA(**SHORT, device="cpu").fit(*data)
    with gpu():
        there = NNCA(**SHORT, device="cuda").fit(*data)
    compare(here, there, data[0])


@pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
@pytest.mark.parametrize("name", EMULATORS)
def test_eca(gpu, data, name, optimiser):
    component, own = EMULATORS[name]
    emulator = component(**own).fit(*data)
    settings = {"starts": 4, "batch": 30, "epochs": 8, "optimiser": optimiser}
    here = ECA(**settings, device="cpu").fit(*data, emulator)
    with gpu() as pretended:
        there = ECA(**settings, device="cuda").fit(*data, emulator)
        assert pretended is None or pretended.operations > 100
    compare(here, there, data[0])
    np.testing.assert_allclose(there.covered_variance_, here.covered_variance_, atol=1e-4)


def compare(here, there, X):
    t = here.transform(X)
    np.testing.assert_allclose(there.transform(X), t, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(there.decode(t), here.decode(t), rtol=1e-3, atol=1e-3)


class Elsewhere(Ridge):
    """An emulator whose view knows nothing of GPUs, as a plugin may have."""

    def torch_view(self):
        weight, bias = torch.tensor(self.coefficients_), torch.tensor(self.intercept_)
        return AffineView(weight, bias, lambda z: z + torch.zeros(z.shape[-1]))


def test_eca_with_an_emulator_that_stays_on_the_cpu(monkeypatch, data):
    emulator = Elsewhere().fit(*data)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("xreg.core.nn.devices.AUTO_PRODUCTS", 1)
    ECA(device="auto").fit(*data, emulator)
    with pytest.raises(ConfigError, match="'ridge' computes on the CPU alone; set device to auto"):
        ECA(device="cuda").fit(*data, emulator)


@pytest.mark.parametrize("component", [EDNN, NNCA, ECA])
def test_without_a_gpu(monkeypatch, data, component):
    emulator = Ridge().fit(*data)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    settings = {"starts": 1, "epochs": 2}
    with pytest.raises(ConfigError, match=r"there is no GPU here.*set device to auto or cpu\.$"):
        component(**settings, device="cuda").fit(*data, emulator)
    auto, cpu = (
        component(**settings, device=choice).fit(*data, emulator) for choice in ("auto", "cpu")
    )
    np.testing.assert_array_equal(auto.transform(data[0]), cpu.transform(data[0]))
