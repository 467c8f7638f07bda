"""How far each unknown can go before the fit becomes worse: intervals of the profile likelihood.

The curvature at the best fit misjudges unknowns that the spectrum feels in a bent way: a
temperature below the lowest excitation, a width that hides in another one. Here an unknown is moved
outward, all others are fitted again, and the interval ends where χ² has risen by one (68 %; the
MINOS procedure of F. James and M. Roos, Comput. Phys. Commun. 10, 343 (1975)). Where several minima
compete, each is profiled, and the intervals are the region of highest density of all together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xreg.core import progress
from xreg.core.arrays import Array
from xreg.workbench.fit.minima import Minimum, descend
from xreg.workbench.fit.misfit import Misfit
from xreg.workbench.fit.mixture import Mixture
from xreg.workbench.fit.refine import Fit, Mode, refine

__all__ = ["Interval", "with_intervals"]

NEAR = 0.25  # the root of the rise is so near to one that it tells where it is one
TURNS = 8  # most fits for one end
ROUNDS = 4  # how often a better minimum may turn up on the way
BETTER = -0.1  # change of χ² that makes one better
PROFILED = 0.05  # weight from which a mode beside the best is profiled, not only curved
EDGE = 1e-3  # of a range: closer than that to its end is at it
FLAT = 10.0  # ranges: the σ to a side on which χ² does not rise at all


@dataclass(frozen=True)
class Interval:
    """Between which values an unknown lies with a probability of 68 %.

    Attributes
    ----------
    low, high
        The ends, in the unit of the unknown.
    open_low, open_high
        Whether an end is that of the range: the spectrum itself sets none there.
    """

    low: float
    high: float
    open_low: bool
    open_high: bool


@dataclass(frozen=True)
class _Bound:
    """How far a coordinate goes to one side, and the σ that tells of it."""

    end: float
    is_open: bool
    std: float


class _BetterError(Exception):
    def __init__(self, x: Array) -> None:
        super().__init__()
        self.x = x


def with_intervals(misfit: Misfit, fit: Fit) -> tuple[Fit, list[list[Interval]]]:
    """Return the fit with the intervals of each coordinate, which hold 68 % together.

    There is one, or several where minima lie apart. Where a fit on the way is better than the best
    so far, all begins again from there; so the fit that is returned can be another.
    """
    for _ in range(ROUNDS):
        try:
            return fit, _intervals(misfit, fit)
        except _BetterError as better:
            fit = refine(misfit, [better.x, *(m.x for m in fit.minima)])
    return fit, _intervals(misfit, fit, final=True)


def _intervals(misfit: Misfit, fit: Fit, final: bool = False) -> list[list[Interval]]:
    problem, found = fit.problem, []
    for i, (start, width) in enumerate(zip(problem.origin, problem.widths, strict=True)):
        sides = [
            (_side(misfit, fit, mode, i, -1, final), _side(misfit, fit, mode, i, 1, final))
            for mode in fit.modes
            if mode is fit.modes[0] or mode.weight >= PROFILED
        ]
        if len(fit.modes) == 1:
            ((low, high),) = sides
            parts = [(low.end, high.end, low.is_open, high.is_open)]
        else:
            parts = [
                (low, high, low < EDGE, high > 1 - EDGE)
                for low, high in _mixture(fit, i, sides).region()
            ]
        found.append(
            [
                Interval(float(start + width * low), float(start + width * high), *ends)
                for low, high, *ends in parts
            ]
        )
        progress.report("intervals", i + 1, len(problem.labels))
    return found


def _mixture(fit: Fit, i: int, sides: list[tuple[_Bound, _Bound]]) -> Mixture:
    """Return the distribution of a coordinate, with curvatures where there are no profiles."""
    curved = fit.mixture(i)
    low, high = curved.low.copy(), curved.high.copy()
    profiled = [k for k, m in enumerate(fit.modes) if k == 0 or m.weight >= PROFILED]
    low[profiled] = [max(below.std, 1e-9) for below, _ in sides]
    high[profiled] = [max(above.std, 1e-9) for _, above in sides]
    return Mixture(curved.weight, curved.centre, low, high, curved.ends)


def _side(misfit: Misfit, fit: Fit, mode: Mode, i: int, sign: int, final: bool) -> _Bound:
    """Return the coordinate at which χ² has risen by one, and whether its range ended before."""
    here, covariance = mode.minimum, mode.covariance
    distance = (1 - here.x[i]) if sign > 0 else here.x[i]
    std = float(np.sqrt(covariance[i, i]))
    if distance < EDGE:
        return _Bound(float(here.x[i] + sign * distance), True, std)
    follow = sign * covariance[:, i] / covariance[i, i]
    inside, outside = (0.0, 0.0), (np.inf, np.inf)  # step and root of the rise
    step = min(std, distance)
    near = here.x
    for _ in range(TURNS):
        guess = near + follow * (step - inside[0])
        guess[i] = here.x[i] + sign * step
        found: Minimum = descend(misfit, guess, fixed=[i])
        if (found.chi2 - fit.best.chi2) / fit.noise**2 < BETTER and not final:
            raise _BetterError(found.x)
        rise = (found.chi2 - here.chi2) / fit.noise**2
        if rise < BETTER and mode is not fit.modes[0]:
            rise = 4.0  # in the valley of a better mode, which speaks for itself
        if rise < 1:
            inside, near = (step, np.sqrt(max(rise, 0.0))), found.x
            if step >= distance:
                return _Bound(
                    float(here.x[i] + sign * distance),
                    True,
                    min(distance / max(inside[1], 1e-9), FLAT),
                )
        else:
            outside = (step, np.sqrt(rise))
        close = abs(np.sqrt(max(rise, 0.0)) - 1) < NEAR
        if np.isinf(outside[0]):  # the root rises about evenly
            longer = 1 / max(inside[1], 1e-9)
            step = min(step * (longer if close else float(np.clip(longer, 1.3, 4.0))), distance)
        else:
            share = (1 - inside[1]) / (outside[1] - inside[1])
            share = share if close else float(np.clip(share, 0.1, 0.9))
            step = inside[0] + share * (outside[0] - inside[0])
        if close:
            break
    return _Bound(float(here.x[i] + sign * step), bool(step >= distance), float(step))
