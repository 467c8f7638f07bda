"""Tables of spectra, a row an energy and a column a sample, as xreg writes them."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS, atomic_number
from xreg.core.data.samples import ParameterSet
from xreg.core.data.specimens import Specimen
from xreg.core.data.splits import PARTS
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.readers.energies import require_no_kev
from xreg.core.readers.importing.curve import ARBITRARY, Curve
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.numbers import number_of
from xreg.core.readers.spectra.ends import CUT_OFF, is_cut_off
from xreg.plugins.csv.cells import (
    ENDING,
    ENERGY,
    LABEL,
    SAMPLES,
    SPLIT,
    UNIT,
    name_and_unit,
    values_of,
)
from xreg.plugins.csv.plugin import CsvImportConfig

__all__ = ["CsvImporter"]

HEADS = (ENERGY.encode(), f'"{ENERGY}"'.encode())
STD = " std"
Rows = list[list[str]]


@dataclass
class Known:
    """What the table of samples says, sample by sample in its order."""

    ids: list[str]
    channels: dict[str, str] = field(default_factory=dict)
    labels: dict[str, list[Any]] = field(default_factory=dict)
    parameters: dict[str, list[Any]] = field(default_factory=dict)
    splits: dict[str, list[str]] = field(default_factory=dict)
    composition: list[str] = field(default_factory=list)
    absorber: list[str] = field(default_factory=list)


class CsvImporter(Importer[CsvImportConfig]):
    """Each column behind ``energy (eV)`` is a sample, called as its head.

    ``NAME.samples.csv`` beside ``NAME.csv`` says what is known of the samples, and names the
    channels ``NAME.<channel>.csv`` where there are several; any of these files stands for all.
    Without it samples have a name and no more, and columns ``<id> std`` (of ``xreg predict``)
    become a channel of their own.
    """

    name: ClassVar[str] = "csv"
    Config = CsvImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the first cell, ``energy (eV)`` or, of a table of samples, ``id``."""
        if path.suffix.lower() != ENDING or not path.is_file():
            return 0.0
        head = head.removeprefix(BOM_UTF8)  # as sheets of Excel begin
        if path.name.endswith(f".{SAMPLES}{ENDING}"):
            return 0.9 if head.startswith(b"id") and UNIT.encode() in head else 0.0
        return 0.9 if head.startswith(HEADS) else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each sample."""
        place = _samples_beside(source)
        if place is None:
            yield from self._columns(source, log)
            return
        known = _known(_rows(place, log), place, log)
        stem = place.name[: -len(f".{SAMPLES}{ENDING}")]
        tables = {}
        for name in known.channels:
            single = place.with_name(f"{stem}{ENDING}")
            file = place.with_name(f"{stem}.{name}{ENDING}") if len(known.channels) > 1 else single
            tables[name] = _table(_rows(file, log), file)
            if sorted(tables[name][0]) != sorted(known.ids):
                raise DataError(f"'{file}' and '{place}' do not name the same samples.")
        for i, name in enumerate(known.ids):
            where = f"{place.name}, sample {name}"
            with log.entry(where):
                curves = {
                    channel: Curve(energy, columns[ids.index(name)], known.channels[channel])
                    for channel, (ids, energy, columns) in tables.items()
                }
                labels = {key: values[i] for key, values in known.labels.items()}
                yield Entry(where, [_sample(known, i)], curves, labels)
                for split, parts in known.splits.items():
                    if parts[i]:
                        log.splits.setdefault(split, {})[name] = parts[i]

    def _columns(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield the columns of a table with nothing beside it."""
        log.remark(source.name, "no table of samples stands beside it: their names alone are known")
        ids, energy, columns = _table(_rows(source, log), source)
        rows = dict(zip(ids, columns, strict=True))
        spread = [name for name in ids if not name.endswith(STD)]
        paired = 2 * len(spread) == len(ids) and all(f"{name}{STD}" in rows for name in spread)
        for name in spread if paired else ids:
            where = f"{source.name}, column {name}"
            with log.entry(where):
                require_no_kev(energy)
                curves = {self.config.channel: Curve(energy, rows[name])}
                if paired:
                    curves[f"{self.config.channel}_std"] = Curve(energy, rows[f"{name}{STD}"])
                yield Entry(where, [Specimen(name)], curves)


