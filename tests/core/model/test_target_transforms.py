"""A target transform that is not affine is written in one file: as an exercise, a logarithm."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.data.samples import Parameters
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.preprocessing import Preprocessing
from xreg.core.model.target_transforms import TargetTransform
from xreg.plugins.polynomial.polynomial import Polynomial
from xreg.plugins.ridge.ridge import Ridge
from xreg.workbench.fit.network import network

ENERGY = np.linspace(0.0, 4.0, 5)


class Spread(Ridge):
    """A ridge regression that says 0.1 of every value."""

    def _predict(self, X):
        mean, _ = super()._predict(X)
        return mean, np.full_like(mean, 0.1)


@pytest.fixture
def logarithm(monkeypatch):
    changes = {
        "transform": lambda self, values: np.log(values),
        "inverse_transform": lambda self, values: np.exp(values),
        "inverse_transform_std": lambda self, std, mean: std * np.exp(mean),
        "torch_inverse": lambda self: torch.exp,
    }
    for name, change in changes.items():
        monkeypatch.setattr(TargetTransform, name, change)


def test_a_logarithm_reaches_predictions_spreads_and_fits(logarithm):
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, (60, 2))
    samples = Parameters([f"s{i}" for i in range(60)], values, ("a", "b"), ("eV", "eV"))
    spectra = np.exp(samples.values @ rng.normal(size=(2, 5)))  # a line in its logarithm
    pipeline = Pipeline(
        Spread(alpha=1e-9), Polynomial(degree=1), preprocessing=Preprocessing(targets="none")
    )
    model = pipeline.fit(samples, spectra, Target("xas", ENERGY))
    mean, std = model.predict(samples, return_std=True)
    np.testing.assert_allclose(mean, spectra, rtol=1e-4)
    np.testing.assert_allclose(std, 0.1 * mean)
    again, spread = model.predict_with_spread(model.inputs(samples))
    np.testing.assert_allclose(again, mean)
    np.testing.assert_allclose(spread, std)
    simulated = network(model).spectra(torch.as_tensor(samples.values))
    np.testing.assert_allclose(simulated.detach().numpy(), mean, rtol=1e-6)
