"""Energy windows of analyses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError

__all__ = ["in_window", "window_name"]


def in_window(
    energy: NDArray[np.float64], window: tuple[float, float] | None, least: int = 3
) -> NDArray[np.bool_]:
    """Return which of the (m,) energies lie in a window; all where there is none.

    Raises
    ------
    DataError
        If fewer than ``least`` do.
    """
    if window is None:
        return np.ones(len(energy), dtype=bool)
    inside = (energy >= window[0]) & (energy <= window[1])
    if inside.sum() < least:
        raise DataError(
            f"the window {window_name(window)} holds {int(inside.sum())} energies of a grid from "
            f"{energy[0]:g} to {energy[-1]:g} eV; at least {least} are needed."
        )
    return inside


def window_name(window: tuple[float, float]) -> str:
    """Return a window in words."""
    return f"{window[0]:g}–{window[1]:g} eV"
