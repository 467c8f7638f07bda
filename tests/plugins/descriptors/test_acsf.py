"""The descriptor ``acsf``."""

from __future__ import annotations

import re

import numpy as np
import pytest
from ase.build import bulk

from xreg.core.data.samples import Structures
from xreg.core.errors import ConfigError
from xreg.core.testing import DescriptorSuite, clusters, crystals
from xreg.plugins.acsf.acsf import ACSF

SMALL = {
    "cutoff": 4.0,
    "radial_count": 5,
    "radial_eta": 1.5,
    "kappa": (1.0, 2.0),
    "angular_eta": (0.05, 0.2),
    "angular_zeta": (1.0, 4.0),
}


class TestACSF(DescriptorSuite):
    component = ACSF
    settings = SMALL


class TestPeriodicACSF(DescriptorSuite):
    component = ACSF
    settings = {**SMALL, "angular": "g5"}

    def samples(self) -> Structures:
        return crystals()


def test_count_of_the_defaults() -> None:
    component = ACSF().fit(clusters())
    assert len(component.feature_labels) == 543
    assert component.transform(clusters(1)).shape == (1, 543)


def behler(structure, label: str, cutoff: float, eta2: float) -> float:
    """Evaluate the function that a label names, by Behler's equations."""
    kind, elements = label.split()[:2]
    number = {name: float(v) for name, v in re.findall(r"([ηζλκ])=([-+.\de]+)", label)}
    z = {"H": 1, "O": 8, "S": 16}
    shift = structure.positions - structure.positions[structure.absorber]
    r = np.linalg.norm(shift, axis=1)

    def f(x):
        return np.where(x < cutoff, (np.cos(np.pi * x / cutoff) + 1) / 2, 0)

    others = [j for j in range(len(r)) if j != structure.absorber]
    if kind in ("G1", "G2", "G3"):
        x = r[[j for j in others if structure.numbers[j] == z[elements]]]
        if kind == "G1":
            return f(x).sum()
        if kind == "G3":
            return (np.cos(number["κ"] * x) * f(x)).sum()
        centre = float(re.search(r"at ([.\d]+) Å", label)[1])
        return (np.exp(-eta2 * (x - centre) ** 2) * f(x)).sum()
    pair = sorted(z[name] for name in elements.split("–"))
    total = 0.0
    for j in others:
        for k in others:
            if j < k and sorted(structure.numbers[[j, k]].tolist()) == pair:
                cosine = shift[j] @ shift[k] / r[j] / r[k]
                apart = np.linalg.norm(shift[j] - shift[k])
                radii = [r[j], r[k]] + ([apart] if kind == "G4" else [])
                total += (
                    2 ** (1 - number["ζ"])
                    * (1 + number["λ"] * cosine) ** number["ζ"]
                    * np.prod([np.exp(-number["η"] * x**2) * f(x) for x in radii])
                )
    return total


@pytest.mark.parametrize("angular", ["g4", "g5"])
def test_columns_are_what_their_labels_say(angular: str) -> None:
    samples = clusters(2, seed=3)
    component = ACSF(**SMALL, angular=angular).fit(samples)
    for row, structure in zip(component.transform(samples), samples, strict=True):
        want = [behler(structure, label.name, 4.0, 1.5) for label in component.feature_labels]
        np.testing.assert_allclose(row, want, rtol=1e-9, atol=1e-12)


def test_default_width_is_the_step_between_centres() -> None:
    component = ACSF(cutoff=5.5, radial_first=0.5, radial_count=10)
    assert component._eta(0.5) == pytest.approx(1 / (2 * 0.5**2))
    assert component._centres() == pytest.approx(np.arange(0.5, 5.5, 0.5))


def test_radial_or_angular_alone() -> None:
    samples = clusters(3)
    radial = ACSF(radial_count=4, angular="none").fit_transform(samples)
    assert radial.shape == (3, 3 * 5)
    angular = ACSF(radial_count=0, angular_eta=(0.1,), angular_zeta=(1,)).fit_transform(samples)
    assert angular.shape == (3, 3 + 6 * 2)


def test_supercell() -> None:
    cell = bulk("NaCl", "rocksalt", a=5.64)
    samples = Structures.from_atoms([cell, cell * (2, 2, 1)], [1, 1])
    one, two = ACSF(**SMALL).fit_transform(samples)
    np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)
    labels = [label.name for label in ACSF(**SMALL).fit(samples).feature_labels]
    r, cutoff = 5.64 / 2, 4.0  # six neighbours of the other kind
    assert one[labels.index("G1 Na")] == pytest.approx(6 * (np.cos(np.pi * r / cutoff) + 1) / 2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"radial_first": 6.0}, "less than 'cutoff'"),
        ({"angular_zeta": (1, 1)}, "a value twice"),
        ({"angular_lambda": (2,)}, "angular_lambda"),
        ({"angular_eta": (0.0,)}, "angular_eta"),
    ],
)
def test_settings_refused(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ACSF(**settings)
