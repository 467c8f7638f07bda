"""Neighbours of the absorbing atom, in molecules and, with their images, in crystals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.samples import Structure, Structures
from xreg.core.errors import SampleError

__all__ = ["Contacts", "Neighbours", "contacts", "cosine_cutoff", "neighbours", "refuse_coincident"]

SAME_PLACE = 1e-3
"""Distance (Å) below which two atoms count as coincident."""


@dataclass(frozen=True, eq=False, slots=True)
class Neighbours:
    """The k atoms and images of atoms about the absorber, which is not among them.

    Attributes
    ----------
    numbers
        (k,) atomic numbers.
    vectors
        (k, 3) vectors from the absorber in Å.
    distances
        (k,) distances from the absorber in Å, ascending.
    """

    numbers: NDArray[np.int32]
    vectors: Array
    distances: Array


def neighbours(
    structure: Structure, cutoff: float = np.inf, *, periodic: bool = True
) -> Neighbours:
    """Return what stands nearer to the absorber than ``cutoff`` (Å).

    Parameters
    ----------
    structure
        A molecule, or a crystal periodic in any direction.
    cutoff
        Radius; it must be finite for a crystal.
    periodic
        Whether periodicity counts; without it every structure is a molecule.
    """
    numbers = structure.numbers
    vectors = structure.positions - structure.positions[structure.absorber]
    if periodic and structure.pbc.any():
        numbers, vectors = _images(structure, vectors, cutoff)
    distances = np.sqrt(np.einsum("ax,ax->a", vectors, vectors))
    inside = np.flatnonzero(distances < cutoff)
    order = inside[np.argsort(distances[inside], kind="stable")]
    vectors, distances = vectors[order], distances[order]
    # The nearest of all is the absorber itself.
    return Neighbours(numbers[order[1:]], vectors[1:], distances[1:])


@dataclass(frozen=True, eq=False, slots=True)
class Contacts:
    """The p pairs of an atom and a neighbour of it, an atom or an image of one.

    Attributes
    ----------
    atoms, others
        (p,) indices of the two in the structure, ordered by ``atoms`` and then by distance.
    vectors
        (p, 3) vectors from atom to neighbour in Å.
    distances
        (p,) distances in Å.
    """

    atoms: NDArray[np.int64]
    others: NDArray[np.int64]
    vectors: Array
    distances: Array


def contacts(structure: Structure, cutoff: float) -> Contacts:
    """Return what stands nearer than ``cutoff`` (Å) to each atom of a molecule or crystal.

    Raises
    ------
    SampleError
        If two atoms stand in one place.
    """
    from scipy.spatial import cKDTree

    places = structure.positions
    images, shifts = places, np.zeros((1, 3))
    if structure.pbc.any():
        places, shifts = _wrapped(structure, places, cutoff, lowest=-1)
        images = (shifts[:, None, :] + places).reshape(-1, 3)
    found = cKDTree(places).sparse_distance_matrix(cKDTree(images), cutoff, output_type="ndarray")
    atoms, image = found["i"].astype(np.int64), found["j"].astype(np.int64)
    others = image % len(places)
    home = int(np.flatnonzero((shifts == 0).all(axis=1))[0])
    apart = image != home * len(places) + atoms
    if (found["v"][apart] < SAME_PLACE).any():
        raise _coincident(structure)
    order = np.lexsort((found["v"], atoms))
    order = order[apart[order] & (found["v"][order] < cutoff)]
    vectors = images[image[order]] - places[atoms[order]]
    return Contacts(atoms[order], others[order], vectors, found["v"][order])


def refuse_coincident(samples: Structures) -> None:
    """Raise a `SampleError` that names the first structure with two atoms in one place."""
    rows = np.repeat(np.arange(len(samples)), np.diff(samples.offsets))
    order = np.lexsort((samples.positions[:, 0], rows))
    rows, places = rows[order], samples.positions[order]
    suspects: list[NDArray[np.int64]] = []
    # Atoms in one place are near each other by x; between them others may stand.
    for apart in range(1, len(order)):
        near = places[apart:, 0] - places[:-apart, 0] < SAME_PLACE
        near &= rows[apart:] == rows[:-apart]
        first = np.flatnonzero(near)
        if not first.size:
            break
        gaps = np.linalg.norm(places[first + apart] - places[first], axis=1)
        suspects.append(rows[first[gaps < SAME_PLACE]])
    crystals = np.flatnonzero(samples.pbc.any(axis=1))
    for row in np.unique(np.concatenate([*suspects, crystals])):
        contacts(samples[int(row)], SAME_PLACE)


def cosine_cutoff(distances: Array, cutoff: float) -> Array:
    r"""Return :math:`[\cos(\pi r/r_c) + 1]/2` inside the cutoff and 0 outside."""
    inside = np.minimum(distances / cutoff, 1.0)
    return np.asarray((np.cos(np.pi * inside) + 1) / 2)


def _images(structure: Structure, vectors: Array, cutoff: float) -> tuple[NDArray[np.int32], Array]:
    """Return all atoms in the cells that a sphere about the absorber touches."""
    places, shifts = _wrapped(structure, vectors, cutoff, lowest=0)
    found = (shifts[:, None, :] + places).reshape(-1, 3)
    return np.tile(structure.numbers, len(shifts)), found


def _wrapped(
    structure: Structure, points: Array, cutoff: float, lowest: int
) -> tuple[Array, Array]:
    """Put points into the cell and return them with the shifts of all cells that may matter.

    ``lowest`` 0 serves a sphere about the cell's corner, -1 spheres about points anywhere in it.
    """
    from ase.geometry import complete_cell

    cell = np.asarray(complete_cell(structure.cell))
    inverse = np.linalg.inv(cell)
    places = points @ inverse
    places -= np.floor(places) * structure.pbc
    # A step along axis a moves an atom by at least the distance between the cell's two faces.
    reach = np.floor(cutoff * np.linalg.norm(inverse, axis=0)).astype(int)
    hops = [
        np.arange(-n - 1, n + 1 - lowest) if flag else np.zeros(1)
        for n, flag in zip(reach, structure.pbc, strict=True)
    ]
    shifts = np.stack(np.meshgrid(*hops, indexing="ij"), axis=-1).reshape(-1, 3) @ cell
    return places @ cell, shifts


def _coincident(structure: Structure) -> SampleError:
    return SampleError(
        f"sample '{structure.id}' has two atoms in one place (nearer than {SAME_PLACE:g} Å); "
        "repair it or set it aside."
    )
