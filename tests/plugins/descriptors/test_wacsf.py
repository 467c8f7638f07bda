"""The descriptor ``wacsf``."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from xreg.core.data.samples import Structures
from xreg.core.errors import ConfigError, SampleError
from xreg.core.testing import DescriptorSuite, clusters, crystals
from xreg.plugins.wacsf.wacsf import WACSF


class TestWACSF(DescriptorSuite):
    component = WACSF


class TestPeriodicWACSF(DescriptorSuite):
    component = WACSF
    settings = {
        "cutoff": 5.0,
        "radial": "centred",
        "angular": "shifted",
        "weights": {"Na": 0.5, "Cl": -2.0},
        "pairs": "ordered",
    }

    def samples(self) -> Structures:
        return crystals()


def test_count_of_the_defaults() -> None:
    component = WACSF().fit(clusters())
    assert len(component.feature_labels) == 97
    kinds = [label.name[:2] for label in component.feature_labels]
    assert [kinds.count(k) for k in ("G1", "G2", "G4")] == [1, 32, 64]


def gastegger(structure, label, settings: dict, weights: dict) -> float:
    """Evaluate the function that a label names, by explicit loops over j < k."""
    cutoff = settings["cutoff"]
    shift = structure.positions - structure.positions[structure.absorber]
    r = np.linalg.norm(shift, axis=1)
    others = [j for j in range(len(r)) if j != structure.absorber and r[j] < cutoff]
    w = {j: weights[int(structure.numbers[j])] for j in others}

    def f(x):
        return (np.cos(np.pi * x / cutoff) + 1) / 2 if x < cutoff else 0.0

    if label.name == "G1":
        return sum(f(r[j]) for j in others)
    name = "radial" if label.block == "G2" else "angular"
    eta, mu = 1 / (2 * label.at**2), 0.0
    if settings[name] == "shifted":
        step = (cutoff - 1.0) / (settings[f"{name}_count"] - 1)
        eta, mu = 1 / (2 * step**2), label.at

    def g(x):
        return np.exp(-eta * (x - mu) ** 2) * f(x)

    if name == "radial":
        return sum(w[j] * g(r[j]) for j in others)
    sign, zeta = map(float, re.search(r"λ=([-+]\d) ζ=([.\d]+)", label.name).groups())
    total = 0.0
    for j in others:
        for k in others:
            if j < k:
                cosine = shift[j] @ shift[k] / r[j] / r[k]
                apart = np.linalg.norm(shift[j] - shift[k])
                angle = 2 ** (1 - zeta) * (1 + sign * cosine) ** zeta
                total += w[j] * w[k] * angle * g(r[j]) * g(r[k]) * g(apart)
    return total


@pytest.mark.parametrize("placing", ["shifted", "centred"])
def test_columns_are_what_their_labels_say(placing: str) -> None:
    samples = clusters(2, seed=3)
    settings = {
        "cutoff": 4.0, "radial_count": 5, "radial": placing,
        "angular_count": 3, "angular": placing, "angular_zeta": (1.0, 2.5, 8.0),
    }  # fmt: skip
    component = WACSF(**settings).fit(samples)
    for row, structure in zip(component.transform(samples), samples, strict=True):
        want = [
            gastegger(structure, label, settings, {1: 1, 8: 8, 16: 16})
            for label in component.feature_labels
        ]
        np.testing.assert_allclose(row, want, rtol=1e-9, atol=1e-12)


def test_equals_xanesnet_s_own_code() -> None:
    # xanesnet/descriptors/wacsf.py of NewcastleRSE/XANESNET at 121f79f: r_min 0, r_max 6, 32 G2,
    # 64 G4, l (-1, 1), z (1, 2, 4, 8). It counts an atom by a tenth of its atomic number and takes
    # the widths of G4 from the first eight points of a grid of 64 from 1 to 5.5 Å.
    place = [[0, 0, 0], [1.44, 0, 0.1], [-0.7, 1.25, 0], [-0.6, -1.0, 1.05], [-0.5, -0.6, -1.4],
             [-0.2, -1.5, -1.7], [-1.4, 1.7, 0.6]]  # fmt: skip
    acid = Structures.from_atoms([Atoms("SOOOOHH", place)])
    tenths = {"H": 0.1, "O": 0.8, "S": 1.6}
    row = WACSF(weights=tenths, angular_first=1.0, angular_last=1.5).fit_transform(acid)[0]
    assert row[[0, 6, 8, 33, 50, 96]] == pytest.approx(
        [4.772612825659219, 1.2929791260202081, 1.9730112669358175,
         0.011925475074015812, 0.007105737707597547, 0.020477583473015926], rel=1e-13
    )  # fmt: skip


def test_pairs_and_weights() -> None:
    samples = clusters(3)
    once = WACSF().fit_transform(samples)
    twice = WACSF(pairs="ordered").fit_transform(samples)
    np.testing.assert_allclose(twice[:, :33], once[:, :33])
    np.testing.assert_allclose(twice[:, 33:], 2 * once[:, 33:])
    same = WACSF(weights={"H": 1, "O": 8, "S": 16}).fit_transform(samples)
    np.testing.assert_array_equal(same, once)
    plain = WACSF(weights="one").fit_transform(samples)
    np.testing.assert_array_equal(plain[:, 0], once[:, 0])
    hydrogen = WACSF(weights={"H": 1, "O": 0, "S": 0}).fit_transform(samples)
    oxygen = WACSF(weights={"H": 0, "O": 1, "S": 0}).fit_transform(samples)
    np.testing.assert_allclose((hydrogen + oxygen)[:, 1:33], plain[:, 1:33])
    with pytest.raises(ConfigError, match="gives O no number"):
        WACSF(weights={"H": 1, "S": 1}).fit(samples).transform(samples)


def test_supercell_and_cell_border() -> None:
    cell = bulk("NaCl", "rocksalt", a=5.64)
    moved = cell * (2, 2, 1)
    moved.positions += [7.1, -9.3, 2.2]
    slab = cell.copy()
    slab.pbc = (True, True, False)
    samples = Structures.from_atoms([cell, moved, slab], [1, 1, 1])
    one, two, flat = WACSF().fit_transform(samples)
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-9)
    # Shells of rock salt inside 6 Å, as (number, squared distance in (a/2)²).
    r = 5.64 / 2 * np.sqrt([1, 2, 3, 4])
    counts = np.array([6, 12, 8, 6])
    assert one[0] == pytest.approx((counts * (np.cos(np.pi * r / 6) + 1) / 2).sum())
    assert 0 < flat[0] < one[0]


def test_site_without_neighbours_and_coincident_atoms() -> None:
    lone = Structures.from_atoms([Atoms("OH", [[0, 0, 0], [0, 0, 9]])])
    np.testing.assert_array_equal(WACSF().fit(lone).transform(lone), np.zeros((1, 97)))
    straight = Structures.from_atoms([Atoms("OHH", [[0, 0, 0], [0, 0, 1], [0, 0, -1]])])
    row = WACSF(angular_count=1, angular_zeta=(1,)).fit_transform(straight)[0]
    assert row[-1] == 0  # 1 + cos 180°
    assert row[-2] > 0
    on_top = Structures.from_atoms([Atoms("OHH", [[0, 0, 0], [1, 0, 0], [1, 0, 0]])], ids=["x"])
    with pytest.raises(SampleError, match="'x' has two atoms in one place"):
        WACSF().fit_transform(on_top)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"grid_first": 6.0}, "'grid_first' must be less"),
        ({"angular_last": 0.4}, "'angular_first' must be less"),
        ({"grid_last": 7.0}, "within 'cutoff'"),
        ({"angular_zeta": (1, 1)}, "a value twice"),
        ({"weights": {"Qq": 1}}, "weights"),
    ],
)
def test_settings_refused(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        WACSF(**settings)
