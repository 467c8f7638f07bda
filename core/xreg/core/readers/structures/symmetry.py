"""Symmetry operations: read strictly, checked to be a group that fits its cell, and applied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.errors import DataError

__all__ = ["Operations", "cell_vectors", "expanded", "operations_of", "require_fit"]

Operations = tuple[NDArray[np.int64], Array]
"""(n, 3, 3) rotations and (n, 3) translations of fractional coordinates."""

TERM = re.compile(r"([+-]?)(?:([xyz])|(\d+/[1-9]\d*|\d*\.\d+|\d+\.?))(?=[+-]|$)")
NUMBERED = re.compile(r"\s*\d+\s+(?=\S)")
MOST = 192
"""Operations of the largest space group in a conventional cell (F m -3 m)."""
MOST_IMAGES = 2_000_000
SAME_SITE = 1e-3
"""Fraction of the cell within which images of a site are one atom (1/3 written as 0.333)."""
PARTS, NEAR = 24, 1.5e-3
"""Translations are multiples of 1/24 of the cell, or are taken as written."""
STRAIN = 0.02
"""Share by which a cell may differ from what its symmetry asks for."""


def operations_of(texts: Sequence[str], centrings: Sequence[str] = ("x,y,z",)) -> Operations:
    """Read operations such as ``-x, y+1/2, z``, each with all centrings behind it.

    A fourth part, the reversal of time in magnetic symmetry, is left out.

    Raises
    ------
    DataError
        If one cannot be read or is no isometry, they are no group, or more than any has.
    """
    texts, centrings = list(dict.fromkeys(texts)), list(dict.fromkeys(centrings))
    if max(len(texts), len(centrings)) > 4 * MOST:
        raise DataError(f"it lists {len(texts)} symmetry operations; no group has so many")
    first, after = [*map(_read, texts)], [*map(_read, centrings)]
    turns = np.array([b @ a for (a, _), (b, _) in product(first, after)])
    shifts = np.array([b @ s + t for (_, s), (b, t) in product(first, after)])
    _, kept = np.unique(_codes(turns, shifts), return_index=True)
    if len(kept) > MOST:
        raise DataError(f"it lists {len(kept)} symmetry operations; no space group has so many")
    turns, shifts = turns[np.sort(kept)], shifts[np.sort(kept)]
    _require_group(turns, shifts)
    return turns, shifts


def _read(text: str) -> tuple[NDArray[np.int64], Array]:
    parts = NUMBERED.sub("", text, count=1).replace(" ", "").lower().split(",")
    turn, shift = np.zeros((3, 3), np.int64), np.zeros(3)
    good = len(parts) == 3 or (len(parts) == 4 and parts[3] in ("+1", "1", "-1"))
    for row, part in enumerate(parts[:3]):
        found = list(TERM.finditer(part))
        good &= bool(found) and "".join(term[0] for term in found) == part
        for sign, axis, value in (term.groups() for term in found):
            one = -1 if sign == "-" else 1
            if axis:
                turn[row, "xyz".index(axis)] += one
            else:
                above, _, below = value.partition("/")
                shift[row] += one * float(above) / float(below or 1)
    if not good or np.abs(turn).max() > 1 or abs(round(float(np.linalg.det(turn)))) != 1:
        raise DataError(f"its symmetry operation '{text[:40]}' is none")
    return turn, shift


def _snapped(shifts: Array) -> Array:
    near = np.rint(shifts * PARTS) / PARTS
    return np.where(np.abs(shifts - near) < NEAR, near, shifts)


def _codes(turns: NDArray[np.int64], shifts: Array) -> NDArray[np.int64]:
    """Return a number for each operation, the same for those that differ by whole cells."""
    turned = turns.reshape(*turns.shape[:-2], 9) @ (5 ** np.arange(9))
    places = np.rint(_snapped(shifts) % 1 * 2400).astype(np.int64) % 2400
    return np.asarray(turned * 2400**3 + places @ (2400 ** np.arange(3)), np.int64)


def _require_group(turns: NDArray[np.int64], shifts: Array) -> None:
    shifts = _snapped(shifts)
    twice = np.einsum("aij,bjk->abik", turns, turns)
    moved = np.einsum("aij,bj->abi", turns, shifts) + shifts[:, None]
    if not np.isin(_codes(twice, moved), _codes(turns, shifts)).all():
        raise DataError(
            f"its {len(turns)} symmetry operations are no group: one after another gives one that "
            "is not listed"
        )


def cell_vectors(parameters: Sequence[object]) -> Array:
    """Return the (3, 3) vectors of a cell of three lengths in Å and three angles in degrees.

    Raises
    ------
    DataError
        If there is no such cell.
    """
    from ase.geometry.cell import cellpar_to_cell

    said = " ".join(map(str, parameters))[:80]
    try:
        values = np.array([float(str(one)) for one in parameters])
        if len(values) != 6 or not (np.isfinite(values).all() and (values > 0).all()):
            raise ValueError
        vectors = np.asarray(cellpar_to_cell(values), np.float64)
        if not np.linalg.det(vectors) > 0:  # not so where it is no number, either
            raise ValueError
    except (ValueError, AssertionError, ZeroDivisionError):
        raise DataError(f"there is no cell of its parameters {said}") from None
    return vectors


def require_fit(operations: Operations, cell: Array) -> None:
    """Raise a :class:`DataError` where operations change a cell's lengths and angles."""
    metric = cell @ cell.T
    kept = np.einsum("nji,jk,nkl->nil", operations[0], metric, operations[0])
    if np.abs(kept - metric).max() > STRAIN * metric.max():
        raise DataError("its cell does not have the symmetry of its operations")


def expanded(
    numbers: NDArray[np.int32], sites: Array, operations: Operations
) -> tuple[NDArray[np.int32], Array, list[int]]:
    """Return numbers and fractional coordinates of all atoms of a cell, and how many each site is.

    Parameters
    ----------
    numbers, sites
        (s,) atomic numbers and (s, 3) fractional coordinates.
    operations
        As :func:`operations_of` gives them.
    """
    turns, shifts = operations
    if len(sites) * len(turns) > MOST_IMAGES:
        raise DataError(f"its {len(sites)} sites and {len(turns)} operations make too many atoms")
    places, counts = [], []
    for site in sites:
        images = turns @ site + shifts
        images -= np.floor(images)
        apart = np.abs(images[:, None] - images)
        same = (np.minimum(apart, 1 - apart) < SAME_SITE).all(axis=2)
        first = ~np.tril(same, -1).any(axis=1)
        places.append(images[first])
        counts.append(int(first.sum()))
    return np.repeat(numbers, counts), np.concatenate(places), counts
