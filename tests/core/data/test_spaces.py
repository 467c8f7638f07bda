"""Parameter spaces: ranges, distributions, sampling, and what bad ones get."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import qmc

from xreg.core.data.spaces import Parameter, ParameterRange, ParameterSpace
from xreg.core.errors import ConfigError, UnknownNameError, XregError

RANGES = {
    "Dq": {"unit": "eV", "low": 0, "high": 0.2},
    "T": {"unit": "K", "distribution": "log-uniform", "low": 1, "high": 1000},
    "S": {"distribution": "normal", "low": 0.6, "high": 1.0, "mean": 0.7, "std": 0.2},
    "w": 0.3,
}


def space(**changes: object) -> ParameterSpace:
    given = {**RANGES, **changes}
    return ParameterSpace({k: ParameterRange.model_validate(v) for k, v in given.items()})


@pytest.mark.parametrize("method", ["sobol", "random"])
def test_each_parameter_follows_its_distribution(method):
    drawn = space().sample(4096, method=method, seed=5, name="a")
    assert drawn.names == ("Dq", "T", "S", "w")
    assert drawn.units == ("eV", "K", "", "")
    assert drawn.ids[:2].tolist() == ["a-0", "a-1"]
    expected = (
        stats.uniform(0, 0.2),
        stats.loguniform(1, 1000),
        stats.truncnorm(-0.5, 1.5, loc=0.7, scale=0.2),
    )
    for column, law in enumerate(expected):
        assert stats.kstest(drawn.values[:, column], law.cdf).pvalue > 1e-3
    assert set(drawn.values[:, 3]) == {0.3}
    corr = np.corrcoef(drawn.values[:, :3].T) - np.eye(3)
    assert np.abs(corr).max() < 0.06


@settings(max_examples=15)
@given(
    few=st.integers(1, 300),
    more=st.integers(0, 300),
    seed=st.integers(0, 2**31),
    method=st.sampled_from(["sobol", "random"]),
)
def test_fewer_samples_are_the_first_of_more(few, more, seed, method):
    short = space().sample(few, method=method, seed=seed)
    long = space().sample(few + more, method=method, seed=seed)
    assert np.array_equal(short.values, long.values[:few])
    assert short.ids.tolist() == long.ids[:few].tolist()
    assert (long.values >= [0, 1, 0.6, 0.3]).all()
    assert (long.values <= [0.2, 1000, 1.0, 0.3]).all()


def test_sobol_fills_the_space_more_evenly_than_chance_and_seeds_differ():
    cube = ParameterSpace({k: ParameterRange.model_validate([0, 1]) for k in "abcd"})
    sobol, chance = (
        qmc.discrepancy(cube.sample(512, method=m, seed=1).values) for m in ("sobol", "random")
    )
    assert sobol < chance / 5
    one, other = (cube.sample(64, seed=seed).values for seed in (1, 2))
    assert not np.isclose(one, other).any(axis=1).any()


BAD = {
    "no end": ({"low": 1}, "uniform needs 'high'"),
    "turned": ({"low": 1, "high": 0}, r"low \(1\) must be below high \(0\)"),
    "empty": ([1, 1], "must be below"),
    "log of zero": ({"low": 0, "high": 1, "distribution": "log-uniform"}, "must be positive"),
    "constant range": ({"low": 0, "high": 1, "value": 1}, "constant takes no 'low'"),
    "no mean": ({"low": 0, "high": 1, "distribution": "normal", "std": 1}, "needs 'mean'"),
    "width": (
        {"low": 0, "high": 1, "distribution": "normal", "std": -1, "mean": 0},
        "std",
    ),
    "law": ({"low": 0, "high": 1, "distribution": "unifrom"}, "distribution"),
    "key": ({"low": 0, "hihg": 1}, "did you mean 'high'"),
    "infinite": ([0, float("inf")], "high"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_range_is_one_sentence(case):
    content, text = BAD[case]
    if isinstance(content, list):
        content = {"low": content[0], "high": content[1]}
    with pytest.raises(ConfigError, match=text) as error:
        ParameterRange.parse(content, "T")
    assert str(error.value).count(".\n") == 0


def test_changes_keep_the_unit_and_know_the_names():
    changed = space().changed({"Dq": ParameterRange.model_validate([-0.2, 0])})
    assert str(changed.ranges["Dq"]) == "-0.2 … 0 eV"
    assert changed.units == space().units
    with pytest.raises(UnknownNameError, match=r"no parameter 'Dqs' \(did you mean 'Dq'"):
        space().changed({"Dqs": ParameterRange(value=1)})
    with pytest.raises(ConfigError, match="'Dq' is given in 'meV'; the space has it in eV"):
        space().changed({"Dq": ParameterRange(unit="meV", value=1)})


def test_a_models_bounds_are_checked_before_anything_is_drawn():
    model = {
        "Dq": Parameter("eV", -2, 2, "field"),
        "T": Parameter("K", 0, 1e5, "temperature", open_low=True),
        "S": Parameter("", 0, 2, "scale"),
        "w": Parameter("", 0.02, 20, "width"),
    }
    space().check(model, "model")
    for change, text in (
        ({"T": {"unit": "K", "low": 0, "high": 9}}, "'T' .0 … 9 K.: T must be > 0 and"),
        ({"w": -0.1}, "w must be ≥ 0.02"),
        ({"Dq": {"unit": "meV", "low": 0, "high": 1}}, "'Dq' in meV; model takes eV"),
        ({"Dqq": 1}, "no parameter 'Dqq' .did you mean 'Dq'"),
    ):
        with pytest.raises(XregError, match=text):
            space(**change).check(model, "model")
    with pytest.raises(ConfigError, match="lacks the parameter 'more' of model"):
        space().check({**model, "more": Parameter("", 0, 1, "")}, "model")
