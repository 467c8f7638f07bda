"""Linear combinations of references."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.core.measured.spectrum import Measured
from xreg.workbench.match.candidates import promising, weighted
from xreg.workbench.match.library import Comparison
from xreg.workbench.match.refinement import moves_of, refined

__all__ = ["Combination", "combine"]

# A combination of more references must be better than one of fewer with less than this chance
# that it is so by noise alone (an F test).
CHANCE = 0.05
KEPT = 10
# At so many of the best shifts and broadenings all choices of references are solved.
PLACES = 6
# Determinant of the cosines between references below which two are of one shape, and have no
# weights of their own.
SAME_SHAPE = 1e-10


@dataclass(frozen=True, eq=False)
class Combination:
    """References that add up to a measured spectrum.

    Attributes
    ----------
    rows
        (r,) rows of the references in the library, heaviest first.
    weights, std
        (r,) weights and their standard deviations: from the curvature of χ², with shift and
        broadening free; scaled by reduced χ² where the noise is not known.
    chi2, reduced_chi2
        Weighted squares that are left, and those over the degrees of freedom.
    r_factor
        Squares that are left over those of the spectrum.
    shift, width
        Common shift and broadening in eV.
    curve
        (k',) the combination at the measured energies that are compared.
    """

    rows: NDArray[np.intp]
    weights: Array
    std: Array
    chi2: float
    reduced_chi2: float
    r_factor: float
    shift: float
    width: float
    curve: Array


class Solved(NamedTuple):
    """A choice of references with positive weights."""

    members: tuple[int, ...]
    weights: Array
    chi2: float


def combine(
    comparison: Comparison,
    measured: Measured,
    rows: NDArray[np.intp],
    most: int,
    *,
    sum_to_one: bool = False,
) -> list[Combination]:
    """Return the best combinations of up to ``most`` references, the one to be believed first.

    Every choice of references is solved in closed form; one with a negative weight is none, as its
    best allowed solution is a smaller choice. The first is the smallest one that no larger one
    beats by more than noise would (F test); the others follow by reduced χ².

    Parameters
    ----------
    comparison
        The library; scale and offset of single references mean nothing here.
    measured
        The spectrum.
    rows
        (c,) references to choose from.
    most
        Most references of a combination.
    sum_to_one
        Whether weights add up to one.

    Raises
    ------
    DataError
        If no combination has positive weights only.
    """
    fitter = _Fitter(comparison, measured, sum_to_one)
    best: dict[tuple[int, ...], tuple[float, float, float]] = {}
    for shift, width in promising(comparison, rows, fitter.y, fitter.root, PLACES):
        for one in fitter.solve(rows, shift, width, most):
            if one.chi2 < best.get(one.members, (np.inf,))[0]:
                best[one.members] = one.chi2, shift, width
    if not best:
        raise DataError("no combination of the references has positive weights only.")
    tried = [fitter.refine(rows[list(members)], *best[members][1:]) for members in _promising(best)]
    found = [one for one in tried if one is not None]
    if not found:
        raise DataError(f"{len(fitter.y)} points are too few for combinations of references.")
    first = _simplest(found, len(fitter.y), len(rows))
    others = sorted((one for one in found if one is not first), key=lambda one: one.reduced_chi2)
    return [first, *others[: KEPT - 1]]


class _Fitter:
    """Combinations for one spectrum."""

    def __init__(self, comparison: Comparison, measured: Measured, sum_to_one: bool) -> None:
        self.comparison = comparison
        self.measured = measured
        self.sum_to_one = sum_to_one
        self.y, self.root = weighted(comparison, measured)

    def solve(self, rows: NDArray[np.intp], shift: float, width: float, most: int) -> list[Solved]:
        """Return the best choices of up to ``most`` references at a shift and broadening."""
        curves = self.comparison.references_at(rows, shift, width)
        return _solve_all(curves * self.root, self.y * self.root, most, self.sum_to_one)

    def whole(self, rows: NDArray[np.intp], shift: float, width: float) -> Solved | None:
        """Return the solution in which all references have positive weights."""
        every = self.solve(rows, shift, width, len(rows))
        return next((one for one in every if len(one.members) == len(rows)), None)

    def refine(self, rows: NDArray[np.intp], shift: float, width: float) -> Combination | None:
        """Return a combination at its own best shift and broadening; None with too few points."""

        def left(shift: float, width: float) -> float:
            one = self.whole(rows, shift, width)
            return np.inf if one is None else one.chi2

        at = refined(self.comparison, left, (shift, width))
        solved = self.whole(rows, *at)
        degrees = len(self.y) - len(rows) - len(moves_of(self.comparison)) + self.sum_to_one
        if solved is None or degrees < 1:
            return None
        weights, reduced = solved.weights, solved.chi2 / degrees
        std = _std(self.comparison, rows, weights, at, self.root, self.sum_to_one)
        if self.measured.noise is None:
            std = std * np.sqrt(reduced)
        curve = weights @ self.comparison.references_at(rows, *at)
        share = float(((self.y - curve) ** 2).sum() / (self.y**2).sum())
        heavy = np.argsort(-weights, kind="stable")
        return Combination(
            rows[heavy], weights[heavy], std[heavy], solved.chi2, reduced, share, *at, curve
        )


def _promising(best: dict[tuple[int, ...], tuple[float, float, float]]) -> list[tuple[int, ...]]:
    """Return of each size the members of the best choices."""
    found: list[tuple[int, ...]] = []
    for size in sorted({len(members) for members in best}):
        alike = [members for members in best if len(members) == size]
        found += sorted(alike, key=lambda members: best[members][0])[:KEPT]
    return found


def _solve_all(curves: Array, y: Array, most: int, sum_to_one: bool) -> list[Solved]:
    """Return the best choices of (c, k) curves with positive weights, of each size."""
    gram, overlap, square = curves @ curves.T, curves @ y, float(y @ y)
    scale = float(np.trace(gram)) / len(gram)
    norms = np.sqrt(np.diag(gram))
    shapes = gram / (norms[:, None] * norms)
    found = []
    for size in range(1, min(most, len(curves)) + 1):
        choice = np.array(list(combinations(range(len(curves)), size)))
        normal = gram[choice[:, :, None], choice[:, None, :]] / scale
        right = overlap[choice] / scale
        if sum_to_one:
            border = np.ones((len(choice), size + 1, size + 1))
            border[:, :size, :size], border[:, size, size] = normal, 0.0
            normal = border
            right = np.concatenate([right, np.ones((len(choice), 1))], axis=1)
        sound = np.linalg.det(shapes[choice[:, :, None], choice[:, None, :]]) > SAME_SHAPE
        solved = np.linalg.solve(normal[sound], right[sound][:, :, None])[:, :size, 0]
        kept = (solved > 0).all(axis=1)
        members, weights = choice[sound][kept], solved[kept]
        pairs = gram[members[:, :, None], members[:, None, :]]
        chi2 = square - 2 * (weights * overlap[members]).sum(axis=1)
        chi2 += np.einsum("ij,ijk,ik->i", weights, pairs, weights)
        found += [
            Solved(tuple(members[i].tolist()), weights[i], max(float(chi2[i]), 0.0))
            for i in np.argsort(chi2, kind="stable")[:KEPT].tolist()
        ]
    return found


def _simplest(found: list[Combination], points: int, tried: int) -> Combination:
    """Return the best of the smallest combinations that no larger one beats significantly."""
    from scipy.special import fdtrc

    sizes = sorted({len(one.rows) for one in found})
    best = [min((o for o in found if len(o.rows) == size), key=lambda o: o.chi2) for size in sizes]
    chosen = best[0]
    for larger in best[1:]:
        more, degrees = len(larger.rows) - len(chosen.rows), points - len(larger.rows)
        ratio = (chosen.chi2 - larger.chi2) / more / max(larger.chi2 / degrees, 1e-300)
        choices = comb(tried - len(chosen.rows), more)  # the best of so many chances to be lucky
        if choices * fdtrc(more, degrees, max(ratio, 0.0)) < CHANCE:
            chosen = larger
    return chosen


def _std(
    comparison: Comparison,
    rows: NDArray[np.intp],
    weights: Array,
    at: tuple[float, float],
    root: Array,
    sum_to_one: bool,
) -> Array:
    """Return standard deviations of weights for noise of one (or as ``root`` states)."""
    columns = (comparison.references_at(rows, *at) * root).T
    size = len(rows)
    turn = np.eye(size)
    if sum_to_one:
        if size == 1:
            return np.zeros(1)
        turn = np.linalg.svd(np.ones((1, size)))[2][1:].T  # directions that keep the sum
    slopes = []
    for move in moves_of(comparison):
        step = 0.05
        bounds = comparison.shift if move == 0 else (0.0, comparison.broadening)
        low, high = max(at[move] - step, bounds[0]), min(at[move] + step, bounds[1])
        ends = []
        for value in (low, high):
            there = (value, at[1]) if move == 0 else (at[0], value)
            ends.append(weights @ comparison.references_at(rows, *there) * root)
        slopes.append((ends[1] - ends[0]) / (high - low))
    design = np.column_stack([columns @ turn, *slopes])
    covariance = np.linalg.pinv(design.T @ design)[: turn.shape[1], : turn.shape[1]]
    return np.sqrt(np.maximum(np.diag(turn @ covariance @ turn.T), 0.0))
