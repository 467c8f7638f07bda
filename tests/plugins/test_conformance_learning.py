"""The emulators and decomposers of this repository keep what every such component promises."""

from __future__ import annotations

from xreg.core.testing import DecomposerSuite, EmulatorSuite
from xreg.plugins.eca.eca import ECA
from xreg.plugins.mlp.mlp import MLP
from xreg.plugins.pca.pca import PCA
from xreg.plugins.ridge.ridge import Ridge

SMALL = {"width": 16, "depth": 2, "epochs": 60, "batch": 40, "learning_rate": 0.01}


class TestMLP(EmulatorSuite):
    component = MLP
    settings = SMALL


class TestMLPEnsemble(EmulatorSuite):
    component = MLP
    settings = {
        **SMALL,
        "ensemble": 3,
        "batch_norm": True,
        "dropout": 0.1,
        "activation": "relu",
        "loss": "mse",
    }


class TestRidge(EmulatorSuite):
    component = Ridge


class TestECA(DecomposerSuite):
    component = ECA
    constant = 0.4
    settings = {"starts": 5}


class TestECAAdam(DecomposerSuite):
    component = ECA
    settings = {"starts": 5, "optimiser": "adam", "batch": 40, "epochs": 60}


class TestPCA(DecomposerSuite):
    component = PCA
    constant = 0.4
