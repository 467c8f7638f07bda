"""The descriptor ``lmbtr``."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erf

from xreg.core.data.samples import Structure, Structures
from xreg.core.errors import ConfigError
from xreg.core.testing import DescriptorSuite, clusters, crystals
from xreg.plugins.lmbtr.broadening import Broadening
from xreg.plugins.lmbtr.lmbtr import LMBTR


class TestLMBTR(DescriptorSuite):
    component = LMBTR
    settings = {"distance_points": 12, "angle_points": 6}


class TestByDScribe(DescriptorSuite):
    component = LMBTR
    settings = {"distance_points": 12, "angle_points": 6, "engine": "dscribe"}


class TestPeriodicLMBTR(DescriptorSuite):
    component = LMBTR
    settings = {
        "distance": "inverse_distance",
        "distance_points": 10,
        "angle": "cosine",
        "angle_points": 5,
        "distance_decay": 1.0,
        "angle_decay": 1.0,
        "threshold": 1e-2,
        "normalization": "l2",
    }

    def samples(self) -> Structures:
        return crystals()


def test_count_of_the_defaults() -> None:
    component = LMBTR().fit(clusters())
    assert len(component.feature_labels) == 420
    assert component.transform(clusters(1)).shape == (1, 420)


def explicit(structure: Structure, name: str, decay: float) -> tuple[np.ndarray, np.ndarray]:
    """Return values and weights of all distances or angles that a block's name stands for."""
    z = {"H": 1, "O": 8, "S": 16}
    x, numbers = structure.positions, structure.numbers
    centre = structure.absorber
    others = [j for j in range(len(x)) if j != centre]
    far = np.linalg.norm(x[:, None] - x[None], axis=2)
    names = name.partition("(")[2].rstrip(")").split("–")
    values, weights = [], []
    if len(names) == 2:
        for j in others:
            if numbers[j] == z.get(names[1]):
                values.append(far[centre, j])
                weights.append(np.exp(-decay * far[centre, j]))
        return np.array(values), np.array(weights)
    for j in others:
        for k in others:
            if names[1] == "X":
                a, middle, b = j, centre, k
                fits = j < k and sorted((numbers[j], numbers[k])) == sorted(
                    (z.get(names[0], 0), z.get(names[2], 0))
                )
            else:
                a, middle, b = centre, j, k
                fits = j != k and (numbers[j], numbers[k]) == (z[names[1]], z.get(names[2]))
            if fits:
                u, v = x[a] - x[middle], x[b] - x[middle]
                cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
                values.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
                perimeter = far[a, middle] + far[middle, b] + far[a, b]
                weights.append(np.exp(-decay * perimeter))
    return np.array(values), np.array(weights)


def test_columns_are_what_their_labels_say() -> None:
    """Each block is the explicit sum of Gaussians (dscribe averages them over a grid cell)."""
    samples = clusters(2, seed=5)
    component = LMBTR(
        distance_points=221, distance_range=(0.2, 11.2), distance_sigma=0.2,
        angle_points=181, angle_range=(0.0, 180.0), angle_sigma=5.0,
        distance_decay=0.5, angle_decay=0.4, threshold=1e-12,
    ).fit(samples)  # fmt: skip
    labels = component.feature_labels
    blocks: dict[str, list[int]] = {}
    for column, label in enumerate(labels):
        blocks.setdefault(label.block, []).append(column)
    assert len(blocks) == 4 + 22
    for row, structure in zip(component.transform(samples), samples, strict=True):
        filled = 0
        for block, columns in blocks.items():
            radial = block.startswith("r(")
            sigma, decay = (0.2, 0.5) if radial else (5.0, 0.4)
            at = np.array([labels[c].at for c in columns])
            values, weights = explicit(structure, block, decay)
            if not len(values):
                np.testing.assert_array_equal(row[columns], 0)
                continue
            gauss = np.exp(-((at[:, None] - values) ** 2) / (2 * sigma**2))
            want = gauss @ weights / (sigma * np.sqrt(2 * np.pi))
            np.testing.assert_allclose(row[columns], want, atol=0.02 * want.max())
            filled += 1
        assert filled == 2 + 3 + 4


