"""The descriptor ``coulomb``, and the rows of atoms that it shares with ``mbdf``."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from xreg.core.data.samples import Structures
from xreg.core.errors import ConfigError, DataError, SampleError
from xreg.core.testing import DescriptorSuite, clusters, crystals, waters
from xreg.plugins.coulomb.coulomb import Coulomb

Z = {"H": 1, "O": 8, "S": 16}


class TestCoulomb(DescriptorSuite):
    component = Coulomb


class TestPeriodicCoulomb(DescriptorSuite):
    component = Coulomb
    settings = {"counts": {"Na": 4, "Cl": 5}}

    def samples(self) -> Structures:
        return crystals()


def test_count_of_the_defaults() -> None:
    component = Coulomb(counts={"H": 20, "O": 14, "S": 1}).fit(clusters())
    assert len(component.feature_labels) == 595
    assert component.transform(clusters(1)).shape == (1, 595)


def test_columns_are_what_their_labels_say() -> None:
    samples = clusters(4, seed=2)
    component = Coulomb().fit(samples)
    for row, structure in zip(component.transform(samples), samples, strict=True):
        centre = structure.positions[structure.absorber]
        places = {}
        for symbol, number in Z.items():
            like = structure.positions[structure.numbers == number]
            like = sorted(like, key=lambda p: np.linalg.norm(p - centre))
            places |= {f"{symbol}{i}": p for i, p in enumerate(like, 1)}
        for value, label in zip(row, component.feature_labels, strict=True):
            a, b = label.name[2:-1].split("–")
            want = 0.0
            if a in places and b in places:
                want = Z[a[0]] * Z[b[0]] / np.linalg.norm(places[a] - places[b])
            assert value == pytest.approx(want, rel=1e-12)


def test_water_and_its_distances() -> None:
    atoms = Atoms("OHH", [[0, 0, 0], [0.9572, 0, 0], [-0.2399872, 0.9266272, 0]])
    samples = Structures.from_atoms([atoms])
    component = Coulomb().fit(samples)
    assert component.get_feature_names_out().tolist() == ["C(H1–H2)", "C(H1–O1)", "C(H2–O1)"]
    found = component.transform(samples)
    r = atoms.get_all_distances()
    near, far = sorted(r[0, 1:])
    np.testing.assert_allclose(found, [[1 / r[1, 2], 8 / near, 8 / far]])
    np.testing.assert_allclose(component.distances(found), [[r[1, 2], near, far]])


def test_fewer_and_more_atoms_than_rows() -> None:
    samples = clusters(8)
    component = Coulomb().fit(samples)
    numbers = [np.bincount(s.numbers, minlength=17)[[1, 8, 16]] for s in samples]
    np.testing.assert_array_equal(component.counts_, np.max(numbers, axis=0))
    np.testing.assert_array_equal(component.fewest_, np.min(numbers, axis=0))
    few = Coulomb(counts={"H": 1, "O": 1, "S": 3}).fit(samples)
    features = few.transform(samples)
    names = few.get_feature_names_out().tolist()
    missing = [("S2" in name) or ("S3" in name) for name in names]
    np.testing.assert_array_equal(features[:, missing], 0)
    assert (features[:, np.invert(missing)] > 0).all()
    whole = component.get_feature_names_out().tolist().index("C(H1–O1)")
    np.testing.assert_array_equal(
        features[:, names.index("C(H1–O1)")], component.transform(samples)[:, whole]
    )
    assert np.isinf(few.distances(features)[:, missing]).all()
    assert few.remarks == [
        "coulomb: training samples have as few as 1 S for 3 rows; rows without an atom are zero."
    ]
    assert "H for" in component.remarks[0], "clusters differ in size"
    assert not Coulomb().fit(waters()).remarks
    left_out = Coulomb(counts={"H": 0, "O": 2, "S": 1}).fit(samples)
    assert left_out.get_feature_names_out().tolist() == ["C(O1–O2)", "C(O1–S1)", "C(O2–S1)"]


def test_crystal_counts_images() -> None:
    cell = bulk("NaCl", "rocksalt", a=5.64)
    samples = Structures.from_atoms([cell, cell * (2, 2, 1)], [1, 3])
    component = Coulomb(counts={"Na": 1, "Cl": 5}).fit(samples[:1])
    one, two = component.transform(samples)
    # Of five chlorines, one is the absorber and four stand at a/√2: C(Cl1–Cl*) = 17²√2/a.
    from_centre = [label.name.startswith("C(Cl1–") for label in component.feature_labels]
    np.testing.assert_allclose(one[from_centre], 17**2 * np.sqrt(2) / 5.64)
    np.testing.assert_allclose(two[from_centre], one[from_centre])
    assert not component.remarks
    flat = Coulomb(counts={"Na": 1, "Cl": 5}, periodic=False).fit(samples[:1])
    assert np.count_nonzero(flat.transform(samples[:1])) == 1
    assert "1 Cl for 5 rows" in flat.remarks[0]


def test_lone_atom() -> None:
    lone = Structures.from_atoms([Atoms("O", [[0, 0, 0]])])
    np.testing.assert_array_equal(Coulomb().fit(waters()).transform(lone), np.zeros((1, 3)))


def test_refusals() -> None:
    on_top = Structures.from_atoms([Atoms("OHH", [[0, 0, 0], [1, 0, 0], [1, 0, 1e-5]])], ids=["x"])
    with pytest.raises(SampleError, match="'x' has two atoms in one place"):
        Coulomb().fit(waters()).transform(on_top)
    with pytest.raises(DataError, match="without samples"):
        Coulomb().fit(waters()[:0])
    with pytest.raises(DataError, match="two atoms or more"):
        Coulomb().fit_transform(Structures.from_atoms([Atoms("O", [[0, 0, 0]])]))
    with pytest.raises(
        SampleError, match=r"'water-0' contains H.* it knows O: name .* in 'counts'"
    ):
        Coulomb(counts={"O": 2}).fit(waters())
    with pytest.raises(ConfigError, match="no atom at all"):
        Coulomb(counts={"O": 0})
    with pytest.raises(ConfigError, match="the same elements"):
        Coulomb(counts={"O": 2}, species=("O", "H"))
    with pytest.raises(ConfigError, match="counts"):
        Coulomb(counts={"Qq": 2})
