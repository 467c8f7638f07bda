"""All minima of a misfit that compete: refined, told apart, and mirrored until none is new.

A tetragonal field has no sign that a spectrum fixes when it is small: to first order a level's
splitting by Ds and Dt is the same with both signs turned, and what tells the two apart is of second
order. So each minimum has near-equal partners with other signs, and whether a search happens to end
in both is chance. Here the partners are looked for: from each minimum with every combination of
turned signs, the other unknowns first following, then all; and from what that finds again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares

from xreg.core import progress
from xreg.core.arrays import Array
from xreg.workbench.fit.misfit import Misfit
from xreg.workbench.fit.problem import Problem

__all__ = [
    "AS_GOOD",
    "Minimum",
    "descend",
    "distinct",
    "find",
    "mirrored",
    "noise_of",
    "principal",
    "slopes",
    "spectrum_of",
]

ROUGH = 8  # evaluations after which it shows which starts are worth more
FINISHED = 4  # different minima at which no further start is followed to its end
FOLLOWED = 12  # most starts that are
ALIKE = 0.02  # coordinates closer than that are on the way to one minimum
STEP = 2e-4  # of a range: central differences of an engine that is exact to about 1e-8
EVALUATIONS = 60
# Of the noise, which leaves χ² of about one for each point: a step that gains less is the last.
SETTLED = 0.05
# Singular values below this share of the largest stand for directions that change nothing.
BLIND = 1e-9
NO_SIGN = 0.01  # of a range: closer than that to zero there is no sign to turn
TURNED = 3  # most signs that are turned together
# Rises of χ² in units of the noise. Minima are as good as the best when it tells them from it by
# less than three σ; such up to five σ are mirrored; two are one valley when the way from one to the
# other, all else fitted anew, rises by less than the last.
AS_GOOD = 9.0
MIRRORED = 25.0
BARRIER = 0.1
HOPELESS = 100.0  # rise from which a start is not followed to its end


@dataclass(frozen=True, eq=False)
class Minimum:
    """Parameters at which the misfit is least nearby.

    Attributes
    ----------
    x
        (d,) coordinates.
    values, shift
        (p,) parameters in their units, and the shift in eV.
    scale, heights
        Scale of the model's spectrum and (q,) heights of the background's curves.
    chi2
        Weighted sum of squared residuals.
    """

    x: Array
    values: Array
    shift: float
    scale: float
    heights: Array
    chi2: float


def find(misfit: Misfit, starts: Sequence[Array]) -> list[Minimum]:
    """Return the minima below (d,) starts that differ, best first; none if every scale is negative.

    Each start gets a few steps, for a network that errs ranks its minima wrongly; the best go on
    to the end. Then come the mirror images. The simulator need not be differentiable.
    """
    rough = []
    for number, start in enumerate(starts, 1):
        rough.append(descend(misfit, start, most=ROUGH, rough=True))
        progress.report("refinement", number, len(starts))
    rough = sorted((m for m in rough if m.scale > 0), key=lambda m: m.chi2)
    found: list[Minimum] = []
    for i in distinct([m.x for m in rough], FOLLOWED, ALIKE):
        if rough[i] not in _within(misfit, [*found, rough[i]], HOPELESS):
            break
        _finish(misfit, found, rough[i])
        if len(found) == FINISHED:
            break
    done: list[Minimum] = []
    while waiting := [m for m in _within(misfit, found, MIRRORED) if m not in done]:
        progress.report("mirror images", len(done), len(done) + len(waiting))
        done.append(waiting[0])
        for image, signs in mirrored(misfit.problem, waiting[0].x):
            followed = descend(misfit, image, fixed=signs, most=ROUGH)
            _finish(misfit, found, descend(misfit, followed.x, rough=True))
    return found


def mirrored(problem: Problem, x: Array) -> list[tuple[Array, tuple[int, ...]]]:
    """Return the points with other signs of the parameters that may have both, and which turned.

    A parameter of ``0 ± 1 %`` of its range has no sign to turn; the shift, whose zero means
    nothing, keeps its own.
    """
    zero = -problem.origin / problem.widths
    free = [i for i in _signed(problem) if abs(x[i] - zero[i]) > NO_SIGN]
    found = []
    for count in range(1, min(len(free), TURNED) + 1):
        for signs in combinations(free, count):
            image = x.copy()
            turned = list(signs)
            image[turned] = np.clip(2 * zero[turned] - x[turned], 0, 1)
            found.append((image, signs))
    return found


def _signed(problem: Problem) -> list[int]:
    """Return the coordinates of the parameters that may have both signs."""
    zero = -problem.origin / problem.widths
    return [
        i for i, label in enumerate(problem.labels) if label in problem.names and 0 < zero[i] < 1
    ]


def descend(
    misfit: Misfit,
    start: Array,
    fixed: Collection[int] = (),
    most: int = EVALUATIONS,
    rough: bool = False,
) -> Minimum:
    """Return the minimum below a starting point, some coordinates kept where asked for.

    Residuals and derivatives of a point come from one batch of spectra. Where the way matters more
    than its last digits, the derivatives are one-sided, which takes half the spectra: with
    coordinates kept, or ``rough``; χ² is then right to some 1e-5 of itself, or with coordinates
    kept to less than its rise of one that ends an interval, however many points there are.
    """
    rough = rough or bool(fixed)
    free = np.array([i for i in range(len(start)) if i not in fixed], dtype=np.intp)
    last: list[Array] = []

    def whole(part: Array) -> Array:
        x = start.copy()
        x[free] = part
        return x

    def residuals(part: Array) -> Array:
        rest, felt = _around(misfit, whole(part), free, rough)
        last[:] = [part.copy(), felt]
        return rest

    def derivatives(part: Array) -> Array:
        if not (last and np.array_equal(last[0], part)):
            residuals(part)
        return last[1]

    x = start
    if len(free):
        found = least_squares(
            residuals,
            np.clip(start[free], 1e-3, 1 - 1e-3),
            jac=derivatives,
            bounds=(0, 1),
            x_scale="jac",  # valleys are narrow in one direction and long in others
            xtol=1e-7,
            ftol=SETTLED / len(misfit.problem.measured) if fixed else 1e-5 if rough else 1e-9,
            gtol=None,
            max_nfev=most,
        )
        x = whole(found.x)
    values = misfit.problem.values(x[None])[0]
    rest, heights = misfit.residuals(x[None])
    return Minimum(
        x, values[:-1], float(values[-1]), float(heights[0, 0]), heights[0, 1:],
        float((rest**2).sum()),
    )  # fmt: skip


def _around(
    misfit: Misfit, x: Array, columns: NDArray[np.intp], rough: bool
) -> tuple[Array, Array]:
    """Return (k,) residuals and their (k, c) derivatives, one-sided ones where that will do."""
    steps = STEP * np.eye(len(x))[columns]
    # towards the middle of the range, so that no step leaves it
    sides = [np.where(x < 0.5, steps, -steps)] if rough else [steps, -steps]
    points = np.clip(np.concatenate([x[None], *(x + side for side in sides)]), 0, 1)
    rest, _ = misfit.residuals(points)
    count, at = len(columns), np.arange(len(columns))
    ahead, behind = slice(1, count + 1), slice(0, 1) if rough else slice(count + 1, None)
    length = points[ahead][at, columns] - points[behind][0 if rough else at, columns]
    return rest[0], (rest[ahead] - rest[behind]).T / length


def slopes(misfit: Misfit, x: Array) -> tuple[Array, Array]:
    """Return (k, d) and (1 + q, d) derivatives of residuals and heights by the coordinates."""
    steps = STEP * np.eye(len(x))
    points = np.clip(np.concatenate([x + steps, x - steps]), 0, 1)
    count = len(x)
    length = (points[:count] - points[count:]).sum(axis=1)
    rest, heights = misfit.residuals(points)
    first, second = ((y[:count] - y[count:]).T / length for y in (rest, heights))
    return first, second


def principal(felt: Array) -> tuple[Array, Array]:
    """Return (d,) lengths and (d, d) directions of the principal axes of derivatives.

    Directions that change nothing are given a billionth of the greatest length.
    """
    _, size, axes = np.linalg.svd(felt, full_matrices=False)
    return np.maximum(size, BLIND * size[0]), axes


def noise_of(problem: Problem, chi2: float) -> float:
    """Return the standard deviation of a point of weight one, from the residuals of the best fit.

    Where the noise was given, it is one unless the residuals are greater.
    """
    unknowns = len(problem.labels) + 1 + problem.curves.shape[1]
    noise = float(np.sqrt(chi2 / (len(problem.measured) - unknowns)))
    return noise if problem.measured.noise is None else max(1.0, noise)


def distinct(points: Sequence[Array], most: int, apart: float = 0.05) -> list[int]:
    """Return the first points that differ in some coordinate by ``apart``, ``most`` at most.

    Parameters
    ----------
    points
        (d,) coordinates each, best first.
    """
    kept: list[int] = []
    for i, x in enumerate(points):
        if all(np.abs(x - points[k]).max() > apart for k in kept):
            kept.append(i)
        if len(kept) == most:
            break
    return kept


def _finish(misfit: Misfit, found: list[Minimum], rough: Minimum) -> None:
    """Put the minimum below a rough one among those found, unless it is one of them."""
    if rough.scale > 0 and not any(
        _close(misfit, old, rough, min(found[0].chi2, rough.chi2)) for old in found
    ):
        _add(misfit, found, descend(misfit, rough.x))


def _add(misfit: Misfit, found: list[Minimum], new: Minimum) -> None:
    """Put a minimum among those found, sorted, unless it is one of them or worse in its valley."""
    if new.scale <= 0:
        return
    best = min([new.chi2, *(m.chi2 for m in found[:1])])
    # the way between two is dear to look at, so first whether it is one of them
    for same in (_close, _one_valley):
        for old in found:
            if same(misfit, old, new, best):
                if new.chi2 < old.chi2:
                    found[found.index(old)] = new
                    found.sort(key=lambda m: m.chi2)
                return
    found.append(new)
    found.sort(key=lambda m: m.chi2)


def _close(misfit: Misfit, old: Minimum, new: Minimum, best: float) -> bool:
    """Say whether two minima are one and the same but for rounding."""
    move = new.x - old.x
    if np.abs(move).max() < 1e-3:
        return True
    noise = noise_of(misfit.problem, best)
    if abs(new.chi2 - old.chi2) / noise**2 >= BARRIER:
        return False
    return bool(((slopes(misfit, old.x)[0] @ move) ** 2).sum() / noise**2 < BARRIER)


def _one_valley(misfit: Misfit, old: Minimum, new: Minimum, best: float) -> bool:
    """Say whether no rise of χ² parts two minima.

    Where they differ in signs, any way from one to the other passes zero of each, and is looked at
    there. Otherwise half-way, in the coordinate that has moved by the most of its standard
    deviations: in another one the fit could slip back to where it came from.
    """
    move = new.x - old.x
    noise = noise_of(misfit.problem, best)
    zero = -misfit.problem.origin / misfit.problem.widths
    turned = [
        i
        for i in _signed(misfit.problem)
        if (old.x[i] - zero[i]) * (new.x[i] - zero[i]) < 0 and abs(move[i]) > NO_SIGN
    ]
    if turned:
        crossings = [(i, (zero[i] - old.x[i]) / move[i]) for i in turned]
    else:
        size, axes = principal(slopes(misfit, old.x)[0] / noise)
        std = np.sqrt(((axes.T / size) ** 2).sum(axis=1))
        crossings = [(int((np.abs(move) / std).argmax()), 0.5)]
    top = max(old.chi2, new.chi2) + BARRIER * noise**2
    return all(
        descend(misfit, old.x + share * move, fixed=[i], most=2 * ROUGH).chi2 < top
        for i, share in crossings
    )


def _within(misfit: Misfit, found: list[Minimum], rise: float) -> list[Minimum]:
    if not found:
        return []
    best = min(m.chi2 for m in found)
    noise = noise_of(misfit.problem, best)
    return [m for m in found if (m.chi2 - best) / noise**2 < rise]


def spectrum_of(misfit: Misfit, minimum: Minimum) -> Array:
    """Return the (k,) weighted spectrum of unit scale."""
    with torch.no_grad():
        return np.asarray(misfit.spectra(torch.as_tensor(minimum.x[None]))[0].numpy())
