"""Tables of named columns that hold numbers and words: parameters and labels of samples."""

from __future__ import annotations

import csv
import re
from collections import Counter

from xreg.core.errors import DataError
from xreg.core.readers.text import lines_of

__all__ = ["read_sheet"]

# What a sheet of Excel says of itself in its first line.
EXCEL = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eEdD][+-]?\d+)?|[+-]?\d+,")


def read_sheet(content: bytes) -> tuple[list[str], list[list[str]]]:
    """Return the c names in the first line of a table, and the c cells of each row.

    Any encoding and line ends; columns between commas, semicolons or tabs, or blanks where there is
    none of these; decimal commas become points where no comma stands between columns.

    Raises
    ------
    DataError
        If it is no text, a name stands twice, or a row has another number of cells than the header.
    """
    lines = [(i, line) for i, line in enumerate(lines_of(content), 1) if line.strip()]
    said = EXCEL.fullmatch(lines[0][1]) if lines else None
    if said:
        lines = lines[1:]
    if not lines:
        raise DataError("it is empty")
    first = lines[0][1].removeprefix("#").strip()
    separator = said[1] if said else next((mark for mark in ";\t," if mark in first), " ")
    header = _cells(first, separator)
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"two of its columns are named '{twice[0]}'")
    rows = []
    for number, line in lines[1:]:
        cells = _cells(line, separator)
        if len(cells) != len(header):
            raise DataError(f"row {number}: {len(cells)} cells under a header of {len(header)}")
        if separator != ",":
            cells = [c.replace(",", ".") if DECIMAL_COMMA.fullmatch(c) else c for c in cells]
        rows.append(cells)
    return header, rows


def _cells(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    try:
        (cells,) = csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True)
    except csv.Error as error:
        raise DataError(f"its line '{line[:40]}' cannot be read ({error})") from None
    return [cell.strip() for cell in cells]
