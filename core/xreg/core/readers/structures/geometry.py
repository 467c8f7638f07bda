"""Whether positions can be those of atoms in Å: one judgement for all that reads structures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.elements import SYMBOLS

__all__ = ["Judgement", "judge"]

TOO_NEAR = 0.4
"""Å. The shortest bond, of H2, is 0.74 Å; in hot dynamics it may shrink to some 0.6 Å."""
TOO_FAR = 10.0
"""Å. No molecule or crystal has all its atoms so far from each other."""
SPARSE = 1.6
"""Ratio of all nearest distances to sums of covalent radii beyond which a unit is doubted; lengths
in Bohr read as Å give 1.9, ionic crystals up to 1.3."""
CLOSE, CROWDED = 0.55, 0.35
"""Ratios of a distance to the sum of covalent radii below which it is doubted, and refused; the
shortest known bonds (Cr2, Mo≡Mo, U≡N) have 0.6, fractions of a cell read as Å 0.1 … 0.3."""
TOO_DENSE = 1.5
"""Å³ for each atom of a crystal; diamond has 5.7, solid hydrogen at 100 GPa 2.2."""
HUGE = 1e6
"""Å. Beyond it digits of distances are lost."""
FLAT = 1e-6
NEARLY = 1e-3
"""Å. So near to a bound a distance is computed with more care."""
MANY = 5_000_000
"""Images of atoms; more are needed about a cell that is thin as no crystal's."""
# So many atoms are compared pair by pair; a tree takes longer to build.
FEW = 150
# Å around a cell in which images are looked for, at first; almost every atom has a neighbour there.
AROUND = 3.2

Judgement = tuple[str, list[str]]
"""Why it is no structure, empty where it is one; and what is to be said of it."""


def judge(
    numbers: NDArray[np.int32], positions: Array, cell: Array, pbc: NDArray[np.bool_]
) -> Judgement:
    """Judge the geometry of a structure.

    Parameters
    ----------
    numbers
        (a,) atomic numbers.
    positions
        (a, 3) positions in Å.
    cell, pbc
        (3, 3) cell vectors in Å as rows, and (3,) periodicity.

    Returns
    -------
    Judgement
        Refused are: no atoms, numbers of no element, what is not finite, periodic cells without
        volume, atoms nearer than 0.4 Å (in one place, split positions, nanometres), all atoms
        farther apart than 10 Å or nearer than a third of a bond, crystals denser than matter.
    """
    if not len(numbers):
        return "it has no atoms", []
    few = numbers.tolist() if len(numbers) <= FEW else []  # in a list these are found faster
    least, most = (min(few), max(few)) if few else (numbers.min(), numbers.max())
    if least < 1 or most >= len(SYMBOLS):
        at = int(np.flatnonzero((numbers < 1) | (numbers >= len(SYMBOLS)))[0])
        what = "a dummy atom" if numbers[at] == 0 else "no element"
        return f"its atom {at} has the atomic number {numbers[at]}, {what}", []
    # Not so where one is no number, either.
    if not (np.abs(positions).max() <= HUGE and (not cell.any() or np.abs(cell).max() <= HUGE)):
        return _size_problem(positions, cell), []
    if pbc.any():
        return _crystal(numbers, positions, cell, pbc)
    if len(numbers) < 2:
        return "", []
    if len(numbers) <= FEW:
        arms = positions - positions[0]
        products = arms @ arms.T
        squares = products.diagonal()
        squares = squares + squares[:, None]
        products *= 2
        squares -= products
        if _surely_bonded(numbers, squares):
            return "", []
        x, y, z = (_apart(column) for column in arms.T)
        return _judged(numbers, _all_pairs(x * x + y * y + z * z))
    return _judged(numbers, _nearest(positions, positions, np.arange(len(numbers))))


def _size_problem(positions: Array, cell: Array) -> str:
    finite = np.isfinite(positions).all(axis=1)
    if not finite.all():
        return f"its atom {int(np.argmin(finite))} has a position that is not finite"
    if not np.isfinite(cell).all():
        return "it has cell vectors that are not finite"
    return f"it has lengths of more than {HUGE:g} Å"


