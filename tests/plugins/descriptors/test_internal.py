"""The descriptor ``internal``."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from xreg.core.data.samples import Structures
from xreg.core.errors import DataError, SampleError
from xreg.core.testing import DescriptorSuite, clusters, crystals, waters
from xreg.plugins.internal.internal import Internal


class TestInternal(DescriptorSuite):
    component = Internal

    def samples(self) -> Structures:
        return waters()


class TestProducts(DescriptorSuite):
    component = Internal
    settings = {"degree": 3}

    def samples(self) -> Structures:
        return waters()


def test_products_are_those_of_boxed_coordinates() -> None:
    samples = waters()
    plain = Internal().fit(samples).transform(samples)
    component = Internal(degree=2).fit(samples)
    x = (plain - plain.min(axis=0)) / np.ptp(plain, axis=0)
    want = [*x.T, *(x[:, i] * x[:, j] for i in range(3) for j in range(i, 3))]
    np.testing.assert_allclose(component.transform(samples), np.transpose(want), atol=1e-12)
    names = [label.name for label in component.feature_labels]
    assert names[3] == "r(O–H) long²"
    assert names[5] == "r(O–H) long·angle(H–O–H)"
    assert len(names) == 9


class TestPeriodicInternal(DescriptorSuite):
    component = Internal
    settings = {"angles": "cosine"}

    def samples(self) -> Structures:
        return crystals()


def test_water() -> None:
    """Two bonds and their angle, in Å and degrees."""
    h = np.radians(104.5)
    atoms = Atoms("HOH", [[0.9, 0, 0], [0, 0, 0], [1.1 * np.cos(h), 1.1 * np.sin(h), 0]])
    component = Internal().fit(Structures.from_atoms([atoms], 1))
    features = component.transform(Structures.from_atoms([atoms], 1))
    np.testing.assert_allclose(features, [[1.1, 0.9, 104.5]])
    labels = component.feature_labels
    assert [label.name for label in labels] == ["r(O–H) long", "r(O–H) short", "angle(H–O–H)"]
    assert [label.unit for label in labels] == ["Å", "Å", "°"]


def test_methanol_from_its_carbon() -> None:
    atoms = molecule("CH3OH")
    centre = atoms.symbols.search("C")[0]
    samples = Structures.from_atoms([atoms], int(centre))
    component = Internal().fit(samples)
    row = component.transform(samples)[0]
    names = [label.name for label in component.feature_labels]
    # Four hydrogens and an oxygen: 5 distances, 6 H–C–H and 4 H–C–O angles.
    assert len(names) == 15
    assert names[0] == "r(C–H) 1"
    assert names[4] == "r(C–O)"
    oxygen = int(atoms.symbols.search("O")[0])
    assert row[4] == pytest.approx(atoms.get_distance(centre, oxygen))
    hydrogens = atoms.symbols.search("H")
    angles = sorted((atoms.get_angle(i, centre, oxygen) for i in hydrogens), reverse=True)
    np.testing.assert_allclose(row[-4:], angles)
    assert names[-1] == "angle(H–C–O) 4"


def test_angles_are_a_choice() -> None:
    samples = waters()
    degrees, cosine, none = (
        Internal(angles=a).fit_transform(samples) for a in ("degrees", "cosine", "none")
    )
    np.testing.assert_allclose(np.cos(np.radians(degrees[:, 2])), cosine[:, 2])
    np.testing.assert_array_equal(none, degrees[:, :2])


def test_molecule_across_the_border_of_its_cell() -> None:
    atoms = molecule("H2O", cell=[8, 8, 8], pbc=True)
    atoms.positions += 0.1
    inside = atoms.copy()
    inside.wrap()
    assert not np.allclose(inside.positions, atoms.positions)
    one, two = Internal().fit_transform(Structures.from_atoms([atoms, inside]))
    np.testing.assert_allclose(one, two)


def test_refusals() -> None:
    with pytest.raises(SampleError, match=r"'cluster-0' is .*S seen from S, .* on H2O seen from O"):
        Internal().fit(waters()).transform(clusters(1))
    with pytest.raises(SampleError, match="fitted on H2O seen from O"):
        Internal().fit(waters()).transform(Structures.from_atoms([molecule("H2O")], 1))
    with pytest.raises(SampleError, match="single atom"):
        Internal().fit(Structures.from_atoms([Atoms("O", [[0, 0, 0]])]))
    with pytest.raises(DataError, match="without samples"):
        Internal().fit(waters()[:0])
    on_top = Structures.from_atoms([Atoms("OHH", [[0, 0, 0], [0, 0, 0], [1, 0, 0]])], ids=["x"])
    for settings in ({}, {"angles": "none"}):
        with pytest.raises(SampleError, match="'x' has two atoms in one place"):
            Internal(**settings).fit(waters()).transform(on_top)


@pytest.mark.parametrize("off", [0.0, 1e-12, 1e-9, 1e-8, 1e-6, 1e-4])
def test_straight_angles(off: float) -> None:
    """Angles near 180° keep all digits, however the molecule is turned."""
    bent = [[-1.16, 0, 0], [0, 0, 0], [1.16 * np.cos(off), 1.16 * np.sin(off), 0]]
    rng = np.random.default_rng(1)
    turns = [np.eye(3), *(np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(5))]
    samples = Structures.from_atoms([Atoms("OCO", bent @ turn) for turn in turns], 1)
    angles = Internal().fit(samples).transform(samples)[:, -1]
    np.testing.assert_allclose(np.radians(180 - angles), off, rtol=0, atol=2e-15)
