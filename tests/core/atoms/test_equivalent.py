"""Sites that symmetry makes equal, against tabulated Wyckoff positions."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal

from xreg.core.atoms.equivalent import distinct_sites
from xreg.core.errors import SampleError


def sites_of(atoms: Atoms, symbol: str, **options: float) -> dict[int, int]:
    sites = [atom.index for atom in atoms if atom.symbol == symbol]
    return distinct_sites(
        atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, sites, **options
    )


CRYSTALS = {
    "rutile": crystal(
        ["Ti", "O"], [(0, 0, 0), (0.305, 0.305, 0)], spacegroup=136,
        cellpar=[4.594, 4.594, 2.959, 90, 90, 90],
    ),
    "magnetite": crystal(
        ["Fe", "Fe", "O"], [(1 / 8,) * 3, (1 / 2,) * 3, (0.255,) * 3], spacegroup=227, setting=2,
        cellpar=[8.397] * 3 + [90] * 3,
    ),
    "perovskite": crystal(
        ["Sr", "Ti", "O"], [(0, 0, 0), (0.5,) * 3, (0.5, 0.5, 0)], spacegroup=221,
        cellpar=[3.905] * 3 + [90] * 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "symbol", "counts"),
    [
        ("rutile", "Ti", [2]),
        ("rutile", "O", [4]),
        ("magnetite", "Fe", [8, 16]),
        ("magnetite", "O", [32]),
        ("perovskite", "O", [3]),
    ],
)
def test_counts_are_those_of_the_wyckoff_positions(name, symbol, counts):
    atoms = CRYSTALS[name]
    shuffled = atoms[np.random.default_rng(0).permutation(len(atoms))]
    shuffled.rotate(37, (1, 2, 3), rotate_cell=True)
    found = sites_of(shuffled, symbol)
    assert sorted(found.values()) == counts
    assert list(found) == sorted(found)


def test_what_differs_stands_for_itself():
    copper = bulk("Cu", "fcc", 3.61, cubic=True)
    assert sites_of(copper, "Cu") == {0: 4}
    copper.positions[2] += (0.05, 0.02, 0.01)
    assert sum(sites_of(copper, "Cu").values()) == 4
    assert len(sites_of(copper, "Cu")) > 1
    assert sites_of(copper, "Cu", tolerance=0.2) == {0: 4}
    doped = bulk("Cu", "fcc", 3.61, cubic=True).repeat((2, 1, 1))
    doped.numbers[4] = 8
    assert sites_of(doped, "Cu") == {0: 1, 1: 1, 2: 4, 5: 1}


@pytest.mark.parametrize("pbc", [False, (True, True, False)])
def test_a_molecule_or_a_slab_is_refused(pbc):
    with pytest.raises(SampleError, match="crystals alone"):
        sites_of(Atoms("O2", [(0, 0, 0), (0, 0, 1.2)], cell=np.eye(3) * 9, pbc=pbc), "O")
