"""Distributions of many weighted values at once, each value broadened by a Gaussian."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.special import eval_hermitenorm, ndtr

from xreg.core.arrays import Array
from xreg.plugins.lmbtr.plugin import REACH

__all__ = ["Broadening"]

Index = NDArray[np.int64]

# Bins to a standard deviation, and moments taken of each: a value lies within σ/16 of the centre
# of its bin, and the first term left out is below 1e-11 of the value's weight.
_BINS, _MOMENTS = 8, 7
# Tables with more bins than this cost more than they save.
_MOST_BINS = 4000


class Broadening:
    r"""Sums of Gaussians over a grid, as dscribe defines them: averages over the cells of the grid.

    The cell of a grid point x is as wide as the step d of the grid, so a value v contributes
    :math:`[\Phi((x + d/2 - v)/\sigma) - \Phi((x - d/2 - v)/\sigma)]/d`, with the normal
    distribution Φ.

    Few values are evaluated so, one by one. Many are collected in narrow bins, of each of which the
    moments about its centre are taken (the idea of the fast Gauss transform, Greengard and Strain,
    SIAM J. Sci. Stat. Comput. 12, 79 (1991)); one product with a table then gives all sums.

    Parameters
    ----------
    low, high : float
        First and last grid point.
    points : int
        Number of grid points, at least 2.
    sigma : float
        Standard deviation of the Gaussians.
    """

    def __init__(self, low: float, high: float, points: int, sigma: float) -> None:
        self.step = (high - low) / (points - 1)
        self.points, self.sigma = points, sigma
        self.edge = low - self.step / 2
        self.window = min(int(2 * REACH * sigma / self.step) + 3, points + 1)
        # The bins reach beyond the grid on either side, as far as Gaussians do.
        self.first, self.width = self.edge - REACH * sigma, sigma / _BINS
        self.bins = int(np.ceil((points * self.step + 2 * REACH * sigma) / self.width))
        self.table = self._table() if self.bins <= _MOST_BINS else None

    def __call__(self, values: Array, weights: Array, blocks: Index, count: int) -> Array:
        """Return the (count, points) sums of weighted values, one for each block.

        Parameters
        ----------
        values, weights : (k,) arrays
            What is broadened, and how much each counts.
        blocks : (k,) array
            Number of the sum, below ``count``, that each value belongs to.
        """
        if self.table is None or len(values) < self.bins:
            return self._each(values, weights, blocks, count)
        place = (values - self.first) / self.width
        inside = np.flatnonzero((place >= 0) & (place < self.bins))
        place, term = place[inside], weights[inside]
        column = place.astype(np.int64)
        offset = place - column - 0.5
        index = blocks[inside] * self.bins + column
        moments = np.empty((count, _MOMENTS, self.bins))
        for m in range(_MOMENTS):
            total = np.bincount(index, term, minlength=count * self.bins)
            moments[:, m] = total.reshape(count, self.bins)
            term = term * offset
        return np.asarray(moments.reshape(count, -1) @ self.table)

    def _each(self, values: Array, weights: Array, blocks: Index, count: int) -> Array:
        start = np.floor((values - self.edge - REACH * self.sigma) / self.step)
        start = np.clip(start, 0, self.points + 1 - self.window).astype(np.int64)
        cells = np.arange(self.window)
        edges = (start[:, None] + cells) * self.step + self.edge
        shares = np.diff(ndtr((edges - values[:, None]) / self.sigma), axis=1)
        index = (blocks * self.points + start)[:, None] + cells[:-1]
        sums = np.bincount(
            index.ravel(), (shares * weights[:, None]).ravel(), minlength=count * self.points
        )
        return sums.reshape(count, self.points) / self.step

    def _table(self) -> Array:
        """Return what the moments (by order and bin) of a bin contribute to each point."""
        centres = self.first + self.width * (np.arange(self.bins) + 0.5)
        edges = self.edge + self.step * np.arange(self.points + 1)
        x = (edges - centres[:, None]) / self.sigma
        density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        # Taylor series of Φ(x - u/8) in the offset u, counted in bins.
        orders = [ndtr(x)]
        for m in range(1, _MOMENTS):
            orders.append(-eval_hermitenorm(m - 1, x) * density / factorial(m) / _BINS**m)
        return np.asarray(np.diff(orders, axis=2).reshape(-1, self.points) / self.step)
