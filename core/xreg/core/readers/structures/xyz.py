"""Frames of xyz and extended xyz files, one by one, so that a bad frame is one bad frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.readers.numbers import number, whole_number
from xreg.core.readers.structures.comments import charges_read, fields_of, unit_problem
from xreg.core.readers.structures.extended import extended_fields
from xreg.core.readers.structures.frame import NO_CELL, NO_PBC, Frame
from xreg.core.readers.structures.symbols import name_elements

__all__ = ["xyz_frames"]

COUNT = re.compile(r"[ \t]*[+-]?[0-9]+[ \t]*")
EXTENDED = re.compile(r"\b(?:Properties|Lattice)\s*=", re.IGNORECASE)
PLAIN = "species:S:1:pos:R:3"
SPECIES = ("species", "symbols", "symbol", "element", "elements")
NUMBERS = ("Z", "numbers", "atomic_numbers")
POSITIONS = ("pos", "positions", "position")
CELLS = ("cell", "unit_cell", "box", "lattice", "lattice_vectors", "cell_vectors")
CELL_IN_PROSE = re.compile(
    r"\b(cell|lattice|box|unit_cell)\b(?:\([a-z]*\))?[\s:(\[]{1,8}(?:[+-]?\d[\d.eE+-]*[\s,]+){2}[+-]?\d",
    re.IGNORECASE,
)
PERIODIC = re.compile(r"\b(?:T|TRUE|1)\b")
OCCUPANCIES = {"occupancy", "occupancies", "occ"}
DTYPES = {"R": np.float64, "I": np.int64, "L": np.bool_, "S": np.str_}
TRUTH = {"T": True, "TRUE": True, "F": False, "FALSE": False}


class Column(NamedTuple):
    """A property of each atom: its name, kind (S, R, I, L), first word in a row and width."""

    name: str
    kind: str
    first: int
    width: int


class Columns(NamedTuple):
    """What stands in the rows of a frame: names, atomic numbers, positions, and all else."""

    named: list[Column]
    numbered: list[Column]
    placed: Column
    others: list[Column]
    width: int


def xyz_frames(lines: Sequence[str], name: str) -> Iterator[Frame]:
    """Yield the frames of an xyz file, bad ones with the reason.

    Blank lines may stand before, between and after frames. After a frame whose number of atoms is
    not what it announces, reading goes on at the next line that announces one that is.
    """
    i, place = _skip_blank(lines, 0), 0
    while i < len(lines):
        where = f"{name}, frame {place}"
        count, problem = _announced(lines, i)
        rows = [row.split() for row in lines[i + 2 : i + 2 + count]]
        if not problem and min(map(len, rows)) < 4:
            problem = _miscounted(lines, i)
        if problem:
            yield Frame.bad(where, place, problem)
            i = _next_frame(lines, i + 1)
        else:
            yield Frame.read(where, place, _parsed, where, place, lines[i + 1], rows, i + 3)
            i += 2 + count
        i, place = _skip_blank(lines, i), place + 1


def _skip_blank(lines: Sequence[str], i: int) -> int:
    while i < len(lines) and not lines[i].strip():
        i += 1
    return i


def _next_frame(lines: Sequence[str], i: int) -> int:
    while i < len(lines) and (not COUNT.fullmatch(lines[i]) or _announced(lines, i)[1]):
        i += 1
    return i


def _announced(lines: Sequence[str], i: int) -> tuple[int, str]:
    """Return how many atoms a frame announces, and what is wrong with that."""
    line = lines[i].strip()
    if not COUNT.fullmatch(line):
        return 0, f"its first line '{line[:40]}' is no number of atoms"
    count = int(line) if len(line) < 19 else len(lines)
    if count < 1:
        return 0, f"it announces {count} atoms"
    end = i + 2 + count
    if end <= len(lines) and _atom(lines[end - 1]) and _atom(lines[i + 2]):
        after = _skip_blank(lines, end)
        if after == len(lines) or not _atom(lines[after]):
            return count, ""
    return 0, _miscounted(lines, i)


def _miscounted(lines: Sequence[str], i: int) -> str:
    """Say how many lines of atoms follow in place of what a frame announces."""
    line = lines[i].strip()
    has = next((n for n, row in enumerate(lines[i + 2 :]) if not _atom(row)), len(lines) - i - 2)
    stop = lines[i + 2 + has].strip() if i + 2 + has < len(lines) else ""
    before = f" before '{stop[:40]}'" if stop and not COUNT.fullmatch(stop) else ""
    if str(has) == line:
        return f"it announces {line} atoms, and more stand after a blank line"
    return f"it announces {line[:40]} atoms and has {max(has, 0)} lines of atoms{before}"


def _atom(line: str) -> bool:
    """Tell whether a line may be an atom's: four words, three of which begin like numbers."""
    words = line.split(None, 12)
    return len(words) > 3 and sum(word[0] in "+-.0123456789nNiI" for word in words) > 2


