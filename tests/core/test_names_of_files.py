"""Ids that cannot name a file on every system."""

from __future__ import annotations

import pytest

from xreg.core.errors import DataError
from xreg.core.writers.names import file_stems


@pytest.mark.parametrize(
    "name", ["con", "NUL", "aux.txt", "com1", "lpt9.dat", "a.", " a", "a/b", ""]
)
def test_a_name_that_some_system_has_not(name: str) -> None:
    with pytest.raises(DataError, match="cannot name a file"):
        file_stems([name])


@pytest.mark.parametrize("pair", [["caf\u00e9", "cafe\u0301"], ["Fe", "FE"]])
def test_names_of_one_file(pair: list[str]) -> None:
    with pytest.raises(DataError, match="would be one file"):
        file_stems(pair)


def test_names_of_two_files() -> None:
    assert file_stems(["console", "com10", "a.con"]) == ["console", "com10", "a.con"]
