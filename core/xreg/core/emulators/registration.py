"""Registration of spectra: the rigid shift that lays each one over the others.

The energy of an edge follows the chemistry of the whole sample (oxidation state, Fermi level), its
shape the surroundings of the site. Told apart, both are easier to learn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.arrays import Array
from xreg.core.errors import DataError

__all__ = ["aligned", "put_back", "register"]

ROUNDS = 4


def register(spectra: ArrayLike, reach: int) -> NDArray[np.int64]:
    """Return by how many channels each spectrum stands above the common reference.

    Each spectrum is moved to where it differs least from the mean, then the mean is taken anew
    (generalised Procrustes analysis for shifts alone; Ramsay & Li, J. R. Stat. Soc. B 60, 351
    (1998)).

    Parameters
    ----------
    spectra
        (n, m) intensities on one grid of equal steps.
    reach
        Largest shift, in channels.

    Returns
    -------
    array
        (n,) shifts from -reach to reach.
    """
    y = np.asarray(spectra, dtype=np.float64)
    if y.ndim != 2 or not 0 < reach < y.shape[1]:
        raise DataError(
            f"registration by up to {reach} channels needs spectra with more channels than that; "
            f"got an array of shape {y.shape}."
        )
    steps = np.arange(-reach, reach + 1)
    shifts = np.zeros(len(y), dtype=np.int64)
    for _ in range(ROUNDS):
        centred = shifts - round(float(shifts.mean()))
        reference = _moved(y, np.clip(centred, -reach, reach)).mean(axis=0)
        distance = [np.square(_moved(y, np.full(len(y), s)) - reference).sum(axis=1) for s in steps]
        shifts = steps[np.argmin(distance, axis=0)]
    return shifts


def aligned(spectra: ArrayLike, shifts: NDArray[np.int64], reach: int) -> Array:
    """Return (n, m + 2 reach) spectra freed of their shifts.

    Channel ``j + reach`` of the result is channel ``j + shift`` of the spectrum; beyond its ends
    the end values are held.
    """
    y = np.asarray(spectra, dtype=np.float64)
    return _moved(np.pad(y, ((0, 0), (reach, reach)), mode="edge"), shifts)


def put_back(spectra: Array, shifts: Array, reach: int) -> Array:
    """Return the (n, m) spectra whose :func:`aligned` form and shift, whole or not, are given."""
    channels = np.arange(spectra.shape[1], dtype=np.float64)
    at = channels[: -2 * reach] + reach
    moved = [np.interp(at - s, channels, y) for s, y in zip(shifts, spectra, strict=True)]
    return np.array(moved).reshape(len(spectra), len(at))


def _moved(y: Array, shifts: NDArray[np.int64]) -> Array:
    """Return spectra moved down by so many channels, ends held."""
    at = np.clip(np.arange(y.shape[1]) + shifts[:, None], 0, y.shape[1] - 1)
    return np.take_along_axis(y, at, axis=1)