def _parsed(where: str, place: int, comment: str, rows: list[list[str]], line: int) -> Frame:
    cell, pbc = NO_CELL, NO_PBC
    notes: list[str] = []
    extended = bool(EXTENDED.search(comment))
    if extended:
        info = extended_fields(comment)
        columns = _columns(info)
        cell, pbc = _cell(info)
    else:
        info, columns = fields_of(comment, notes), _columns({})
        notes += _without_cell(info, comment)
    notes += charges_read(info)
    if problem := unit_problem("" if extended else comment, info):
        raise DataError(problem)
    width = columns.width
    widths = set(map(len, rows))
    uneven = widths != {width} and (extended or min(widths) < width)
    for n, row in enumerate(rows if uneven else ()):
        if len(row) < width or (extended and len(row) > width):
            what = (
                f"has {len(row)} words, not {width}" if extended else "is no element with x, y, z"
            )
            raise DataError(f"its line {line + n} '{' '.join(row)[:40]}' {what}")
    if not extended and max(widths) > width:
        notes.append("columns after x, y and z are not read")
    named, numbered = columns.named, columns.numbered
    first = (named or numbered)[0].first
    words = [row[first] for row in rows]
    numbers, more, problem = name_elements(words)
    if problem:
        raise DataError(problem)
    if not extended and min(widths) > width and (what := _counter(rows, numbers)):
        raise DataError(
            f"the numbers behind its symbols are {what}, and x, y and z stand after them"
        )
    if named and numbered and len(named + numbered) > 1:
        other = _values(numbered[0], rows, line)
        if (differ := np.flatnonzero(other != np.array(numbers, other.dtype))).size:
            n = int(differ[0])
            raise DataError(
                f"its atom {n} is {words[n]} by its symbol, and {other[n]} by its number"
            )
    positions = _values(columns.placed, rows, line)
    rest = {c.name: _values(c, rows, line) for c in columns.others}
    _refuse_partial(rest)
    return Frame(
        where, place, np.array(numbers, np.int32), positions, cell, pbc, info, rest, (*notes, *more)
    )


def _counter(rows: list[list[str]], numbers: list[int]) -> str:
    """Return what the first numbers of rows are where they cannot be x, or nothing."""
    try:
        first = [number(row[1]) for row in rows]
    except ValueError:
        return ""
    if first == numbers:
        return "atomic numbers"
    count = len(rows) > 2 and first in (list(range(len(rows))), list(range(1, len(rows) + 1)))
    return "numbers of atoms" if count else ""


def _values(column: Column, rows: list[list[str]], line: int) -> NDArray[Any]:
    """Return (a,) or (a, width) values of a property."""
    part = slice(column.first, column.first + column.width)
    words = [row[part] for row in rows]
    try:
        if column.kind == "S":
            values = np.array(words)
        elif column.kind == "L":
            values = np.array([[TRUTH[word.upper()] for word in row] for row in words])
        elif column.kind == "I":
            values = np.array([[int(word) for word in row] for row in words], np.int64)
        else:
            values = _floats(words)
    except (ValueError, KeyError, OverflowError):
        n = next(n for n, row in enumerate(words) if not _fits(column.kind, row))
        raise DataError(
            f"its line {line + n} '{' '.join(rows[n])[:40]}': {' '.join(words[n])[:40]} is no "
            f"{column.name}"
        ) from None
    return values[:, 0] if column.width == 1 else values