def _surely_bonded(numbers: NDArray[np.int32], squares: NDArray[Any]) -> bool:
    """Tell quickly, of (a, a) squared distances, whether the nearest pair is one as of a bond."""
    from ase.data import covalent_radii

    squares.ravel()[:: len(squares) + 1] = np.inf  # a view, as all rows are in one piece
    one, other = divmod(int(squares.argmin()), len(squares))
    nearest = math.sqrt(max(squares[one, other], 0.0))
    radii = covalent_radii[numbers]
    bond = radii[one] + radii[other]
    # Where even the nearest are not so near for the largest atoms, none are.
    near = nearest <= 2 * CLOSE * max(radii.tolist()) + NEARLY
    if near and not (squares > (CLOSE * np.add.outer(radii, radii)) ** 2).all():
        return False
    return bool(TOO_NEAR + NEARLY < nearest < min(TOO_FAR, SPARSE * bond) - NEARLY)


def _crystal(
    numbers: NDArray[np.int32], positions: Array, cell: Array, pbc: NDArray[np.bool_]
) -> Judgement:
    lengths = np.sqrt((cell * cell).sum(axis=1))
    if (lengths[pbc] == 0).any():
        return "it is periodic along a cell vector of no length", []
    full = cell
    if (lengths == 0).any():
        from ase.geometry import complete_cell

        full = np.asarray(complete_cell(cell))
        lengths = np.sqrt((full * full).sum(axis=1))
    volume = float(np.linalg.det(full))
    if abs(volume) <= FLAT * float(lengths.prod()):
        return "its cell has no volume", []
    each = abs(volume) / len(numbers)
    if pbc.all() and each < TOO_DENSE:
        return (
            f"its cell has {each:.2g} Å³ for each atom, denser than matter: are lengths in Å?",
            [],
        )
    notes = ["its cell is left-handed"] if volume < 0 else []
    inverse = np.asarray(np.linalg.inv(full), np.float64)
    fractions = positions @ inverse
    fractions -= np.floor(fractions) * pbc
    heights = 1 / np.sqrt((inverse * inverse).sum(axis=0))
    if _plain(numbers, fractions, full, pbc, heights):
        return "", notes
    found = None
    for around in (AROUND, TOO_FAR):
        spread = np.prod(1 + 2 * around / heights[pbc])
        if spread * len(numbers) > MANY:
            return "its cell is too thin or too skewed for a crystal's: are lengths in Å?", notes
        others, owner = _images(fractions, inverse, pbc, around)
        if len(others) > 1:
            found = _nearest(fractions @ full, others @ full, owner)
            if found.distances.min() < around and found.ratios(numbers).min() < SPARSE:
                break
    if found is None:  # one atom in a wide box
        return "", notes
    problem, more = _judged(numbers, found)
    return problem, notes + more


def _plain(
    numbers: NDArray[np.int32],
    fractions: Array,
    full: Array,
    pbc: NDArray[np.bool_],
    heights: Array,
) -> bool:
    """Tell quickly whether a crystal is beyond doubt; not all that are, are seen to be."""
    if not 1 < len(numbers) <= FEW or heights[pbc].min() <= 2 * TOO_NEAR:
        return False
    # Any vector shorter than half of the least height is found so; others are no shorter.
    a, b, c = (_apart(column) for column in fractions.T)
    for vector, periodic in zip((a, b, c), pbc, strict=True):
        if periodic:
            np.subtract(vector, np.rint(vector), out=vector)
    g = (full @ full.T).astype(np.float32)
    squares = a * (g[0, 0] * a + 2 * g[0, 1] * b + 2 * g[0, 2] * c)
    squares += b * (g[1, 1] * b + 2 * g[1, 2] * c) + g[2, 2] * c * c
    return _surely_bonded(numbers, squares)


