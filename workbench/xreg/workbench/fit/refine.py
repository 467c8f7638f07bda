"""From good starting points to the best fit, its uncertainties and what stays unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import RunError
from xreg.workbench.fit.minima import (
    AS_GOOD,
    Minimum,
    find,
    noise_of,
    principal,
    slopes,
    spectrum_of,
)
from xreg.workbench.fit.misfit import Misfit
from xreg.workbench.fit.mixture import Mixture, likelihoods
from xreg.workbench.fit.problem import Problem

__all__ = ["VAGUE", "Direction", "Fit", "Mode", "refine"]

# A direction is not determined when its uncertainty reaches that of a uniform range, 1/√12.
VAGUE = 1 / np.sqrt(12)
RANGE, ENDLESS = (0.0, 1.0), (-np.inf, np.inf)
# A sign is open when the other one has at least this probability.
OPEN_SIGN = 0.05


@dataclass(frozen=True, eq=False)
class Mode:
    """A minimum that the noise does not tell from the best, or the best itself.

    Attributes
    ----------
    minimum
        The minimum.
    weight
        Its likelihood among all modes; these add up to one.
    covariance
        (d, d) of the coordinates about it, from the curvature.
    heights_std
        (1 + q,) standard deviations of scale and heights about it.
    """

    minimum: Minimum
    weight: float
    covariance: Array
    heights_std: Array


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
    """The best fit, and what competes with it.

    Attributes
    ----------
    problem
        What was fitted.
    minima
        All minima that were refined and differ, best first.
    modes
        Those of them which the noise does not tell from the best, the best first.
    noise
        Standard deviation of a point of weight one: of the residuals, or one where the noise was
        given and the residuals are no greater.
    undetermined
        Combinations of which the spectrum says no more than their ranges, about the best.
    spectrum, background
        (k,) the model's spectrum with its scale, and the background, of the best.
    """

    problem: Problem
    minima: list[Minimum]
    modes: list[Mode]
    noise: float
    undetermined: list[Direction]
    spectrum: Array
    background: Array

    @property
    def best(self) -> Minimum:
        """The parameters found."""
        return self.modes[0].minimum

    @property
    def equivalent(self) -> list[Minimum]:
        """The minima beside the best which the noise does not tell from it."""
        return [mode.minimum for mode in self.modes[1:]]

    @property
    def covariance(self) -> Array:
        """(d, d) of the coordinates about the best; times widths of ranges for parameters."""
        return self.modes[0].covariance

    def mixture(self, i: int) -> Mixture:
        """Return the distribution of coordinate i over all modes, from their curvatures."""
        std = np.array([np.sqrt(mode.covariance[i, i]) for mode in self.modes])
        return self._mixture([mode.minimum.x[i] for mode in self.modes], std, RANGE)

    def _mixture(
        self, centres: Sequence[float], std: Array, ends: tuple[float, float] = ENDLESS
    ) -> Mixture:
        weight = np.array([mode.weight for mode in self.modes])
        return Mixture(weight, np.array(centres), std, std, ends)

    @property
    def std(self) -> Array:
        """(d,) σ of each unknown in its unit, over all modes; see :meth:`Mixture.std`.

        It is never more than the range: of an unknown that changes nothing in the spectrum it is
        what holds 68 % of all values that are allowed.
        """
        found = [self.mixture(i).std() for i in range(len(self.problem.labels))]
        return np.array(found) * self.problem.widths

    @property
    def heights_std(self) -> Array:
        """(1 + q,) σ of scale and heights, over all modes."""
        heights = [np.append(m.minimum.scale, m.minimum.heights) for m in self.modes]
        spread = [mode.heights_std for mode in self.modes]
        columns = zip(np.array(heights).T, np.array(spread).T, strict=True)
        return np.array([self._mixture(list(at), std).std() for at, std in columns])

    @property
    def open_signs(self) -> dict[str, float]:
        """Parameters whose sign may be the other one, with the probability that it is."""
        found = {}
        problem = self.problem
        for i, (label, zero) in enumerate(
            zip(problem.labels, -problem.origin / problem.widths, strict=True)
        ):
            if label in problem.names and 0 < zero < 1:
                below = self.mixture(i).below(zero)
                other = below if self.best.x[i] > zero else 1 - below
                if other >= OPEN_SIGN:
                    found[label] = other
        return found

    @property
    def correlation(self) -> Array:
        """(d, d) correlation of the coordinates about the best."""
        std = np.sqrt(np.diag(self.covariance))
        return np.asarray(self.covariance / std / std[:, None])

    @property
    def reduced_chi2(self) -> float:
        """χ² of each degree of freedom; it means something where the noise was given."""
        problem = self.problem
        unknowns = len(problem.labels) + 1 + problem.curves.shape[1]
        return self.best.chi2 / (len(problem.measured) - unknowns)

    @property
    def neighbours(self) -> float:
        """Correlation of what is left at neighbouring points, which is zero for noise alone."""
        rest = (self.problem.measured.intensity - self.spectrum - self.background) * (
            self.problem.weight
        )
        return float(rest[1:] @ rest[:-1] / (rest @ rest))

    @property
    def at_limit(self) -> dict[str, str]:
        """Coordinates that ended at the low or the high end of their range."""
        ends = {label: _end(x) for label, x in zip(self.problem.labels, self.best.x, strict=True)}
        return {label: end for label, end in ends.items() if end}


def refine(misfit: Misfit, starts: Sequence[Array]) -> Fit:
    """Refine (d,) starting points and their mirror images by least squares within their ranges.

    Derivatives are central differences; the spectra of a point are computed together. The simulator
    need not be differentiable.

    Raises
    ------
    RunError
        If every start ends at a spectrum with a negative scale.
    """
    problem = misfit.problem
    minima = find(misfit, starts)
    if not minima:
        raise RunError(
            "no parameters give a spectrum that resembles the measured one; look at its energies "
            "and sign, allow a larger shift, or another background."
        )
    best = minima[0]
    noise = noise_of(problem, best.chi2)
    good = [m for m in minima if (m.chi2 - best.chi2) / noise**2 < AS_GOOD]
    weights = likelihoods(np.array([m.chi2 for m in good]), noise)
    modes = [_mode(misfit, m, w, noise) for m, w in zip(good, weights.tolist(), strict=True)]
    size, axes = principal(slopes(misfit, best.x)[0])
    return Fit(
        problem,
        minima,
        modes,
        noise,
        [
            _direction(problem, axis, float(std))
            for axis, std in zip(axes, noise / size, strict=True)
            if std > VAGUE
        ],
        best.scale * spectrum_of(misfit, best) / problem.weight,
        problem.curves @ best.heights,
    )


def _mode(misfit: Misfit, minimum: Minimum, weight: float, noise: float) -> Mode:
    felt, height_slopes = slopes(misfit, minimum.x)
    size, axes = principal(felt)
    covariance = (axes.T * (noise / size) ** 2) @ axes
    design = np.column_stack([spectrum_of(misfit, minimum), misfit.curves.numpy()])
    linear = noise**2 * np.linalg.pinv(design.T @ design)
    # A blind direction goes no farther than the ranges, so heights change by no more.
    limited = (axes.T * np.minimum(noise / size, VAGUE) ** 2) @ axes
    heights = linear + height_slopes @ limited @ height_slopes.T
    return Mode(minimum, weight, covariance, np.sqrt(np.diag(heights)))


def _direction(problem: Problem, axis: Array, std: float) -> Direction:
    order = np.argsort(-np.abs(axis))
    axis = axis * np.sign(axis[order[0]])
    weights = {problem.labels[i]: float(axis[i]) for i in order if abs(axis[i]) > 0.2}
    return Direction(weights, std)


def _end(x: float) -> str:
    return "low" if x < 1e-3 else "high" if x > 1 - 1e-3 else ""
