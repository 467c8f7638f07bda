"""Numbers as programs and instruments write them, Fortran's among them."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json

__all__ = [
    "are_numbers",
    "is_number",
    "is_row",
    "number",
    "number_of",
    "parted",
    "plain_numbers",
    "whole_number",
]

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eEdDqQ][+-]?[0-9]+)?")
# Of more digits nothing is counted, and of some thousand Python makes no number.
WHOLE = re.compile(r"[0-9]{1,18}")
# Fortran leaves the E out before an exponent of three digits (1.19203-101).
SHORT = re.compile(r"([+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+))([+-][0-9]{3})")
# A sign in a number begins the next one, where fields of fixed width touch: '-1.0-2.0'. Behind it
# stands a decimal point, else it is an exponent's (1.2-101).
TOUCHING = re.compile(r"(?<=[0-9.])(?=[+-](?:[0-9]+\.|\.[0-9]))")
# When a row was measured; a column of these holds no numbers.
TIME = re.compile(
    r"(?:\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{4})"
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\d\d?:\d\d:\d\d(?:\.\d+)?"
)
# A field that was too narrow for its number (Fortran), or a value that is not there.
OVERFLOW = re.compile(r"\*+")
# What word processors and typesetting make of a minus.
MINUS = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFE63, 0xFF0D), "-")
GAPS = frozenset(
    (
        *("", "-", "--", "---", "nan", "+nan", "-nan", "na", "n/a", "null", "none"),
        *("inf", "+inf", "-inf", "infinity", "-infinity", "nan(ind)", "-nan(ind)"),
        *("1.#qnan", "1.#inf", "-1.#inf", "-1.#ind", "1.#ind"),
    )
)


def number_of(cell: str) -> float | None:
    """Return the number in a cell with a decimal point; NaN for a gap, overflow or time, else None.

    Words of Python's that are no numbers in a file (``1_000``) are none.
    """
    if NUMBER.fullmatch(cell):
        if not cell[-1].isdigit() or "d" in cell or "D" in cell or "q" in cell or "Q" in cell:
            cell = re.sub("[dDqQ]", "e", cell)
        return float(cell)
    if found := SHORT.fullmatch(cell):
        return float(f"{found[1]}e{found[2]}")
    if not cell.isascii() and (plain := cell.translate(MINUS)) != cell:
        return number_of(plain)
    if OVERFLOW.fullmatch(cell) or cell.lower() in GAPS or TIME.fullmatch(cell):
        return math.nan
    return None


def number(word: str) -> float:
    """Return the number in a word as :func:`number_of` does.

    Raises
    ------
    ValueError
        If it is none.
    """
    found = number_of(word)
    if found is None:
        raise ValueError(word)
    return found


def whole_number(word: str) -> int | None:
    """Return the number in a word of digits; None of any other (``²``, ``-1``, 5000 digits)."""
    return int(word) if WHOLE.fullmatch(word) else None


def is_number(cell: str) -> bool:
    """Whether a cell is a number, no gap."""
    found = number_of(cell)
    return found is not None and not math.isnan(found)


def are_numbers(text: str) -> bool:
    """Whether a text holds numbers between blanks alone, that are finite; or nothing."""
    found = [number_of(word) for word in text.split()]
    return all(value is not None and math.isfinite(value) for value in found)


def is_row(line: str) -> bool:
    """Whether a line holds numbers alone, however they are separated; gaps may be among them."""
    cells = line.replace('"', " ").replace(",", " ").replace(";", " ").split()
    found = [number_of(cell) for cell in cells]
    return any(v is not None and not math.isnan(v) for v in found) and None not in found


def plain_numbers(words: list[bytes]) -> NDArray[np.float64] | None:
    """Return (n,) what :func:`number_of` makes of words, much faster; None where one is unusual.

    Parameters
    ----------
    words
        (n,) words of digits, signs, points and ``e`` alone.
    """
    try:
        # A JSON parser takes a third of the time of strtod, to the same last bit.
        found = np.array(from_json(b"[" + b",".join(words) + b"]"), np.float64)
    except (ValueError, OverflowError):  # '.5' and '+1' are none of JSON's
        try:
            found = np.array(list(map(float, words)))
        except ValueError:
            return None
    return found if np.isfinite(found).all() else None


def parted(line: str) -> str:
    """Return a line with blanks between numbers that run into each other at a sign."""
    return TOUCHING.sub(" ", line)
