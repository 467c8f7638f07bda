"""VASP's POSCAR: of versions 4 to 6.4, in fractions of the cell or Å, with selective dynamics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.errors import DataError
from xreg.core.readers.numbers import number
from xreg.core.readers.structures.frame import Frame
from xreg.core.readers.structures.symbols import element_of

__all__ = ["poscar_frame", "xdatcar_frames"]

# What VASP writes behind an element: the potential's variant and, since 6.4.2, its hash.
POTENTIAL = re.compile(r"([A-Za-z]{1,2})(?:_[A-Za-z0-9_.]+)?(?:/[0-9A-Za-z]*)?")
HEADER = 7  # lines of an XDATCAR above its first configuration
CONFIGURATION = re.compile(r"\s*direct\s+configuration\b", re.IGNORECASE)
FORMULA = re.compile(r"([A-Z][a-z]?)(\d*)")


def poscar_frame(lines: Sequence[str], name: str) -> Frame:
    """Return the structure of a POSCAR.

    Without a line of element symbols (VASP 4) they are taken from the comment line where that
    names as many elements as there are numbers of atoms, and refused otherwise.
    """
    return Frame.read(name, 0, _parsed, lines, name)


def xdatcar_frames(lines: Sequence[str], name: str) -> Iterator[Frame]:
    """Yield each configuration of an XDATCAR, bad ones with the reason.

    Raises
    ------
    DataError
        If it has no line ``Direct configuration=``.
    """
    starts = [n for n, line in enumerate(lines) if CONFIGURATION.match(line)]
    if not starts or starts[0] < HEADER:
        raise DataError("it has no cell and line 'Direct configuration=' above its positions")
    header = lines[starts[0] - HEADER : starts[0]]
    for place, (start, stop) in enumerate(pairwise([*starts, len(lines)])):
        rows = lines[start + 1 : stop]
        # A cell that changes is written again above each configuration.
        again = stop < len(lines) and len(rows) >= HEADER and len(rows[-HEADER + 1].split()) == 1
        own = rows[:-HEADER] if again else rows
        frame = poscar_frame([*header, "Direct", *own], name)
        where = f"{name}, frame {place}" if starts[1:] else name
        yield replace(frame, where=where, place=place)
        header = rows[-HEADER:] if again else header


def _parsed(lines: Sequence[str], name: str) -> Frame:
    if len(lines) < 8:
        raise DataError("it is cut short: a POSCAR has eight lines and more")
    scale = _numbers(lines[1].partition("!")[0], "scale", (1, 3))
    vectors = np.array([_numbers(line, "cell vector", (3,))[:3] for line in lines[2:5]])
    scaling = _scaling(scale, vectors)
    words, notes = lines[5].partition("!")[0].split(), []
    counts_line = 6
    if words and words[0].lstrip("+-").isdigit():
        counts_line = 5
        counts = _counts(words)
        numbers, more = _of_comment(lines[0], counts)
    else:
        counts = _counts(lines[6].partition("!")[0].split())
        numbers, more = _symbols(words)
    if len(numbers) != len(counts):
        raise DataError(f"it has {len(numbers)} elements and {len(counts)} numbers of atoms")
    notes += more
    total, at = sum(counts), counts_line + 1
    if total > len(lines) - at:
        raise DataError(f"it announces {total} atoms and ends after {len(lines) - at} lines")
    if lines[at][:1].lower().strip() == "s" or lines[at].strip()[:1].lower() == "s":
        at += 1
    mode = lines[at].strip()[:1].lower()
    if mode not in ("c", "k", "d"):
        raise DataError(f"its line {at + 1} '{lines[at][:40]}' is neither Direct nor Cartesian")
    rows = _rows(lines, at + 1, total)
    elements = np.repeat(np.array(numbers, np.int32), counts)
    _check_names(lines[at + 1 : at + 1 + total], elements, at + 2)
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is refused by its length
        cell = vectors * scaling
        positions = rows * scaling if mode in "ck" else rows @ cell
    return Frame(
        name, 0, elements, positions, cell, np.ones(3, bool), notes=tuple(dict.fromkeys(notes))
    )


def _numbers(line: str, what: str, sizes: tuple[int, ...]) -> Array:
    """Return the leading numbers of a line."""
    found = []
    for word in line.split()[:3]:
        try:
            found.append(number(word))
        except ValueError:
            break
    if not found or (len(found) not in sizes and len(found) < max(sizes)):
        raise DataError(f"its line '{line.strip()[:40]}' is no {what}")
    return np.array(found)


def _scaling(scale: Array, vectors: Array) -> Array:
    """Return the factor of each Cartesian direction; a negative one gives the cell's volume."""
    if len(scale) == 3:
        if (scale <= 0).any():
            raise DataError("it has three scales that are not all positive")
        return scale
    volume = abs(float(np.linalg.det(vectors)))
    if not np.isfinite(scale[0]) or scale[0] == 0 or not np.isfinite(volume):
        raise DataError(f"its scale is {scale[0]:g}")
    if scale[0] > 0:
        return np.full(3, scale[0])
    if volume == 0:
        raise DataError("its cell has no volume")
    return np.full(3, (-scale[0] / volume) ** (1 / 3))


