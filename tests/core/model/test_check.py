"""Check samples: kept with a model, and predicted again where its code has changed."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.data.samples import Parameters, Structures
from xreg.core.model.check import COUNT, Check
from xreg.core.model.domain import Domain

PREDICTED = np.random.default_rng(0).normal(size=(5, 7))


def structures() -> Structures:
    numbers = np.array([8, 1, 1, 8, 1, 26, 8, 8, 8, 1, 6, 1])
    positions = np.random.default_rng(1).normal(size=(12, 3))
    cell = np.zeros((5, 3, 3))
    cell[2] = 5 * np.eye(3)
    pbc = np.zeros((5, 3), bool)
    pbc[2] = True
    offsets = np.array([0, 3, 5, 7, 10, 12])
    return Structures(
        list("abcde"), numbers, positions, offsets, np.array([0, 1, 0, 2, 1]), cell, pbc
    )


def parameters() -> Parameters:
    values = np.random.default_rng(2).normal(size=(5, 2))
    return Parameters(list("abcde"), values, ("Dq", "T"), ("eV", "K"))


@pytest.mark.parametrize("samples", [structures(), parameters()], ids=["structures", "parameters"])
def test_it_comes_back_as_it_was(samples):
    kept = Check.first(samples, PREDICTED)
    assert kept is not None
    back = Check.of(kept.arrays(), Domain.of(samples))
    assert back is not None
    assert len(back.samples) == COUNT
    assert (back.predicted == PREDICTED[:COUNT]).all()
    for one, other in zip(back.samples, samples[:COUNT], strict=True):
        for name in ("numbers", "positions", "cell", "pbc", "absorber", "values"):
            if hasattr(one, name):
                assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_nothing_is_kept_of_nothing():
    assert Check.first(parameters()[:0], PREDICTED[:0]) is None
    assert Check.of({}, Domain.of(parameters())) is None


def test_how_far_predictions_are_from_what_they_were():
    kept = Check.first(parameters(), PREDICTED)
    assert kept is not None
    spread = PREDICTED[:COUNT].std()
    assert kept.difference(lambda samples: PREDICTED[:COUNT]) == 0
    assert kept.difference(lambda samples: PREDICTED[:COUNT] + 1e-6 * spread) == 0
    moved = PREDICTED[:COUNT].copy()
    moved[1, 2] += 0.5 * spread
    assert kept.difference(lambda samples: moved) == pytest.approx(0.5)
    assert kept.difference(lambda samples: moved[:, :4]) == np.inf
    assert kept.difference(lambda samples: moved * np.nan) == np.inf
    assert kept.difference(lambda samples: 1 / 0) == np.inf
