"""Samples of which neither structure nor parameters are known: indexed as others are."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.data.specimens import Specimen, Specimens
from xreg.core.errors import DataError, SampleError

ALL = Specimens(["foil", "rust", "x"], ["Fe", "Fe2O3", ""], [26, 26, 0])


def test_one_and_subsets() -> None:
    assert ALL[1] == Specimen("rust", "Fe2O3", 26)
    part = ALL[np.array([2, 0])]
    assert list(part) == [Specimen("x"), Specimen("foil", "Fe", 26)]
    assert ALL[np.array([False, True, False])].ids.tolist() == ["rust"]
    assert [len(batch) for batch in ALL.batches(2)] == [2, 1]
    assert ALL.absorbers().tolist() == [26, 26, 0]
    assert list(Specimens.of(list(ALL))) == list(ALL)


def test_nothing_but_names() -> None:
    samples = Specimens(["a", "b"])
    assert samples.composition.tolist() == ["", ""]
    assert samples.absorbers().tolist() == [0, 0]
    assert samples.in_words == "specimens, which have neither structure nor parameters"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a", "a"],), "'a' occurs more than once"),
        ((["a", "b"], ["Fe"]), "'composition' has shape"),
        ((["a"], ["Fe"], [26, 26]), "'absorber' has shape"),
    ],
)
def test_what_does_not_fit(arguments: tuple, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Specimens(*arguments)


@pytest.mark.parametrize("number", [-1, 119])
def test_no_element(number: int) -> None:
    with pytest.raises(SampleError, match=f"'b' has the absorber {number}"):
        Specimens(["a", "b"], absorber=[26, number])
