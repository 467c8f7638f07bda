"""Neighbours of every atom, against ASE."""

from __future__ import annotations

import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from xreg.core.errors import SampleError
from xreg.core.neighbours import contacts, neighbours
from xreg.core.periodic_table import group, period
from xreg.core.samples import Structures
from xreg.core.testing import clusters, crystals


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


@pytest.mark.parametrize(
    ("number", "column", "row"),
    [(1, 1, 1), (2, 18, 1), (8, 16, 2), (29, 11, 4), (57, 3, 6), (71, 3, 6), (82, 14, 6)],
)
def test_groups_and_periods(number, column, row):
    assert (group(number), period(number)) == (column, row)
