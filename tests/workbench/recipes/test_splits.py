"""The section ``split``: every way to say which samples train, validate and test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xreg.core.data.splits import PARTS, make_split
from xreg.core.errors import XregError
from xreg.workbench.recipes.splits import SplitSection, make_splits, with_defaults

IDS = np.array([f"s{i:02d}" for i in range(20)])
LABELS = {
    "set": np.repeat(["train", "val", "test"], [10, 4, 6]),
    "kind": np.repeat(["a", "b"], [12, 8]),
    "trajectory": np.arange(20) // 4,
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
