"""The decomposers ``eca`` and ``pca`` pass the suite of their kind."""

from __future__ import annotations

from xreg.core.testing import DecomposerSuite
from xreg.plugins.eca.eca import ECA
from xreg.plugins.pca.pca import PCA


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
