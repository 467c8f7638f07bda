"""Whether a text was cut off within its last number."""

from __future__ import annotations

import re

from xreg.core.readers.numbers import is_number, is_row
from xreg.core.readers.spectra.blocks import SEPARATORS

__all__ = ["CUT_OFF", "is_cut_off"]

# How a file that was cut off within a number is told from one that just lacks its last line end.
CUT_OFF = (
    "the last number is shorter than all others and its line has no end; was the file cut off?"
)
# Last bytes that are looked at, and from how many lines on a number of fewer digits tells.
TAIL, FEW, MANY = 4096, 5, 20
LACKING = 2
EXPONENT = re.compile(r"[eEdDqQ].*")


def is_cut_off(content: bytes) -> bool:
    """Whether the last line has no end, and its last number lacks digits that all before have.

    Where all numbers above have equally many digits behind the point, one that is missing tells;
    where they vary, two do, or one among many numbers. So does a point behind which nothing stands.
    """
    tail = content[-TAIL:]
    if not tail or tail[-1:] in b"\r\n" or b"\0" in tail:
        return False
    *before, line = tail.decode("latin-1").splitlines()
    width = len(SEPARATORS.split(line.strip()))
    # What continues a line is no row (spectra of a detector, in SPEC files), nor is half of one.
    begun = [len(content) <= TAIL, *(not one.endswith("\\") for one in before)]
    rows_above = [one for one, whole in zip(before, begun, strict=False) if whole and is_row(one)]
    above = [SEPARATORS.split(one.strip()) for one in rows_above]
    rows = [cells[-1] for cells in above if len(cells) == width]
    last = SEPARATORS.split(line.strip())[-1]
    if not rows or not is_number(last):
        return False
    decimals = {_decimals(cell) for cell in rows}
    if last.endswith(".") and not any(cell.endswith(".") for cell in rows):
        return True
    if len(decimals) == 1 and (usual := decimals.pop()) > 1:
        return _decimals(last) < usual
    least = min(map(_digits, rows)) - (1 if len(rows) >= MANY else LACKING)
    return len(rows) >= FEW and _digits(last) <= least


def _decimals(cell: str) -> int:
    """Return how many characters stand behind the point, an exponent among them."""
    return len(cell.partition(".")[2])


def _digits(cell: str) -> int:
    """Return how many significant digits a number is written with."""
    return len(EXPONENT.sub("", cell).replace(".", "").lstrip("+-0"))
