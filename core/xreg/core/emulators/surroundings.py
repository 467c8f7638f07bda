"""What stands around sites: numbers for emulators that take structures themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.elements import symbols
from xreg.core.atoms.neighbours import Contacts, contacts, cosine_cutoff
from xreg.core.data.samples import Structure
from xreg.core.descriptors.composition import composition, element_properties
from xreg.core.errors import OutsideError, SampleError

__all__ = ["Surroundings", "describe", "unusable"]

LEAST_DISTANCE = 0.4
"""Atoms nearer than this (Å) are a mistake: even in H2 they stand 0.74 Å apart."""

SHELLS = np.array([1.9, 2.5, 3.2, 4.0, 5.0, 6.0])
SHELL_WIDTH = 0.2
"""Shells in which each atom counts its neighbours: centres in Å, and width relative to them."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """n sites: all atoms of their structures, and the neighbours of each absorber.

    Attributes
    ----------
    atoms
        (N, p) what each atom is and what stands around it; structures that occur several times
        (other sites of one crystal) share their atoms.
    absorber
        (n,) row of each absorber in ``atoms``.
    context
        (n, q) what the whole sample is made of.
    neighbours
        (n, k) rows in ``atoms`` of the absorber's neighbours, by distance; beyond the last one the
        absorber stands.
    distances
        (n, k) distances in Å, infinite beyond the last neighbour.
    directions
        (n, k, 3) unit vectors, zero beyond the last neighbour.
    """

    atoms: NDArray[np.float32]
    absorber: NDArray[np.int64]
    context: NDArray[np.float32]
    neighbours: NDArray[np.int64]
    distances: NDArray[np.float32]
    directions: NDArray[np.float32]


def describe(
    samples: Iterable[Structure], species: NDArray[np.int64], cutoff: float
) -> Surroundings:
    """Describe sites whose elements are among ``species`` (ascending).

    Raises
    ------
    SampleError
        For an unknown element, an absorber without neighbours, atoms too close to each other, or
        positions that are not finite; it names the sample.
    """
    seen: dict[bytes, tuple[int, Contacts]] = {}
    atoms: list[Array] = []
    absorber, context, found = [], [], []
    count = 0
    for structure in samples:
        key = _key(structure)
        if key not in seen:
            _check_elements(structure, species)
            pairs = _contacts(structure, cutoff)
            atoms.append(_atoms(structure.numbers, pairs, cutoff))
            seen[key] = (count, pairs)
            count += len(structure.numbers)
        start, pairs = seen[key]
        mine = _neighbours(structure, pairs, cutoff)
        absorber.append(start + structure.absorber)
        context.append(composition(structure, species))
        found.append((start + pairs.others[mine], pairs.distances[mine], pairs.vectors[mine]))
    return _padded(np.concatenate(atoms), np.array(absorber), np.array(context), found)


def unusable(samples: Iterable[Structure], cutoff: float) -> dict[int, SampleError]:
    """Return, by row, why :func:`describe` would refuse sites, whatever their elements are."""
    found: dict[int, SampleError] = {}
    last: tuple[bytes, Contacts] | None = None
    for row, structure in enumerate(samples):
        key = _key(structure)
        try:
            if last is None or last[0] != key:  # sites of one crystal stand together
                last = None
                last = key, _contacts(structure, cutoff)
            _neighbours(structure, last[1], cutoff)
        except SampleError as error:
            found[row] = error
    return found


def _key(structure: Structure) -> bytes:
    parts = (structure.numbers, structure.positions, structure.cell, structure.pbc)
    return b"".join(part.tobytes() for part in parts)


def _contacts(structure: Structure, cutoff: float) -> Contacts:
    """Return all pairs of near atoms of a structure that makes sense."""
    if not np.isfinite(structure.positions).all():
        raise SampleError(
            f"sample '{structure.id}' has positions that are not finite; repair it or set it aside."
        )
    pairs = contacts(structure, cutoff)
    _check_distances(structure, pairs)
    return pairs


def _neighbours(structure: Structure, pairs: Contacts, cutoff: float) -> slice:
    """Return where the pairs of the absorber stand, of which there must be some."""
    first, last = np.searchsorted(pairs.atoms, [structure.absorber, structure.absorber + 1])
    if first == last:
        raise OutsideError(
            f"sample '{structure.id}' has no atom within {cutoff:g} Å of its absorber; set it "
            "aside or raise the cutoff of the emulator."
        )
    return slice(int(first), int(last))


def _padded(
    atoms: Array,
    absorber: NDArray[np.int64],
    context: Array,
    found: list[tuple[NDArray[np.int64], Array, Array]],
) -> Surroundings:
    n, most = len(found), max(len(rows) for rows, _, _ in found)
    neighbours = np.repeat(absorber[:, None], most, axis=1)
    distances = np.full((n, most), np.inf, dtype=np.float32)
    directions = np.zeros((n, most, 3), dtype=np.float32)
    for i, (rows, r, vectors) in enumerate(found):
        neighbours[i, : len(rows)] = rows
        distances[i, : len(rows)] = r
        directions[i, : len(rows)] = vectors / r[:, None]
    return Surroundings(
        atoms.astype(np.float32),
        absorber,
        context.astype(np.float32),
        neighbours,
        distances,
        directions,
    )


def _check_elements(structure: Structure, species: NDArray[np.int64]) -> None:
    unknown = set(structure.numbers.tolist()) - set(species.tolist())
    if unknown:
        raise SampleError(
            f"sample '{structure.id}' contains {symbols(unknown)}, which the emulator was not "
            f"fitted for; it knows {symbols(species.tolist())}: add such samples to the training "
            "data."
        )


def _check_distances(structure: Structure, pairs: Contacts) -> None:
    if not len(pairs.distances) or pairs.distances.min() >= LEAST_DISTANCE:
        return
    at = int(pairs.distances.argmin())
    raise SampleError(
        f"sample '{structure.id}': atoms {pairs.atoms[at]} and {pairs.others[at]} are "
        f"{pairs.distances[at]:.2f} Å apart, less than {LEAST_DISTANCE:g} Å; repair it or set it "
        "aside."
    )


def _atoms(numbers: NDArray[np.int32], pairs: Contacts, cutoff: float) -> Array:
    """Return the properties of each atom, and in each shell the sums of those of its neighbours.

    This is one step of message passing along distances (SchNet's continuous filter; Schütt et al.,
    J. Chem. Phys. 148, 241722 (2018)) that depends on no weight and so is taken once.
    """
    own = element_properties()[numbers]
    r = pairs.distances[:, None]
    filters = np.exp(-0.5 * ((r - SHELLS) / (SHELL_WIDTH * SHELLS)) ** 2)
    filters *= cosine_cutoff(r, cutoff)
    sent = np.column_stack([np.ones(len(r)), own[pairs.others]])
    sums = np.zeros((len(numbers), filters.shape[1] * sent.shape[1]))
    messages = (filters[:, :, None] * sent[:, None, :]).reshape(len(r), sums.shape[1])
    first = np.searchsorted(pairs.atoms, np.arange(len(numbers)))
    some = np.flatnonzero(np.diff(np.append(first, len(r))))
    sums[some] = np.add.reduceat(messages, first[some]) if len(some) else 0
    return np.column_stack([own, sums])
