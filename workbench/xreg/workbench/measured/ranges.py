"""Ranges of energy that whoever has measured spectra may state."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator

__all__ = ["Range", "Shift", "kev_hint"]

Range = tuple[float, float]
WIDEST_SHIFT = 100.0


def _require_ascending(limits: Range) -> Range:
    low, high = limits
    if not -WIDEST_SHIFT <= low <= high <= WIDEST_SHIFT:
        raise ValueError(f"must ascend within ±{WIDEST_SHIFT:g} eV")
    return limits


Shift = Annotated[Range, AfterValidator(_require_ascending)]
"""Smallest and largest shift of energies, in eV."""


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
