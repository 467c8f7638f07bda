"""Intensities that stand for something else: markers of missing values, zeros, one value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError

__all__ = ["require_signal"]

# What programs write where they have no value; the largest as netCDF, EPICS, Fortran and C do.
MARKERS = np.array([999.0, 999.25, 9999.0, 99999.0, 999999.0, 9999999.0, 32768.0, 1e10, 1e20])
HUGE = 1e20
# A marker stands so many times the span of all other values outside of them.
OUTSIDE = 10.0


def require_signal(energy: NDArray[np.float64], intensity: NDArray[np.float64]) -> None:
    """Raise a :class:`DataError` where intensities cannot be a spectrum.

    Parameters
    ----------
    energy, intensity
        (m,) finite numbers each.

    Raises
    ------
    DataError
        If all intensities are zero or the same, or one is a marker of a missing value (-9999,
        1e30 …) far outside of all others.
    """
    low, high = float(intensity.min()), float(intensity.max())
    if low == high:
        what = "zero" if high == 0 else f"{high:g}, a constant"
        raise DataError(f"all intensities of the spectrum are {what}")
    top = max(-low, high)
    if top < MARKERS[0]:
        return
    size = np.abs(intensity)
    marked = (size >= HUGE) | np.isin(size, MARKERS)
    if not marked.any() or marked.all():
        return
    others = intensity[~marked]
    reach = max(float(np.ptp(others)), float(np.abs(others).max()))
    far = marked & (np.abs(intensity - np.median(others)) > OUTSIDE * reach)
    if far.any():
        i = int(np.argmax(far))
        count = int(far.sum())
        more = f" and at {count - 1} more" if count > 1 else ""
        raise DataError(
            f"the spectrum is {intensity[i]:g} at point {i + 1} ({energy[i]:g} eV){more}, as "
            "programs mark a missing value; remove such points"
        )
