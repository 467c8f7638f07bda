"""The molecules about a site in a liquid: those to compute, and the others as point charges."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from ase.geometry import complete_cell
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.molecules import BOND
from xreg.core.data.samples import Structure
from xreg.core.errors import SampleError
from xreg.plugins.pyscf.periodic import around_a_cluster
from xreg.plugins.pyscf.plugin import CutConfig, composition

__all__ = ["Cluster", "cut"]


@dataclass(frozen=True, eq=False)
class Cluster:
    """What is computed of a liquid, and what acts on it from outside.

    Attributes
    ----------
    structure
        The molecules near the site, which stands at the origin; without periodicity.
    charge
        Formal charge of these molecules together.
    places, charges
        (q, 3) positions in Å, seen from the site, and (q,) charges of the atoms around.
    """

    structure: Structure
    charge: int
    places: Array
    charges: Array


def cut(structure: Structure, config: CutConfig) -> Cluster:
    """Cut the molecules about a structure's absorber out of their liquid.

    Atoms are bonded that stand nearer than 1.25 times the sum of their covalent radii; a hydrogen
    belongs to its nearest heavier atom alone, so that a shared proton joins no molecules. Of each
    molecule the image is taken whose heavier atoms are nearest to the site, so that the cluster and
    its surroundings are together what is in the cell, and have its charge.

    Raises
    ------
    SampleError
        If a molecule is not among ``config.species``, has no end, or the cell is too small.
    """
    name = f"sample '{structure.id}'"
    if structure.pbc.any():
        _require_room(structure, config.radius, name)
    species = {composition(formula): charges for formula, charges in config.species.items()}
    inside: list[tuple[NDArray[np.intp], Array]] = []
    places, charges = [np.zeros((0, 3))], [np.zeros(0)]
    own: list[Array] = []
    for atoms, where in _molecules(structure, name):
        numbers = structure.numbers[atoms]
        partial = _partial(numbers, species, config, name)
        if np.linalg.norm(where, axis=1).min() < config.radius:
            inside.append((atoms, where))
            own.append(partial)
        elif config.charges:
            places.append(where)
            charges.append(partial)
    order = np.concatenate([atoms for atoms, _ in inside])
    positions = np.concatenate([where for _, where in inside])
    cluster = Structure(
        structure.id,
        structure.numbers[order],
        positions,
        np.zeros((3, 3)),
        np.zeros(3, dtype=bool),
        int(np.flatnonzero(order == structure.absorber)[0]),
    )
    inner = np.concatenate(own)
    outer, partial = np.concatenate(places), np.concatenate(charges)
    if structure.pbc.all() and config.charges:
        outer, partial = around_a_cluster(positions, inner, outer, partial, structure.cell, name)
    return Cluster(cluster, round(float(inner.sum())), outer, partial)


def _require_room(structure: Structure, radius: float, name: str) -> None:
    """Refuse a cell in which a molecule and its image could both be near the site."""
    heights = 1 / np.linalg.norm(np.linalg.inv(np.asarray(complete_cell(structure.cell))), axis=0)
    least = heights[structure.pbc].min()
    if 2 * radius > least:
        raise SampleError(
            f"{name} has a cell {least:.2f} Å across, less than twice the radius of the cut "
            f"({radius:g} Å): images would be near one another; set a smaller 'cut.radius'."
        )


def _partial(
    numbers: NDArray[np.int32],
    species: Mapping[tuple[tuple[str, int], ...], Mapping[str, float]],
    config: CutConfig,
    name: str,
) -> Array:
    """Return the charge of each atom of a molecule."""
    symbols = [chemical_symbols[z] for z in numbers]
    found = species.get(_counted(symbols))
    if found is None:
        formula = "".join(f"{s}{n if n > 1 else ''}" for s, n in _counted(symbols))
        raise SampleError(
            f"{name} has a molecule {formula}, which 'cut.species' does not name "
            f"(it has {', '.join(config.species)}); add it there, or look for a broken bond."
        )
    return np.array([found[symbol] for symbol in symbols])


def _counted(symbols: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(symbols).items()))


def _molecules(structure: Structure, name: str) -> list[tuple[NDArray[np.intp], Array]]:
    """Return atoms of each molecule, and where they stand seen from the site, in one piece."""
    partners = _bonds(structure)
    vectors = structure.positions - structure.positions[structure.absorber]
    cell, pbc = np.asarray(complete_cell(structure.cell)), structure.pbc
    found, seen = [], set[int]()
    for first in (structure.absorber, *range(len(vectors))):
        if first in seen:
            continue
        where, waiting = {first: vectors[first]}, deque([first])
        while waiting:
            atom = waiting.popleft()
            for other, step in partners[atom]:
                place = where[atom] + step
                if other not in where:
                    where[other] = place
                    waiting.append(other)
                elif np.abs(where[other] - place).max() > 1e-3:
                    raise SampleError(
                        f"{name} is bonded without end through its images, so it has no molecules "
                        "to cut out; leave 'cut' out for such structures."
                    )
        seen.update(where)
        atoms, places = np.array(list(where)), np.array(list(where.values()))
        if structure.absorber not in where:
            heavy = structure.numbers[atoms] > 1
            centre = (places[heavy] if heavy.any() else places).mean(axis=0)
            places = places - (centre - _nearest(centre[None], cell, pbc)[0])
        found.append((atoms, places))
    return found


def _bonds(structure: Structure) -> list[list[tuple[int, Array]]]:
    """Return the partners of each atom and the vectors to them."""
    numbers, positions = structure.numbers, structure.positions
    cell, pbc = np.asarray(complete_cell(structure.cell)), structure.pbc
    partners: list[list[tuple[int, Array]]] = [[] for _ in numbers]
    heavy = np.flatnonzero(numbers > 1)
    radii = covalent_radii[numbers]
    for atom in range(len(numbers)):
        steps = _nearest(positions[heavy] - positions[atom], cell, pbc)
        lengths = np.linalg.norm(steps, axis=1)
        near = lengths < BOND * (radii[atom] + radii[heavy])
        if numbers[atom] == 1:
            near &= lengths == lengths.min(initial=np.inf)
        for other, step in zip(heavy[near].tolist(), steps[near], strict=True):
            if other != atom:
                partners[atom].append((other, step))
                if numbers[atom] == 1:
                    partners[other].append((atom, -step))
    return partners


def _nearest(vectors: Array, cell: Array, pbc: NDArray[np.bool_]) -> Array:
    """Return the shortest images of vectors (of cells that are not very oblique)."""
    if not pbc.any():
        return vectors
    fractions = vectors @ np.linalg.inv(cell)
    base = vectors - np.where(pbc, np.round(fractions), 0.0) @ cell
    hops = [np.array([-1.0, 0.0, 1.0]) if periodic else np.zeros(1) for periodic in pbc]
    shifts = np.stack(np.meshgrid(*hops, indexing="ij"), axis=-1).reshape(-1, 3) @ cell
    images = base[:, None] + shifts
    best = np.linalg.norm(images, axis=2).argmin(axis=1)
    return np.asarray(images[np.arange(len(images)), best])
