"""Looks at a lockbox are counted and dated, by the content of a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from xreg.core.errors import CorruptError
from xreg.registry.versions.looks import look


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XREG_LOOKS", str(tmp_path / "looks"))
    return tmp_path / "looks"


def test_each_look_is_counted_and_methods_told_apart() -> None:
    box = [None, "formula", 10, 0.2]
    first = look("abc", box, {"command": "run", "method": "one"})
    assert (first.count, first.methods, first.last) == (1, 1, "")
    assert "for the first time here" in first.in_words()
    look("abc", box, {"command": "run", "method": "one"})
    third = look("abc", box, {"command": "evaluate", "method": "two"})
    assert (third.count, third.methods) == (3, 2)
    assert third.last == third.first != ""
    assert "3 times here, with 2 different methods, first on 20" in third.in_words()
    assert look("abc", [None, None, 10, 0.2], {"method": "one"}).count == 1
    assert look("abd", box, {"method": "one"}).count == 1


def test_a_damaged_record_is_refused_not_begun_anew(place: Path) -> None:
    look("abc", 1, {"method": "one"})
    (file,) = place.glob("*.jsonl")
    file.write_text("nothing\n")
    with pytest.raises(CorruptError, match="is damaged"):
        look("abc", 1, {"method": "one"})
    assert file.read_text() == "nothing\n"
