"""From good starting points to the best fit, its uncertainties and what stays unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares

from xreg.core import progress
from xreg.core.errors import RunError
from xreg.core.fitting.misfit import Misfit
from xreg.core.fitting.problem import Problem
from xreg.core.fitting.search import distinct

__all__ = ["VAGUE", "Direction", "Fit", "Minimum", "descend", "refine"]

Array = NDArray[np.float64]

ROUGH = 8  # evaluations after which it shows which starts are worth more
FINISHED = 4  # how many of them are followed to the end
ALIKE = 0.02  # coordinates closer than that are on the way to one minimum
STEP = 2e-4  # of a range: central differences of an engine that is exact to about 1e-8
EVALUATIONS = 60
# A direction is not determined when its uncertainty reaches that of a uniform range, 1/√12.
VAGUE = 1 / np.sqrt(12)
# Singular values below this share of the largest stand for directions that change nothing.
BLIND = 1e-9
# Minima differ when the likelihood surface about the best puts them five σ apart, and are as good
# as the best when χ² tells them from it by less than three σ.
APART = 25.0
AS_GOOD = 9.0


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


@dataclass(frozen=True)
class Direction:
    """A combination of coordinates that the spectrum does not determine.

    Attributes
    ----------
    weights
        Share of each coordinate that takes part, in units of their ranges; squares add up to
        nearly one.
    std
        Standard deviation along it, in the same units.
    """

    weights: dict[str, float]
    std: float

    def __str__(self) -> str:
        names = list(self.weights)
        if len(names) == 1:
            return names[0]
        return " ".join(f"{weight:+.2f}·{name}" for name, weight in self.weights.items())


@dataclass(frozen=True, eq=False)
class Fit:
    """The best fit.

    Attributes
    ----------
    problem
        What was fitted.
    best
        The parameters found.
    minima
        All minima that were refined and differ, best first.
    as_good
        Those of them, beside the best, which the noise does not tell from it.
    covariance
        (d, d) of the coordinates; multiply by widths of ranges for parameters.
    heights_std
        (1 + q,) standard deviations of scale and heights.
    noise
        Standard deviation of a point of weight one: of the residuals, or one where the noise was
        given and the residuals are no greater.
    undetermined
        Combinations of which the spectrum says no more than their ranges.
    spectrum, background
        (k,) the model's spectrum with its scale, and the background.
    """

    problem: Problem
    best: Minimum
    minima: list[Minimum]
    as_good: list[Minimum]
    covariance: Array
    heights_std: Array
    noise: float
    undetermined: list[Direction]
    spectrum: Array
    background: Array

    @property
    def std(self) -> Array:
        """(d,) standard deviation of each coordinate, in the unit of its parameter."""
        return np.sqrt(np.diag(self.covariance)) * self.problem.widths

    @property
    def correlation(self) -> Array:
        """(d, d) correlation of the coordinates."""
        std = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / std / std[:, None])

    @property
    def reduced_chi2(self) -> float:
        """χ² of each degree of freedom; it means something where the noise was given."""
        return self.best.chi2 / _freedom(self.problem)

    @property
    def at_limit(self) -> dict[str, str]:
        """Coordinates that ended at the low or the high end of their range."""
        ends = {label: _end(x) for label, x in zip(self.problem.labels, self.best.x, strict=True)}
        return {label: end for label, end in ends.items() if end}


def refine(misfit: Misfit, starts: Sequence[Array]) -> Fit:
    """Refine starting points by least squares within their ranges (trust region reflective).

    Derivatives are central differences; the spectra of a point are computed together. Each start
    gets a few steps, for a network that errs ranks its minima wrongly; the best go on to the end.

    Parameters
    ----------
    misfit
        What to minimise; its simulator need not be differentiable.
    starts
        (d,) coordinates each.

    Raises
    ------
    RunError
        If every start ends at a spectrum with a negative scale.
    """
    problem = misfit.problem
    rough = []
    for number, start in enumerate(starts, 1):
        rough.append(descend(misfit, start, most=ROUGH))
        progress.report("refinement", number, len(starts))
    rough.sort(key=lambda m: m.chi2)
    minima = [descend(misfit, rough[i].x) for i in distinct([m.x for m in rough], FINISHED, ALIKE)]
    minima = [minimum for minimum in minima if minimum.scale > 0]
    if not minima:
        raise RunError(
            "no parameters give a spectrum that resembles the measured one; look at its energies "
            "and sign, allow a larger shift, or another background."
        )
    minima.sort(key=lambda m: m.chi2)
    best = minima[0]
    slopes, height_slopes = _slopes(misfit, best.x, np.arange(len(best.x)))
    noise = float(np.sqrt(best.chi2 / _freedom(problem)))
    if problem.measured.noise is not None:
        noise = max(1.0, noise)
    _, size, axes = np.linalg.svd(slopes, full_matrices=False)
    deviation = noise / np.maximum(size, BLIND * size[0])
    covariance = (axes.T * deviation**2) @ axes
    design = np.column_stack([_spectrum(misfit, best), misfit.curves.numpy()])
    linear = noise**2 * np.linalg.pinv(design.T @ design)
    heights = linear + height_slopes @ covariance @ height_slopes.T
    kept = _different(minima, slopes / noise)
    return Fit(
        problem,
        best,
        kept,
        [m for m in kept[1:] if (m.chi2 - best.chi2) / noise**2 < AS_GOOD],
        covariance,
        np.sqrt(np.diag(heights)),
        noise,
        [
            _direction(problem, axis, float(std))
            for axis, std in zip(axes, deviation, strict=True)
            if std > VAGUE
        ],
        best.scale * _spectrum(misfit, best) / problem.weight,
        problem.curves @ best.heights,
    )


def descend(
    misfit: Misfit, start: Array, fixed: int | None = None, most: int = EVALUATIONS
) -> Minimum:
    """Return the minimum below a starting point, one coordinate kept where asked for."""
    free = np.array([i for i in range(len(start)) if i != fixed], dtype=np.intp)

    def whole(part: Array) -> Array:
        x = start.copy()
        x[free] = part
        return x

    x = start
    if len(free):
        found = least_squares(
            lambda part: misfit.residuals(whole(part)[None])[0][0],
            np.clip(start[free], 1e-3, 1 - 1e-3),
            jac=lambda part: _slopes(misfit, whole(part), free)[0],
            bounds=(0, 1),
            xtol=1e-7,
            ftol=1e-9 if fixed is None else 1e-5,
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


def _slopes(misfit: Misfit, x: Array, columns: NDArray[np.intp]) -> tuple[Array, Array]:
    """Return (k, c) and (1 + q, c) derivatives of residuals and heights by c coordinates."""
    steps = STEP * np.eye(len(x))[columns]
    points = np.clip(np.concatenate([x + steps, x - steps]), 0, 1)
    count = len(columns)
    length = (points[:count] - points[count:]).sum(axis=1)
    rest, heights = misfit.residuals(points)
    first, second = ((y[:count] - y[count:]).T / length for y in (rest, heights))
    return first, second


def _spectrum(misfit: Misfit, minimum: Minimum) -> Array:
    """Return the (k,) weighted spectrum of unit scale."""
    with torch.no_grad():
        return np.asarray(misfit.spectra(torch.as_tensor(minimum.x[None]))[0].numpy())


def _freedom(problem: Problem) -> int:
    return len(problem.measured) - len(problem.labels) - 1 - problem.curves.shape[1]


def _different(minima: list[Minimum], slopes: Array) -> list[Minimum]:
    """Return the minima that differ from all better ones; slopes are in units of the noise."""
    kept: list[Minimum] = []
    for minimum in minima:
        moves = [slopes @ (minimum.x - better.x) for better in kept]
        if all((move**2).sum() > APART for move in moves):
            kept.append(minimum)
    return kept


def _direction(problem: Problem, axis: Array, std: float) -> Direction:
    order = np.argsort(-np.abs(axis))
    axis = axis * np.sign(axis[order[0]])
    weights = {problem.labels[i]: float(axis[i]) for i in order if abs(axis[i]) > 0.2}
    return Direction(weights, std)


def _end(x: float) -> str:
    return "low" if x < 1e-3 else "high" if x > 1 - 1e-3 else ""