@st.composite
def structures(draw: st.DrawFn) -> Structures:
    """A few atoms in a box of random shape, periodic in any of its directions or in none."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cell = np.diag(rng.uniform(2.5, 5.0, 3)) + rng.uniform(-0.8, 0.8, (3, 3))
    places: list[np.ndarray] = []
    for _ in range(draw(st.integers(2, 9))):
        trial = rng.random(3)
        apart = [(trial - p - np.round(trial - p)) @ cell for p in places]
        if all(np.linalg.norm(a) > 0.9 for a in apart):
            places.append(trial)
    atoms = Atoms(
        rng.choice(["H", "O", "S"], len(places)),
        np.array(places) @ cell,
        cell=cell,
        pbc=draw(st.tuples(*[st.booleans()] * 3)),
    )
    return Structures.from_atoms([atoms], [draw(st.integers(0, len(places) - 1))])


@given(
    structures(),
    st.sampled_from(["distance", "inverse_distance"]),
    st.sampled_from(["angle", "cosine"]),
    st.sampled_from([None, 0.02, 0.7]),
    st.booleans(),
)
@hypothesis.settings(max_examples=40)
def test_same_numbers_as_dscribe(
    samples: Structures, distance: str, angle: str, sigma: float | None, normalize: bool
) -> None:
    settings = {
        "species": ["C", "H", "O", "S"],
        "distance": distance,
        "angle": angle,
        "distance_points": 17,
        "angle_points": 7,
        "distance_sigma": sigma,
        "angle_sigma": sigma,
        "distance_decay": 0.9,
        "angle_decay": 0.6,
        "threshold": 0.005,
        "normalize_gaussians": normalize,
    }
    ours, theirs = (
        LMBTR(engine=engine, **settings).fit_transform(samples)
        for engine in ("vectorised", "dscribe")
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("sigma", [0.01, 0.1, 3.0])
def test_broadening(sigma: float) -> None:
    # Few values go one by one, many by moments; either way each is a difference of two error
    # functions over a cell of the grid, also near its ends and beyond.
    rng = np.random.default_rng(0)
    values, weights = rng.uniform(-2, 8, 5000), rng.random(5000)
    blocks = rng.integers(0, 3, 5000)
    broadened = Broadening(0.0, 5.0, 21, sigma)
    edges = (np.arange(22) - 0.5) * 0.25
    shares = np.diff(erf((edges - values[:, None]) / (sigma * np.sqrt(2))), axis=1) / 2 / 0.25
    for k in (1, 40, 5000):
        want = [shares[:k][blocks[:k] == b].T @ weights[:k][blocks[:k] == b] for b in range(3)]
        got = broadened(values[:k], weights[:k], blocks[:k], 3)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-10 * k)


def test_parts_of_length_one() -> None:
    row = LMBTR(normalization="l2").fit_transform(clusters(1))[0]
    assert np.linalg.norm(row[:200]) == pytest.approx(1)
    assert np.linalg.norm(row[200:]) == pytest.approx(1)


def test_axes() -> None:
    labels = LMBTR().fit(clusters()).feature_labels
    first = next(label for label in labels if label.block == "r(X–O)")
    assert (first.axis, first.at) == ("distance (Å)", 0.5)
    last = [label for label in labels if label.block == "angle(H–X–O)"][-1]
    assert (last.axis, last.at, last.name) == ("angle (°)", 180.0, "angle(H–X–O) at 180 °")


@pytest.mark.parametrize(
    ("settings", "units"),
    [
        ({}, {"r": "1/Å", "angle": "1/°"}),
        ({"distance": "inverse_distance", "angle": "cosine"}, {"1/r": "Å", "cos": ""}),
        ({"normalize_gaussians": False}, {"r": "", "angle": ""}),
        ({"normalization": "l2"}, {"r": "", "angle": ""}),
    ],
)
def test_a_density_has_the_unit_of_its_axis_turned_over(
    settings: dict, units: dict[str, str]
) -> None:
    labels = LMBTR(**settings).fit(clusters(2)).feature_labels
    assert {label.block.partition("(")[0]: label.unit for label in labels} == units


def test_one_part_alone() -> None:
    samples = clusters(2)
    assert LMBTR(angle_points=0).fit_transform(samples).shape == (2, 200)
    assert LMBTR(distance_points=0).fit_transform(samples).shape == (2, 220)


def test_normalization() -> None:
    features = LMBTR(normalization="l2").fit_transform(clusters(3))
    np.testing.assert_allclose(np.linalg.norm(features[:, :200], axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(features[:, 200:], axis=1), 1)
    tall = LMBTR(normalize_gaussians=False).fit_transform(clusters(3))
    raw = LMBTR().fit_transform(clusters(3))
    step = 5.5 / 49
    np.testing.assert_allclose(tall[:, :200], raw[:, :200] * step * np.sqrt(2 * np.pi), rtol=1e-6)


def test_supercell() -> None:
    cell = bulk("NaCl", "rocksalt", a=5.64)
    samples = Structures.from_atoms([cell, cell * (2, 1, 1)], [0, 0])
    one, two = LMBTR(threshold=1e-2).fit_transform(samples)
    np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"distance_points": 0, "angle_points": 0}, "cannot both be 0"),
        ({"distance_points": 1}, "0, or 2 and more"),
        ({"angle_range": (180, 0)}, "'angle_range' must ascend"),
        ({"distance": "angle"}, "distance"),
    ],
)
def test_settings_refused(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        LMBTR(**settings)


@pytest.mark.parametrize("off", [0.0, 1e-12, 1e-9, 1e-8, 1e-6, 1e-4])
def test_straight_angles(off: float) -> None:
    """Angles near 180° and 0° keep all digits, however the molecule is turned."""
    bent = [[-1.16, 0, 0], [0, 0, 0], [1.2 * np.cos(off), 1.2 * np.sin(off), 0]]
    rng = np.random.default_rng(1)
    turns = [np.eye(3), *(np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(5))]
    for centre in (0, 1):
        samples = Structures.from_atoms([Atoms("OCO", bent @ turn) for turn in turns], centre)
        settings = {"angle_points": 721, "angle_sigma": 0.25, "angle_decay": 0.5}
        rows = LMBTR(distance_points=0, **settings).fit(samples).transform(samples)
        at_carbon = np.degrees(np.pi - off)
        at_first = np.degrees(np.arctan2(1.2 * np.sin(off), 1.16 + 1.2 * np.cos(off)))
        angles = [at_carbon, at_first, 180 - at_carbon - at_first]
        grid = np.linspace(0, 180, 721)
        step = grid[1]
        shares = [
            (
                erf((grid + step / 2 - a) / 0.25 / 2**0.5)
                - erf((grid - step / 2 - a) / 0.25 / 2**0.5)
            )
            / (2 * step)
            for a in angles
        ]
        far = (1.16**2 + 1.2**2 + 2 * 1.16 * 1.2 * np.cos(off)) ** 0.5
        rows *= np.exp(0.5 * (1.16 + 1.2 + far))
        sums = rows.reshape(len(turns), -1, 721).sum(axis=1)
        np.testing.assert_allclose(sums, [np.sum(shares, axis=0)] * 6, rtol=0, atol=1e-10)
