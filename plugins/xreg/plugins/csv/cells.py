"""How names, units and values stand in the cells of tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

__all__ = ["ENDING", "ENERGY", "LABEL", "SAMPLES", "SPLIT", "UNIT", "name_and_unit", "values_of"]

ENDING = ".csv"
ENERGY = "energy (eV)"
SAMPLES = "samples"
LABEL, UNIT, SPLIT = "label ", "unit ", "split "
TRUTH = {"True": True, "False": False}
WHOLE = re.compile(r"-?[0-9]{1,18}")


def name_and_unit(head: str) -> tuple[str, str]:
    """Return name and unit of a column headed ``name (unit)``."""
    name, parted, unit = head.partition(" (")
    return (name, unit[:-1]) if parted and unit.endswith(")") else (head, "")


def values_of(cells: Sequence[str]) -> list[Any]:
    """Return the values of a column: all truth values, whole numbers or numbers, else texts.

    A number counts as one if it is written as Python writes it, so that ``007`` is a text.
    """
    if all(cell in TRUTH for cell in cells):
        return [TRUTH[cell] for cell in cells]
    if all(WHOLE.fullmatch(cell) and str(int(cell)) == cell for cell in cells):
        return [int(cell) for cell in cells]
    if all(map(_is_number, cells)):
        return [float(cell) for cell in cells]
    return list(cells)


def _is_number(cell: str) -> bool:
    try:
        return repr(float(cell)) == cell
    except ValueError:
        return False
