"""A text table: named columns of numbers with units, and the fields of its header."""

from __future__ import annotations

import math
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from types import MappingProxyType

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.core.readers.numbers import number_of, plain_numbers
from xreg.core.readers.spectra.blocks import (
    SEPARATORS,
    Block,
    check_header,
    chosen_block,
    first_row,
    like_row,
    require_no_row,
    split_blocks,
)
from xreg.core.readers.spectra.dialect import Dialect, dialect_of
from xreg.core.readers.spectra.ends import CUT_OFF, is_cut_off
from xreg.core.readers.spectra.header import columns_of, fields_of, named_counts, stated_unit
from xreg.core.readers.text import decode, lines_of

__all__ = ["Table", "read_table", "table_of_block"]

# All that a plain table of numbers holds below its first row, and what it does not.
PLAIN = b"0123456789+-.eE \t\n"
DIGITS = b"0123456789+-.eE"
GAPS = (b"\t\t", b"\t\n", b"\n\t")
Named = tuple[tuple[str, str], ...]
Header = tuple[Named, Mapping[str, str], str]
BLANKS, TABS = Dialect(), Dialect("\t")
KEPT = 4096  # characters of a header up to which what it says is kept for the next file


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of numbers.

    Attributes
    ----------
    values
        (r, c) numbers; NaN where there is a gap.
    names, units
        (c,) of each column, empty where the file does not tell.
    fields
        Fields of the header by name in lower case (``element.symbol``, ``mono.d_spacing``).
    one_scan
        Whether the file marks this table as one scan.
    stated_unit
        Unit in which the header says that energies are, elsewhere than in the names of columns.
    notes
        What was done to read the rows, in words.
    """

    values: Array
    names: tuple[str, ...]
    units: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    one_scan: bool = False
    _lines: Sequence[int] = ()
    _cells: Mapping[tuple[int, int], str] = field(default_factory=dict)
    stated_unit: str = ""
    notes: tuple[str, ...] = ()

    def line(self, row: int) -> int:
        """Return the number of the line of a row, from 1; -1 is the last row."""
        return self._lines[row]

    def cell(self, row: int, column: int) -> str:
        """Return what stands in a cell that is no number, empty for an empty one."""
        return self._cells.get((row, column), "")

    @property
    def has_gaps(self) -> bool:
        """Whether a cell is no finite number."""
        return bool(self._cells)

    @property
    def labels(self) -> list[str]:
        """Number and name of each column, for messages."""
        return [f"{i} {name}".strip() for i, name in enumerate(self.names, 1)]


def read_table(content: bytes, scan: str = "") -> Table:
    """Read the table of a text file.

    UTF-8, UTF-16, Windows-1252 or Latin-1; lines ended in any way; columns separated by blanks,
    tabs, commas or semicolons; decimal points, or commas where they cannot be anything else;
    Fortran's numbers (``1.5D+03``, ``1.2-101``); a header with or without comment marks, whose last
    line names the columns; fields of XDI; scans of SPEC; the head line of FDMNES.

    Parameters
    ----------
    content
        The file.
    scan
        Number of the scan where there are several.

    Raises
    ------
    DataError
        If it is no such table, with the line; or if it holds several.
    """
    if (table := _plain(content)) is None:
        lines = lines_of(content)
        if first_row(lines) == len(lines):
            empty = not any(map(str.strip, lines))
            raise DataError("it is empty" if empty else f"it holds no numbers{like_row(lines)}")
        table = _any(lines, scan)
        if table.line(-1) < len(lines):  # a scan above the last one
            return table
    return replace(table, notes=(*table.notes, CUT_OFF)) if is_cut_off(content) else table


def _plain(content: bytes) -> Table | None:
    """Read a table without any doubt, much faster; None where a second look is needed."""
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n")
    start = _first(content)
    head, rows = content[:start], content[start:]
    if not rows or rows.translate(None, PLAIN) or b"\0" in head or b"\x1a" in head:
        return None
    tabs = b"\t" in rows
    # Beside a tab, a blank may stand for a gap.
    if tabs and (b" " in rows or any(gap in b"\n" + rows + b"\n" for gap in GAPS)):
        return None
    header = decode(head).split("\n")[:-1]
    if b"\r" in head or any(line.startswith("#S ") for line in header):
        return None
    if not head.isascii() and first_row(header) < len(header):  # blanks of other kinds
        return None
    first = len(header) + 1
    numbers: Sequence[int]
    if (even := _even(rows, b"\t" if tabs else b" ")) is not None:
        cells, width = even
        numbers = range(first, first + len(cells) // width)
    else:
        lines = [*map(bytes.split, rows.split(b"\n"))]
        cells, width = [*chain(*lines)], len(lines[0])
        if set(map(len, lines)) - {0} != {width}:
            return None
        numbers = [i for i, line in enumerate(lines, first) if line]
    if (values := plain_numbers(cells)) is None:
        return None
    return _table(values.reshape(-1, width), header, TABS if tabs else BLANKS, numbers)


def _even(rows: bytes, separator: bytes) -> tuple[list[bytes], int] | None:
    """Return the cells of rows that one separator parts, and how many a row has; None of others.

    Each row has room for so many cells, and as many as there is room for are there, so that none
    lacks one.
    """
    if not rows.endswith(b"\n"):
        rows += b"\n"
    between = rows.translate(None, DIGITS)
    width = between.index(b"\n") + 1
    count = len(between) // width
    if between != (separator * (width - 1) + b"\n") * count:
        return None
    cells = rows.split()
    return (cells, width) if len(cells) == width * count else None


def _first(content: bytes) -> int:
    """Return where the first row of numbers begins, the length where there is none.

    A line of nothing but what numbers are written with counts as a row: it is looked at later.
    """
    start = len(BOM_UTF8) if content.startswith(BOM_UTF8) else 0
    while start < len(content):
        end = content.find(b"\n", start)
        line = content[start:] if end < 0 else content[start:end]
        if line.translate(None, PLAIN):
            if not line.startswith(b"#") and not first_row([line.decode("latin-1")]):
                return start
        elif not line.isspace() and line:
            return start
        start += len(line) + 1
    return len(content)


def _any(lines: list[str], scan: str) -> Table:
    return table_of_block(chosen_block(split_blocks(lines), scan))


def table_of_block(block: Block) -> Table:
    """Return the table of rows as they stand.

    Raises
    ------
    DataError
        If they are no table, with the line.
    """
    _drop_count(block)
    header = [*block.shared, *block.header]
    dialect = dialect_of(block.rows, named_counts(header))
    cells = [dialect.cells(row) for row in block.rows]
    width = len(cells[0])
    for line, row in zip(block.lines, cells, strict=True):
        if len(row) != width:
            raise DataError(
                f"its line {line} has {len(row)} columns where line {block.lines[0]} has {width}"
            )
    values = np.empty((len(cells), width))
    odd: dict[tuple[int, int], str] = {}
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            number = number_of(cell)
            if number is None:
                raise DataError(
                    f"its line {block.lines[i]} holds '{cell[:40]}', which is no number"
                )
            if not math.isfinite(number):
                odd[i, j] = cell
            values[i, j] = number
    notes = []
    if block.touching:
        notes.append(f"numbers that touch (line {block.touching}) were parted before their signs")
    if out := [line for line in block.commented if line < block.lines[-1]]:
        them = f"lines {out[0]} … {out[-1]} ({len(out)} of them) look like rows and are"
        them = them if out[1:] else f"line {out[0]} looks like a row and is"
        notes.append(f"{them} commented out")
    return _table(
        values, header, dialect, block.lines, odd, one_scan=bool(block.number), notes=notes
    )


def _table(
    values: Array,
    header: Sequence[str],
    dialect: Dialect,
    lines: Sequence[int],
    odd: Mapping[tuple[int, int], str] | None = None,
    *,
    one_scan: bool = False,
    notes: Sequence[str] = (),
) -> Table:
    require_no_row(header, values[:2, 0])
    columns, fields, said = _header(header, dialect, values.shape[1])
    odd = odd or {}
    if odd:
        values, columns, odd = _without_empty(values, columns, odd, header, dialect, fields)
    names, units = zip(*columns, strict=True) if columns else ((), ())
    return Table(values, names, units, fields, one_scan, lines, odd, said, tuple(notes))


def _without_empty(
    values: Array,
    columns: Named,
    odd: Mapping[tuple[int, int], str],
    header: Sequence[str],
    dialect: Dialect,
    fields: Mapping[str, str],
) -> tuple[Array, Named, Mapping[tuple[int, int], str]]:
    """Return a table without the columns that have no single cell."""
    # Columns without a single cell: separators at the ends of lines, or two where one will do.
    empty = {
        j
        for j in {column for _, column in odd}
        if all(odd.get((i, j)) == "" for i in range(len(values)))
    }
    if empty:
        keep = [j for j in range(values.shape[1]) if j not in empty]
        columns = tuple(columns[j] for j in keep)
        if not any(name for name, _ in columns):
            columns = tuple(columns_of(header, dialect, len(keep), fields))
        values = values[:, keep]
        odd = {(i, keep.index(j)): cell for (i, j), cell in odd.items() if j not in empty}
    return values, columns, odd


def _header(header: Sequence[str], dialect: Dialect, count: int) -> Header:
    """Return name and unit of each column, the fields of a header, and a unit in its prose."""
    if sum(map(len, header)) > KEPT:
        return _parse_header(tuple(header), dialect, count)
    return _parse_header_once(tuple(header), dialect, count)


def _parse_header(header: tuple[str, ...], dialect: Dialect, count: int) -> Header:
    check_header(header, count)
    fields = fields_of(header)
    columns = tuple(columns_of(header, dialect, count, fields))
    return columns, MappingProxyType(fields), stated_unit(header)


# The files of a series have one header.
_parse_header_once = lru_cache(maxsize=64)(_parse_header)


def _drop_count(block: Block) -> None:
    """Take a first line that tells how many rows follow for what it is."""
    first = block.rows[0].strip()
    if len(block.rows) < 2 or first != str(len(block.rows) - 1):
        return
    if len(SEPARATORS.split(block.rows[1].strip())) > 1:
        block.header.append(block.rows.pop(0))
        block.lines.pop(0)
