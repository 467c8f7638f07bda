"""Shifts of spectra that are known."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.emulators.registration import aligned, register
from xreg.core.errors import DataError

REACH = 12


def edges(n=60, seed=0):
    """Edges with a line above, moved by whole channels, and the movement."""
    rng = np.random.default_rng(seed)
    shifts = rng.integers(-8, 9, n)
    x = np.arange(100.0) - 45 - shifts[:, None]
    heights = rng.uniform(0.8, 1.2, (n, 1))
    return 1 / (1 + np.exp(-x / 3)) + heights * np.exp(-((x - 8) ** 2) / 20), shifts


def test_shifts_are_found_up_to_a_common_one():
    spectra, shifts = edges()
    found = register(spectra, REACH)
    assert np.abs(found).max() <= REACH
    apart = found - shifts
    assert np.abs(apart - np.median(apart)).max() <= 1
    assert np.mean(apart == np.median(apart)) > 0.9


def test_aligned_spectra_agree_and_can_be_put_back():
    spectra, shifts = edges()
    free = aligned(spectra, shifts, REACH)
    assert free.shape == (60, 100 + 2 * REACH)
    assert free.std(axis=0).max() < 0.6 * spectra.std(axis=0).max()
    for y, wide, s in zip(spectra, free, shifts, strict=True):
        inside = np.arange(max(0, s), min(100, 100 + s))
        np.testing.assert_array_equal(wide[inside + REACH - s], y[inside])


def test_ends_are_held():
    y = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(aligned(y, np.array([1]), 2), [[1, 1, 2, 3, 3, 3, 3]])


@pytest.mark.parametrize("reach", [0, 100])
def test_a_reach_beyond_the_spectrum_is_refused(reach):
    with pytest.raises(DataError, match=f"by up to {reach} channels"):
        register(edges()[0], reach)
