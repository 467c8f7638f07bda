"""Molecules of MOL and SDF files (V2000), with their data as fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from xreg.core.errors import DataError
from xreg.core.readers.numbers import number
from xreg.core.readers.structures.comments import NO_LABEL, charges_read, field_value
from xreg.core.readers.structures.frame import Frame
from xreg.core.readers.structures.symbols import name_elements

__all__ = ["molfile_frames"]

ITEM = re.compile(r">[^<]*<([^>]+)>")
BOND = re.compile(r"[ \d]{3}[ \d]{3}[ \d]{0,3}")


def molfile_frames(lines: Sequence[str], name: str) -> Iterator[Frame]:
    """Yield each molecule; bad ones with the reason."""
    records: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("$$$$"):
            records.append([])
        else:
            records[-1].append(line)
    records = [record for record in records if any(map(str.strip, record))]
    for place, record in enumerate(records):
        where = f"{name}, frame {place}" if len(records) > 1 else name
        yield Frame.read(where, place, _parsed, record, where, place)


def _parsed(lines: Sequence[str], where: str, place: int) -> Frame:
    if len(lines) < 4:
        raise DataError("it is cut short: a molecule has four lines and more")
    if "V3000" in lines[3]:
        raise DataError("it is written in version V3000, which is not read: write V2000, or xyz")
    if lines[1][20:22].upper() == "2D":
        raise DataError("it is a drawing in two dimensions, no structure")
    try:
        atoms, bonds = int(lines[3][:3]), int(lines[3][3:6])
    except ValueError:
        raise DataError(f"its line 4 '{lines[3][:40]}' counts no atoms and bonds") from None
    if atoms < 1 or bonds < 0 or 4 + atoms + bonds > len(lines):
        raise DataError(
            f"it announces {atoms} atoms and {bonds} bonds, and ends after {len(lines) - 4} lines"
        )
    words, positions = [], np.empty((atoms, 3))
    for n, line in enumerate(lines[4 : 4 + atoms]):
        cells = line.split()
        try:
            positions[n] = [number(cell) for cell in cells[:3]]
            words.append(cells[3])
        except (ValueError, IndexError):
            raise DataError(
                f"its line {5 + n} '{line.strip()[:40]}' is no atom of the {atoms} it announces"
            ) from None
    for n, line in enumerate(lines[4 + atoms : 4 + atoms + max(bonds, 1)], 5 + atoms):
        if "." in line[:10] or (bonds and not BOND.match(line)):
            raise DataError(
                f"it announces {atoms} atoms and {bonds} bonds, and its line {n} "
                f"'{line.strip()[:40]}' is no bond"
            )
    numbers, notes, problem = name_elements(words)
    if problem:
        raise DataError(problem)
    info, every = _items(lines[4 + atoms + bonds :]), np.array(numbers, np.int32)
    notes += charges_read(info)
    return Frame(where, place, every, positions, info=info, notes=tuple(notes))


def _items(lines: Sequence[str]) -> dict[str, Any]:
    """Return the data of a record that take one line each."""
    found: dict[str, Any] = {}
    for n, line in enumerate(lines[:-1]):
        if (item := ITEM.match(line)) and (name := NO_LABEL.sub("_", item[1]).strip("_.+-")):
            after = lines[n + 2].strip() if n + 2 < len(lines) else ""
            if not after and lines[n + 1].strip():
                value = field_value(lines[n + 1])
                if str(found.setdefault(name, value)) != str(value):
                    raise DataError(f"its data say '{name}' twice, {found[name]} and {value}")
    return found
