"""What an entry of a NeXus file holds: columns, texts, and what it marks as a signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.errors import DataError
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.stored import stored
from xreg.plugins.nexus.hdf5 import (
    DEEPEST,
    LONGEST,
    MOST_NUMBERS,
    MOST_OBJECTS,
    follow,
    identity,
    member,
    text_in,
    text_of,
)

if TYPE_CHECKING:
    import h5py

__all__ = ["Contents", "contents_of"]

# Texts of an entry that become labels or fields, by the end of their path.
TEXTS = {
    "title": "title",
    "start_time": "start_time",
    "sample/name": "sample.name",
    "sample/chemical_formula": "sample.stoichiometry",
    "sample/description": "sample.description",
    "instrument/name": "beamline.name",
    "instrument/beamline": "beamline.name",
    "source/name": "facility.name",
    "data/mode": "mode",
    "mode": "mode",
    "element/symbol": "element.symbol",
    "element": "element.symbol",
    "absorption_edge/name": "element.edge",
    "absorption_edge": "element.edge",
    "edge": "element.edge",
}
# What marks the signal among the datasets of a group in files before 2014.
MAIN = ("1", "[1]")
# Attributes with which numbers are stored in fewer bytes, and the values that change nothing.
SCALES = {"scale_factor": 1, "scaling_factor": 1, "add_offset": 0}


@dataclass
class Contents:
    """What one entry of a file holds.

    Attributes
    ----------
    columns
        Path below the entry and values of each one-dimensional dataset of numbers.
    units
        Their units.
    fields
        Texts by names as in XDI.
    signals
        Path of each dataset that the file marks as a signal.
    others
        What each further dataset is, in words.
    outside
        Path of each member that lies in another file.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    signals: list[str] = field(default_factory=list)
    others: dict[str, str] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)

    @property
    def left_out(self) -> str:
        """The datasets that are no columns, in words; empty where there are none."""
        some = [f"{path} ({what})" for path, what in list(self.others.items())[:4]]
        return ", ".join(some) + (", …" if len(self.others) > 4 else "")


def contents_of(entry: h5py.Group, where: str, log: ImportLog) -> Contents:
    """Return what an entry holds; each object is looked at once."""
    import h5py

    found, seen, held = Contents(), 0, 0
    stack: list[tuple[str, h5py.Group, int]] = [("", entry, 0)]
    places: dict[tuple[Any, ...], str] = {}
    marked: list[tuple[str, Any]] = []
    while stack:
        prefix, group, depth = stack.pop()
        if depth > DEEPEST:
            raise DataError(f"its {group.name} is more than {DEEPEST} groups deep")
        if signal := text_of(group.attrs.get("signal")):
            marked.append((f"{prefix}{signal}", follow(group, signal)))
        for name in group:
            seen += 1
            if seen > MOST_OBJECTS:
                raise DataError(f"it holds more than {MOST_OBJECTS} objects")
            child = _met(group, name, f"{prefix}{name}", entry, where, log, found)
            if child is None or (token := identity(child)) in places:
                continue
            path = places[token] = f"{prefix}{name}"
            if isinstance(child, h5py.Group):
                stack.append((f"{path}/", child, depth + 1))
            elif isinstance(child, h5py.Dataset):
                held += _read_into(child, path, found)
                if held > MOST_NUMBERS:
                    raise DataError(f"it holds more than {MOST_NUMBERS} numbers in columns")
                if _is_main(child.attrs.get("signal")):
                    marked.append((path, child))
        if text_of(group.attrs.get("NX_class")) == "NXdata":
            _set_aside_scaled(prefix, signal, found)
    _note_signals(marked, places, found)
    return found


def _note_signals(
    marked: Sequence[tuple[str, Any]], places: Mapping[tuple[Any, ...], str], found: Contents
) -> None:
    """Take down where what is marked as a signal stands."""
    import h5py

    for path, node in marked:
        known = places.get(identity(node)) if isinstance(node, h5py.Dataset) else None
        if known is None:
            found.others.setdefault(path, "marked as the signal, and not there")
        found.signals.append(known or path)


def _is_main(mark: Any) -> bool:
    return mark is not None and (text_of(mark) or str(mark)) in MAIN


def _met(
    group: h5py.Group, name: str, path: str, entry: h5py.Group, where: str, log: ImportLog,
    found: Contents,
) -> Any:  # fmt: skip
    """Return a member of a group, or what a soft link names elsewhere in the file."""
    import h5py

    child = member(group, name, where, log)
    if child is not None:
        return child
    if isinstance(group.get(name, getlink=True), h5py.SoftLink):
        return _elsewhere(group, name, entry)
    found.outside.append(path)
    return None


def _elsewhere(group: h5py.Group, name: str, entry: h5py.Group) -> Any:
    """Return what a soft link names in the file but outside of the entry; what is in it is met."""
    node = follow(group, name)
    if node is None or node.name is None:
        return None
    inside = node.name == entry.name or node.name.startswith(entry.name.rstrip("/") + "/")
    above = entry.name.startswith(node.name.rstrip("/") + "/")
    return None if inside or above else node


def _set_aside_scaled(prefix: str, signal: str, found: Contents) -> None:
    """Take no column whose numbers are to be multiplied or shifted first."""
    for end, plain in (("scaling_factor", 1.0), ("offset", 0.0)):
        for path in [p for p in found.columns if p.startswith(prefix) and p.endswith(end)]:
            name = path.removeprefix(prefix)
            column = f"{prefix}{signal if name == end else name.removesuffix(f'_{end}')}"
            if column in found.columns and column != path and (found.columns[path] != plain).any():
                del found.columns[column]
                found.others[column] = f"to be scaled by {path}"


def _read_into(dataset: h5py.Dataset, path: str, found: Contents) -> int:
    """Take a column of numbers, or a text that is known by its place; return how many numbers."""
    for name, plain in SCALES.items():
        if name in dataset.attrs and not np.all(dataset.attrs[name] == plain):
            found.others[path] = f"to be scaled by its {name}"
            return 0
    kind = dataset.dtype.kind
    if kind in "iuf" and dataset.ndim <= 1 and dataset.size:
        if dataset.size > LONGEST:
            raise DataError(f"its {path} has {dataset.size} numbers, more than {LONGEST}")
        try:
            found.columns[path] = np.asarray(stored(dataset), dtype=np.float64)
        except (OSError, RuntimeError, MemoryError) as error:
            raise DataError(f"its {path} cannot be read ({error})") from None
        if unit := text_of(dataset.attrs.get("units")):
            found.units[path] = unit
        return int(dataset.size)
    if kind in "iufcV" and dataset.size != 1:
        shape = " × ".join(map(str, dataset.shape or (0,)))
        what = {"V": "rows of several values", "c": "complex numbers"}.get(kind, "numbers")
        found.others[path] = f"{shape} {what}"
        return 0
    if dataset.size != 1 or kind not in "OSU":
        if dataset.ndim and kind in "OSUb":
            found.others[path] = f"{dataset.size} {'truth values' if kind == 'b' else 'texts'}"
        return 0
    for end, name in TEXTS.items():
        if (path == end or path.endswith(f"/{end}")) and (text := text_in(dataset)):
            found.fields.setdefault(name, text)
    return 0
