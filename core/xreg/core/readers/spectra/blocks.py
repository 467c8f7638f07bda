"""The tables in a text: headers, comments and rows of numbers, one block for each scan."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.readers.numbers import is_number, is_row, number_of, parted

__all__ = [
    "SEPARATORS",
    "Block",
    "check_header",
    "chosen_block",
    "first_row",
    "is_comment",
    "like_row",
    "require_no_row",
    "split_blocks",
    "without_comment",
    "without_mark",
]

MARK = re.compile(r"(?:\s*(?:[#%!;]+|//+))+\s?")
# A per cent sign behind a digit is one.
TRAILING = re.compile(r"#|(?<![0-9.])%|!|//")
# A scan of a SPEC file: '#S 12 ascan energy 7.1 7.2 100 1'.
SCAN = re.compile(r"#S\s+(\d+)\s*(.*)")
# A cell that was meant as a number, and what dates and times look like.
MEANT = re.compile(r"[+-]?[.,]?[0-9]")
NUMERIC = re.compile(r"\s*[0-9.+-]")
STRAY = re.compile(r"^\W+|\W+$")
DATE = re.compile(r"\d{1,4}([-/])\d{1,2}\1\d{1,4}|\d{1,2}\.\d{1,2}\.\d{2,4}|\d+:\d")
# The blank between a day and a time of day stands between no columns.
DAY = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d)")
VALUE = re.compile(r"(?<![A-Za-z0-9])[0-9]+[.,][0-9]+")
SEPARATORS = re.compile(r"[\s,;]+")
SHOWN = 6
# A line that begins with a number less than so many steps before the first row was meant as one.
NEAR = 2.5
# A line of so many last ones above a table begins the next one where it stands again.
REPEATED = 200


@dataclass
class Block:
    """A table of a text as it stands, with what is written above it.

    Attributes
    ----------
    number, title
        Number and command of a scan of SPEC's.
    header
        Lines above the rows; ``shared`` ones stand above the first of several blocks.
    rows, lines
        Rows without what stands behind a comment mark, and their line numbers.
    touching
        Line of the first row in which numbers run into each other, and were parted.
    commented
        Lines that look like rows behind a comment mark.
    """

    number: str = ""
    title: str = ""
    header: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    touching: int = 0
    commented: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        title = f" ({self.title[:30]})" if self.title else ""
        return f"{self.number}{title}"


def is_comment(line: str) -> bool:
    """Whether a line begins with a mark of comments: ``#``, ``%``, ``!``, ``;`` or ``//``."""
    return line.lstrip().startswith(("#", "%", "!", ";", "//"))


def without_mark(line: str) -> str:
    """Return a line without the comment marks at its beginning."""
    return MARK.sub("", line, count=1) if is_comment(line) else line


def like_row(lines: Sequence[str]) -> str:
    """Return where a line looks most like a row of numbers that cannot be read, in words."""
    best, most = 0, 1
    for comments in (False, True):
        for i, line in enumerate(lines):
            count = len(VALUE.findall(line)) if is_comment(line) is comments else 0
            if count > most:
                best, most = i, count
        if most > 1:
            behind = ", behind a mark of comments" if comments else ""
            return f"; its line {best + 1} is '{lines[best].strip()[:40]}'{behind}"
    return ""


def without_comment(line: str) -> str:
    """Return a line without what stands behind a comment mark."""
    found = TRAILING.search(line)
    return line[: found.start()].rstrip() if found else line


def first_row(lines: Sequence[str]) -> int:
    """Return the index of the first row of numbers, the number of lines where there is none."""
    for i, line in enumerate(lines):
        if line and not is_comment(line) and is_row(parted(without_comment(line))):
            return i
    return len(lines)


def split_blocks(lines: Sequence[str], first: int = 1) -> list[Block]:
    """Return the tables of a text, one after the other.

    A new one begins at a scan of SPEC's, at a line of words between rows, and where a header is
    repeated.

    Parameters
    ----------
    lines
        The text.
    first
        Number of its first line.

    Raises
    ------
    DataError
        If a line between rows holds something else than numbers.
    """
    blocks = [Block()]
    several = skipping = False
    for number, line in enumerate(lines, first):
        here = blocks[-1]
        if skipping or (several and line.startswith("@")):  # spectra of a detector, in SPEC files
            skipping = line.endswith("\\")
            continue
        text = line.strip()
        if not text:
            continue
        if is_comment(text):
            if scan := SCAN.match(text):
                several = True
                shared = blocks[0].header if blocks[0].number == "" else blocks[0].shared
                blocks.append(Block(scan[1], scan[2], [text], shared))
            elif not here.rows:
                here.header.append(line)
            elif text in here.header[-REPEATED:] and any(c.isalpha() for c in text):
                blocks.append(Block(header=[text], shared=here.shared))
            elif _like_row_before(without_mark(text), here.rows[-1]):
                here.commented.append(number)
            continue
        if _taken(line, number, here):
            continue
        row = without_comment(line)
        if not here.rows:
            here.header.append(line)
        elif _meant_as_row(row, here.rows[-1]):
            raise DataError(f"its line {number} '{text[:40]}' holds a value that is no number")
        else:
            blocks.append(Block(header=[line], shared=here.shared))
    return _with_rows(blocks)


