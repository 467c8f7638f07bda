"""Several minima that the noise does not tell apart: what they say together of one unknown.

Each minimum counts by its likelihood, exp(−Δχ²/2), and is a normal distribution about its place, of
two halves where the profile likelihood falls differently to both sides. The range of the unknown
ends it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from xreg.core.arrays import Array

__all__ = ["ONE_SIGMA", "Mixture", "likelihoods"]

ONE_SIGMA, TWO_SIGMA = 0.682689492137, 0.954499736104
WIDEST = 1e4  # of a range: a σ from which a distribution in it is uniform
DIGITS = 1e-6  # to which a σ is found
POINTS, REACH = 801, 6.0  # of each part's grid, which goes so many of its σ to both sides


def likelihoods(chi2: Array, noise: float) -> Array:
    """Return (n,) weights of n minima, which add up to one."""
    weight = np.exp(-(chi2 - chi2.min()) / (2 * noise**2))
    return np.asarray(weight / weight.sum())


@dataclass(frozen=True, eq=False)
class Mixture:
    """Distribution of one unknown over n minima, the best of them first.

    Attributes
    ----------
    weight, centre
        (n,) weight and place of each.
    low, high
        (n,) standard deviation below and above it.
    ends
        Range of the unknown, in which each is a distribution of its own weight: of a direction in
        which a spectrum changes nothing remains a uniform one.
    """

    weight: Array
    centre: Array
    low: Array
    high: Array
    ends: tuple[float, float] = (-np.inf, np.inf)

    def below(self, value: float) -> float:
        """Return the probability of less than a value."""
        first, last = (self._under(end) for end in self.ends)
        found = self._under(float(np.clip(value, *self.ends)))
        return float(self.weight @ ((found - first) / (last - first)))

    def _under(self, value: float) -> Array:
        """Return (n,) shares of each below a value, without regard to the range."""
        low, high = (np.minimum(std, WIDEST) for std in (self.low, self.high))
        part = 2 * low / (low + high)
        z = value - self.centre
        return np.where(
            z < 0,
            part * ndtr(z / low),
            part / 2 + (2 - part) * (ndtr(z / high) - 0.5),
        )

    def std(self) -> float:
        """Return the σ with which best ± σ holds 68 % and best ± 2σ at least 95 %.

        For one minimum of equal halves it is its own; for several it reaches the others as far as
        their weight demands.
        """
        at = self.centre[0]
        most = np.abs(self.centre - at).max() + 10 * max(self.low.max(), self.high.max())
        most = min(most, max(abs(end - at) for end in self.ends))

        def half(share: float) -> float:
            return float(
                brentq(
                    lambda h: self.below(at + h) - self.below(at - h) - share,
                    0, most, xtol=1e-12, rtol=DIGITS,
                )
            )  # fmt: skip

        return max(half(ONE_SIGMA), half(TWO_SIGMA) / 2)

    def region(self) -> list[tuple[float, float]]:
        """Return the intervals between 0 and 1 of highest density that hold 68 % together."""
        steps = np.linspace(-REACH, REACH, POINTS)
        spread = np.where(steps[:, None] < 0, self.low, self.high)
        grid = np.unique(np.clip(self.centre + steps[:, None] * spread, 0, 1))
        middle, width = (grid[1:] + grid[:-1]) / 2, np.diff(grid)
        z = middle[:, None] - self.centre
        shape = np.exp(-0.5 * (z / np.where(z < 0, self.low, self.high)) ** 2)
        mass = (self.weight * shape / (width @ shape)).sum(axis=1) * width
        order = np.argsort(-mass / width)
        kept = np.zeros(len(middle), dtype=bool)
        kept[order[: np.searchsorted(np.cumsum(mass[order]), ONE_SIGMA * mass.sum()) + 1]] = True
        turns = np.flatnonzero(np.diff(np.concatenate([[0], kept.astype(int), [0]])))
        return [
            (float(grid[first]), float(grid[last]))
            for first, last in zip(turns[::2], turns[1::2], strict=True)
        ]
