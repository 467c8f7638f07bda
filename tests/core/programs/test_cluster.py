"""What generators of spectra are given of a structure, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from xreg.core.data.samples import Structure, Structures
from xreg.core.errors import SampleError
from xreg.core.programs.cluster import check_site, cluster


def sample(atoms: Atoms, absorber: int = 0) -> Structure:
    return Structures.from_atoms([atoms], absorber, ["it"])[0]


def salt(**options: Any) -> Atoms:
    return bulk("NaCl", "rocksalt", a=5.64, **options)


def test_shells_of_a_crystal() -> None:
    atoms = cluster(sample(salt()), 5.0, crystal=True)
    shells = [(0.0, 11, 1), (2.82, 17, 6), (2.82 * 2**0.5, 11, 12), (2.82 * 3**0.5, 17, 8)]
    assert len(atoms.numbers) == 27
    for distance, number, count in shells:
        near = np.isclose(atoms.distances, distance)
        assert near.sum() == count
        assert (atoms.numbers[near] == number).all()


def test_molecule() -> None:
    water = molecule("H2O")
    atoms = cluster(sample(water, 1), 10.0, crystal=False)
    assert atoms.numbers.tolist() == [1, 8, 1]
    np.testing.assert_allclose(atoms.distances, [0, 0.969, 1.527], atol=1e-3)


def test_overlap() -> None:
    water = molecule("H2O")
    water.positions[1] = water.positions[0] + [0.4, 0, 0]
    with pytest.raises(SampleError, match=r"sample 'it': O and H overlap, 0.4 Å apart"):
        cluster(sample(water, 2), 10.0, crystal=False)
    cell = salt()
    cell.positions[1] = [5.0, 2.82, 2.82]  # by its image
    with pytest.raises(SampleError, match="overlap"):
        cluster(sample(cell), 4.0, crystal=True)


def with_nan() -> Atoms:
    water = molecule("H2O")
    water.positions[1, 1] = np.nan
    return water


@pytest.mark.parametrize(
    ("atoms", "asked", "message"),
    [
        (salt(), {"absorber": "Fe"}, "holds no Fe, only Na, Cl"),
        (salt(), {"absorber": "Cl"}, "its absorber, atom 0, is Na and not Cl"),
        (salt(), {"kind": "molecule"}, "is to be computed as a molecule but is periodic"),
        (molecule("H2O"), {"kind": "crystal"}, "as a crystal but is not periodic"),
        (molecule("H2O"), {"edge": "M5"}, "O has no M5 edge, only K"),
        (with_nan(), {}, "a position that is not finite"),
    ],
)
def test_refused(atoms: Atoms, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(SampleError, match=f"sample 'it'.*{message}"):
        check_site(sample(atoms), **asked)


def test_absorber_out_of_range() -> None:
    good = sample(molecule("H2O"))
    bad = Structure(good.id, good.numbers, good.positions, good.cell, good.pbc, 7)
    with pytest.raises(SampleError, match="absorber index 7 but 3 atoms"):
        check_site(bad)


def test_crystal_given_as_a_molecule() -> None:
    """A cell without periodicity is a box about a molecule, unless bonds cross its faces."""
    crystal = salt(cubic=True)
    assert check_site(sample(crystal))
    crystal.pbc = False
    with pytest.raises(SampleError, match="a crystal given as a molecule; set its pbc"):
        check_site(sample(crystal))
    assert not check_site(sample(crystal), "molecule")
    boxed = molecule("H2O", vacuum=4.0)
    assert not boxed.pbc.any()
    assert not check_site(sample(boxed))


def test_edges_in_pairs() -> None:
    iron = Atoms("Fe")
    assert not check_site(sample(iron), edge="L23")
    with pytest.raises(SampleError, match="Fe has no M5 edge"):
        check_site(sample(iron), edge="M45")
