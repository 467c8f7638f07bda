"""Neighbours of every atom, against ASE."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list

from xreg.core.atoms.neighbours import contacts, neighbours, refuse_coincident
from xreg.core.atoms.periodic_table import group, period
from xreg.core.data.samples import Structures
from xreg.core.errors import SampleError
from xreg.core.testing import clusters, crystals
from xreg.plugins.soap.soap import SOAP


@pytest.mark.parametrize("samples", [crystals(3), clusters(3)])
def test_contacts_are_those_of_ase(samples):
    for structure in samples:
        found = contacts(structure, 6.0)
        first, second, apart = neighbor_list("ijd", structure.to_atoms(), 6.0)
        n = len(structure.numbers)
        np.testing.assert_array_equal(
            np.bincount(found.atoms * n + found.others, minlength=n * n),
            np.bincount(first * n + second, minlength=n * n),
        )
        np.testing.assert_allclose(np.sort(found.distances), np.sort(apart))
        np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), found.distances)
        site = found.atoms == structure.absorber
        alone = neighbours(structure, 6.0)
        np.testing.assert_allclose(found.distances[site], alone.distances)


def test_coincident_atoms_are_refused():
    crystal = crystals(1)
    positions = crystal.positions.copy()
    positions[1] = positions[0] + crystal.cell[0, 1]  # an image of another atom's place
    twice = Structures(
        crystal.ids, crystal.numbers, positions, crystal.offsets, crystal.absorber, crystal.cell,
        crystal.pbc,
    )  # fmt: skip
    with pytest.raises(SampleError, match="two atoms in one place"):
        contacts(twice[0], 4.0)
    with pytest.raises(SampleError, match=f"'{twice.ids[0]}' has two atoms in one place"):
        refuse_coincident(twice)


def test_the_structure_with_coincident_atoms_is_named():
    flat = [[0, 0, 0], [0, 0.8, 0.6], [0, -0.8, 0.6]]  # one x for all, and yet three places
    fine = Structures.from_atoms([Atoms("OHH", flat)] * 3)
    refuse_coincident(fine)
    far = [[0, 0, 0], [0, 9, 0.6], [0, 9, 0.6 + 1e-4]]
    mixed = Structures.from_atoms([Atoms("OHH", p) for p in (flat, far, flat)], ids=list("abc"))
    with pytest.raises(SampleError, match="'b' has two atoms in one place"):
        refuse_coincident(mixed)
    with pytest.raises(SampleError, match="'b' has two atoms in one place"):
        SOAP(n_max=2, l_max=1).fit(fine).transform(mixed)


def test_coincident_atoms_with_another_between():
    # By x the third atom stands between the two, far away by y.
    places = [(0.0, 0, 0), (2e-4, 5.0, 0), (4e-4, 0, 0)]
    atoms = Atoms("OOO", places)
    with pytest.raises(SampleError, match="two atoms in one place"):
        refuse_coincident(Structures.from_atoms([atoms], [0]))
    atoms.positions[2, 2] = 0.9
    refuse_coincident(Structures.from_atoms([atoms], [0]))


@pytest.mark.parametrize(
    ("number", "column", "row"),
    [(1, 1, 1), (2, 18, 1), (8, 16, 2), (29, 11, 4), (57, 3, 6), (71, 3, 6), (82, 14, 6)],
)
def test_groups_and_periods(number, column, row):
    assert (group(number), period(number)) == (column, row)
