"""Pairs and triples of atoms with the absorber in them, vectorised."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from xreg.core.arrays import Array
from xreg.core.atoms.neighbours import Neighbours

__all__ = ["Terms", "pairs", "triples"]

Index = NDArray[np.int64]

# Index pairs of up to so many neighbours are kept for the next structure.
_KEPT = 300
# Cosines beyond this size are too near ±1 to take an angle from.
_STRAIGHT = 1 - 1e-5


@dataclass(frozen=True, eq=False, slots=True)
class Terms:
    """k terms of a sum.

    Attributes
    ----------
    values
        (k,) distances in Å, or cosines of angles.
    angles
        (k,) angles in rad, where they were asked for; else none.
    lengths
        (k,) distances or perimeters in Å, which weights depend on.
    blocks
        (k,) number of the sum that each belongs to.
    """

    values: Array
    lengths: Array
    blocks: Index
    angles: Array = field(default_factory=lambda: np.empty(0))


def pairs(around: Neighbours, element: Index, elements: int, cutoff: float) -> Terms:
    """Return the distances to the neighbours, in one block for each element.

    Parameters
    ----------
    around : Neighbours
        k atoms around the absorber.
    element : (k,) array
        Number of the element of each.
    elements : int
        How many elements there are.
    cutoff : float
        Largest distance in Å.
    """
    r = around.distances
    within = slice(np.searchsorted(r, cutoff))
    return Terms(r[within], r[within], element[within])


def triples(
    around: Neighbours, element: Index, elements: int, cutoff: float, angles: bool = False
) -> Terms:
    """Return the cosines of the three angles in each triangle of absorber X and two neighbours.

    With e elements, the angle at X between atoms of elements a ≤ b has the block ``a e + b``; that
    at an atom of element a, between X and an atom of element b, ``e² + a e + b``.

    Parameters
    ----------
    around, element, elements
        As in :func:`pairs`.
    cutoff : float
        Half of the largest perimeter in Å.
    angles : bool
        Whether the angles are wanted too.
    """
    within = slice(np.searchsorted(around.distances, cutoff))
    r, element = around.distances[within], element[within]
    j, k = _index_pairs(len(r)) if len(r) <= _KEPT else np.triu_indices(len(r), 1)
    far = pdist(around.vectors[within])  # in the same order
    perimeter = r[j] + r[k] + far
    near = np.flatnonzero(perimeter <= 2 * cutoff)
    j, k, x, y, z = j[near], k[near], r[j[near]], r[k[near]], far[near]
    xx, yy, zz = x * x, y * y, z * z
    cosines = (
        (xx + yy - zz) / (2 * x * y),
        (xx + zz - yy) / (2 * x * z),
        (yy + zz - xx) / (2 * y * z),
    )
    a, b = element[j], element[k]
    blocks = (
        np.minimum(a, b) * elements + np.maximum(a, b),
        (elements + a) * elements + b,
        (elements + b) * elements + a,
    )
    values = np.clip(np.concatenate(cosines), -1.0, 1.0)
    wide = np.empty(0)
    if angles:
        wide = np.arccos(values)
        # A cosine near ±1 holds half the digits of its angle: there the area gives the sine.
        flat = np.flatnonzero(np.abs(values[: len(j)]) > _STRAIGHT)
        if flat.size:
            arms = around.vectors[within]
            area = np.linalg.norm(np.cross(arms[j[flat]], arms[k[flat]]), axis=1)
            p, q, s = xx[flat], yy[flat], zz[flat]
            for corner, along in enumerate((p + q - s, p + s - q, q + s - p)):
                wide[corner * len(j) + flat] = np.arctan2(2 * area, along)
    return Terms(values, np.tile(perimeter[near], 3), np.concatenate(blocks), wide)


@lru_cache(maxsize=32)
def _index_pairs(n: int) -> tuple[Index, Index]:
    return np.triu_indices(n, 1)
