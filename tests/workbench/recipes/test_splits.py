"""The section ``split``: every way to say which samples train, validate and test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xreg.core.data.splits import PARTS, make_split
from xreg.core.errors import DataError, XregError
from xreg.workbench.recipes.splits import SplitSection, find_splits, make_splits, with_defaults

IDS = np.array([f"s{i:02d}" for i in range(20)])
LABELS = {
    "set": np.repeat(["train", "val", "test"], [10, 4, 6]),
    "kind": np.repeat(["a", "b"], [12, 8]),
    "trajectory": np.arange(20) // 4,
    "trap": np.repeat(["a", "default"], [12, 8]),
    "lost": np.array(["a"] * 12 + ["b"] * 7 + [" "]),
}


def made(section: Any, seed: int = 0) -> dict[str, list[list[str]]]:
    splits = make_splits(SplitSection.model_validate(section), IDS, LABELS, seed)
    return {k: [getattr(one, part).tolist() for part in PARTS] for k, one in splits.items()}


def test_shares_are_the_default_and_take_the_seed_of_the_recipe() -> None:
    expected = make_split(IDS, (0.8, 0.1, 0.1), seed=7)
    assert made({}, 7) == made({"fractions": [0.8, 0.1, 0.1], "seed": 7})
    assert made({}, 7)["default"] == [getattr(expected, part).tolist() for part in PARTS]
    assert made({"seed": 3}, 7) != made({}, 7)


def test_counts_are_exact_and_leave_nothing_out() -> None:
    parts = made({"counts": [12, 3, 5], "seed": 1})["default"]
    assert [len(part) for part in parts] == [12, 3, 5]
    assert sorted(name for part in parts for name in part) == IDS.tolist()


def test_a_label_can_say_the_part_of_each_sample() -> None:
    assert made({"parts": "set"}) == {
        "default": [IDS[:10].tolist(), IDS[10:14].tolist(), IDS[14:].tolist()]
    }


def test_samples_of_one_value_are_dealt_and_the_others_tested() -> None:
    found = made({"counts": [8, 2, 2], "within": {"kind": "a"}})
    assert set(found) == {"default", "b"}
    assert found["b"][:2] == found["default"][:2]
    assert found["b"][2] == IDS[12:].tolist()


def test_groups_stay_together() -> None:
    for part in made({"fractions": [0.6, 0.2, 0.2], "group": "trajectory"})["default"]:
        groups = LABELS["trajectory"][np.isin(IDS, part)]
        assert all((groups == group).sum() == 4 for group in np.unique(groups))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"name": "a", "counts": [1, 1, 1]}, "'name' and 'counts' exclude each other"),
        ({"parts": "set", "seed": 1}, "'parts' and 'seed' exclude each other"),
        ({"counts": [1, 1, 1], "fractions": [1, 0, 0]}, "'fractions' and 'counts' exclude"),
        ({"counts": [1, 1, 1], "group": "kind"}, "'counts' and 'group' exclude each other"),
        ({"counts": [12, 3, 6]}, "add up to 21; there are 20 samples"),
        ({"parts": "kind"}, "'kind' of sample 's00' is 'a', no part"),
        ({"parts": "sett"}, "split.parts 'sett' is none of the labels (did you mean 'set'?)"),
        ({"group": "trajectry"}, "did you mean 'trajectory'?"),
        ({"within": {"kind": "c"}}, "no sample has kind 'c'"),
        (
            {"within": {"trap": "a"}},
            "split.within: samples whose trap is 'default' would be tested",
        ),
        ({"within": {"lost": "a"}}, "1 of 20 samples have no group"),
        ({"repeats": 2}, "split.repeats: a dataset that is made has one split"),
        ("default", "a dataset that is made has no split yet"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(section: Any, said: str) -> None:
    content = {"name": section} if isinstance(section, str) else section
    with pytest.raises(XregError) as caught:
        make_splits(SplitSection.parse(content, "split"), IDS, LABELS)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_is_left_open_is_settled_in_the_record() -> None:
    assert with_defaults(SplitSection(), 5).stated() == {
        "fractions": (0.8, 0.1, 0.1),
        "seed": 5,
    }
    counts = SplitSection(counts=(1, 2, 3))
    assert with_defaults(counts, 5).stated() == {"counts": (1, 2, 3), "seed": 5}
    assert with_defaults(SplitSection(parts="set"), 5).stated() == {"parts": "set"}


def found(dataset: Any, section: Any) -> dict[str, list[set[str]]]:
    _, splits = find_splits(dataset, SplitSection.model_validate(section), 0)
    return {k: [set(getattr(one, part)) for part in PARTS] for k, one in splits.items()}


def test_repeats_are_splits_of_seeds_that_follow_or_are_listed(made_water: Any) -> None:
    water = made_water(40)
    splits = found(water, {"repeats": 3})
    assert list(splits) == ["seed 0", "seed 1", "seed 2"]
    assert splits["seed 1"] == found(water, {"seed": 1, "fractions": [0.8, 0.1, 0.1]})["seed 1"]
    assert list(found(water, {"repeats": [11, 4]})) == ["seed 11", "seed 4"]


def test_repeats_keep_the_groups_of_the_default_split(made_water: Any) -> None:
    water = made_water(40)
    about = water.metadata.model_copy(update={"provenance": {"split": {"group": "trajectory"}}})
    filled, splits = find_splits(
        replace(water, metadata=about), SplitSection.model_validate({"repeats": 2}), 0
    )
    assert filled["group"] == "trajectory"
    for split in splits.values():
        assert not {i[:5] for i in split.train} & {i[:5] for i in split.test}


def test_each_group_is_left_out_in_turn(made_water: Any) -> None:
    splits = found(made_water(40), {"group": "trajectory", "leave_out": True})
    assert list(splits) == ["0", "1", "2", "3"]
    assert {i[:5] for i in splits["2"][2]} == {"traj2"}
    assert all(len(set.union(*parts)) == 40 for parts in splits.values())


def test_what_is_locked_away_is_in_no_part_of_any_seed_until_it_is_opened(made_water: Any) -> None:
    water = made_water(40)
    section = {"lockbox": 0.2, "repeats": 3}
    closed = found(water, section)
    opened = found(water, section | {"opened": True})
    box = opened["seed 0"][2]
    assert 2 <= len(box) <= 15
    for seed in ("seed 0", "seed 1", "seed 2"):
        assert opened[seed][2] == box
        assert not set.union(*closed[seed]) & box
        assert set.union(*closed[seed]) | box == set(water.samples.ids)
    first = made_water(30)  # one that grew keeps what was locked
    kept = found(first, {"lockbox": 0.2, "opened": True})["seed 0"][2]
    assert kept == box & set(first.samples.ids)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"repeats": 2, "name": "default"}, "'name' and 'repeats' exclude each other"),
        ({"leave_out": True}, "'leave_out' needs 'group'"),
        ({"opened": True}, "'opened' needs 'lockbox'"),
        ({"repeats": [1, 1]}, "'repeats' names a seed twice"),
        ({"leave_out": True, "group": "angle"}, "'angle' has 40 groups, and 2 to 30"),
        ({"lockbox": 1e-9}, "holds 0 of 40 samples"),
        ({"group": "trajectry"}, "did you mean 'trajectory'?"),
    ],
)
def test_splits_that_make_no_sense_are_refused(made_water: Any, section: Any, said: str) -> None:
    with pytest.raises(XregError) as caught:
        find_splits(made_water(40), SplitSection.parse(section, "split"), 0)
    assert said in str(caught.value)


@pytest.mark.parametrize("section", [{}, {"leave_out": True}, {"lockbox": 0.4}, {"repeats": 2}])
@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0, np.nan], ["a", "b", "c", " "]])
def test_samples_of_no_group_are_none_together(
    made_water: Any, section: dict[str, Any], values: list[Any]
) -> None:
    water = made_water(40)
    labels = {**water.labels, "batch": np.repeat(values, 10)}
    with pytest.raises(DataError, match=r"10 of 40 samples have no group \(the first is sample 30"):
        find_splits(replace(water, labels=labels), SplitSection(group="batch", **section), 0)
