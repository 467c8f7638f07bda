"""Whole molecules near an absorber: what a liquid's surroundings are made of."""

from __future__ import annotations

from collections import defaultdict, deque

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.neighbours import Contacts, contacts
from xreg.core.data.samples import Structure
from xreg.core.errors import SampleError

__all__ = ["BOND", "whole_molecules"]

BOND = 1.25
"""Two atoms are bonded that stand nearer than this times the sum of their covalent radii."""

SAME = 1e-3  # Å between two ways to one atom round a ring


def whole_molecules(structure: Structure, radius: float, *, periodic: bool = True) -> Structure:
    """Return all atoms of every molecule that has an atom within ``radius`` of the absorber.

    As Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), take the surroundings of an emission
    site in a liquid (supplement, "Descriptor hyperparameter grids"), who do not say what counts as
    bonded. Here two atoms are that stand nearer than 1.25 times the sum of their covalent radii
    (Cordero et al., Dalton Trans. 2832 (2008)).

    Parameters
    ----------
    structure
        A molecule, a cluster, or the periodic cell of a liquid.
    radius
        Distance from the absorber in Å.
    periodic
        Whether periodicity counts; images of molecules are then molecules too.

    Returns
    -------
    Structure
        Without periodicity. Atoms of a structure without images keep their order and places; of one
        with images, the absorber stands at the origin.

    Raises
    ------
    SampleError
        If the absorber's periodic surroundings are one molecule without end, or two atoms stand in
        one place.
    """
    from ase.data import covalent_radii

    pbc = structure.pbc & periodic
    radii = covalent_radii[structure.numbers]
    if not pbc.any():
        structure = _isolated(structure, structure.numbers, structure.positions, structure.absorber)
    near = contacts(structure, 2 * BOND * radii.max())
    bonds = near.distances < BOND * (radii[near.atoms] + radii[near.others])
    if not pbc.any():
        return _without_images(structure, near, bonds, radius)
    places = [
        _images(structure, molecule, pbc, radius) for molecule in _unwrapped(structure, near, bonds)
    ]
    atoms, positions = (np.concatenate(column) for column in zip(*places, strict=True))
    absorber = int(np.linalg.norm(positions, axis=1).argmin())
    return _isolated(structure, structure.numbers[atoms], positions, absorber)


def _isolated(
    structure: Structure, numbers: NDArray[np.int32], positions: Array, absorber: int
) -> Structure:
    return Structure(
        structure.id, numbers, positions, np.zeros((3, 3)), np.zeros(3, dtype=bool), absorber
    )


def _without_images(
    structure: Structure, near: Contacts, bonds: NDArray[np.bool_], radius: float
) -> Structure:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(structure.numbers)
    ends = near.atoms[bonds], near.others[bonds]
    graph = coo_array((np.ones(len(ends[0])), ends), shape=(count, count))
    _, molecule = connected_components(graph, directed=False)
    apart = np.linalg.norm(structure.positions - structure.positions[structure.absorber], axis=1)
    kept = np.isin(molecule, molecule[apart < radius])
    absorber = int(kept[: structure.absorber].sum())
    return _isolated(structure, structure.numbers[kept], structure.positions[kept], absorber)


def _unwrapped(
    structure: Structure, near: Contacts, bonds: NDArray[np.bool_]
) -> list[tuple[NDArray[np.int64], Array]]:
    """Return atoms of each molecule and where they stand about the absorber, in one piece."""
    partners: dict[int, list[tuple[int, Array]]] = defaultdict(list)
    for a, b, vector in zip(
        near.atoms[bonds].tolist(), near.others[bonds].tolist(), near.vectors[bonds], strict=True
    ):
        partners[a].append((b, vector))
    vectors = structure.positions - structure.positions[structure.absorber]
    found, seen = [], set[int]()
    for first in (structure.absorber, *range(len(vectors))):
        if first in seen:
            continue
        places, waiting = {first: vectors[first]}, deque([first])
        while waiting:
            atom = waiting.popleft()
            for other, step in partners[atom]:
                place = places[atom] + step
                if other not in places:
                    places[other] = place
                    waiting.append(other)
                elif np.abs(places[other] - place).max() > SAME:
                    raise SampleError(
                        f"sample '{structure.id}' is bonded without end through its images, so it "
                        "has no whole molecules; leave 'molecules' out for such structures."
                    )
        seen.update(places)
        found.append((np.array(list(places)), np.array(list(places.values()))))
    return found


def _images(
    structure: Structure,
    molecule: tuple[NDArray[np.int64], Array],
    pbc: NDArray[np.bool_],
    radius: float,
) -> tuple[NDArray[np.int64], Array]:
    """Return the atoms of all images of a molecule that have one within the radius."""
    from ase.geometry import complete_cell

    atoms, places = molecule
    cell = np.asarray(complete_cell(structure.cell))
    inverse = np.linalg.inv(cell)
    reach, fractions = radius * np.linalg.norm(inverse, axis=0), places @ inverse
    hops = [
        np.arange(np.floor(-reach[i] - fractions[:, i].max()),
                  np.ceil(reach[i] - fractions[:, i].min()) + 1)
        if pbc[i]
        else np.zeros(1)
        for i in range(3)
    ]  # fmt: skip
    shifts = np.stack(np.meshgrid(*hops, indexing="ij"), axis=-1).reshape(-1, 1, 3) @ cell
    images = places + shifts
    inside = (np.linalg.norm(images, axis=2) < radius).any(axis=1)
    return np.tile(atoms, int(inside.sum())), images[inside].reshape(-1, 3)
