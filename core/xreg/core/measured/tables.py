"""From tables of beamlines to specimens and their spectra; importers of measured files share it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xreg.core.atoms.elements import SYMBOLS, atomic_number
from xreg.core.data.specimens import Specimen
from xreg.core.errors import ConfigError, DataError
from xreg.core.interfaces.importer import Entry
from xreg.core.readers.importing.curve import Curve
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.importing.settings import MeasuredSettings
from xreg.core.readers.spectra.blocks import split_blocks
from xreg.core.readers.spectra.choice import choose
from xreg.core.readers.spectra.spectrum import spectrum_of
from xreg.core.readers.spectra.table import Table, read_table
from xreg.core.readers.text import lines_of

__all__ = ["LABEL_UNITS", "TableReader", "labels_of", "stem_of", "text_entries"]

LABEL_UNITS = {"temperature": "K"}
"""Units of the labels that :func:`labels_of` turns into numbers."""
# Fields that say how the table is laid out, or that become something else than a label.
LAYOUT = re.compile(r"(column\.\d+|element\.(symbol|edge)|fdmnes\..*)")
COMPOSITION = ("sample.stoichiometry", "sample.formula", "sample.composition")
TEMPERATURE = re.compile(
    r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(K|kelvin|°?\s*C|celsius|deg(?:ree)?s?\s*C)"
)
CELSIUS = 273.15
NAME = re.compile(r"[^A-Za-z0-9_.+-]+")
MODES = {
    "transmission": ("mutrans", "normtrans"),
    "fluorescence": ("mufluor", "normfluor"),
}


@dataclass(frozen=True, eq=False)
class TableReader:
    """Makes entries of tables, as the settings of an importer ask.

    Parameters
    ----------
    config
        Channel, columns and absorber that are asked for.
    log
        Takes what was chosen or converted.
    """

    config: MeasuredSettings
    log: ImportLog

    def entry(
        self, table: Table, file: str, name: str, labels: Mapping[str, Any] | None = None
    ) -> Entry:
        """Return the specimen of a table with its spectrum.

        A column of standard deviations becomes a channel of its own, ``<channel>_noise``.

        Parameters
        ----------
        table
            Named columns, and the fields of the header.
        file
            Where it stands, for messages.
        name
            Name of the sample.
        labels
            What else is known of it.

        Raises
        ------
        DataError
            If it is no spectrum, the columns are not clear, or the file names another absorber than
            the settings do.
        """
        asked = self.config.columns
        found = spectrum_of(table, asked)
        for note in found.notes:
            self.log.remark(file, note)
        chosen = choose(table, asked)
        signal = asked.signal or table.names[chosen.signal[0]] or str(chosen.signal[0] + 1)
        composition = next((k for k in COMPOSITION if table.fields.get(k)), "")
        fields = {k: v for k, v in table.fields.items() if k != composition}
        known = {"signal": signal, **labels_of(fields), **(labels or {})}
        for mode, names in MODES.items():
            if signal.lower() in names:
                known.setdefault("mode", mode)
        if found.edge:
            known["edge"] = found.edge
        channel = self.config.channel
        curves = {channel: Curve(found.energy, found.intensity)}
        if found.noise is not None:
            curves[f"{channel}_noise"] = Curve(found.energy, found.noise)
        made_of = table.fields.get(composition, "")
        specimen = Specimen(name, made_of, self.absorber(found.element))
        return Entry(file, [specimen], curves, known)

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
    content = log.seen(source.name, source.read_bytes())
    scans = [scan] if scan else _scans(content)
    for one in scans:
        where = f"{source}, scan {one}" if len(scans) > 1 else str(source)
        with log.entry(where):
            table = read_table(content, one)
            name = f"{stem_of(source)}-{one}" if len(scans) > 1 else stem_of(source)
            yield reader.entry(table, where, name, {"scan": one} if len(scans) > 1 else {})


def _scans(content: bytes) -> list[str]:
    try:
        blocks = split_blocks(lines_of(content))
    except DataError:
        return [""]  # what reads it tells the reason
    return [block.number for block in blocks] if len(blocks) > 1 else [""]


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
            found[NAME.sub("_", field).lstrip("_.+-") or "field"] = value
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
