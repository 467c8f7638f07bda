"""The atoms that a program for spectra is given: a site, its surroundings, and what to refuse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.edges import edge_of
from xreg.core.atoms.elements import SYMBOLS, atomic_number, symbols
from xreg.core.atoms.neighbours import neighbours
from xreg.core.data.samples import Structure
from xreg.core.errors import DataError, SampleError
from xreg.core.programs.engine import SampleKind

__all__ = ["Cluster", "check_site", "cluster"]

OVERLAP = 0.6
"""Atoms nearer than so many times the sum of their covalent radii overlap."""

BOND = 1.1
"""Atoms nearer than so many times the sum of their covalent radii are bonded."""


@dataclass(frozen=True, eq=False, slots=True)
class Cluster:
    """The absorber, first, and what stands about it, by distance.

    Attributes
    ----------
    numbers
        (k,) atomic numbers.
    positions
        (k, 3) positions from the absorber in Å.
    """

    numbers: NDArray[np.int32]
    positions: NDArray[np.float64]

    @property
    def distances(self) -> NDArray[np.float64]:
        """(k,) distances from the absorber in Å, ascending."""
        return np.sqrt(np.einsum("ax,ax->a", self.positions, self.positions))


def cluster(structure: Structure, radius: float, *, crystal: bool) -> Cluster:
    """Return the atoms within a radius (Å) of the absorber.

    Raises
    ------
    SampleError
        If two of them overlap.
    """
    around = neighbours(structure, radius, periodic=crystal)
    numbers = np.concatenate([[structure.numbers[structure.absorber]], around.numbers])
    positions = np.concatenate([np.zeros((1, 3)), around.vectors])
    _refuse_overlap(structure, numbers, positions)
    return Cluster(numbers.astype(np.int32), positions)


def check_site(
    structure: Structure,
    kind: SampleKind = "auto",
    absorber: str | None = None,
    edge: str | None = None,
) -> bool:
    """Say whether a structure is to be computed as a crystal.

    Parameters
    ----------
    structure
        The sample.
    kind
        What samples are meant to be; ``auto`` believes their periodicity.
    absorber
        Symbol that the absorber must have.
    edge
        Edge that it must have; of a pair (``L23``) the second counts.

    Raises
    ------
    SampleError
        If positions are not finite, the absorber is out of range, of another element or without
        that edge, or the structure is not of that kind; a structure with a cell but no periodicity
        is no molecule if atoms are bonded across the faces of the cell.
    """
    where = f"sample '{structure.id}'"
    numbers, site = structure.numbers, structure.absorber
    if not np.isfinite(structure.positions).all():
        raise SampleError(f"{where} has a position that is not finite; set it aside.")
    if not 0 <= site < len(numbers):
        raise SampleError(
            f"{where} has absorber index {site} but {len(numbers)} atoms; give an index of one of "
            "its atoms (counted from 0)."
        )
    if absorber is not None and (number := atomic_number(absorber)) != numbers[site]:
        if number not in numbers:
            raise SampleError(
                f"{where} holds no {absorber}, only {symbols(np.unique(numbers).tolist())}; set it "
                "aside or ask for another absorber."
            )
        raise SampleError(
            f"{where}: its absorber, atom {site}, is {SYMBOLS[numbers[site]]} and not {absorber}; "
            "give the index of the atom that is meant."
        )
    if edge is not None:
        try:
            edge_of(SYMBOLS[numbers[site]], edge if len(edge) < 3 else edge[0] + edge[-1])
        except DataError as error:
            raise SampleError(f"{where}: {error}; ask for another edge.") from None
    if kind == "crystal" and not structure.pbc.any():
        raise SampleError(
            f"{where} is to be computed as a crystal but is not periodic; give it a cell and pbc."
        )
    if kind == "molecule" and structure.pbc.any():
        raise SampleError(
            f"{where} is to be computed as a molecule but is periodic; say kind 'crystal', or take "
            "its pbc away."
        )
    if kind == "auto" and not structure.pbc.any() and _bonded_across(structure):
        raise SampleError(
            f"{where} has a cell, bonds across its faces, and no periodicity: a crystal given as a "
            "molecule; set its pbc, or say kind 'molecule' if it is meant so."
        )
    return bool(structure.pbc.any())


def _refuse_overlap(
    structure: Structure, numbers: NDArray[np.int32], positions: NDArray[np.float64]
) -> None:
    from ase.data import covalent_radii
    from scipy.spatial import cKDTree

    radii = OVERLAP * covalent_radii[numbers]
    pairs = cKDTree(positions).query_pairs(2 * radii.max(), output_type="ndarray")
    distances = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    if (bad := np.flatnonzero(distances < radii[pairs].sum(axis=1))).size:
        first, second = (SYMBOLS[numbers[atom]] for atom in pairs[bad[0]])
        raise SampleError(
            f"sample '{structure.id}': {first} and {second} overlap, {distances[bad[0]]:.2g} Å "
            "apart; repair it or set it aside."
        )


def _bonded_across(structure: Structure) -> bool:
    if not structure.cell.any():
        return False
    from ase.data import covalent_radii
    from ase.neighborlist import primitive_neighbor_list

    shifts = primitive_neighbor_list(
        "S",
        (True, True, True),
        structure.cell,
        structure.positions,
        BOND * covalent_radii[structure.numbers],
    )
    return bool(np.any(shifts))
