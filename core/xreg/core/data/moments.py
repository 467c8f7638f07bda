"""Spectral moments of energy windows: a few numbers instead of a whole spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xreg.core.arrays import Array
from xreg.core.data.spectra import Channel
from xreg.core.errors import DataError
from xreg.core.text import with_unit

__all__ = ["moments_of", "spectral_moments"]

MOMENTS = {"mean": "eV", "standard deviation": "eV", "skewness": "", "excess kurtosis": ""}


def moments_of(energy: ArrayLike, intensity: ArrayLike) -> Array:
    """Return mean, standard deviation, skewness and excess kurtosis of spectra.

    A spectrum is taken as a density of energies (integrals by the trapezoid rule): μ₁ = ⟨E⟩,
    σ² = ⟨(E − μ₁)²⟩, skewness ⟨(E − μ₁)³⟩/σ³, excess kurtosis ⟨(E − μ₁)⁴⟩/σ⁴ − 3.

    Parameters
    ----------
    energy
        (m,) increasing energies in eV.
    intensity
        (n, m) spectra.

    Returns
    -------
    (n, 4) array
        In eV, eV, 1 and 1; NaN for a spectrum without positive area or variance, which is no
        density.
    """
    grid, values = np.asarray(energy, np.float64), np.asarray(intensity, np.float64)
    steps = np.diff(grid)
    weights = np.zeros_like(grid)
    weights[:-1] += steps / 2
    weights[1:] += steps / 2
    area = values @ weights
    with np.errstate(divide="ignore", invalid="ignore"):
        density = values * weights / np.where(area > 0, area, np.nan)[:, None]
        mean = density @ grid
        offset = grid - mean[:, None]
        second, third, fourth = (np.sum(density * offset**k, axis=1) for k in (2, 3, 4))
        width = np.sqrt(np.where(second > 0, second, np.nan))
        return np.stack([mean, width, third / width**3, fourth / width**4 - 3], axis=1)


def spectral_moments(channel: Channel, windows: Mapping[str, tuple[float, float]]) -> Channel:
    """Return the moments of named windows as target features, four a window.

    A window ends where it says: between two points the spectrum is taken as the straight line that
    the trapezoid rule takes it for.

    Parameters
    ----------
    channel
        Spectra of n samples.
    windows
        Lowest and highest energy in eV, by name.

    Raises
    ------
    DataError
        If the channel has no energies, or a window reaches beyond them or holds too few points.
    """
    if channel.energy is None:
        raise DataError("target.moments needs spectra; this channel holds target features already.")
    found, names = [], []
    for name, (low, high) in windows.items():
        if low < channel.energy[0] or high > channel.energy[-1]:
            raise DataError(
                f"target.moments: the window '{name}' ({low:g}…{high:g} eV) reaches beyond the "
                f"channel's {channel.energy[0]:g}…{channel.energy[-1]:g} eV."
            )
        found.append(moments_of(*_between(channel.energy, channel.intensity, low, high)))
        names += [with_unit(f"{name} {moment}", unit) for moment, unit in MOMENTS.items()]
    return Channel(np.concatenate(found, axis=1), None, tuple(names), "")


def _between(energy: Array, intensity: Any, low: float, high: float) -> tuple[Array, Array]:
    """Return the grid and the spectra from ``low`` to ``high``, both ends included."""
    if np.count_nonzero((low <= energy) & (energy <= high)) < 2:
        raise DataError(
            f"target.moments: the window {low:g}…{high:g} eV holds fewer than two points of the "
            "channel; widen it."
        )
    first = int(np.searchsorted(energy, low, side="right")) - 1
    last = int(np.searchsorted(energy, high, side="left"))
    grid = energy[first : last + 1].copy()
    values = np.array(intensity[:, first : last + 1], dtype=np.float64)
    for end, inner, at in ((0, 1, low), (-1, -2, high)):
        share = (at - grid[end]) / (grid[inner] - grid[end])
        values[:, end] += share * (values[:, inner] - values[:, end])
        grid[end] = at
    return grid, values
