"""How well scores tell labels apart, on scores of known overlap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from xreg.plugins.decomposition.separation import separation


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("kind", [int, str])
@pytest.mark.parametrize("apart", [0.0, 1.0, 2.0, 8.0])
def test_two_kinds(rng: np.random.Generator, kind: type, apart: float) -> None:
    # Two normal distributions: the best line halves their distance, and one of them holds far
    # more samples, which must not count.
    second = rng.random(8000) < 0.2
    scores = rng.normal(size=(8000, 2))
    scores[second, 0] += apart
    value, kinds = separation(scores, second.astype(kind))
    assert kinds == 2
    assert value == pytest.approx(2 * norm.cdf(apart / 2) - 1, abs=0.05)


def test_a_few_values_of_a_number_are_kinds(rng: np.random.Generator) -> None:
    label = rng.integers(0, 2, 4000)
    scores = rng.normal(size=(4000, 1)) + 4 * label[:, None]
    assert separation(scores, 1.5 + label) == separation(scores, label)


def test_a_second_score_tells_more(rng: np.random.Generator) -> None:
    corners = np.array([(0, 0), (4, 0), (0, 4)])
    label = rng.integers(0, 3, 3000)
    scores = corners[label] + rng.normal(size=(3000, 2))
    both, kinds = separation(scores, label)
    one, _ = separation(scores[:, :1], label)
    assert kinds == 3
    assert both > 0.9 > 0.7 > one > 0.4


def test_a_number(rng: np.random.Generator) -> None:
    scores = rng.normal(size=(2000, 1))
    label = 3 * scores[:, 0] + rng.normal(size=2000)
    label[:5] = np.nan
    value, kinds = separation(scores, label)
    assert kinds == 0
    assert value == pytest.approx(0.9, abs=0.02)
    assert separation(rng.normal(size=(2000, 1)), label)[0] < 0.01


def test_nothing_to_tell(rng: np.random.Generator) -> None:
    scores = rng.normal(size=(40, 1))
    assert np.isnan(separation(scores, np.ones(40))[0])
    assert np.isnan(separation(scores, np.arange(40).astype(str))[0])
    # A kind of two samples alone does not count.
    rare = np.array([0] * 38 + [1] * 2)
    assert np.isnan(separation(scores, rare)[0])
