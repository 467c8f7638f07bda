"""Groups of a stranger: those that are one are not divided, and unknown ones are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xreg.core.data.splits import make_folds, make_split, unlabelled
from xreg.core.errors import DataError

IDS = np.array([f"s{i}" for i in range(12)])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["MgO", "MgO "], "'MgO' and 'MgO ' differ only in blanks"),
        (["a b", "a  b"], "differ only in blanks"),
        (["caf\u00e9", "cafe\u0301"], "how a letter is encoded; spell them alike"),
        ([0.3, 0.1 + 0.2], "differ only by rounding alone; round the label"),
        (["a", "nan"], "6 of 12 samples have no group"),
        (["a", "N/A"], "6 of 12 samples have no group"),
        (["a", "<NA>"], "6 of 12 samples have no group"),
    ],
)
def test_groups_that_are_one_or_none_are_refused(values: list[Any], said: str) -> None:
    groups = np.repeat(np.array([*values, *values]), 3)
    with pytest.raises(DataError, match=said):
        make_split(IDS, groups=groups)
    with pytest.raises(DataError, match=said):
        make_folds(12, 2, groups=groups)


@pytest.mark.parametrize(
    "values", [["Co", "CO"], ["none", "OH"], [0.3, 0.3001], [1, 2], [True, False], ["1", "1.0"]]
)
def test_groups_that_differ_are_groups(values: list[Any]) -> None:
    groups = np.repeat(np.array(values), 6)
    split = make_split(IDS, (0.5, 0.0, 0.5), groups=groups)
    assert {len(split.train), len(split.test)} == {6}


def test_what_says_nothing() -> None:
    words = np.array(["", " ", "nan", "NaN ", "null", "Na", "NA", "none", "0"])
    assert unlabelled(words).tolist() == [True] * 5 + [False] * 4
