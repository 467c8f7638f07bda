"""How many absorption edges a measured spectrum has."""

from __future__ import annotations

import numpy as np

from xreg.core.arrays import Array

__all__ = ["find_edges"]

NEAR, FAR = 10.0, 40.0
"""eV from an energy between which the spectrum is averaged on both sides."""
APART = 80.0
"""eV; nearer ones, as L3 and L2 of light metals, are one edge."""
SHARE = 0.35
"""A further edge is at least so high, of the highest; fine structure is lower."""


def find_edges(energy: Array, mu: Array) -> list[float]:
    """Return the energies at which a spectrum rises for good, in eV, ascending.

    Parameters
    ----------
    energy, mu
        (m,) rising energies in eV, and the absorption.
    """
    low, high = energy[0] + FAR, energy[-1] - FAR
    if len(energy) < 30 or high - low < APART:
        return []
    # Means over windows, from the integral of the straight lines between points.
    area = np.concatenate([[0.0], np.cumsum(np.diff(energy) * (mu[1:] + mu[:-1]) / 2)])
    at = np.arange(low, high, 2.0)

    def mean(start: Array, end: Array) -> Array:
        return (np.interp(end, energy, area) - np.interp(start, energy, area)) / (end - start)

    jump = mean(at + NEAR, at + FAR) - mean(at - FAR, at - NEAR)
    jump -= max(0.0, float(np.median(jump)))  # what rises everywhere is a background
    top = float(jump.max())
    if top <= 0:
        return []
    found: list[int] = []
    for i in np.argsort(-jump).tolist():
        if jump[i] < SHARE * top:
            break
        if all(abs(at[i] - at[j]) >= APART for j in found):
            found.append(i)
    return sorted(float(at[i]) for i in found)
