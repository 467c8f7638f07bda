"""Matched peaks against Lorentzians whose places, heights and shifts are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.plugins.xanes.peaks import find_peaks, match_peaks, peak_scores, smoothed

# Coarser at the end than at the beginning, as spectra of real beamlines are.
ENERGY = np.concatenate([np.arange(0.0, 30, 0.2), np.arange(30, 60.01, 0.5)])


def lorentzians(centres, heights, width=1.0) -> np.ndarray:
    lines = [h / (1 + ((ENERGY - c) / width) ** 2) for c, h in zip(centres, heights, strict=True)]
    return np.sum(lines, axis=0)


def test_tops_lie_between_grid_points_as_the_parabola_says():
    spectrum = 4 - 0.1 * (ENERGY - 31.17) ** 2
    energy, height = find_peaks(ENERGY, spectrum, 0.1)
    assert energy == pytest.approx([31.17])
    assert height == pytest.approx([4.0])
    energy, height = find_peaks(ENERGY, lorentzians([10.07, 40.1], [1, 2]), 0.1)
    assert energy == pytest.approx([10.07, 40.1], abs=0.02)
    assert height == pytest.approx([1, 2], rel=0.02)


def test_a_flat_top_stays_where_it_is():
    spectrum = np.minimum(1 - np.abs(ENERGY - 10) / 10, 0.95)
    energy, height = find_peaks(ENERGY, spectrum, 0.1)
    assert energy == pytest.approx([10.0])
    assert height == pytest.approx([0.95])


def test_known_shifts_and_heights_come_back():
    true = np.stack([lorentzians([10, 20, 40], [1, 0.7, 0.5]), lorentzians([15, 30], [1, 0.4])])
    shifted = [
        lorentzians([10.5, 20.5, 40.5], [1.2, 0.9, 0.7]),
        lorentzians([14.5, 29.5], [1, 0.4]),
    ]
    found = match_peaks(ENERGY, true, np.stack(shifted))
    assert found.known.tolist() == [3, 2]
    assert found.row.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_allclose(found.shift, [0.5, 0.5, 0.5, -0.5, -0.5], atol=0.02)
    np.testing.assert_allclose(found.intensity[:3, 1] - found.intensity[:3, 0], 0.2, atol=0.02)
    scores = peak_scores(found)
    assert scores["hit_rate"] == 100
    assert scores["false_rate"] == 0
    assert scores["energy"]["mean_error"] == pytest.approx(0.5, abs=0.01)
    assert scores["energy"]["mean_shift"] == pytest.approx(0.1, abs=0.01)
    assert scores["energy"]["sigma"] == pytest.approx(np.sqrt(0.25 - 0.01), abs=0.01)
    places = found.energy[:, 0]
    expected = 1 - 5 * 0.25 / np.sum((places - places.mean()) ** 2)
    assert scores["energy"]["r2"] == pytest.approx(expected, rel=1e-3)


def test_what_is_out_of_reach_or_missing_is_no_hit():
    true = lorentzians([10, 30], [1, 1])[None]
    found = match_peaks(ENERGY, true, lorentzians([10, 36, 50], [1, 1, 1])[None], tolerance=3.0)
    scores = peak_scores(found)
    assert (scores["peaks"], scores["matched"]) == (2, 1)
    assert scores["hit_rate"] == 50
    assert scores["false_rate"] == pytest.approx(200 / 3)
    assert scores["intensity"]["r2"] is None  # of one pair
    far = match_peaks(ENERGY, true, lorentzians([10, 36, 50], [1, 1, 1])[None], tolerance=7.0)
    np.testing.assert_allclose(far.shift, [0, 6], atol=0.05)


def test_as_many_pairs_as_possible_come_before_short_ones():
    # The nearest partner of the first true peak is the only one of the second.
    true, guess = lorentzians([10, 15], [1, 1], 0.5), lorentzians([7, 12], [1, 1], 0.5)
    found = match_peaks(ENERGY, true[None], guess[None], tolerance=3.5)
    np.testing.assert_allclose(found.energy, [[10, 7], [15, 12]], atol=0.1)


def test_prominence_is_that_of_the_true_spectrum_for_both():
    true = lorentzians([10, 40], [1, 0.05])[None]
    assert match_peaks(ENERGY, true, true, prominence=0.02).known.tolist() == [2]
    found = match_peaks(ENERGY, true, 0.5 * true, prominence=0.04)
    assert (found.known.tolist(), found.predicted.tolist()) == ([2], [1])


def test_a_prominent_peak_may_have_a_fainter_partner():
    true, guess = lorentzians([10, 40], [1, 0.06])[None], lorentzians([10, 40], [1, 0.04])[None]

    def judged(known, predicted, partner):
        found = match_peaks(ENERGY, known, predicted, prominence=0.05, partner=partner)
        return peak_scores(found)["hit_rate"], peak_scores(found)["false_rate"]

    assert judged(true, guess, partner=0.5) == (100, 0)
    assert judged(true, guess, partner=1.0) == (50, 0)  # one threshold for both
    assert judged(guess, true, partner=0.5) == (100, 0)  # nor is it a false one
    assert judged(guess, true, partner=1.0) == (100, 50)
    assert judged(true, 0.3 * true, partner=0.5) == (50, 0)  # too faint after all


def test_smoothing_widens_a_gaussian_as_it_should_on_any_grid():
    def line(variance: float) -> np.ndarray:
        return np.exp(-((ENERGY - 30) ** 2) / (2 * variance)) / np.sqrt(variance)

    narrow, wide = line(1.5**2), line(1.5**2 + 2.0**2)
    np.testing.assert_allclose(smoothed(ENERGY, narrow[None], 2.0)[0], wide, atol=2e-3)
    np.testing.assert_array_equal(smoothed(ENERGY, narrow[None], 0.0)[0], narrow)
    np.testing.assert_allclose(smoothed(ENERGY, np.ones((1, len(ENERGY))), 3.0), 1.0)


def test_spectra_without_peaks_have_no_scores():
    scores = peak_scores(match_peaks(ENERGY, ENERGY[None], np.zeros((1, len(ENERGY)))))
    assert scores["hit_rate"] is None
    assert scores["false_rate"] is None
    assert scores["energy"]["mean_error"] is None


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.1, 8))
def test_a_spectrum_matches_itself_and_pairs_stay_within_reach(seed, tolerance):
    rng = np.random.default_rng(seed)
    true, guess = rng.normal(size=(2, 4, len(ENERGY))).cumsum(axis=2)
    same = match_peaks(ENERGY, true, true, tolerance=tolerance)
    assert len(same.row) == same.known.sum()
    np.testing.assert_array_equal(same.shift, 0)
    found = match_peaks(ENERGY, true, guess, tolerance=tolerance)
    assert np.abs(found.shift).max(initial=0) <= tolerance
    for row in range(4):
        for side in (0, 1):
            energies = found.energy[found.row == row, side]
            assert len(np.unique(energies)) == len(energies)
