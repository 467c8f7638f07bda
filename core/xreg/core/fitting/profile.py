"""How far each unknown can go before the fit becomes worse: intervals of the profile likelihood.

The curvature at the best fit misjudges unknowns that the spectrum feels in a bent way: a
temperature below the lowest excitation, a width that hides in another one. Here an unknown is moved
outward, all others are fitted again, and the interval ends where χ² has risen by one (68 %; the
MINOS procedure of F. James and M. Roos, Comput. Phys. Commun. 10, 343 (1975)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.fitting.misfit import Misfit
from xreg.core.fitting.refine import Fit, Minimum, descend, refine

__all__ = ["Interval", "with_intervals"]

Array = NDArray[np.float64]

EXACT = 0.1  # of the rise of χ² that ends an interval
TURNS = 8  # most fits for one end
ROUNDS = 4  # how often a better minimum may turn up on the way
BETTER = -0.1  # change of χ² that makes one better


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


class _BetterError(Exception):
    def __init__(self, x: Array) -> None:
        super().__init__()
        self.x = x


def with_intervals(misfit: Misfit, fit: Fit) -> tuple[Fit, list[Interval]]:
    """Return the fit with an interval for each coordinate.

    Where a fit on the way is better than the best so far, all begins again from there; so the fit
    that is returned can be another.
    """
    for _ in range(ROUNDS):
        try:
            return fit, _intervals(misfit, fit)
        except _BetterError as better:
            fit = refine(misfit, [better.x, *(m.x for m in fit.minima)])
    return fit, _intervals(misfit, fit, final=True)


def _intervals(misfit: Misfit, fit: Fit, final: bool = False) -> list[Interval]:
    labels = fit.problem.labels
    found = []
    for i, (start, width) in enumerate(zip(fit.problem.origin, fit.problem.widths, strict=True)):
        low, open_low = _end(misfit, fit, i, -1, final)
        high, open_high = _end(misfit, fit, i, 1, final)
        found.append(
            Interval(float(start + width * low), float(start + width * high), open_low, open_high)
        )
        progress.report("intervals", i + 1, len(labels))
    return found


def _end(misfit: Misfit, fit: Fit, i: int, sign: int, final: bool) -> tuple[float, bool]:
    """Return the coordinate at which χ² has risen by one, and whether its range ended before."""
    best = fit.best
    room = (1 - best.x[i]) if sign > 0 else best.x[i]
    if room < 1e-3:
        return float(best.x[i] + sign * room), True
    follow = sign * fit.covariance[:, i] / fit.covariance[i, i]
    inside, outside = (0.0, 0.0), (np.inf, np.inf)  # step and root of the rise
    step = min(float(np.sqrt(fit.covariance[i, i])), room)
    near = best.x
    for _ in range(TURNS):
        guess = near + follow * (step - inside[0])
        guess[i] = best.x[i] + sign * step
        found: Minimum = descend(misfit, guess, fixed=i)
        rise = (found.chi2 - best.chi2) / fit.noise**2
        if rise < BETTER and not final:
            raise _BetterError(found.x)
        if rise < 1:
            inside, near = (step, np.sqrt(max(rise, 0.0))), found.x
            if step >= room:
                return float(best.x[i] + sign * room), True
        else:
            outside = (step, np.sqrt(rise))
        if abs(rise - 1) < EXACT:
            break
        if np.isinf(outside[0]):  # the root rises about evenly
            step = min(step * float(np.clip(1 / max(inside[1], 1e-9), 1.3, 4.0)), room)
        else:
            share = (1 - inside[1]) / (outside[1] - inside[1])
            step = inside[0] + float(np.clip(share, 0.1, 0.9)) * (outside[0] - inside[0])
    return float(best.x[i] + sign * step), False
