"""Numbers with their nouns, quantities with their units."""

from __future__ import annotations

import pytest

from xreg.core.text import counted, superscript, with_unit


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 spectra"), (1, "1 spectrum"), (2040, "2,040 spectra")]
)
def test_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "spectrum", "spectra") == text
    assert counted(number, "row").endswith("row" if number == 1 else "rows")


def test_units_stand_in_brackets_and_pure_numbers_alone() -> None:
    assert with_unit("density", f"1/Å{superscript(3)}") == "density (1/Å³)"
    assert with_unit("cosine", "") == "cosine"
    assert superscript(-12) == "⁻¹²"
