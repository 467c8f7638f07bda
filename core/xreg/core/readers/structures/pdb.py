"""Models of PDB files, as fixed columns have them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.readers.numbers import number
from xreg.core.readers.structures.frame import NO_CELL, Frame
from xreg.core.readers.structures.symbols import element_of
from xreg.core.readers.structures.symmetry import cell_vectors

__all__ = ["pdb_frames"]

ATOMS = ("ATOM  ", "HETATM")
ENDS = ("MODEL", "ENDMDL", "END")
WHOLE = 0.999
NO_LENGTH = re.compile(r"|0*[01](?:\.0*)?|\.0*")
"""What stands for a cell's lengths where there is none: blanks, 0 or 1 Å."""


def pdb_frames(lines: Sequence[str], name: str) -> Iterator[Frame]:
    """Yield each model; bad ones with the reason.

    Refused are atoms without an element in its columns, partly occupied ones, alternative
    locations, and cells whose symmetry makes further atoms.
    """
    models: list[tuple[str, list[tuple[int, str]]]] = []
    cell, atoms = "", list[tuple[int, str]]()
    for n, line in enumerate([*lines, "END"], 1):
        record = line[:6].rstrip()
        if record == "CRYST1":
            cell = line
        elif line.startswith(ATOMS):
            atoms.append((n, line))
        elif record in ENDS and atoms:
            models.append((cell, atoms))
            atoms = []
    for place, (said, rows) in enumerate(models):
        where = f"{name}, frame {place}" if len(models) > 1 else name
        yield Frame.read(where, place, _parsed, said, rows, where, place)


def _parsed(said: str, rows: Sequence[tuple[int, str]], where: str, place: int) -> Frame:
    if other := [line[6:16].strip() for _, line in rows if line[16:17].strip()]:
        raise DataError(
            f"its atoms {', '.join(other[:4])} … have alternative locations: keep one of each"
        )
    if bare := [line[6:16].strip() for _, line in rows if not line[76:78].strip()]:
        raise DataError(f"its atoms {', '.join(bare[:4])} … have no element in columns 77 and 78")
    numbers, positions = np.empty(len(rows), np.int32), np.empty((len(rows), 3))
    notes, partly = [], []
    for i, (n, line) in enumerate(rows):
        word = line[76:78].strip()
        named = element_of(word if word in ("D", "T") else word.capitalize())
        if named.problem or not word.isalpha():
            raise DataError(f"its line {n} has '{word}' in columns 77 and 78, which is no element")
        notes += [named.note] if named.note else []
        numbers[i] = named.number
        try:
            positions[i] = [number(line[at : at + 8].strip()) for at in (30, 38, 46)]
            occupied = number(line[54:60].strip() or "1")
        except ValueError:
            raise DataError(f"its line {n} '{line[30:60]}' has no coordinates") from None
        partly += [] if occupied >= WHOLE else [str(i)]
    if partly:
        raise DataError(f"its atoms {', '.join(partly[:8])} are partly occupied")
    cell, more = _cell(said)
    notes = list(dict.fromkeys([*notes, *more]))
    return Frame(where, place, numbers, positions, cell, np.full(3, cell.any()), notes=tuple(notes))


def _cell(line: str) -> tuple[NDArray[np.float64], list[str]]:
    """Return the cell of a line CRYST1, zeros where there is none, and notes."""
    if not line:
        return NO_CELL, []
    words = [line[at:end].strip() for at, end in pairwise(STARTS)]
    if all(NO_LENGTH.fullmatch(word) for word in words[:3]):
        return NO_CELL, ["its CRYST1 is that of a structure without a cell"]
    vectors = cell_vectors(words)
    group = line[55:66].strip()
    if group.replace(" ", "").upper() not in ("", "P1"):
        raise DataError(
            f"its atoms are repeated by the space group '{group}' (CRYST1): write all atoms of the "
            "cell, with P 1, or leave CRYST1 out for a molecule"
        )
    return vectors, []


STARTS = (6, 15, 24, 33, 40, 47, 54)
