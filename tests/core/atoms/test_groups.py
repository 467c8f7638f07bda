"""Groups that are computed from samples, and the fingerprint that clusters are found by."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from xreg.core.atoms.fingerprint import fingerprints
from xreg.core.atoms.groups import computed_groups
from xreg.core.data.samples import Parameters, Structures
from xreg.core.errors import DataError


def structures(*atoms: Atoms) -> Structures:
    sizes = [len(one) for one in atoms]
    return Structures(
        [f"s{i}" for i in range(len(atoms))],
        np.concatenate([one.numbers for one in atoms]),
        np.concatenate([one.positions for one in atoms]),
        np.append(0, np.cumsum(sizes)),
        np.zeros(len(atoms), int),
        np.array([np.array(one.cell) for one in atoms]),
        np.array([one.pbc for one in atoms]),
    )


CRYSTALS = structures(
    bulk("NaCl", "rocksalt", 5.64),
    bulk("NaCl", "rocksalt", 5.64, cubic=True),
    bulk("MgO", "rocksalt", 4.21),
    bulk("ZnS", "zincblende", 5.41),
    bulk("Cu", cubic=True),
)


def test_formulas_are_reduced_and_systems_are_their_elements() -> None:
    found = computed_groups("formula", CRYSTALS).tolist()
    assert found == ["ClNa", "ClNa", "MgO", "SZn", "Cu"]
    assert computed_groups("chemical-system", CRYSTALS).tolist()[2:] == ["Mg-O", "S-Zn", "Cu"]


def test_a_prototype_knows_no_element_and_no_size_of_the_cell() -> None:
    pytest.importorskip("spglib", reason='spglib is not installed (pip install "xreg[crystals]")')
    found = computed_groups("prototype", CRYSTALS).tolist()
    assert found == ["AB 225 2", "AB 225 2", "AB 225 2", "AB 216 2", "A 225 1"]
    with pytest.raises(DataError, match="'s0' is no crystal"):
        computed_groups("prototype", structures(Atoms("CO", [[0, 0, 0], [0, 0, 1.1]])))


def test_clusters_part_what_differs_most() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 0.1, (10, 2)), rng.normal(5, 0.1, (10, 2))])
    samples = Parameters([f"s{i}" for i in range(20)], values, ("a", "b"), ("eV", "eV"))
    found = computed_groups("cluster", samples, 2)
    assert len(set(found[:10])) == len(set(found[10:])) == 1 != len(set(found))
    with pytest.raises(DataError, match="20 different samples make no 30 clusters"):
        computed_groups("cluster", samples, 30)
    with pytest.raises(DataError, match="parameters have no formula"):
        computed_groups("formula", samples)


def test_a_fingerprint_does_not_turn_with_the_molecule() -> None:
    bent = Atoms("OH2", [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    turned = bent.copy()
    turned.rotate(40, (1, 2, 3))
    wide = Atoms("OH2", [[0, 0, 0], [1.2, 0, 0], [-0.24, 0.93, 0]])
    found = fingerprints(structures(bent, turned, wide))
    assert np.abs(found[0] - found[1]).max() < 1e-6
    assert np.abs(found[0] - found[2]).max() > 0.1
