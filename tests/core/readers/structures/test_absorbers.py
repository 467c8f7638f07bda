"""Which atom of a structure absorbs."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.errors import DataError
from xreg.core.readers.structures import (
    absorbing_sites,
    counted_from_one,
    parse_frames,
    same_first_atoms,
)


def test_the_absorber_is_told_or_the_only_candidate():
    text = b"4\nat=2 of=Fe odd=x\nO 0 0 0\nFe 0 0 1.7\nFe 0 1.7 0\nS 1.7 0 0\n"
    (frame,) = parse_frames(text, "a.xyz")
    assert absorbing_sites(frame, 3) == [3]
    assert absorbing_sites(frame, "S") == [3]
    assert absorbing_sites(frame, "at") == [2]
    assert absorbing_sites(frame, "of", every=True) == [1, 2]
    assert absorbing_sites(frame, None) == []
    assert absorbing_sites(frame, None, elements=(16,)) == [3]
    assert absorbing_sites(frame, ["Cu", "S"]) == [3]
    assert absorbing_sites(frame, None, elements=(8, 26), every=True) == [0, 1, 2]
    for wanted, told in (
        ("Fe", r"2 atoms of Fe \(Fe 1, Fe 2\): say which: --absorber INDEX"),
        ("Cu", "no atom is Cu, only O, S, Fe"),
        (["Cu", "Zn"], "no atom is Cu or Zn, only O, S, Fe"),
        (["Fe", "S"], r"3 atoms of Fe or S \(Fe 1, Fe 2, S 3\)"),
        (4, r"4 is none of its 4 atoms \(from 0; counted from 1 it would be the last\)"),
        (-1, "-1 is none of its 4 atoms"),
        ("nowhere", "'nowhere' is neither an element nor in its comment line"),
        ("odd", "its 'odd' is 'x', no index or element"),
    ):
        with pytest.raises(DataError, match=told):
            absorbing_sites(frame, wanted)


def test_first_atoms_are_taken_only_where_they_are_alike():
    assert same_first_atoms({}) == []
    (said,) = same_first_atoms({"a": 16, "b": 16})
    assert said == "no absorber is named, so that the first atom is taken: S everywhere"
    with pytest.raises(DataError, match=r"several elements \(S 2, H 1; H in 'c'\): say which"):
        same_first_atoms({"a": 16, "b": 16, "c": 1})


def test_indices_that_count_from_one_are_doubted():
    feo = np.array([26, 8], np.int32)
    assert "hit O; counted from 1 all of them would hit Fe" in counted_from_one(
        np.array([1, 1]), [feo, feo]
    )
    mixed = counted_from_one(np.array([2, 1]), [feo[::-1], feo])
    assert "hit O, no atom" in mixed or "hit no atom, O" in mixed
    assert counted_from_one(np.array([0, 0]), [feo, feo]) == ""
    assert counted_from_one(np.array([1, 1]), [feo[::-1], np.array([1, 26])]) == ""
