"""Δμ against values worked out by hand and by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from xreg.core.data.broadening import arctangent_broadened
from xreg.plugins.xanes.relative_error import (
    distribution,
    error_quantiles,
    percentile_rows,
    relative_error,
)


def test_the_median_over_energies_of_the_ratio():
    known = np.array([[1.0, 2, 4, 5], [1, 1, 1, 1]])
    guess = np.array([[1.1, 2.4, 4, 4], [1, 1, 1, 9]])
    np.testing.assert_allclose(relative_error(known, guess), [15.0, 0.0])


def test_below_the_edge_ratios_do_not_count():
    known = np.array([[0.0, 1e-6, 1e-6, 1.0, 1.0]])
    guess = known + 0.1
    assert relative_error(known, guess, 0.01) == pytest.approx([10.0])
    # Without a floor only zero is left out: two of four ratios are a hundred thousand.
    assert relative_error(known, guess)[0] == pytest.approx(100 * (0.1 + 1e5) / 2)
    assert np.isnan(relative_error(-known, guess)[0])


def test_the_scale_of_a_spectrum_does_not_matter():
    rng = np.random.default_rng(0)
    known, guess = rng.uniform(0.1, 1, (2, 5, 40))
    expected = relative_error(known, guess, 0.2)
    np.testing.assert_allclose(relative_error(7 * known, 7 * guess, 0.2), expected)


def test_the_distribution_is_that_of_finite_values():
    values = np.random.default_rng(0).lognormal(size=500)
    found = distribution([*values, np.nan])
    assert found["skewness"] == pytest.approx(stats.skew(values))
    assert found["median"] == pytest.approx(np.median(values))
    quartiles = (found["lower_quartile"], found["upper_quartile"])
    assert quartiles == pytest.approx(tuple(np.percentile(values, [25, 75])))
    assert distribution([2.0, 2.0])["skewness"] == 0


def test_bands_and_examples_stand_at_their_percentiles():
    errors = np.arange(101.0)[::-1]
    assert percentile_rows([*errors, np.nan], (10, 50, 90)) == [90, 50, 10]
    bands = error_quantiles(np.zeros((101, 1)), errors[:, None])
    np.testing.assert_allclose(bands[:, 0], [5, 25, 50, 75, 95])


def test_broadening_before_the_score_is_that_of_a_sum() -> None:
    """Anew: FDMNES' arctangent width, and a Lorentzian summed over a fine grid."""
    grid = np.arange(7100.0, 7161.0, 0.5)
    rng = np.random.default_rng(0)
    bumps = np.exp(-((grid - rng.uniform(7115, 7140, (3, 1))) ** 2) / 8)
    spectra = np.where(grid > 7112, 1.0, 0.0) + bumps
    found = arctangent_broadened(grid, spectra, 7112.0, 1.25, 15.0, 30.0, 30.0)
    fine = np.arange(7112.0, 9500.0, 0.01)
    for at in (30, 60, 90):
        e = max((grid[at] - 7112) / 30, 1e-9)
        width = 1.25
        if grid[at] > 7112:
            width += 15 * (0.5 + np.arctan(np.pi / 3 * 15 / 30 * (e - 1 / e**2)) / np.pi)
        kernel = width / 2 / np.pi / ((fine - grid[at]) ** 2 + (width / 2) ** 2)
        for row, got in zip(spectra, found, strict=True):
            want = np.trapezoid(np.interp(fine, grid, row) * kernel, fine)
            assert got[at] == pytest.approx(want, abs=3e-3)
