"""The two edges of a 2p spectrum: L3 below, L2 above, and how spectra divide between them."""

from __future__ import annotations

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError

__all__ = ["boundary", "branching_ratio", "edge_sums"]

# The mean spectrum must fall to this share of the weaker edge between both.
VALLEY = 0.5


def boundary(energy: Array, spectra: Array) -> float:
    """Return the energy (eV) that parts L3 from L2.

    It is the lowest point of the mean spectrum between the centres of its two groups of intensity
    (k-means of the energies, weighted by it).

    Parameters
    ----------
    energy, spectra
        (m,) energies in eV and (n, m) known spectra.

    Raises
    ------
    NotApplicableError
        If the mean spectrum has no valley between two groups.
    """
    from sklearn.cluster import KMeans

    mean = np.clip(spectra.mean(axis=0), 0, None)
    none = NotApplicableError("the mean spectrum shows no two edges with a valley between them.")
    if not mean.any():
        raise none
    groups = KMeans(2, n_init=4, random_state=0).fit(energy[:, None], sample_weight=mean)
    low, high = np.searchsorted(energy, np.sort(groups.cluster_centers_[:, 0]))
    valley = int(low + np.argmin(mean[low : high + 1]))
    sides = min(mean[:valley].max(initial=0.0), mean[valley:].max())
    if valley in (low, high) or mean[valley] > VALLEY * sides:
        raise none
    return float(energy[valley])


def edge_sums(energy: Array, values: Array, parting: float) -> tuple[Array, Array]:
    """Return the (n,) integrals of (n, m) values below and from ``parting`` (eV) on."""
    low = energy < parting
    width = np.gradient(energy)
    return values[:, low] @ width[low], values[:, ~low] @ width[~low]


def branching_ratio(energy: Array, spectra: Array, parting: float) -> Array:
    """Return the (n,) ratio of L3 to L2 intensity; NaN where L2 has none."""
    lower, upper = edge_sums(energy, spectra, parting)
    return lower / np.where(upper > 0, upper, np.nan)