def _images(
    fractions: Array, inverse: Array, pbc: NDArray[np.bool_], around: float
) -> tuple[Array, NDArray[np.intp]]:
    """Return (k, 3) fractional coordinates of atoms and images up to ``around`` Å outside the cell.

    The second is the (k,) atom that each is an image of.
    """
    others, owner = fractions, np.arange(len(fractions))
    # A step along an axis moves an atom by at least the distance between the cell's two faces.
    edges = around * np.linalg.norm(inverse, axis=0)
    for axis in np.flatnonzero(pbc):
        reach = int(np.ceil(edges[axis]))
        steps = np.arange(-reach, reach + 1)
        moved = others[None] + steps[:, None, None] * np.eye(3)[axis]
        owners = np.broadcast_to(owner, moved.shape[:2])
        inside = (moved[..., axis] >= -edges[axis]) & (moved[..., axis] <= 1 + edges[axis])
        others, owner = moved[inside], owners[inside]
    return others, owner


@dataclass(frozen=True, eq=False)
class _Nearest:
    """(a,) distance in Å from each atom to what is nearest to it, and which atom that is."""

    distances: Array
    partners: NDArray[np.intp]

    def ratios(self, numbers: NDArray[np.int32]) -> Array:
        """Return (a,) the distances in units of a bond between the two atoms."""
        from ase.data import covalent_radii

        bonds = covalent_radii[numbers] + covalent_radii[numbers[self.partners]]
        return np.asarray(self.distances / bonds, np.float64)


def _apart(places: Array) -> NDArray[np.float32]:
    """Return (a, a) differences; single precision keeps 1e-5 Å, which is enough to judge."""
    short = places.astype(np.float32)
    return short[:, None] - short


def _all_pairs(squares: NDArray[np.float32]) -> _Nearest:
    """Return the nearest of (a, a) squared distances between atoms."""
    squares.flat[:: len(squares) + 1] = np.inf
    partners = squares.argmin(axis=1)
    nearest = squares[np.arange(len(squares)), partners]
    return _Nearest(np.sqrt(nearest.astype(np.float64)), partners)


def _nearest(places: Array, others: Array, owner: NDArray[np.intp]) -> _Nearest:
    from scipy.spatial import cKDTree

    found, index = cKDTree(others).query(places, k=2)
    owners = owner[index]
    # Of two atoms in one place either may be found first.
    itself = owners[:, 1] == np.arange(len(places))
    itself &= owners[:, 0] != owners[:, 1]
    return _Nearest(found[:, 1], np.where(itself, owners[:, 0], owners[:, 1]))


def _judged(numbers: NDArray[np.int32], found: _Nearest) -> Judgement:
    a = int(np.argmin(found.distances))
    least = float(found.distances[a])
    one, other = sorted((a, int(found.partners[a])))
    pair = f"its atoms {one} and {other} ({SYMBOLS[numbers[one]]} and {SYMBOLS[numbers[other]]})"
    if least < 1e-3:
        return f"{pair} are in one place", []
    if least < TOO_NEAR:
        every = bool((found.distances < TOO_NEAR).all())
        why = "are lengths in Å, not nanometres?" if every else "is one place filled twice?"
        return f"{pair} are {least:.2f} Å apart: {why}", []
    if len(numbers) > 1 and least > TOO_FAR:
        return f"all its atoms are more than {least:.0f} Å apart: are lengths in Å?", []
    ratios = found.ratios(numbers)
    a = int(ratios.argmin())
    if (ratio := float(ratios[a])) < CLOSE:
        one, other = sorted((a, int(found.partners[a])))
        said = (
            f"its atoms {one} and {other} ({SYMBOLS[numbers[one]]} and {SYMBOLS[numbers[other]]}) "
            f"are {found.distances[a]:.2f} Å apart, {ratio:.2f} times a bond: are lengths in Å?"
        )
        return (said, []) if ratio < CROWDED else ("", [said])
    if len(numbers) > 2 and ratio > SPARSE:
        return "", [
            f"no two of its atoms are nearer than {least:.2f} Å, {ratio:.1f} times a bond: are "
            "lengths in Å, not Bohr?"
        ]
    return "", []
