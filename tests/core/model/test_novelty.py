"""What no training sample resembles is seen, and what training samples resemble is not."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from xreg.core.data.samples import Parameters, Structures
from xreg.core.model.domain import Domain
from xreg.core.model.novelty import Novelty
from xreg.core.model.trust import ranges_left
from xreg.plugins.soap.soap import SOAP

DIRECTIONS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])


def complexes(count: int, seed: int = 0) -> list[Atoms]:
    """Return Fe with three to six O or N at 1.9 to 2.2 Å, each with an H beyond."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        places = DIRECTIONS[rng.permutation(6)[: rng.integers(3, 7)]]
        r = rng.uniform(1.9, 2.2, len(places))[:, None]
        near = places * r + rng.normal(0, 0.08, (len(places), 3))
        beyond = places * (r + 0.97) + rng.normal(0, 0.08, (len(places), 3))
        symbols = ["Fe", *rng.choice(["O", "N"], len(places)), *("H" * len(places))]
        found.append(Atoms(symbols, np.vstack([np.zeros((1, 3)), near, beyond])))
    return found


def judged(count: int, seed: int = 0):
    """Return a function that says what is new about structures, and a false-alarm share."""
    train = Structures.from_atoms(complexes(count, seed))
    soap = SOAP(n_max=4, l_max=3, cutoff=5.0).fit(train)
    raw = soap.transform(train)
    mean, scale = raw.mean(axis=0), raw.std(axis=0)
    scale[scale < 1e-9] = 1.0
    novelty = Novelty.fit(train, (raw - mean) / scale)
    stored = Novelty.of(novelty.arrays())
    assert stored is not None

    def reasons(atoms: list[Atoms]) -> list[str]:
        samples = Structures.from_atoms(atoms, 0)
        return stored.reasons(samples, (soap.transform(samples) - mean) / scale)

    return reasons


def scaled(atoms: Atoms, factor: float) -> Atoms:
    return Atoms(atoms.numbers, atoms.positions * factor)


STRANGE = {
    "bare": (Atoms("Fe"), "0 atoms bonded to the absorber"),
    "diatomic": (Atoms("FeO", [[0, 0, 0], [0, 0, 2.0]]), "1 atoms bonded"),
    "far": (Atoms("FeO", [[0, 0, 0], [0, 0, 9.9]]), "0 atoms within 3 Å"),
    "crystal": (bulk("FeO", "rocksalt", a=4.3), "3 directions of periodicity"),
    "bonded H": (Atoms("FeHHHH", [[0, 0, 0], *(1.6 * DIRECTIONS[:4])]), "H bonded"),
}


@pytest.mark.parametrize("count", [49, 300])
def test_strangers_are_seen(count: int) -> None:
    reasons = judged(count)
    for name, (atoms, words) in STRANGE.items():
        (why,) = reasons([atoms])
        assert words in why, name
        assert "training: " in why or "never so" in why, name
    for factor in (0.8, 1.2):
        found = reasons([scaled(atoms, factor) for atoms in complexes(50, 5)])
        assert np.mean([bool(why) for why in found]) >= 0.95, factor
    overfull = complexes(1, 3)[0] + Atoms("O4", 2.0 / 3**0.5 * np.array(
        [[1, 1, 1], [-1, -1, 1], [1, -1, -1], [-1, 1, -1]]))  # fmt: skip
    assert reasons([overfull])[0]


@pytest.mark.parametrize(("count", "most"), [(49, 0.06), (300, 0.04)])
def test_like_samples_are_not(count: int, most: float) -> None:
    """The share of false alarms among 200 further samples of the same kind."""
    shares = [np.mean([bool(w) for w in judged(count, s)(complexes(200, 100 + s))]) for s in (0, 1)]
    assert max(shares) <= most, shares


def test_parameters_and_samples_without_features() -> None:
    """Without features only surroundings are looked at."""
    train = Structures.from_atoms(complexes(60))
    novelty = Novelty.fit(train, train)
    assert novelty.reasons(Structures.from_atoms([Atoms("Fe")], 0), train[:1])[0]
    like = novelty.reasons(Structures.from_atoms(complexes(100, 9)), None)
    assert sum(map(bool, like)) <= 10


def of_six(values: np.ndarray) -> Parameters:
    ids = [f"{i}" for i in range(len(values))]
    return Parameters(ids, values, tuple("abcdef"), ("eV",) * 6)


def judged_box(values: np.ndarray):
    """Return a function that says which of six parameters' samples are new."""
    mean, scale = values.mean(axis=0), values.std(axis=0)
    novelty = Novelty.of(Novelty.fit(of_six(values), (values - mean) / scale).arrays())
    ranges = tuple(zip(values.min(axis=0).tolist(), values.max(axis=0).tolist(), strict=True))
    domain = Domain("parameters", parameters=tuple("abcdef"), units=("eV",) * 6, ranges=ranges)

    def new(others: np.ndarray) -> np.ndarray:
        left = ranges_left(domain, of_six(others), float(novelty.widened[1]))
        far = novelty.reasons(of_six(others), (others - mean) / scale)
        return np.array([bool(a or b) for a, b in zip(left, far, strict=True)])

    return new


@pytest.mark.parametrize(("count", "beyond"), [(49, 0.2), (300, 0.05)])
def test_parameters_inside_and_beyond_the_box(count: int, beyond: float) -> None:
    """Of like samples 5 % are called new on average, and all that are farther out."""
    alarms = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        new, others = judged_box(rng.random((count, 6))), rng.random((300, 6))
        alarms.append(new(others).mean())
        others[np.arange(300), rng.integers(0, 6, 300)] = 1 + beyond
        assert new(others).all()
    assert np.mean(alarms) <= 0.05
    assert max(alarms) <= 0.2


def test_a_model_of_before_has_no_wider_limits() -> None:
    train = Structures.from_atoms(complexes(60))
    arrays = Novelty.fit(train, train).arrays()
    del arrays["widened"]
    assert Novelty.of(arrays).widened.tolist() == [1.0, 0.0]


def test_features_that_do_not_vary_end_nothing() -> None:
    """A descriptor that returns zeros gives a poor model, and no error."""
    train = Structures.from_atoms(complexes(60))
    novelty = Novelty.fit(train, np.zeros((60, 2)))
    assert not any(novelty.reasons(train[:5], np.zeros((5, 2))))
