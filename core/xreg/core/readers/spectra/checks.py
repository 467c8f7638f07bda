"""Intensities that stand for something else: markers of missing values, zeros, one value."""

from __future__ import annotations

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError

__all__ = ["MARKERS", "ROUNDING", "checked_signal", "require_noise", "require_signal"]

# What programs write where they have no value: nines (999, -9999.9, 99999 …), eights, what lies at
# the ends of whole numbers in a computer; the largest as netCDF, EPICS, Fortran and C do.
NINES = [
    round(float(digit * whole + "." + digit * after), after)
    for digit, least in (("9", 3), ("8", 4))
    for whole in range(least, 11)
    for after in range(5)
]
ENDS = [float(2**bits - less) for bits in (15, 16, 31, 32, 63, 64) for less in (0, 1)]
MARKERS = np.unique([999.25, 1e10, *NINES, *ENDS])
HUGE = 1e20
# Squares of larger numbers soon have no place in double precision, these none in single.
LARGEST = 1e36
# A marker stands so many times the span of all other values outside of them.
OUTSIDE = 10.0
# A value so many times outside of all others is told.
SPIKE = 5.0
# What is left of a constant by rounding.
ROUNDING = 1e-12


def require_signal(energy: Array, intensity: Array) -> None:
    """Raise a :class:`DataError` where intensities cannot be a spectrum.

    Parameters
    ----------
    energy, intensity
        (m,) finite numbers each.

    Raises
    ------
    DataError
        If all intensities are zero or the same, or one is a marker of a missing value (-9999,
        1e30 …) far outside of all others, or they are too large for single precision.
    """
    _require(energy, intensity, float(intensity.min()), float(intensity.max()))


def checked_signal(energy: Array, intensity: Array) -> str:
    """Require intensities as :func:`require_signal` does, and return what is to be said of them.

    That is one value that lies far outside of all others, or nothing.
    """
    ordered = np.sort(intensity)
    (low, lower), (upper, high) = ordered[:2].tolist(), ordered[-2:].tolist()
    _require(energy, intensity, low, high)
    if len(intensity) < 5:
        return ""
    if high - upper > SPIKE * (upper - low):
        at, others = int(intensity.argmax()), (low, upper)
    elif lower - low > SPIKE * (high - lower):
        at, others = int(intensity.argmin()), (lower, high)
    else:
        return ""
    return (
        f"its value {intensity[at]:g} at {energy[at]:g} eV lies far outside of all others, "
        f"{others[0]:g} … {others[1]:g}"
    )


def _require(energy: Array, intensity: Array, low: float, high: float) -> None:
    top = max(-low, high)
    if high - low <= ROUNDING * top:
        what = "zero" if high == 0 else f"{high:g}, a constant"
        raise DataError(f"all intensities of the spectrum are {what}")
    if top >= MARKERS[0]:
        _refuse_markers(energy, intensity, "spectrum")
    if top > LARGEST:
        raise DataError(f"intensities of the spectrum reach {top:.2g}, which no unit has")


def require_noise(energy: Array, noise: Array) -> None:
    """Raise a :class:`DataError` where noise is not positive, or marks a missing value."""
    if not (noise > 0).all():
        i = int(np.flatnonzero(noise <= 0)[0])
        raise DataError(f"the noise at point {i + 1} of the spectrum must be positive")
    _refuse_markers(energy, noise, "noise")


def _refuse_markers(energy: Array, intensity: Array, what: str) -> None:
    size = np.abs(intensity)
    nearest = MARKERS[np.clip(np.searchsorted(MARKERS, size * (1 - 1e-6)), 0, len(MARKERS) - 1)]
    marked = (size >= HUGE) | (np.abs(size - nearest) <= 1e-6 * nearest)
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
            f"the {what} is {intensity[i]:g} at point {i + 1} ({energy[i]:g} eV){more}, as "
            "programs mark a missing value; remove such points"
        )
