"""Which references may take part in a linear combination, and at which shift and broadening."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.core.measured.spectrum import Measured
from xreg.workbench.match.library import Comparison
from xreg.workbench.match.nearest import Match
from xreg.workbench.match.refinement import moves_of, refined

__all__ = ["SMALL_LIBRARY", "candidates", "promising", "weighted"]

SMALL_LIBRARY = 30
"""So many references are all tried; of more, as many of the most promising."""
POOL = 100
"""The heaviest reference of a combination is sought among so many, the nearest."""
# Shifts and broadenings that are looked through, and from how many of them the best is sought.
GRID = (41, 2)
STARTS = 3
# How often the best pair is sought anew at the place where the last one fits best.
ROUNDS = 2
# Two references are of one shape where the sine of their angle, squared, is less.
SAME_SHAPE = 1e-10


def candidates(
    comparison: Comparison,
    measured: Measured,
    misfit: Array,
    near: list[Match],
    named: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Return the rows of the references that combinations are made of.

    Those that are named, or all of a small library. Of a larger one, each of its :data:`POOL`
    nearest is paired with every other at many shifts and broadenings; those of the best pairs are
    taken, what best adds to the best pair, and the nearest.

    Raises
    ------
    DataError
        If too many are named to try all their combinations.
    """
    if len(named) > SMALL_LIBRARY:
        raise DataError(
            f"{len(named)} references are named for combinations; name {SMALL_LIBRARY} or fewer."
        )
    if len(named):
        return named
    if len(comparison.library) <= SMALL_LIBRARY:
        return np.arange(len(comparison.library))
    first = np.argsort(misfit, kind="stable")[:POOL]
    every = np.arange(len(comparison.library))
    y, root = weighted(comparison, measured)

    def pairs(at: tuple[float, float]) -> tuple[Array, Array]:
        curves = comparison.references_at(every, *at) * root
        return curves, _pairs(curves, first, y * root)

    grid = _begin(comparison)
    left = [float(pairs(at)[1].min()) for at in grid]
    ends = []
    for start in np.argsort(left, kind="stable")[:STARTS]:
        at = grid[start]
        for _ in range(ROUNDS):
            one, other = divmod(int(pairs(at)[1].argmin()), len(every))
            two = np.array(list(dict.fromkeys([int(first[one]), other])))
            at = refined(comparison, partial(_left, comparison, two, y, root), at)
        ends.append(at)
    curves, found = min((pairs(at) for at in ends), key=lambda pair: float(pair[1].min()))
    order = np.argsort(found, axis=None, kind="stable")[: 4 * POOL]
    heavy, light = np.divmod(order, len(every))
    members = np.stack([first[heavy], light], axis=1).ravel().tolist()
    share = SMALL_LIBRARY // 3
    chosen = dict.fromkeys(list(dict.fromkeys(members))[:share])
    chosen |= dict.fromkeys(_additions(curves, y * root, members[:2])[:share])
    chosen |= dict.fromkeys(match.row for match in near)
    return np.array(list(chosen)[:SMALL_LIBRARY], np.intp)


def _pairs(curves: Array, first: NDArray[np.intp], y: Array) -> Array:
    """Return (p, c) what each pair of one of the first and any leaves, with positive weights.

    Of a pair that has none, what the better of both leaves alone.
    """
    overlap, square, own = curves @ y, float(y @ y), (curves**2).sum(axis=1)
    gram = curves[first] @ curves.T
    determinant = own[first][:, None] * own - gram**2
    fine = determinant > SAME_SHAPE * own[first][:, None] * own
    determinant[~fine] = 1.0
    mine = (own * overlap[first][:, None] - gram * overlap) / determinant
    theirs = (own[first][:, None] * overlap - gram * overlap[first][:, None]) / determinant
    both = square - mine * overlap[first][:, None] - theirs * overlap
    alone = square - np.maximum(overlap, 0) ** 2 / own
    fine &= (mine > 0) & (theirs > 0)
    return np.where(fine, both, np.minimum(alone[first][:, None], alone))


def _additions(curves: Array, y: Array, pair: list[int]) -> list[int]:
    """Return the references that lower what a pair leaves, the best first."""
    turn, _ = np.linalg.qr(curves[pair].T)
    rest = curves - (curves @ turn) @ turn.T
    left = y - turn @ (turn.T @ y)
    gain = np.maximum(rest @ left, 0) ** 2 / np.maximum((rest**2).sum(axis=1), 1e-300)
    gain[pair] = 0.0
    order = np.argsort(-gain, kind="stable")
    return [int(row) for row in order if gain[row] > 0]


def _begin(comparison: Comparison) -> list[tuple[float, float]]:
    """Return the shifts and broadenings that are begun from."""
    moves = moves_of(comparison)
    bounds = (comparison.shift, (0.0, comparison.broadening))
    shifts, widths = (
        np.linspace(*bounds[i], GRID[i]) if i in moves else np.array(bounds[i][:1]) for i in (0, 1)
    )
    return [(float(shift), float(width)) for shift in shifts for width in widths]


def promising(
    comparison: Comparison, rows: NDArray[np.intp], y: Array, root: Array, count: int
) -> list[tuple[float, float]]:
    """Return the shifts and broadenings at which references together leave least."""
    grid = _begin(comparison)
    left = [_left(comparison, rows, y, root, *at) for at in grid]
    return [grid[i] for i in np.argsort(left, kind="stable")[:count]]


def weighted(comparison: Comparison, measured: Measured) -> tuple[Array, Array]:
    """Return the (k',) intensities compared, and the root of the weight of each."""
    y = measured.intensity[comparison.inside]
    if measured.noise is None:
        return y, np.ones(len(y))
    return y, 1 / measured.noise[comparison.inside]


def _left(
    comparison: Comparison,
    rows: NDArray[np.intp],
    y: Array,
    root: Array,
    shift: float,
    width: float,
) -> float:
    """Return what references with non-negative weights leave of a spectrum."""
    from scipy.optimize import nnls

    curves = comparison.references_at(rows, shift, width)
    return float(nnls((curves * root).T, y * root, maxiter=100 * len(rows))[1] ** 2)