def _samples_beside(source: Path) -> Path | None:
    """Return the table of samples of a table."""
    if source.name.endswith(f".{SAMPLES}{ENDING}"):
        return source
    stem = source.name[: -len(ENDING)]
    for name in (stem, stem.rpartition(".")[0]):
        if name and (place := source.with_name(f"{name}.{SAMPLES}{ENDING}")).is_file():
            return place
    return None


def _rows(file: Path, log: ImportLog) -> Rows:
    content = log.read(file)
    if is_cut_off(content):
        log.remark(file.name, CUT_OFF)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"'{file}' is no text in UTF-8.") from None
    # The separator is what stands between the first two cells; ids may hold any other.
    first = text.removeprefix('"').removeprefix("id").removeprefix(ENERGY).removeprefix('"')
    separator = first[:1] if first[:1] in (",", ";", "\t") else ","
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise DataError(f"'{file}' is no table of text ({error}).") from None
    rows = [row for row in rows if row]
    if len(rows) < 2:
        raise DataError(f"'{file}' has {len(rows)} rows; it holds no table.")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise DataError(
                f"'{file}', row {number} has {len(row)} cells where the first has {len(rows[0])}."
            )
    heads = Counter(rows[0])
    if twice := [head for head, count in heads.items() if count > 1]:
        raise DataError(f"'{file}' has two columns called '{twice[0]}'; rename one.")
    return rows


def _table(rows: Rows, file: Path) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Return ids, (m,) energies and (n, m) intensities."""
    if rows[0][0] != ENERGY:
        raise DataError(f"'{file}' begins with '{rows[0][0][:40]}', not with '{ENERGY}'.")
    values = np.empty((len(rows) - 1, len(rows[0])))
    for i, row in enumerate(rows[1:]):
        for j, cell in enumerate(row):
            if (number := number_of(cell)) is None:
                raise DataError(f"'{file}', row {i + 2} holds '{cell[:40]}', which is no number.")
            values[i, j] = number
    return rows[0][1:], values[:, 0], values[:, 1:].T


def _known(rows: Rows, file: Path, log: ImportLog) -> Known:
    """Return what a table of samples says, and note units in the log."""
    head, *body = rows
    columns = dict(zip(head, map(list, zip(*body, strict=True)), strict=True))
    if "id" not in columns or len(set(columns["id"])) < len(body):
        raise DataError(f"'{file}' has no column 'id', or an id twice.")
    found = Known(columns.pop("id"))
    found.composition = columns.pop("composition", [])
    found.absorber = columns.pop("absorber", [])
    if unknown := sorted({*found.absorber} - {"", *SYMBOLS[1:]}):
        raise DataError(f"'{file}': '{unknown[0]}' is no symbol of an absorbing element.")
    labels: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for name, cells in columns.items():
        if name.startswith(UNIT):
            found.channels[name.removeprefix(UNIT)] = cells[0] or ARBITRARY
        elif name.startswith(SPLIT):
            if wrong := sorted({*cells} - {"", *PARTS}):
                raise DataError(f"'{file}': '{wrong[0]}' is no part of a split.")
            found.splits[name.removeprefix(SPLIT)] = cells
        elif name.startswith(LABEL):
            label, unit = name_and_unit(name.removeprefix(LABEL))
            found.labels[label] = values_of(cells)
            labels |= {label: unit} if unit else {}
        else:
            parameter, parameters_unit = name_and_unit(name)
            found.parameters[parameter] = _numbers(cells, name, file)
            parameters[parameter] = parameters_unit
    if not found.channels:
        raise DataError(f"'{file}' names no channel; a column 'unit <channel>' does.")
    log.label_units, log.parameter_units = labels, parameters
    return found


def _numbers(cells: Sequence[str], name: str, file: Path) -> list[float]:
    values = [number_of(cell) for cell in cells]
    if any(value is None or not np.isfinite(value) for value in values):
        raise DataError(f"'{file}': the parameter '{name}' is not a number everywhere.")
    return [float(value) for value in values if value is not None]


def _sample(known: Known, i: int) -> Specimen | ParameterSet:
    name = known.ids[i]
    if known.parameters:
        return ParameterSet(name, {key: values[i] for key, values in known.parameters.items()})
    symbol = known.absorber[i] if known.absorber else ""
    made_of = known.composition[i] if known.composition else ""
    return Specimen(name, made_of, atomic_number(symbol) if symbol else 0)
