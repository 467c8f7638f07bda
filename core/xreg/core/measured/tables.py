"""From tables of beamlines to specimens and their spectra; importers of measured files share it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.atoms.elements import SYMBOLS, atomic_number
from xreg.core.data.specimens import Specimen
from xreg.core.data.spectra import NOISE
from xreg.core.errors import ConfigError, DataError
from xreg.core.interfaces.importer import Entry
from xreg.core.measured.fluorescence import composition_field, fluorescence_notes, mode_of
from xreg.core.readers.energies import LOWEST, require_no_kev
from xreg.core.readers.importing.curve import Curve, stated_unit
from xreg.core.readers.importing.fields import NAMES, OwnFields, own_fields
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.importing.settings import MeasuredSettings
from xreg.core.readers.spectra.blocks import split_blocks
from xreg.core.readers.spectra.choice import ENERGIES, choose
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import ANGLE_NAMES, spectrum_of
from xreg.core.readers.spectra.table import Table, read_table
from xreg.core.readers.text import lines_of

__all__ = [
    "LABEL_UNITS",
    "TableReader",
    "labels_of",
    "names_energy",
    "note_file",
    "stem_of",
    "table_of",
    "text_entries",
]

LABEL_UNITS = {"temperature": "K"}
"""Units of the labels that :func:`labels_of` turns into numbers."""
# Fields that say how the table is laid out, or that become something else than a label.
LAYOUT = re.compile(r"(column\.\d+|element\.(symbol|edge)|fdmnes\..*)")
TEMPERATURE = re.compile(
    r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(K|kelvin|°?\s*C|celsius|deg(?:ree)?s?\s*C)"
)
HIGHEST = 2e5
"""eV; the K edges of the heaviest elements lie at 150 keV."""
CELSIUS = 273.15
NAME = re.compile(r"[^A-Za-z0-9_.+-]+")


@dataclass(frozen=True, eq=False)
class TableReader:
    """Makes entries of tables, as the settings of an importer ask."""

    config: MeasuredSettings
    log: ImportLog

    def entry(
        self, table: Table, file: str, name: str, labels: Mapping[str, Any] | None = None
    ) -> Entry:
        """Return the specimen of a table with its spectrum.

        A column of standard deviations becomes a channel of its own, ``<channel>_noise``.

        Raises
        ------
        DataError
            If it is no spectrum, the columns are not clear, or the file names another absorber than
            the settings do.
        """
        asked = self.config.columns
        found = spectrum_of(table, asked)
        chosen = choose(table, asked)
        if not asked.unit and NAMES.lower() not in table.fields:
            stated = table.units[chosen.energy]
            if stated or table.names[chosen.energy].lower() not in ANGLE_NAMES:
                _require_electronvolts(found.energy, stated)
            require_no_kev(found.energy, found.element, found.edge)
        for note in found.notes:
            self.log.remark(file, note)
        signal = asked.signal or table.names[chosen.signal[0]] or str(chosen.signal[0] + 1)
        channel, unit = self.config.channel, stated_unit(found.unit)
        absorber = self.absorber(found.element)
        own = own_fields(table.fields, absorber)
        if own is not None and channel == MeasuredSettings.model_fields["channel"].default:
            channel = own.channel or channel
        curves = {channel: Curve(found.energy, found.intensity, unit)}
        if found.noise is not None:
            curves[f"{channel}{NOISE}"] = Curve(found.energy, found.noise, unit)
        if own is not None:
            return self._own(own, file, curves)
        composition = composition_field(table.fields)
        fields = {k: v for k, v in table.fields.items() if k != composition}
        known = {"signal": signal, **labels_of(fields), **(labels or {})}
        if mode := mode_of(table, chosen):
            known.setdefault("mode", mode)
        if found.edge:
            known["edge"] = found.edge
        made_of = table.fields.get(composition, "")
        element = SYMBOLS[absorber] if absorber else ""
        for note in fluorescence_notes(table, chosen, found, element):
            self.log.remark(file, note)
        return Entry(file, [Specimen(name, made_of, absorber)], curves, known)

    def _own(self, own: OwnFields, file: str, curves: Mapping[str, Curve]) -> Entry:
        """Return the sample of a file that xreg wrote, with all that it knew of it."""
        log = self.log
        log.label_units, log.parameter_units = own.label_units, own.parameter_units
        for name, part in own.splits.items():
            log.splits.setdefault(name, {})[own.sample.id] = part
        return Entry(file, [own.sample], curves, own.labels)

    def absorber(self, element: str) -> int:
        """Return the atomic number of the element that a file names, or the settings do; else 0.

        Raises
        ------
        ConfigError, DataError
            If the settings name no element, or another one than the file.
        """
        asked = self.config.absorber
        if asked is None:
            return atomic_number(element) if element in SYMBOLS[1:] else 0
        if asked not in SYMBOLS[1:]:
            raise ConfigError(
                f"--absorber {asked}: samples without structures have no atoms to count; give the "
                "symbol of the absorbing element, such as Fe."
            )
        if element in SYMBOLS[1:] and element != asked:
            raise DataError(f"its header says {element}, and --absorber {asked}")
        return atomic_number(str(asked))


def text_entries(source: Path, reader: TableReader) -> Iterator[Entry]:
    """Yield the spectra of a text file: one, or one of each scan where no scan is asked for.

    Raises
    ------
    DataError
        If the file is no text, or holds no table.
    """
    log, scan = reader.log, reader.config.columns.scan
    content = log.read(source)
    scans = [scan] if scan else _scans(content)
    for one in scans:
        where = f"{source}, scan {one}" if len(scans) > 1 else str(source)
        with log.entry(where):
            table = read_table(content, one)
            name = f"{stem_of(source)}-{one}" if len(scans) > 1 else stem_of(source)
            labels = {"file": stem_of(source), "scan": one} if len(scans) > 1 else {}
            yield reader.entry(table, where, name, labels)


def _scans(content: bytes) -> list[str]:
    try:
        blocks = split_blocks(lines_of(content))
    except DataError:
        return [""]  # what reads it tells the reason
    return [block.number for block in blocks] if len(blocks) > 1 else [""]


def _require_electronvolts(energy: NDArray[np.float64], stated: str) -> None:
    """Refuse energies that may be keV where no unit is told, or eV where keV are."""
    span = f"{energy[0]:g} … {energy[-1]:g}"
    if energy[-1] < LOWEST and not stated:
        raise DataError(
            f"its energies are {span} and their unit is not told; say --unit keV, or --unit eV"
        )
    if energy[-1] > HIGHEST:
        raise DataError(
            f"its energies reach {energy[-1]:g} eV by its header, and no edge lies so high; say "
            "--unit eV or --unit keV"
        )


def table_of(
    columns: Mapping[str, ArrayLike],
    units: Mapping[str, str] | None = None,
    fields: Mapping[str, str] | None = None,
) -> Table:
    """Return a table of named columns, as one of a text would be.

    Parameters
    ----------
    columns
        (r,) numbers each, by name; NaN where one is missing.
    units
        Unit of a column, by name.
    fields
        What else is told, by names as in XDI (``element.symbol``).
    """
    values = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns.values()])
    gaps = {(int(i), int(j)): "nan" for i, j in np.argwhere(~np.isfinite(values))}
    known = tuple((units or {}).get(name, "") for name in columns)
    rows = range(1, len(values) + 1)
    return Table(values, tuple(columns), known, dict(fields or {}), True, rows, _cells=gaps)


def note_file(log: ImportLog, source: Path) -> None:
    """Account for a file that a library reads, without holding it in memory."""
    with source.open("rb") as file:
        log.seen(source.name, hashlib.file_digest(file, "sha256").digest())


def names_energy(table: Table, asked: SpectrumColumns) -> bool:
    """Whether a column is asked for as the energy, or named so."""
    names = [name.lower() for name in table.names]
    return bool(asked.energy) or any(
        name in known or "energ" in name for known in ENERGIES[:3] for name in names
    )


def stem_of(source: Path) -> str:
    """Return the name of a file without its last suffix, as the name of a sample."""
    return source.stem or source.name


def labels_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what a header tells, by names that labels can have.

    Texts stay texts; a temperature is a number in K. Fields that lay out the table, or name the
    absorber, are none.
    """
    found: dict[str, Any] = {}
    for field, value in fields.items():
        if not value or LAYOUT.fullmatch(field):
            continue
        if field == "sample.temperature" and (kelvin := _kelvin(value)) is not None:
            found["temperature"] = kelvin
        else:
            name = field.removeprefix("label.")  # the family in which xreg writes labels
            found[NAME.sub("_", name).lstrip("_.+-") or "field"] = value
    return found


def _kelvin(text: str) -> float | None:
    """Return a temperature in K, None where it is none with a unit (``room temperature``)."""
    number = TEMPERATURE.fullmatch(text.strip())
    if number is None:
        return None
    try:
        value = float(number[1])
    except ValueError:
        return None
    return value if number[2].lower().startswith("k") else value + CELSIUS
