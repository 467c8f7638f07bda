"""How far one spectrum stands from another along the energy."""

from __future__ import annotations

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError

__all__ = ["misalignment"]

STEP = 0.1
"""Steps in which shifts are tried, in eV, before the best is refined."""


def misalignment(energy: Array, predicted: Array, known: Array, reach: float) -> Array:
    """Return by how much each predicted spectrum stands too high in energy, in eV.

    It is the shift that lays the known spectrum best on the predicted one, by least squares with a
    free scale; the energies within ``reach`` of the ends are left out of the comparison.

    Parameters
    ----------
    energy
        (m,) energies in eV.
    predicted, known
        (n, m) spectra.
    reach
        Largest shift in eV.

    Raises
    ------
    DataError
        If the energies do not span four times the reach.
    """
    inner = (energy >= energy[0] + reach) & (energy <= energy[-1] - reach)
    if energy[-1] - energy[0] < 4 * reach or inner.sum() < 8:
        raise DataError(
            f"spectra over {energy[-1] - energy[0]:g} eV are too short to look for shifts of up to "
            f"{reach:g} eV."
        )
    at, shifts = energy[inner], np.arange(-reach, reach + STEP / 2, STEP)
    errors = np.empty((len(predicted), len(shifts)))
    for j, shift in enumerate(shifts):
        moved = np.array([np.interp(at + shift, energy, row) for row in predicted])
        scale = (moved * known[:, inner]).sum(axis=1) / np.maximum((moved**2).sum(axis=1), 1e-300)
        errors[:, j] = np.square(scale[:, None] * moved - known[:, inner]).sum(axis=1)
    best = errors.argmin(axis=1)
    middle = np.clip(best, 1, len(shifts) - 2)
    rows = np.arange(len(best))
    left, here, right = (errors[rows, middle + k] for k in (-1, 0, 1))
    bend = left - 2 * here + right
    fine = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1), 0.0)
    return np.where(best == middle, shifts[middle] + STEP * np.clip(fine, -1, 1), shifts[best])
