"""Ranges of energy that whoever has measured spectra may state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Range", "kev_hint", "require_ascending"]

Range = tuple[float, float]
WIDEST_SHIFT = 100.0


def require_ascending(shift: Range, window: Range | None) -> None:
    """Raise `ValueError` for limits of a shift, or a window, that do not ascend; both in eV."""
    low, high = shift
    if not -WIDEST_SHIFT <= low <= high <= WIDEST_SHIFT:
        raise ValueError(f"the shift must ascend within ±100 eV, got {low:g}, {high:g}")
    if window is not None and not window[0] < window[1]:
        raise ValueError("the window must ascend, got {:g}, {:g}".format(*window))


def kev_hint(energy: NDArray[np.float64], low: float, high: float) -> str:
    """Return what to say where energies that should lie in a range do so in keV; empty if not.

    Parameters
    ----------
    energy
        (k,) rising energies, as they were taken for eV.
    low, high
        The range in eV.
    """
    if energy[-1] < low and 1000 * energy[0] < high and 1000 * energy[-1] > low:
        return " Its energies look like keV: say --unit keV."
    return ""
