"""How candidates are drawn: at random, by what has scored well, all of them in order."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from xreg.core.errors import ConfigError
from xreg.plugins.mlp.plugin import MLPConfig
from xreg.workbench.search.recipe import Family, SearchRecipe
from xreg.workbench.search.samplers import distributions, sampler
from xreg.workbench.search.spaces import SearchSpace


def recipe(**settings: Any) -> SearchRecipe:
    return SearchRecipe.parse({"dataset": "d", "networks": 4, "together": 2, **settings}, "search")


def family(descriptor: dict[str, Any], model: dict[str, Any]) -> Family:
    spaces = tuple(SearchSpace.parse(s, MLPConfig, "here") for s in (descriptor, model))
    return Family("f", ("d", "mlp"), spaces, frozenset({"learning_rate", "weight_decay"}))


def trial(of: Family, drawn: dict[str, Any], score: float | None) -> FrozenTrial:
    state = TrialState.FAIL if score is None else TrialState.COMPLETE
    return create_trial(params=drawn, distributions=distributions(of), state=state, value=score)


def test_a_grid_has_every_combination_once_and_groups_of_one_descriptor() -> None:
    rates = [1e-4, 1e-3, 1e-2]
    of = family(
        {"depth": {"int": [1, 2]}},
        {"learning_rate": {"choice": rates}, "width": {"choice": [8, 16]}, "epochs": 5},
    )
    grid = sampler(recipe(sampler="grid"), [of])
    groups = [grid.group(of, number, ()) for number in range(4)]
    assert [len(group) for group in groups] == [4, 2, 4, 2]
    assert all(len({t["descriptor.depth"] for t in group}) == 1 for group in groups)
    drawn = [tuple(t.values()) for group in groups for t in group]
    wanted = {(d, str(w), json.dumps(r)) for d in (1, 2) for w in (8, 16) for r in rates}
    assert set(drawn) == wanted
    assert len(drawn) == len(wanted) == of.size
    # What is trained together follows each other: the rate is what changes first.
    assert [t["emulator.width"] for t in groups[0]] == ["8", "8", "8", "16"]


def test_a_grid_without_an_end_is_refused() -> None:
    of = family({}, {"dropout": {"float": [0.0, 0.5]}})
    with pytest.raises(ConfigError, match=r"family 'f': 'emulator.dropout' has no end of values"):
        sampler(recipe(sampler="grid"), [of])


@pytest.mark.parametrize("name", ["random", "tpe"])
def test_draws_share_what_is_trained_together(name: str) -> None:
    of = family(
        {"depth": {"int": [1, 30]}},
        {"learning_rate": {"log": [1e-4, 1e-2]}, "width": {"int": [1, 500]}},
    )
    draws = sampler(recipe(sampler=name), [of])
    group = draws.group(of, 3, ())
    assert group == draws.group(of, 3, ())
    assert group != draws.group(of, 4, ())
    assert len({t["descriptor.depth"] for t in group}) == 1
    widths = [t["emulator.width"] for t in group]
    assert widths[0] == widths[1] != widths[2] == widths[3]
    assert len({t["emulator.learning_rate"] for t in group}) == 4


def test_tpe_draws_near_what_has_scored_well() -> None:
    """Of 60 random candidates those near 0.4 score best; later draws come closer than random."""
    of = family({}, {"dropout": {"float": [0.0, 0.9]}})

    def far(name: str, history: list[FrozenTrial]) -> float:
        draws = sampler(recipe(sampler=name, networks=1), [of])
        drawn = [draws.group(of, 1000 + i, history)[0]["emulator.dropout"] for i in range(40)]
        return float(np.median(np.abs(np.array(drawn) - 0.4)))

    first = sampler(recipe(networks=1), [of])
    history = []
    for number in range(60):
        (drawn,) = first.group(of, number, ())
        history.append(trial(of, drawn, -abs(drawn["emulator.dropout"] - 0.4)))
    history.append(trial(of, history[0].params, None))  # one that failed
    assert far("tpe", history) < 0.5 * far("random", history)
    assert far("tpe", []) > 0.5 * far("random", [])


def test_what_computes_is_no_part_of_a_family() -> None:
    plain = family({}, {"width": 16})
    assert family({}, {"width": 16, "device": "cuda"}).identity == plain.identity
    assert family({}, {"width": 32}).identity != plain.identity
