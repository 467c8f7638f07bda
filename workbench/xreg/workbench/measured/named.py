"""Measured spectra by name, from text files or a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.dataset import Dataset
from xreg.core.data.specimens import Specimens
from xreg.core.errors import DataError
from xreg.core.measured.fluorescence import is_fluorescence, thick_in_words
from xreg.core.measured.spectrum import Measured, read_measured
from xreg.core.readers.spectra.columns import SpectrumColumns

__all__ = ["Named", "by_grid", "fluorescence_of", "in_words", "read_spectra"]

# Spectra whose energies agree to this many eV are compared at once.
SAME_GRID = 1e-6


@dataclass(frozen=True)
class Named:
    """A measured spectrum and what it is called."""

    name: str
    measured: Measured
    notes: tuple[str, ...] = ()


def read_spectra(
    places: Sequence[str], columns: SpectrumColumns, channel: str = "", preferred: str = ""
) -> list[Named]:
    """Read measured spectra: text files, folders of them, or one store.

    Parameters
    ----------
    places
        Paths; of a folder all files, but those whose name begins with a dot.
    columns
        What the user says of the columns of text files.
    channel
        Channel of the store; ``preferred`` or else its first if empty.
    preferred
        The library's channel.

    Raises
    ------
    DataError
        If one cannot be read, or two have one name.
    """
    if any(place.endswith(".zarr") for place in places):
        if len(places) > 1:
            raise DataError("give one .zarr store of measured spectra, or text files.")
        return _stored(places[0], channel, preferred)
    found = []
    for place in _files(places):
        measured, notes = read_measured(Path(place), columns)
        found.append(Named(Path(place).name, measured, tuple(notes)))
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        names = _files(places)
        if len(set(names)) < len(names):
            raise DataError(f"the spectrum '{_twice(names)}' is given twice.")
        found = [replace(one, name=name) for name, one in zip(names, found, strict=True)]
    return found


def _files(places: Sequence[str]) -> list[str]:
    """Return the files themselves, and those of folders in order of their names."""
    found: list[str] = []
    for place in places:
        if not Path(place).is_dir():
            found.append(place)
            continue
        inside = sorted(
            str(path)
            for path in Path(place).iterdir()
            if path.is_file() and not path.name.startswith(".")
        )
        if not inside:
            raise DataError(f"the folder '{place}' holds no files.")
        found += inside
    return found


def _twice(names: Sequence[str]) -> str:
    return next(name for i, name in enumerate(names) if name in names[:i])


def _stored(place: str, channel: str, preferred: str) -> list[Named]:
    from xreg.core.data.dataset import require_finite
    from xreg.core.data.spectra import NOISE
    from xreg.registry.datasets import open_dataset

    dataset = open_dataset(place)
    own = channel or (preferred if preferred in dataset.spectra else next(iter(dataset.spectra)))
    found = dataset.spectra[own]
    if found.energy is None:
        raise DataError(f"channel '{own}' of '{place}' has target features, no spectra.")
    values = np.asarray(found.intensity[:], np.float64)
    ids = dataset.samples.ids
    require_finite(values, ids, f"channel '{own}' of '{place}'")
    noise = dataset.spectra.get(f"{own}{NOISE}")
    spread = None if noise is None else np.asarray(noise.intensity[:], np.float64)
    notes = fluorescence_of(dataset, found.energy)
    return [
        Named(
            str(name),
            Measured(found.energy, y, None if spread is None else spread[i]),
            (notes[i],) if i in notes else (),
        )
        for i, (name, y) in enumerate(zip(ids.tolist(), values, strict=True))
    ]


def fluorescence_of(dataset: Dataset, energies: ArrayLike = ()) -> dict[int, str]:
    """Return what is to be known of the samples that were measured in fluorescence, by row.

    Parameters
    ----------
    dataset
        Specimens whose label ``mode`` says how they were measured.
    energies
        (m,) energies in eV of the channel that is looked at.
    """
    samples = dataset.samples
    if not isinstance(samples, Specimens):
        return {}
    modes = [np.asarray(v).astype(str) for k, v in dataset.labels.items() if _is_mode(k)]
    edges = np.asarray(dataset.labels.get("edge", [""] * len(samples))).astype(str)
    found: dict[int, str] = {}
    said: dict[tuple[str, str, str], str] = {}
    for row, one in enumerate(samples):
        if not any(is_fluorescence(str(mode[row])) for mode in modes):
            continue
        key = (one.composition, SYMBOLS[one.absorber] if one.absorber else "", str(edges[row]))
        if key not in said:
            said[key] = thick_in_words(*key, energies)
        found[row] = said[key]
    return found


def _is_mode(label: str) -> bool:
    return label.rpartition(".")[2] == "mode"


def in_words(notes: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return notes, each with the name of what it is about, a sentence for each different one."""
    files: dict[str, list[str]] = {}
    for name, note in notes:
        files.setdefault(note, []).append(name)
    more = {note: f" and {len(names) - 1:,} more" for note, names in files.items() if names[1:]}
    return tuple(f"In {names[0]}{more.get(note, '')}, {note}." for note, names in files.items())


def by_grid(spectra: Sequence[Named]) -> list[list[Named]]:
    """Return spectra that have the same energies together, in the order of the first of each."""
    groups: list[list[Named]] = []
    for one in spectra:
        energy = one.measured.energy
        for group in groups:
            first = group[0].measured.energy
            if len(first) == len(energy) and np.abs(first - energy).max() < SAME_GRID:
                group.append(one)
                break
        else:
            groups.append([one])
    return groups