def _counts(words: Sequence[str]) -> list[int]:
    numbers = all(word.isascii() and word.isdigit() and len(word) < 10 for word in words)
    counts = [int(word) for word in words] if numbers else []
    if sum(counts) < 1:
        raise DataError(f"its line '{' '.join(words)[:40]}' is no list of numbers of atoms")
    return counts


def _symbols(words: Sequence[str]) -> tuple[list[int], list[str]]:
    if not words:
        raise DataError("it has no line of element symbols")
    numbers, notes = [], []
    for word in words:
        found = POTENTIAL.fullmatch(word)
        named = element_of(found[1] if found else word)
        if not found or named.problem:
            raise DataError(f"its line of symbols has '{word[:40]}', which is no element")
        numbers.append(named.number)
        if word != SYMBOLS[named.number] and word != found[1]:
            notes.append(f"{word} is read as {SYMBOLS[named.number]}")
        elif named.note:
            notes.append(named.note)
    return numbers, notes


def _of_comment(comment: str, counts: Sequence[int]) -> tuple[list[int], list[str]]:
    """Return the elements that the comment names, of a file of VASP 4."""
    words = comment.split()
    found = [FORMULA.fullmatch(word) for word in words]
    if len(found) == 1 and len(counts) > 1 and words:  # Cu4O4
        parts = list(FORMULA.finditer(words[0]))
        found = list(parts) if "".join(p[0] for p in parts) == words[0] else []
    named = [element_of(match[1]) for match in found if match]
    fits = len(named) == len(found) == len(counts) and not any(n.problem for n in named)
    if fits and all(not m[2] or int(m[2]) == n for m, n in zip(found, counts, strict=True) if m):
        symbols = " ".join(match[1] for match in found if match)
        note = f"elements {symbols} are taken from its comment line, as VASP 4 has no other"
        return [n.number for n in named], [note, *(n.note for n in named if n.note)]
    raise DataError(
        f"it has no line of element symbols (VASP 4), and its comment '{comment.strip()[:40]}' "
        f"does not name {len(counts)} elements: add the line of symbols above the numbers of atoms"
    )


def _rows(lines: Sequence[str], first: int, total: int) -> Array:
    rows = np.empty((total, 3))
    for n in range(total):
        line = lines[first + n] if first + n < len(lines) else ""
        try:
            rows[n] = [number(word) for word in line.split()[:3]]
        except ValueError:
            if not line.strip():
                raise DataError(f"it announces {total} atoms and has {n}") from None
            raise DataError(f"its line {first + n + 1} '{line[:40]}' is no position") from None
    after = lines[first + total].split() if first + total < len(lines) else []
    try:
        more = len([number(word) for word in after[:3]]) == 3
    except ValueError:
        more = False
    if more:
        raise DataError(f"it announces {total} atoms and has more")
    return rows


def _check_names(lines: Sequence[str], elements: NDArray[np.int32], first: int) -> None:
    """Refuse a position behind which another element stands than its place says."""
    for n, line in enumerate(lines):
        words = [word for word in line.partition("!")[0].split()[3:] if word.upper() not in "TF"]
        named = element_of(words[-1]) if words and words[-1].isalpha() else None
        if named and not named.problem and named.number != elements[n]:
            raise DataError(
                f"its line {first + n} says {words[-1]}, and its numbers of atoms say another "
                "element"
            )
