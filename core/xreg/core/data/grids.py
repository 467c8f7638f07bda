"""Energy grids: from many points to few channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.data.spectra import Channel
from xreg.core.errors import DataError

__all__ = ["bin_weights", "coarsen"]


def bin_weights(energy: ArrayLike, points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centres of equal bins over a grid, and the weights that average spectra over them.

    The average is that of the piecewise linear curve through the points, so the area under the
    spectrum is kept exactly, on any grid.

    Parameters
    ----------
    energy
        (m,) increasing energies in eV.
    points
        Number p of bins.

    Returns
    -------
    centres
        (p,) energies in eV.
    weights
        (m, p); ``intensity @ weights`` are the (n, p) averages.
    """
    grid = np.asarray(energy, dtype=np.float64)
    edges = np.linspace(grid[0], grid[-1], points + 1)
    steps = np.diff(grid)
    # Integral from the grid's start to each edge, as weights of the intensities: whole trapezoids
    # before the edge, and a part of the one that holds it.
    cell = np.clip(np.searchsorted(grid, edges, side="right") - 1, 0, len(steps) - 1)
    halves = np.where(np.arange(len(steps)) < cell[:, None], steps / 2, 0.0)
    whole = np.zeros((points + 1, len(grid)))
    whole[:, :-1] += halves
    whole[:, 1:] += halves
    part = (edges - grid[cell]) / steps[cell]
    rows = np.arange(points + 1)
    whole[rows, cell] += steps[cell] * (part - part**2 / 2)
    whole[rows, cell + 1] += steps[cell] * part**2 / 2
    weights = np.diff(whole, axis=0) / np.diff(edges)[:, None]
    return (edges[:-1] + edges[1:]) / 2, weights.T


def coarsen(channel: Channel, points: int) -> Channel:
    """Return the channel on ``points`` bins of equal width.

    Raises
    ------
    DataError
        If the channel has no energies, or fewer points than are asked for.
    """
    if channel.energy is None:
        raise DataError("target features have no energies to coarsen.")
    if points > len(channel.energy):
        raise DataError(
            f"target.points is {points}, but the channel has {len(channel.energy)} points; coarsen "
            "to fewer."
        )
    centres, weights = bin_weights(channel.energy, points)
    intensity = np.asarray(channel.intensity, dtype=np.float64) @ weights
    return Channel(intensity, centres, (), channel.unit)
