"""The descriptor ``gt``."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from xreg.core.data.samples import Structures
from xreg.core.errors import ConfigError, SampleError
from xreg.core.testing import DescriptorSuite, clusters, crystals
from xreg.plugins.gt.gt import GT

SMALL = {"cutoff": 4.0, "scalar_count": 5, "vector_count": 3, "tensor_count": 4}


class TestGT(DescriptorSuite):
    component = GT
    settings = SMALL


class TestPeriodicGT(DescriptorSuite):
    component = GT
    settings = {**SMALL, "normalization": "none", "width_last": 3.0}

    def samples(self) -> Structures:
        return crystals()


def test_count_of_the_defaults() -> None:
    component = GT().fit(clusters())
    assert len(component.feature_labels) == 1275
    assert component.transform(clusters(1)).shape == (1, 1275)


@pytest.mark.parametrize("normalization", ["gaussian", "none"])
def test_columns_are_what_their_labels_say(normalization: str) -> None:
    samples = clusters(2, seed=3)
    component = GT(**SMALL, normalization=normalization).fit(samples)
    z = {"H": 1, "O": 8, "S": 16}
    for row, structure in zip(component.transform(samples), samples, strict=True):
        shift = structure.positions - structure.positions[structure.absorber]
        for value, label in zip(row, component.feature_labels, strict=True):
            *kind, element, _, _ = label.name.split()
            sigma = label.at
            scale = (2 * np.pi * sigma**2) ** -1.5 if normalization == "gaussian" else 1.0
            scalar, vector, tensor = 0.0, np.zeros(3), np.zeros((3, 3))
            for j, r in enumerate(shift):
                distance = np.linalg.norm(r)
                if j == structure.absorber or distance >= 4 or structure.numbers[j] != z[element]:
                    continue
                f = (np.cos(np.pi * distance / 4) + 1) / 2
                g = scale * np.exp(-(distance**2) / (2 * sigma**2)) * f
                scalar += g
                vector += g * r / (2 * sigma**2)
                tensor += g * np.outer(r, r) / (4 * sigma**4)
            want = {
                "S": scalar,
                "|V|": np.linalg.norm(vector),
                # Newton's identity for the second elementary symmetric function.
                "minors T": (np.trace(tensor) ** 2 - np.trace(tensor @ tensor)) / 2,
                "det T": np.linalg.det(tensor),
            }[" ".join(kind)]
            size = np.linalg.norm(tensor) ** {"minors T": 2, "det T": 3}.get(" ".join(kind), 1)
            assert value == pytest.approx(want, rel=1e-9, abs=1e-12 * size)


def test_units_and_axis() -> None:
    samples = clusters(1)
    units = {}
    for normalization in ("gaussian", "none"):
        labels = GT(**SMALL, normalization=normalization).fit(samples).feature_labels
        units[normalization] = list(
            dict.fromkeys((x.block.rpartition(" ")[0], x.unit) for x in labels)
        )
    assert [u for _, u in units["gaussian"]] == ["1/Å³", "1/Å⁴", "1/Å¹⁰", "1/Å¹⁵"]
    assert [u for _, u in units["none"]] == ["", "1/Å", "1/Å⁴", "1/Å⁶"]
    first = [x.at for x in labels if x.block == "S H"]
    np.testing.assert_allclose(first, np.linspace(0.5, 4, 5))


def test_symmetric_shell() -> None:
    """An octahedron has no vector, and an isotropic tensor."""
    cell = bulk("NaCl", "rocksalt", a=5.0)
    samples = Structures.from_atoms([cell, cell * (2, 2, 1)], [0, 0])
    component = GT(cutoff=3.0, scalar_count=1, vector_count=1, tensor_count=1, width_last=1.0,
                   width_first=0.9, normalization="none").fit(samples)  # fmt: skip
    one, two = component.transform(samples)
    np.testing.assert_allclose(one, two, atol=1e-12)
    g = np.exp(-(2.5**2) / (2 * 0.9**2)) * (np.cos(np.pi * 2.5 / 3) + 1) / 2
    t = 2 * g * 2.5**2 / (4 * 0.9**4)
    np.testing.assert_allclose(one, [0, 0, 0, 0, 6 * g, 0, 3 * t**2, t**3], atol=1e-12)


def test_site_without_neighbours_and_coincident_atoms() -> None:
    lone = Structures.from_atoms([Atoms("OH", [[0, 0, 0], [0, 0, 9]])])
    np.testing.assert_array_equal(GT().fit(lone).transform(lone), np.zeros((1, 850)))
    on_top = Structures.from_atoms([Atoms("OHH", [[0, 0, 0], [1, 0, 0], [1, 0, 0]])], ids=["x"])
    with pytest.raises(SampleError, match="'x' has two atoms in one place"):
        GT().fit_transform(on_top)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"width_first": 7.0}, "'width_first' must be less"),
        ({"scalar_count": 0, "vector_count": 0, "tensor_count": 0}, "cannot all be 0"),
        ({"scalar_count": -1}, "scalar_count"),
    ],
)
def test_settings_refused(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        GT(**settings)
