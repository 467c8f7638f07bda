"""The emulators ``mlp``, ``ridge`` and ``gp-features`` pass the suite of their kind."""

from __future__ import annotations

from xreg.core.testing import EmulatorSuite
from xreg.plugins.gp.on_features import GPFeatures
from xreg.plugins.mlp.mlp import MLP
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


class TestGPFeatures(EmulatorSuite):
    component = GPFeatures
