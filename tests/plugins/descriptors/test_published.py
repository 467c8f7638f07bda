"""The published grids of six descriptors, each of their functions summed anew by short loops.

Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), Table II, supplement Tables III to VIII.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.special import erf

from xreg.core.data.samples import Structure, Structures
from xreg.core.errors import ConfigError, SampleError
from xreg.core.testing import clusters
from xreg.plugins.acsf.acsf import ACSF
from xreg.plugins.coulomb.coulomb import Coulomb
from xreg.plugins.lmbtr.lmbtr import LMBTR
from xreg.plugins.mbdf.mbdf import MBDF
from xreg.plugins.soap.soap import SOAP
from xreg.registry.plugins import host
from xreg.workbench.search.spaces import SearchSpace

SULFUR, OXYGEN, HYDROGEN = 16, 8, 1


def space(name: str, kind: str = "descriptor") -> SearchSpace:
    spec = host().get(kind, name).spec
    return SearchSpace.parse(spec.search["published"], spec.config, name)


def point(name: str, **chosen: Any) -> dict[str, Any]:
    """Return the settings at a point of a published grid; refuses what is no point of it."""
    found = space(name)
    stored = {}
    for key, given in found.ranges.items():
        value = chosen.pop(key.replace(".", "_"), given.probes[0])
        stored[key] = next(s for s in given.every() if given.read(s) == value)
    assert not chosen
    return found.settings(stored)


# Table II: number of features; the points are those that give it (ACSF has three such).
POINTS: dict[str, tuple[int, dict[str, Any]]] = {
    "lmbtr": (420, {"distance_points": 40, "angle_points": 20}),
    "soap": (2700, {"n_max": 8, "l_max": 8}),
    "acsf": (543, {"radial_count": 40, "angular_eta_count": 5,
                   "angular_zeta": [2.0**x for x in range(7)]}),
    "gt": (1275, {"scalar_count": 125, "vector_count": 100, "tensor_count": 100}),
    "coulomb": (595, {"counts_absorber": 1, "counts_others": 16, "counts_H": 18}),
    "mbdf": (330, {"counts_absorber": 3, "counts_others": 22, "counts_H": 30}),
}  # fmt: skip


@pytest.mark.parametrize("name", POINTS)
def test_points_of_the_grids_have_the_published_number_of_features(name: str) -> None:
    count, chosen = POINTS[name]
    component = host().load("descriptor", name)(**point(name, **chosen)).fit(clusters())
    assert component.transform(clusters(1)).shape == (1, count)


def test_the_sizes_of_the_grids_are_those_of_the_tables() -> None:
    sizes = {name: space(name).size for name in POINTS}
    assert sizes == {
        "lmbtr": 5**5,
        "soap": 5 * 5 * 4 * 5 * 5 * 4 * 4,
        "acsf": 8 * 4 * 4 * 6 * 4,
        "gt": 5 * 7 * 7 * 6 * 6,
        "coulomb": 15 * 24 * 17,
        "mbdf": 15 * 24 * 17,
    }
    assert space("mlp", "emulator").size == 4 * 5 * 2 * 14


def distances(structure: Structure) -> np.ndarray:
    return np.linalg.norm(structure.positions - structure.positions[structure.absorber], axis=1)


def cells(values: np.ndarray, weights: np.ndarray, grid: np.ndarray, sigma: float) -> np.ndarray:
    """Return the mean of weighted normal densities over each cell of a grid."""
    half = (grid[1] - grid[0]) / 2
    edges = (np.concatenate([grid - half, [grid[-1] + half]])[None] - values[:, None]) / sigma
    share = np.diff(erf(edges / np.sqrt(2)) / 2, axis=1) / (2 * half)
    return weights @ share


@pytest.mark.parametrize("engine", ["vectorised", "dscribe"])
def test_lmbtr_with_unity_weights_counts_every_atom_once(engine: str) -> None:
    settings = point("lmbtr", distance_points=40, angle_points=20, distance_sigma=0.4)
    samples = clusters(3)
    component = LMBTR(**{**settings, "molecules": None, "engine": engine}).fit(samples)
    found = component.transform(samples)
    grid = np.linspace(0.7, 6.5, 40)
    for row, structure in zip(found, samples, strict=True):
        r = distances(structure)
        for block, element in enumerate((HYDROGEN, OXYGEN, SULFUR)):
            like = (structure.numbers == element) & (np.arange(len(r)) != structure.absorber)
            want = cells(r[like], np.ones(like.sum()), grid, 0.4)
            np.testing.assert_allclose(row[40 * block : 40 * block + 40], want, atol=1e-9)
    names = dict.fromkeys(label.block for label in component.feature_labels)
    assert len(names) == 3 + 15
    assert not [name for name in names if name.count("X") > 1]


def test_lmbtr_without_empty_blocks_is_the_same_but_for_those() -> None:
    samples = clusters(3)
    small: dict[str, Any] = {"distance_points": 12, "angle_points": 6}
    every = LMBTR(**small).fit(samples)
    filled = LMBTR(**small, empty_blocks=False).fit(samples)
    kept = [label.block.count("X") < 2 for label in every.feature_labels]
    assert not every.transform(samples)[:, ~np.array(kept)].any()
    np.testing.assert_array_equal(every.transform(samples)[:, kept], filled.transform(samples))


def test_lmbtr_with_unity_weights_in_a_crystal() -> None:
    copper = Structures.from_atoms([bulk("Cu")])
    radial: dict[str, Any] = {"angle_points": 0, "distance_points": 30, "distance_weight": "unity"}
    row = LMBTR(**radial, distance_sigma=0.1).fit(copper).transform(copper)[0]
    half = 3.61 / np.sqrt(2)  # 12 nearest neighbours, 6 next ones
    step = 5.5 / 29
    near = np.abs(np.linspace(0.5, 6, 30) - half) < 0.5
    assert row[30:][near].sum() * step == pytest.approx(12, rel=1e-3)
    for more in ({"engine": "dscribe"}, {"angle_points": 5, "angle_weight": "unity"}):
        with pytest.raises(SampleError, match="without end"):
            LMBTR(**{**radial, **more}).fit(copper).transform(copper)


def test_acsf_at_a_point_of_the_grid_is_behlers_sum() -> None:
    samples = clusters(2)
    chosen = point("acsf", radial_count=10, angular_eta_count=5, angular_eta_first=1e-3,
                   angular_eta_last=2.0)  # fmt: skip
    row, structure = (
        ACSF(**{**chosen, "molecules": None}).fit(samples).transform(samples)[0],
        samples[0],
    )
    x, n = structure.positions, structure.numbers
    r, cutoff = distances(structure), 6.5

    def f(d: Any) -> Any:
        return np.where(d < cutoff, (np.cos(np.pi * d / cutoff) + 1) / 2, 0)

    place = 0
    for element in (HYDROGEN, OXYGEN, SULFUR):
        own = r[(n == element) & (r > 0)]
        assert row[place] == pytest.approx(f(own).sum())
        for i in range(10):
            centre = 0.7 + i * (6.5 - 0.7) / 9
            want = (np.exp(-12.5 / centre**2 * (own - centre) ** 2) * f(own)).sum()
            assert row[place + 1 + i] == pytest.approx(want, abs=1e-12)
        place += 11
    # The first pair of elements: two hydrogens.
    etas = [1e-3 * 2000 ** (i / 4) for i in range(5)]
    hydrogens = np.flatnonzero(n == HYDROGEN)
    for k, (eta, power, sign) in enumerate(product(etas, range(6), (-1, 1))):
        total = 0.0
        for i, j in ((i, j) for i in hydrogens for j in hydrogens if i < j):
            a, b = x[i] - x[structure.absorber], x[j] - x[structure.absorber]
            p, q, s = r[i], r[j], np.linalg.norm(a - b)
            z = 2**power
            total += (2.0 ** (1 - z) * (1 + sign * (a @ b) / (p * q)) ** z
                      * np.exp(-eta * (p * p + q * q + s * s)) * f(p) * f(q) * f(s))  # fmt: skip
        assert row[place + k] == pytest.approx(total, rel=1e-6, abs=1e-12)


def test_acsf_refuses_what_cannot_be() -> None:
    for settings, said in (
        ({"radial_last": 7.0}, "'radial_last'"),
        ({"radial_eta": 1.0, "radial_eta_relative": 12.5}, "exclude each other"),
        ({"radial_first": 0.0, "radial_eta_relative": 12.5}, "above zero"),
        ({"angular_eta": {"first": 1.0, "last": 0.5, "count": 3}}, "less than 'last'"),
    ):
        with pytest.raises(ConfigError, match=said):
            ACSF(**settings)


def test_soap_weighs_a_neighbour_by_the_power_law() -> None:
    c, d, m, r0, r = 2.0, 0.5, 4.0, 3.0, 2.3
    pair = Structures.from_atoms([Atoms("SO", [[0, 0, 0], [0, 0, r]])])
    common: dict[str, Any] = {"cutoff": 6.5, "n_max": 4, "l_max": 4, "center_weight": 0.0}
    plain = SOAP(**common).fit(pair).transform(pair)
    pow_ = {"decay": "pow", "decay_c": c, "decay_d": d, "decay_m": m, "decay_r0": r0}
    weighed = SOAP(**common, **pow_).fit(pair).transform(pair)
    weight = c / (d + (r / r0) ** m)
    np.testing.assert_allclose(weighed, plain * weight**2, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("method", [Coulomb, MBDF])
def test_rows_by_role_follow_the_elements_of_the_data(method: type[Any]) -> None:
    samples = clusters(4)
    roles = method(counts={"absorber": 1, "others": 3, "H": 2}).fit(samples)
    named = method(counts={"S": 1, "O": 3, "H": 2}).fit(samples)
    np.testing.assert_array_equal(roles.transform(samples), named.transform(samples))
    absent = method(counts={"absorber": 1, "others": 2, "Fe": 4}).fit(samples)
    assert dict(zip(absent.symbols_, absent.counts_.tolist(), strict=True)) == {
        "S": 1, "O": 2, "H": 2,
    }  # fmt: skip
    assert any("no training sample has Fe" in remark for remark in absent.remarks)


def test_atoms_of_molecules_far_away_are_not_seen() -> None:
    near = Atoms("SOHH", [[0, 0, 0], [2.5, 0, 0], [3.3, 0.5, 0], [2.5, -0.96, 0]])
    both = near + Atoms("OHH", [[0, 0, 6.2], [0, 0.8, 6.7], [0, -0.8, 6.7]])
    one, two = Structures.from_atoms([near]), Structures.from_atoms([both])
    for method in (ACSF, LMBTR, SOAP, MBDF, Coulomb):
        component = method(molecules=3.0).fit(one)
        np.testing.assert_allclose(component.transform(two), component.transform(one), atol=1e-9)
        assert component.transform(two).shape == method(molecules=3.0).fit(two).transform(two).shape
