"""DFTB+'s gen: clusters, and cells with positions in Å or fractions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xreg.core.errors import DataError
from xreg.core.readers.numbers import number, whole_number
from xreg.core.readers.structures.frame import NO_CELL, Frame
from xreg.core.readers.structures.symbols import name_elements

__all__ = ["gen_frame"]


def gen_frame(lines: Sequence[str], name: str) -> Frame:
    """Return the structure of a gen file."""
    return Frame.read(name, 0, _parsed, lines, name)


def _parsed(lines: Sequence[str], name: str) -> Frame:
    rows = [(n, words) for n, line in enumerate(lines, 1) if (words := line.split("#")[0].split())]
    head = rows[0][1]
    kind = head[1].upper() if len(head) == 2 else ""
    count, tail = whole_number(head[0]), 0 if kind == "C" else 4
    if count is None or kind not in ("C", "S", "F"):
        helix = ", a helix, which is not read" if kind == "H" else ""
        raise DataError(f"its first line '{' '.join(head)[:40]}' is no number and C, S or F{helix}")
    if len(rows) < 2 or len(rows) - 2 != count + tail:
        raise DataError(
            f"it announces {count} atoms{' and a cell' if tail else ''}, {count + tail} lines, and "
            f"has {max(len(rows) - 2, 0)}"
        )
    symbols, notes, problem = name_elements(rows[1][1])
    if problem:
        raise DataError(problem)
    kinds, values = [], np.empty((count + tail, 3))
    for i, (n, words) in enumerate(rows[2:]):
        try:
            if i < count:
                kinds.append(range(1, len(symbols) + 1).index(int(words[1])))
            values[i] = [number(word) for word in (words[2:] if i < count else words)]
        except (ValueError, IndexError):
            what = "atom" if i < count else "vector"
            raise DataError(f"its line {n} '{lines[n - 1].strip()[:40]}' is no {what}") from None
    cell = values[count + 1 :] if tail else NO_CELL
    positions = values[:count] @ cell if kind == "F" else values[:count]
    numbers = np.array(symbols, np.int32)[kinds]
    return Frame(name, 0, numbers, positions, cell, np.full(3, tail > 0), notes=tuple(notes))
