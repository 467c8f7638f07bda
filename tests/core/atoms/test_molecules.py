"""Whole molecules about an absorber."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.data import covalent_radii

from xreg.core.atoms.molecules import whole_molecules
from xreg.core.data.samples import Structure, Structures
from xreg.core.errors import SampleError


def box(count: int, side: float, pbc: bool, seed: int = 0) -> Structure:
    """Return waters on a grid, turned at random; in a cell some stick out of it on purpose."""
    rng = np.random.default_rng(seed)
    every = Atoms(cell=[side] * 3, pbc=pbc)
    places = np.array(np.unravel_index(np.arange(count), (3, 3, 3))).T * side / 3
    for place in places:
        water = molecule("H2O")
        water.euler_rotate(*rng.uniform(0, 360, 3))
        water.translate(place + rng.normal(0, 0.1, 3))
        every += water
    every.positions[1] += [side, 0, 0] if pbc else 0
    return Structures.from_atoms([every], absorber=3)[0]


def by_supercell(structure: Structure, radius: float) -> np.ndarray:
    """Return sorted distances from the absorber, by growing molecules in a large supercell."""
    shifts = np.array(np.meshgrid(*[[-2, -1, 0, 1, 2]] * 3)).reshape(3, -1).T @ structure.cell
    if not structure.pbc.any():
        shifts = np.zeros((1, 3))
    x = (structure.positions + shifts[:, None]).reshape(-1, 3)
    x = x - structure.positions[structure.absorber]
    radii = np.tile(covalent_radii[structure.numbers], len(shifts))
    apart = np.linalg.norm(x, axis=1)
    kept = apart < radius
    while True:
        within = np.flatnonzero(apart < radius + 8)
        grown = kept.copy()
        for i in np.flatnonzero(kept):
            near = np.linalg.norm(x[within] - x[i], axis=1) < 1.25 * (radii[within] + radii[i])
            grown[within[near]] = True
        if (grown == kept).all():
            return np.sort(apart[kept])
        kept = grown


@pytest.mark.parametrize("pbc", [False, True])
@pytest.mark.parametrize("radius", [2.0, 4.2])
def test_the_molecules_are_those_that_grow_from_the_atoms_inside(pbc: bool, radius: float) -> None:
    structure = box(27, 9.3, pbc)
    found = whole_molecules(structure, radius)
    shift = found.positions - found.positions[found.absorber]
    np.testing.assert_allclose(
        np.sort(np.linalg.norm(shift, axis=1)), by_supercell(structure, radius), atol=1e-9
    )
    assert found.numbers[found.absorber] == structure.numbers[structure.absorber]
    assert not found.pbc.any()
    assert len(found.numbers) % 3 == 0
    flat = whole_molecules(structure, radius, periodic=False)
    assert len(flat.numbers) <= len(structure.numbers)


def test_a_crystal_has_no_whole_molecules() -> None:
    copper = Structures.from_atoms([bulk("Cu")])[0]
    with pytest.raises(SampleError, match="bonded without end"):
        whole_molecules(copper, 4.0)
    assert len(whole_molecules(copper, 4.0, periodic=False).numbers) == 1