def _taken(line: str, number: int, block: Block) -> bool:
    """Take a line into a block where it is a row; return whether it is."""
    row = DAY.sub(r"\1T\2", without_comment(line))
    if not is_row(row):
        row = parted(row)
        if not is_row(row):
            return False
        block.touching = block.touching or number
    block.rows.append(row)
    block.lines.append(number)
    return True


def _like_row_before(text: str, row: str) -> bool:
    """Whether a comment is a row, or has as many numbers as one that lost its first."""
    if is_row(text) and len(SEPARATORS.split(text.strip())) > 1:
        return True
    return len(VALUE.findall(text)) >= max(1, len(SEPARATORS.split(row.strip())) - 1)


def _with_rows(blocks: list[Block]) -> list[Block]:
    """Return the blocks that have rows, numbered where the file does not."""
    found = [block for block in blocks if block.rows]
    if len(found) > 1:
        counts, seen = Counter(block.number for block in found), Counter[str]()
        for i, block in enumerate(found):
            seen[block.number] += 1
            if not block.number:
                block.number = str(i + 1)
                block.title = block.title or f"from line {block.lines[0]}"
            elif counts[block.number] > 1:  # as in 5.1, 5.2
                block.number += f".{seen[block.number]}"
    return found


def chosen_block(blocks: Sequence[Block], scan: str) -> Block:
    """Return the one block, or that of a scan's number.

    Raises
    ------
    DataError
        If there are several and none is chosen, or there is no such scan.
    """
    said = ", ".join(map(str, blocks[:SHOWN])) + (", …" if len(blocks) > SHOWN else "")
    if scan:
        for block in blocks:
            if block.number in (scan, f"{scan}.1") and (
                block.number == scan or not any("." in one.number for one in blocks)
            ):
                return block
        if len(blocks) > 1 or blocks[0].number:
            raise DataError(f"it has no scan {scan}; it has {said}")
    if len(blocks) > 1:
        raise DataError(f"it holds {len(blocks)} scans: {said}; choose one with --scan N")
    return blocks[0]


def check_header(header: Sequence[str], columns: int) -> None:
    """Raise a :class:`DataError` if a line above the rows was meant as one of them."""
    for line in header:
        cells = [] if is_comment(line) else SEPARATORS.split(line.strip())
        if len(cells) != columns or any(DATE.match(cell) for cell in cells):
            continue
        stray = is_number(cells[0]) and all(is_number(STRAY.sub("", cell)) for cell in cells)
        if stray or all(map(MEANT.match, cells)):
            raise DataError(
                f"its line '{line.strip()[:40]}' above the rows holds a value that is no number"
            )


def require_no_row(header: Sequence[str], first: NDArray[np.float64]) -> None:
    """Raise a :class:`DataError` if a line without a comment mark begins as the row before would.

    Parameters
    ----------
    header
        Lines above the rows.
    first
        First numbers of the first rows, two of them where there are two.
    """
    # FDMNES explains its first numbers behind a sign of equality.
    begun = [line for line in header if NUMERIC.match(line) and "=" not in line]
    if not begun or len(first) < 2 or not np.isfinite(first).all() or first[0] == first[1]:
        return
    for line in begun:
        cells = SEPARATORS.split(line.strip())
        value = number_of(cells[0]) if cells[1:] else None
        if value is not None and 0 < (first[0] - value) / (first[1] - first[0]) < NEAR:
            raise DataError(
                f"its line '{line.strip()[:40]}' above the rows holds a value that is no number"
            )


def _meant_as_row(line: str, before: str) -> bool:
    cells, others = (SEPARATORS.split(text.strip()) for text in (line, before))
    numbers = sum(map(is_number, cells))
    if not numbers and len(cells) == len(others) and any(c.isalpha() for c in line):
        numbers = None not in map(number_of, cells)  # a row of gaps
    return bool(MEANT.match(cells[0]) and not DATE.match(cells[0])) or (
        numbers > 0 and len(cells) == len(others)
    )