def _floats(words: list[list[str]]) -> NDArray[np.float64]:
    flat = list(chain.from_iterable(words))
    if "_" in "".join(flat):  # 1_000 is Python's, and no coordinate
        raise ValueError("_")
    try:
        values = list(map(float, flat))
    except ValueError:
        values = list(map(number, flat))
    return np.array(values).reshape(len(words), -1)


def _fits(kind: str, words: Sequence[str]) -> bool:
    try:
        for word in words:
            if kind == "L":
                TRUTH[word.upper()]
            elif kind == "I":
                np.int64(int(word))
            else:
                number(word)
    except (ValueError, KeyError, OverflowError):
        return False
    return True


def _without_cell(info: dict[str, Any], comment: str) -> list[str]:
    """Return what is to be said of a cell in the comment of a plain xyz; refuse a missing one."""
    keys = {key.lower(): key for key in info}
    flags = str(info[keys["pbc"]]).upper() if "pbc" in keys else ""
    if PERIODIC.search(flags):
        raise DataError("its comment line says that it is periodic (pbc), and gives no Lattice")
    if found := CELL_IN_PROSE.search(comment[:1000]):
        keys.setdefault(found[1].lower(), found[1])
        info = {**info, found[1]: np.zeros(9)}
    return [
        f"the '{keys[name]}' of its comment line is not read as a cell: that is Lattice=\"…\""
        for name in CELLS
        if name in keys and np.size(info[keys[name]]) in (3, 6, 9)
    ]


def _refuse_partial(columns: dict[str, NDArray[Any]]) -> None:
    for name in OCCUPANCIES & {name.lower() for name in columns}:
        values = next(v for key, v in columns.items() if key.lower() == name)
        if values.dtype.kind in "fi" and (partly := np.flatnonzero(np.abs(values - 1) > 1e-3)).size:
            raise DataError(
                f"its atoms {', '.join(map(str, partly[:8].tolist()))} are partly occupied ({name})"
            )


def _columns(info: dict[str, Any]) -> Columns:
    """Return what ``Properties`` says of the columns, and take it out of the fields."""
    key = next((key for key in info if key.lower() == "properties"), None)
    text = PLAIN if key is None else str(info.pop(key))
    return _properties(text)


@lru_cache(maxsize=64)
def _properties(text: str) -> Columns:
    parts = text.split(":")
    columns: list[Column] = []
    first = 0
    for name, kind, width in zip(parts[0::3], parts[1::3], parts[2::3], strict=False):
        count = whole_number(width) or 0
        if kind not in DTYPES or not 1 <= count <= 100_000:
            break
        columns.append(Column(name, kind, first, count))
        first += count
    names = [column.name for column in columns]
    placed = [c for c in columns if c.name in POSITIONS and (c.kind, c.width) == ("R", 3)]
    told = [c for c in columns if c.name in (*SPECIES, *NUMBERS)]
    if len(parts) % 3 or len(columns) != len(parts) // 3 or len(set(names)) != len(names):
        raise DataError(f"its Properties={text[:80]} are no list of name:kind:width")
    if len(placed) != 1 or not any(c.width == 1 for c in told):
        raise DataError(f"its Properties={text[:80]} name no species and positions")
    return Columns(
        [c for c in told if c.name in SPECIES],
        [c for c in told if c.name in NUMBERS],
        placed[0],
        [c for c in columns if c not in (*told, placed[0])],
        first,
    )


def _cell(info: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return cell and periodicity of the fields, and take them out."""
    keys = {key.lower(): key for key in info}
    cell = info.pop(keys["lattice"]) if "lattice" in keys else None
    pbc = info.pop(keys["pbc"]) if "pbc" in keys else None
    vectors = np.zeros((3, 3))
    if cell is not None:
        try:
            # ASE reads a Lattice's nine numbers column by column.
            vectors = np.asarray(cell, np.float64).T.reshape(3, 3)
        except (TypeError, ValueError):
            raise DataError("its Lattice is no list of nine numbers") from None
    if pbc is None:
        return vectors, np.full(3, cell is not None)
    flags = np.asarray(pbc)
    if flags.dtype.kind not in "bi" or flags.size not in (1, 3) or not np.isin(flags, (0, 1)).all():
        raise DataError("its pbc is no list of three T or F")
    return vectors, np.broadcast_to(flags.astype(bool).ravel(), 3).copy()
