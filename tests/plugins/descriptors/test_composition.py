"""Columns on the whole sample, which every descriptor of a site can have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from xreg.core.data.samples import Structures
from xreg.core.descriptors.composition import PROPERTIES, composition, composition_labels
from xreg.core.errors import SampleError
from xreg.core.testing import DescriptorSuite, crystals
from xreg.plugins.coulomb.coulomb import Coulomb
from xreg.plugins.soap.soap import SOAP

COLUMNS = 4 * len(PROPERTIES) + 3


class TestMoleculesWithComposition(DescriptorSuite):
    component = SOAP
    settings = {"n_max": 2, "l_max": 2, "cutoff": 4.0, "composition": True}


class TestCrystalsWithComposition(TestMoleculesWithComposition):
    def samples(self) -> Structures:
        return crystals()


def site(atoms: Atoms) -> Structures:
    return Structures.from_atoms([atoms], 0, ["a"])


def test_rock_salt_against_the_tables() -> None:
    salt = bulk("NaCl", "rocksalt", a=5.64)
    species = np.array([8, 11, 17])
    found = dict(
        zip(
            [label.name for label in composition_labels(species)],
            composition(site(salt)[0], species),
            strict=True,
        )
    )
    assert len(found) == COLUMNS + 3
    assert found["mean electronegativity of the sample"] == pytest.approx((0.93 + 3.16) / 2)
    assert found["spread of number of the sample"] == pytest.approx(3)
    assert found["greatest valence of the sample"] == 7
    assert found["volume of an atom"] == pytest.approx(5.64**3 / 8)
    assert found["density of valence electrons"] == pytest.approx(8 * 4 / 5.64**3)
    assert [found[f"share of {e}"] for e in ("O", "Na", "Cl")] == [0, 0.5, 0.5]


def test_a_larger_cell_is_the_same_sample() -> None:
    salt = bulk("NaCl", "rocksalt", a=5.64)
    species = np.array([11, 17])
    once, often = (composition(site(a)[0], species) for a in (salt, salt.repeat((2, 1, 3))))
    np.testing.assert_allclose(once, often, rtol=1e-12)


@pytest.mark.parametrize(
    "method", [SOAP(n_max=2, l_max=1, cutoff=3.0, species=("H", "O")), Coulomb()]
)
def test_columns_are_appended(method: Any) -> None:
    water = site(Atoms("OH2", [(0, 0, 0), (0.76, 0.59, 0), (-0.76, 0.59, 0)]))
    plain = method.fit(water).transform(water)
    both = type(method)(**{**method.get_params(), "composition": True}).fit(water)
    found = both.transform(water)
    np.testing.assert_array_equal(found[:, : plain.shape[1]], plain)
    assert found.shape[1] == plain.shape[1] + COLUMNS + 2 == len(both.feature_labels)
    np.testing.assert_allclose(found[0, -2:], [2 / 3, 1 / 3])
    readable, labels = both.readable(found)
    assert readable.shape[1] == len(labels)


def test_an_element_that_fit_never_saw_is_named() -> None:
    method = SOAP(n_max=2, l_max=1, cutoff=3.0, composition=True)
    method.fit(site(Atoms("OH2", [(0, 0, 0), (0.76, 0.59, 0), (-0.76, 0.59, 0)])))
    with pytest.raises(SampleError, match="contains S"):
        method.transform(site(Atoms("OS", [(0, 0, 0), (0, 0, 1.5)])))
