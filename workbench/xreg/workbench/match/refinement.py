"""The best shift and broadening near a first guess."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xreg.core.arrays import Array
from xreg.workbench.match.library import Comparison

__all__ = ["moves_of", "refined"]


def moves_of(comparison: Comparison) -> list[int]:
    """Return which of shift and broadening is free."""
    free = (comparison.shift[1] > comparison.shift[0], comparison.broadening > 0)
    return [i for i in (0, 1) if free[i]]


def refined(
    comparison: Comparison, left: Callable[[float, float], float], at: tuple[float, float]
) -> tuple[float, float]:
    """Return the shift and broadening near a place at which least is left."""
    from scipy.optimize import minimize

    moves = moves_of(comparison)
    if not moves:
        return at
    bounds = [comparison.shift, (0.0, comparison.broadening)]

    def moved(values: Array) -> tuple[float, float]:
        place = np.array(at)
        place[moves] = values
        return float(place[0]), float(place[1])

    start = np.array([at[i] for i in moves])
    corners = np.tile(start, (len(moves) + 1, 1))
    for row, i in enumerate(moves):
        low, high = bounds[i]
        step = min(0.25, (high - low) / 4)
        corners[row + 1, row] += step if start[row] + step <= high else -step
    found = minimize(
        lambda values: left(*moved(values)),
        start,
        method="Nelder-Mead",
        bounds=[bounds[i] for i in moves],
        options={"xatol": 1e-3, "fatol": 1e-12, "maxfev": 150, "initial_simplex": corners},
    )
    return moved(np.asarray(found.x))
