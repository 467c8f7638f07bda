"""Maps and series as commands take them: a file of a stack, several files, a folder, a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.measured.stack import Stack, read_stack
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.stacks.arrays import is_container
from xreg.core.text import counted, with_unit
from xreg.workbench.measured.named import by_grid, in_words, read_spectra

__all__ = [
    "is_map",
    "is_several",
    "joined",
    "read_stacks",
    "require_alive",
    "spectrum_rows",
    "told",
]

MOST_NAMED = 8
"""So many dead spectra are named in a remark; the arrays hold all."""


def is_several(places: Sequence[str]) -> bool:
    """Return whether places hold a map or series, and not one text spectrum."""
    if len(places) != 1:
        return True
    path = Path(places[0])
    return path.is_dir() or is_container(path)


def is_map(places: Sequence[str]) -> bool:
    """Return whether places are one file of a stack."""
    return len(places) == 1 and is_container(Path(places[0]))


def read_stacks(
    places: Sequence[str], columns: SpectrumColumns, channel: str = "", preferred: str = ""
) -> list[Stack]:
    """Read a map, or a series as one stack for each grid of energies.

    Parameters
    ----------
    places
        One .npz or HDF5 file with a stack; or text files, a folder of them, one .zarr store.
    columns
        What the user says of columns, or of the paths inside the file of a stack.
    channel, preferred
        Of a store; see :func:`xreg.workbench.measured.named.read_spectra`.

    Raises
    ------
    DataError
        If one cannot be read, or several files of stacks are given.
    """
    if is_map(places):
        stack = read_stack(Path(places[0]), columns)
        named = [(Path(places[0]).name, note) for note in stack.notes]
        return [replace(stack, notes=in_words(named))]
    if stacks := [place for place in places if is_container(Path(place))]:
        raise DataError(f"'{stacks[0]}' holds a stack of its own; give it alone.")
    spectra = read_spectra(places, columns, channel, preferred)
    return [
        replace(
            Stack.of([one.name for one in alike], [one.measured for one in alike]),
            notes=in_words([(one.name, note) for one in alike for note in one.notes]),
        )
        for alike in by_grid(spectra)
    ]


def require_alive(stacks: Sequence[Stack]) -> None:
    """Refuse stacks in which every spectrum is dead."""
    if not any((stack.dead == "").any() for stack in stacks):
        count = sum(map(len, stacks))
        if count == 1:
            raise DataError(f"the spectrum is {stacks[0].dead[0]}: there is nothing in it.")
        words = "; ".join(stack.dead_in_words for stack in stacks)
        raise DataError(f"all {count:,} spectra are dead ({words}): there is nothing in them.")


def told(stacks: Sequence[Stack]) -> list[str]:
    """Return what a reader of results has to know of how spectra were read, a sentence each."""
    found = [note for stack in stacks for note in stack.notes]
    for stack in stacks:
        rows = np.flatnonzero(stack.dead != "")
        if rows.size:
            named = "; ".join(stack.name(int(row)) for row in rows[:MOST_NAMED])
            more = "; …" if rows.size > MOST_NAMED else ""
            what = "pixel" if stack.is_map else "spectrum"
            plural = "pixels" if stack.is_map else "spectra"
            found.append(
                f"{counted(len(rows), what, plural)} of {len(stack):,} left out as dead "
                f"({stack.dead_in_words}): {named}{more}."
            )
    return found


def joined(stacks: Sequence[Stack]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return shape and names of all spectra of stacks together, in their order."""
    if len(stacks) == 1:
        return stacks[0].shape, stacks[0].names
    return (sum(map(len, stacks)),), tuple(name for stack in stacks for name in stack.names)


def spectrum_rows(
    columns: Mapping[str, NDArray[Any]],
    shape: tuple[int, ...],
    names: Sequence[str] = (),
    units: Mapping[str, str] | None = None,
) -> list[list[Any]]:
    """Return a table with a row for each spectrum: its name, or its place, then all columns."""
    places = [[name] for name in names] if names else [[*at] for at in np.ndindex(shape)]
    heads = ["spectrum"] if names or len(shape) == 1 else ["row", "column"]
    told = [with_unit(name, (units or {}).get(name, "")) for name in columns]
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [[*heads, *told], *([*at, *row] for at, row in zip(places, values, strict=True))]
