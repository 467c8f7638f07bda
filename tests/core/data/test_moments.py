"""Spectral moments against distributions whose moments are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from xreg.core.data.moments import moments_of, spectral_moments
from xreg.core.data.spectra import Channel
from xreg.core.errors import DataError


@pytest.mark.parametrize(
    "law", [stats.norm(520, 1.5), stats.gamma(3, 510, 1.2), stats.beta(2, 5, 505, 30)]
)
def test_moments_of_known_densities(law: stats.rv_continuous) -> None:
    energy = np.linspace(505, 545, 8001)
    known = law.stats("mvsk")
    mean, width, skewness, kurtosis = moments_of(energy, 3.7 * law.pdf(energy)[None])[0]
    assert mean == pytest.approx(known[0], abs=1e-6)
    assert width == pytest.approx(np.sqrt(known[1]), rel=1e-5)
    assert skewness == pytest.approx(known[2], abs=1e-4)
    assert kurtosis == pytest.approx(known[3], abs=1e-4)


@settings(max_examples=25)
@given(st.floats(-50, 50), st.floats(0.1, 10), st.integers(0, 1000))
def test_a_shift_moves_the_mean_alone_and_a_factor_changes_nothing(
    shift: float, factor: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    energy = np.sort(rng.uniform(500, 540, 60))
    spectra = rng.uniform(0.1, 1, (3, 60))
    plain, moved = moments_of(energy, spectra), moments_of(energy + shift, factor * spectra)
    np.testing.assert_allclose(moved, plain + np.array([shift, 0, 0, 0]), rtol=1e-7, atol=1e-7)


def test_what_is_no_density_has_no_moments() -> None:
    found = moments_of(np.arange(5.0), np.array([np.zeros(5), [0, 0, 1, 0, 0], np.ones(5)]))
    assert np.isnan(found[0]).all()
    assert found[1, 0] == 2
    assert np.isnan(found[1, 1:]).all(), "a single line has no width to divide by"
    assert np.isfinite(found[2]).all()


def test_each_window_gives_four_named_features() -> None:
    energy = np.linspace(0, 10, 101)
    channel = Channel(np.ones((2, 101)), energy)
    found = spectral_moments(channel, {"low": (0, 4), "high": (6, 10)})
    assert found.energy is None
    assert found.features[:4] == (
        "low mean (eV)", "low standard deviation (eV)", "low skewness", "low excess kurtosis",
    )  # fmt: skip
    np.testing.assert_allclose(found.intensity[0, [0, 4]], [2, 8], atol=1e-12)
    with pytest.raises(DataError, match=r"'high'.*beyond"):
        spectral_moments(channel, {"high": (6, 11)})
    with pytest.raises(DataError, match="already"):
        spectral_moments(found, {"low": (0, 4)})


def test_a_window_ends_where_it_says() -> None:
    energy = np.linspace(0, 10, 51)
    channel = Channel(3 + 2 * np.stack([energy, 10 - energy]), energy)  # straight: any grid is true
    low, high = 2.07, 7.93
    fine = np.linspace(low, high, 100_001)
    exact = moments_of(fine, 3 + 2 * np.stack([fine, 10 - fine]))
    found = spectral_moments(channel, {"w": (low, high)}).intensity
    np.testing.assert_allclose(found, exact, atol=5e-3)
    inside = channel.window(low, high)
    assert inside.energy is not None
    narrowed = moments_of(inside.energy, inside.intensity)
    assert (np.abs(narrowed - exact)[:, :2] > 1e-2).any(), "the points inside alone are another"
    whole = spectral_moments(channel, {"w": (0, 10)}).intensity
    np.testing.assert_array_equal(whole, moments_of(energy, channel.intensity))
    with pytest.raises(DataError, match="fewer than two points"):
        spectral_moments(channel, {"w": (2.01, 2.3)})
