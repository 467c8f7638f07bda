"""Structural sensitivity M(x), summed anew by a loop."""

from __future__ import annotations

import numpy as np

from xreg.core.interfaces import FeatureLabel
from xreg.plugins.decomposition.sensitivity import _axes, _draw, sensitivity


def spectra(x: np.ndarray) -> np.ndarray:
    energy = np.linspace(0, 10, 40)
    return np.exp(-((energy - 5 - x[:, :1]) ** 2)) + 0.3 * x[:, 1:2] ** 2 + 0.1 * x[:, 2:]


def test_m_is_the_distance_from_the_spectrum_of_the_centre_over_its_length() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    centre = np.array([0.1, -0.2, 0.3])
    middle = spectra(centre[None])[0]
    found = sensitivity(spectra, x, centre)
    for row, m in zip(x, found, strict=True):
        apart = sum((a - b) ** 2 for a, b in zip(spectra(row[None])[0], middle, strict=True))
        np.testing.assert_allclose(m, (apart / sum(b**2 for b in middle)) ** 0.5)
    assert sensitivity(spectra, centre[None], centre)[0] == 0
    assert sensitivity(spectra, x[:0], centre).shape == (0,)


def test_surfaces_of_three_features_are_drawn() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    labels = [FeatureLabel("long", "Å"), FeatureLabel("short", "Å"), FeatureLabel("angle", "°")]
    figure = _draw(
        _axes(x, 7),
        lambda grid: 2 * grid + 1,
        labels,
        {"M": lambda g: sensitivity(spectra, g, np.zeros(3)), "flat": lambda g: g[:, 0]},
    )
    assert [axis.get_title() for axis in figure.axes] == ["M", "flat"]
    assert figure.axes[0].get_zlabel() == "angle (°)"
