"""Shift, broadening and scale are found again; a correction only where held-out groups gain."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.errors import DataError
from xreg.core.model.transfer.alignment import misalignment
from xreg.core.model.transfer.calibration import calibrate
from xreg.core.model.transfer.correction import Correction
from xreg.core.model.transfer.instrument import Instrument

ENERGY = np.arange(7100.0, 7160.0, 0.8)
DONE = Instrument(1.7, 2.0, 0.9)
REACH = 4.0


def spectra(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    edge, line = 7115 + random.normal(size=(count, 1)), 0.3 + 0.2 * random.normal(size=(count, 1))
    steps = 0.5 + np.arctan((ENERGY - edge) / 1.5) / np.pi
    return steps + line * np.exp(-(((ENERGY - edge - 6) / 3) ** 2))


def test_the_instrument_is_found_again() -> None:
    predicted = spectra(9)
    known = predicted @ DONE.matrix(ENERGY).T
    found = Instrument.fit(ENERGY, predicted, known, REACH)
    np.testing.assert_allclose(list(vars(found).values()), [1.7, 2.0, 0.9], atol=0.02)


def test_a_flat_spectrum_stays_flat_and_nothing_is_done_by_nothing() -> None:
    np.testing.assert_allclose(DONE.matrix(ENERGY) @ np.ones(len(ENERGY)), 0.9)
    np.testing.assert_allclose(Instrument().matrix(ENERGY), np.eye(len(ENERGY)))


def test_misalignment_has_the_sign_of_the_prediction() -> None:
    known = spectra(4)
    moved = known @ Instrument(1.3).matrix(ENERGY).T
    np.testing.assert_allclose(misalignment(ENERGY, moved, known, REACH), 1.3, atol=0.05)
    with pytest.raises(DataError, match="too short to look for shifts"):
        misalignment(ENERGY, moved, known, 20.0)


def test_without_a_reason_there_is_no_correction() -> None:
    predicted = spectra(16)
    noise = 0.01 * np.random.default_rng(1).normal(size=predicted.shape)
    known = predicted @ DONE.matrix(ENERGY).T + noise
    found, held = calibrate(ENERGY, predicted, known, np.arange(16) // 2, REACH)
    after = np.abs(held.shift_after).mean()
    assert after < 0.1 * np.abs(held.shift_before).mean()
    assert found.correction is None or held.rms_after.mean() < 0.012


def test_what_follows_the_shape_is_corrected() -> None:
    """An edge that moves with the height of the white line is no shift of all spectra."""
    predicted = spectra(32)
    height = predicted.max(axis=1)
    each = [Instrument(2.0 + 3 * (h - height.mean())).matrix(ENERGY) for h in height]
    known = np.array([matrix @ row for matrix, row in zip(each, predicted, strict=True)])
    groups = np.arange(32) // 2
    plain, held = calibrate(ENERGY, predicted, known, groups, REACH, correct=False)
    found, corrected = calibrate(ENERGY, predicted, known, groups, REACH)
    assert plain.correction is None
    assert found.correction is not None
    assert np.abs(corrected.shift_after).mean() < 0.5 * np.abs(held.shift_after).mean()
    assert "linear correction along" in found.in_words()


def test_a_correction_is_a_linear_map() -> None:
    predicted, known = spectra(12), spectra(12, seed=3)
    found = Correction.fit(predicted, known, 3, 0.01)
    want = predicted + found.offset
    want += ((predicted - found.mean) @ found.components.T) @ found.slopes
    np.testing.assert_allclose(predicted @ found.matrix.T + found.constant, want)


@pytest.mark.parametrize("groups", [[0, 1], [0, 0, 0, 0]])
def test_too_few(groups: list[int]) -> None:
    predicted = spectra(len(groups))
    with pytest.raises(DataError, match="are too few to calibrate; 3 of two groups are needed"):
        calibrate(ENERGY, predicted, predicted, np.array(groups), REACH)


@pytest.mark.parametrize("width", [1.6, 2.4, 4.0])
def test_a_line_is_as_much_wider_as_the_broadening_says(width: float) -> None:
    """A Gaussian of 4 eV becomes one of (4² + width²)^½, and keeps its area."""
    wide = np.hypot(4.0, width)
    lines = [np.exp(-4 * np.log(2) * ((ENERGY - 7130) / w) ** 2) / w for w in (4.0, wide)]
    made = Instrument(broadening=width).matrix(ENERGY) @ lines[0]
    np.testing.assert_allclose(made, lines[1], atol=1e-3 * lines[1].max())
