"""How a text table is written: what separates its columns, and what its decimals."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from xreg.core.errors import DataError

__all__ = ["Dialect", "dialect_of"]

MIXED = re.compile(r"[,;]")
BOTH = re.compile(r"\d*\.\d*,|\d,\d*\.\d")
# A zero before further digits begins no number of its own: 846,0123 is not 846 and 123.
PADDED = re.compile(r"(?:^|,)\s*[+-]?0[0-9]")
QUOTED = ";\t,"


@dataclass(frozen=True)
class Dialect:
    """What separates columns and decimals.

    Attributes
    ----------
    separator
        ``,``, ``;`` or a tab; ``,;`` for either of two; empty for blanks of any number.
    decimal_comma
        Whether decimals follow a comma.
    quoted
        Whether cells stand in double quotes.
    """

    separator: str = ""
    decimal_comma: bool = False
    quoted: bool = False

    def cells(self, line: str) -> list[str]:
        """Return the cells of a line, numbers with a decimal point."""
        cells = self.words(line)
        return [cell.replace(",", ".") for cell in cells] if self.decimal_comma else cells

    def words(self, line: str) -> list[str]:
        """Return the cells of a line as they stand."""
        if self.quoted and not self.separator:
            return line.replace('"', " ").split()
        if self.quoted:
            cells = next(csv.reader([line], delimiter=self.separator, skipinitialspace=True), [])
        elif not self.separator:
            return line.split()
        elif len(self.separator) > 1:
            cells = MIXED.split(line)
        else:
            cells = line.split(self.separator)
        return [cell.strip() for cell in cells]


def dialect_of(rows: Sequence[str], named: Sequence[int] = ()) -> Dialect:
    """Return how the rows of a table are written.

    A comma is a decimal comma where something else stands between the columns and no number has a
    point. Where it might be either, nothing is guessed.

    Parameters
    ----------
    rows
        Lines of numbers.
    named
        How many columns the header names, by each way to read it.

    Raises
    ------
    DataError
        If it cannot be told.
    """
    text = "\n".join(rows)
    if '"' in text:
        for separator in QUOTED:
            found = Dialect(separator, quoted=True)
            first = found.words(rows[0]) if all(separator in row for row in rows) else []
            if len(first) > 1 and '"' not in "".join(first):
                cells = [cell for row in rows for cell in found.words(row)]
                decimal = any("," in cell for cell in cells)
                if decimal and any("." in cell for cell in cells):  # thousands may be parted too
                    raise DataError(_both(rows))
                return Dialect(separator, decimal, quoted=True)
        rows = [row.replace('"', " ") for row in rows]
        found = dialect_of(rows, named)
        return found if found.separator else Dialect("", found.decimal_comma, quoted=True)
    if "," in text:
        return _with_commas(rows, text, named)
    if ";" in text:
        return Dialect(";" if all(";" in row for row in rows) else ",;")
    return _tabs(rows, False)


def _with_commas(rows: Sequence[str], text: str, named: Sequence[int]) -> Dialect:
    point = "." in text
    if ";" in text:
        if not all(";" in row for row in rows):
            return Dialect(",;")
        if not point:
            return Dialect(";", decimal_comma=True)
        raise DataError(_both(rows))
    tokens = [row.split() for row in rows]
    flat = [token for row in tokens for token in row]
    # Behind a comma at the end of a line there is a gap, behind one before a blank a column.
    between = any(t.startswith(",") or t.endswith(",") for row in tokens if row[1:] for t in row)
    inside = any("," in token.strip(",") for token in flat)
    if between:
        if inside and not point:
            raise DataError(_ambiguous(rows))
        return Dialect(",")
    if all(len(row) > 1 for row in tokens):
        if point or any(token.count(",") > 1 for token in flat):
            raise DataError(_both(rows))
        return _tabs(rows, True)
    if point:
        return Dialect(",")
    # Whole numbers alone, or decimal commas between columns that commas separate.
    columns = rows[0].count(",") + 1
    if PADDED.search(text.replace("\n", ",")) or (columns > 2 and columns not in named):
        raise DataError(_ambiguous(rows))
    return Dialect(",")


def _tabs(rows: Sequence[str], decimal_comma: bool) -> Dialect:
    """Return a dialect of tabs, between which an empty cell is a gap, or of blanks."""
    tabs = Dialect("\t", decimal_comma)
    if all("\t" in row for row in rows) and not any(
        " " in cell for row in rows for cell in tabs.words(row)
    ):
        return tabs
    return Dialect("", decimal_comma)


def _both(rows: Sequence[str]) -> str:
    row = next((row for row in rows if BOTH.search(row)), rows[0]).strip()
    return (
        f"its rows hold both points and commas ('{row[:40]}'), so that decimals cannot be told; "
        "write decimal points, and separate columns by blanks or tabs"
    )


def _ambiguous(rows: Sequence[str]) -> str:
    return (
        f"its commas ('{rows[0].strip()[:40]}') may be decimal commas or stand between columns; "
        "write decimal points, or separate columns by tabs, blanks or semicolons"
    )
