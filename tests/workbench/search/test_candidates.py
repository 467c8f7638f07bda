"""Search spaces, folds and cross-validation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge as Reference

from xreg.core.errors import ConfigError
from xreg.core.metrics import covered_variance
from xreg.core.model.preprocessing import Preprocessing
from xreg.plugins.coulomb.plugin import CoulombConfig
from xreg.plugins.mlp.plugin import MLPConfig
from xreg.plugins.ridge.ridge import Ridge
from xreg.workbench.search.candidates import cross_validate, cross_validation_folds
from xreg.workbench.search.spaces import SearchSpace

SPACE = {
    "width": {"choice": [16, 32]},
    "widths": {"choice": [None, [8, 4]]},
    "depth": {"int": [1, 4]},
    "dropout": {"float": [0.0, 0.5]},
    "learning_rate": {"log": [1e-4, 1e-2]},
    "batch": {"log-int": [8, 512]},
    "epochs": 50,
}


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_draws_are_valid_settings_and_follow_the_seed_alone(seed: int) -> None:
    space = SearchSpace.parse(SPACE, MLPConfig, "space")
    drawn = space.draw((seed, 1))
    assert drawn == space.draw((seed, 1))
    config = MLPConfig.parse(space.settings(drawn), "drawn")
    assert config.width in (16, 32)
    assert config.widths in (None, (8, 4))
    assert 1 <= config.depth <= 4
    assert 1e-4 <= config.learning_rate <= 1e-2
    assert 8 <= config.batch <= 512
    assert config.epochs == 50


def test_a_logarithmic_range_is_even_in_the_logarithm() -> None:
    space = SearchSpace.parse({"learning_rate": {"log": [1e-4, 1e-2]}}, MLPConfig, "space")
    rates = np.log10([space.draw((0, i))["learning_rate"] for i in range(400)])
    assert abs(np.mean(rates) + 3) < 0.1
    assert abs(np.mean(rates < -3) - 0.5) < 0.1


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"widht": {"int": [1, 4]}}, "did you mean 'width'"),
        ({"dropout": {"float": [0.0, 1.5]}}, "dropout"),
        ({"depth": {"int": [4, 1]}}, "a lowest and a higher number"),
        ({"depth": {"int": [1.5, 4]}}, "whole numbers"),
        ({"depth": {"float": [1, 3]}}, "range of 'depth'.*integer"),
        ({"depth": {"intt": [1, 3]}}, "there is no range 'intt' .did you mean 'int'"),
        ({"weight_decay": {"log": [0, 1]}}, "numbers above zero"),
        ({"activation": {"choice": []}}, "needs a list"),
        ({"activation": {"choice": ["elu", "sine"]}}, "activation"),
        ({"widths": {"list": [1, 2]}}, "'of' .a list. and 'lengths'"),
        ({"widths": {"list": {"of": 8, "lengths": [1, 2]}}}, "a list in 'of'"),
        ({"widths": {"list": {"of": [8], "lengths": [2, 1]}}}, "highest length"),
        ({"widths": {"list": {"of": [8, 16], "lengths": [1, 40]}}}, "fewer lists"),
        ({"widths": {"list": {"of": [8, 0], "lengths": [1, 2]}}}, "range of 'widths'"),
    ],
)
def test_a_bad_space_is_refused(space: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        SearchSpace.parse(space, MLPConfig, "search space of emulator mlp")


def test_a_list_is_drawn_entry_by_entry_in_every_length() -> None:
    given = {"list": {"of": [8, 32, 64], "lengths": [2, 4]}}
    space = SearchSpace.parse({"widths": given}, MLPConfig, "space")
    found = space.ranges["widths"]
    every = [tuple(found.read(stored)) for stored in found.every()]
    lists = {one for n in (2, 3, 4) for one in product([8, 32, 64], repeat=n)}
    assert len(every) == len(set(every)) == space.size == 9 + 27 + 81
    assert set(every) == lists
    drawn = [tuple(space.settings(space.draw((0, i)))["widths"]) for i in range(300)]
    assert set(drawn) <= lists
    assert all(70 < sum(len(one) == n for one in drawn) < 130 for n in (2, 3, 4))


def test_entries_of_a_setting_that_is_a_mapping_are_drawn() -> None:
    given = {"counts": {"S": 2, "O": {"int": [4, 6]}, "H": {"choice": [2, 6]}}}
    space = SearchSpace.parse(given, CoulombConfig, "space")
    assert list(space.ranges) == ["counts.O", "counts.H"]
    assert space.size == 6
    found = space.settings(space.draw((0, 0)))["counts"]
    assert found["S"] == 2
    assert found["O"] in (4, 5, 6)
    assert found["H"] in (2, 6)
    assert space.drawn_from("counts") == "O: 4 … 6; H: 2, 6"
    assert space.fixed == {"counts": {"S": 2}}
    with pytest.raises(ConfigError, match=r"'counts.O': there is no range 'intt'"):
        SearchSpace.parse({"counts": {"O": {"intt": [1, 3]}}}, CoulombConfig, "space")


def test_rows_that_stop_training_are_of_other_groups_than_those_that_train() -> None:
    groups = np.arange(60) % 12
    for fold in cross_validation_folds(60, 4, groups=groups):
        parts = [set(groups[rows]) for rows in (fold.train, fold.stop, fold.held)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 12
        assert sorted([*fold.train, *fold.stop, *fold.held]) == list(range(60))


def test_cross_validation_is_what_scikit_learn_gives() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(3, 2, (80, 5))
    Y = X @ rng.normal(size=(5, 7)) + 0.3 * rng.normal(size=(80, 7)) + 5
    folds = cross_validation_folds(80, 4, seed=2)
    found = cross_validate([Ridge(alpha=2.0), Ridge(alpha=50.0)], X, Y, folds, Preprocessing())
    assert found.shape == (2, 4)
    for row, alpha in enumerate((2.0, 50.0)):
        for column, fold in enumerate(folds):
            mean, spread = X[fold.train].mean(0), X[fold.train].std(0)
            model = Reference(alpha=alpha).fit((X[fold.train] - mean) / spread, Y[fold.train])
            guess = model.predict((X[fold.held] - mean) / spread)
            known = covered_variance(Y[fold.held], guess)
            assert found[row, column] == pytest.approx(known, abs=1e-9)
