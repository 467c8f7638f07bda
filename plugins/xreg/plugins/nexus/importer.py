"""HDF5 and NeXus files of measured spectra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.measured.isolated import isolated_entries
from xreg.core.measured.tables import (
    LABEL_UNITS,
    TableReader,
    names_energy,
    note_file,
    stem_of,
    table_of,
)
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.spectra.choice import MU, NORMALISED
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.table import Table
from xreg.plugins.nexus.contents import Contents, contents_of
from xreg.plugins.nexus.hdf5 import MOST_NUMBERS, identity, member
from xreg.plugins.nexus.own import LAYOUT, own_entries
from xreg.plugins.nexus.plugin import NexusImportConfig

if TYPE_CHECKING:
    import h5py

__all__ = ["NexusImporter"]

MAGIC = b"\x89HDF\r\n\x1a\n"
TEMPERATURE = "sample/temperature"
INCOMING, ABSORBED = "incoming_beam", "absorbed_beam"


class NexusImporter(Importer[NexusImportConfig]):
    """Each entry with energies is a sample, called as the file, with the entry behind if several.

    Columns are the one-dimensional datasets of numbers as long as the energies, called by the last
    part of their path; of a detector ``i0/data`` it is ``i0``. The signal is what ``--signal`` asks
    for, else what the file itself marks (attribute ``signal`` of an ``NXdata``, or ``signal=1`` of
    a dataset), else, in an ``NXxas``, ln(incoming_beam/absorbed_beam) in transmission and
    absorbed_beam/incoming_beam otherwise, else what its name tells. A marked signal that is no
    column of numbers, or is to be scaled first, makes the entry a bad one, unless another column is
    named as absorption. Texts on sample, beamline and detection are labels.

    A file that xreg wrote gives all of its channels, labels and splits back, or the one channel
    that is named.

    Links to other files, virtual datasets and external storage are never followed.
    """

    name: ClassVar[str] = "nexus"
    Config = NexusImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the signature of HDF5."""
        return 0.8 if head.startswith(MAGIC) else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield the spectrum of each entry."""
        import h5py  # noqa: F401  (once, and not in each child)

        note_file(log, source)
        yield from isolated_entries(source, log, lambda own: self._file(source, own))

    def _file(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        import h5py

        log.label_units = LABEL_UNITS
        try:
            file = h5py.File(source, "r")
        except OSError as error:
            raise DataError(f"'{source}' cannot be read as HDF5 ({error}).") from None
        with file:
            yield from self._entries(file, source, log)

    def _entries(self, file: h5py.File, source: Path, log: ImportLog) -> Iterator[Entry]:
        if LAYOUT in file.attrs:
            channel = self.config.channel
            usual = channel == self.Config.model_fields["channel"].default
            yield from own_entries(file, source, log, "" if usual else channel)
            return
        groups = _entries(file, source, log)
        scan = self.config.columns.scan
        if scan and scan not in groups:
            raise DataError(f"'{source}' has no entry {scan}; it has {', '.join(groups)}.")
        chosen = {scan: groups[scan]} if scan else groups
        several = len(chosen) > 1
        kept = 0
        for name, group in chosen.items():
            where = f"{source}, entry {name}" if name else str(source)
            with log.entry(where):
                found = contents_of(group, where, log)
                table, asked = self._table(found)
                if not names_energy(table, asked):
                    log.pass_over(where, "none of its datasets is named as an energy")
                    continue
                sample = stem_of(source) + (f"-{name}" if several else "")
                config = self.config.model_copy(update={"columns": asked})
                labels: dict[str, Any] = {}
                if several:
                    labels = {"file": stem_of(source), "entry": name}
                if asked.signal and asked.signal != self.config.columns.signal:
                    log.remark(where, f"the signal is {asked.signal}")
                if TEMPERATURE in found.columns:
                    labels |= _temperature(found)
                entry = TableReader(config, log).entry(table, where, sample, labels)
                if found.others:
                    log.remark(where, f"left out, as they are no columns: {found.left_out}")
                kept += 2 * len(table.values)
                if kept > MOST_NUMBERS:
                    raise DataError(f"'{source}' holds more than {MOST_NUMBERS} numbers.")
                yield entry

    def _table(self, found: Contents) -> tuple[Table, SpectrumColumns]:
        """Return the columns beside the energies, and which of them are asked for."""
        asked = self.config.columns
        arrays = {path: v for path, v in found.columns.items() if v.ndim == 1 and len(v) > 1}
        names = _names(list(arrays))
        energy = _energy(names, asked)
        length = len(arrays[energy]) if energy else max(map(len, arrays.values()), default=0)
        order = sorted(arrays, key=lambda path: path != energy)
        columns = {names[p]: arrays[p] for p in order if len(arrays[p]) == length}
        if len(columns) < 2:
            why = f"; it has {found.left_out}" if found.others else ""
            if found.outside:
                why = "; they lie in another file, which is not read: give that"
            raise DataError(f"it holds no two columns of numbers, energies and a signal{why}")
        units = {names[path]: unit for path, unit in found.units.items() if path in names}
        table = table_of(columns, units, found.fields)
        if energy and not asked.energy:
            asked = asked.model_copy(update={"energy": names[energy]})
        if not asked.signal:
            asked = asked.model_copy(update={"signal": _signal(found, names, columns)})
        return table, asked


def _entries(file: h5py.File, source: Path, log: ImportLog) -> dict[str, h5py.Group]:
    """Return the entries of a file by name; the file itself where it has no groups of its own."""
    import h5py

    found: dict[str, h5py.Group] = {}
    known: dict[tuple[Any, ...], str] = {}
    for name in file:
        if (child := member(file, name, str(source), log)) is not None and isinstance(
            child, h5py.Group
        ):
            if (first := known.setdefault(identity(child), name)) != name:
                log.pass_over(f"{source}, entry {name}", f"it is the entry {first} by another name")
            else:
                found[name] = child
    if not found or any(isinstance(file.get(n, getlink=True), h5py.HardLink)
                        and isinstance(file[n], h5py.Dataset) for n in file):  # fmt: skip
        return {"": file}
    return found


def _names(paths: list[str]) -> dict[str, str]:
    """Return a name for each path: its last part that tells something, longer where two agree."""
    parts = {path: [p for p in path.split("/") if p not in ("data", "value")] for path in paths}
    names = {path: (part or [path])[-1] for path, part in parts.items()}
    taken = list(names.values())
    return {p: name if taken.count(name) == 1 else p for p, name in names.items()}


def _energy(names: Mapping[str, str], asked: SpectrumColumns) -> str:
    """Return the path of the energies: that of the monochromator, or of the shortest path."""
    if asked.energy:
        return next((p for p, name in names.items() if asked.energy in (name, p)), "")
    found = [p for p, name in names.items() if name.rpartition("/")[2].lower() == "energy"]
    found = found or [p for p, name in names.items() if "energy" in name.lower()]
    return min(found, key=lambda p: ("monochromator" not in p, p.count("/"), p), default="")


def _signal(found: Contents, names: Mapping[str, str], columns: Mapping[str, Any]) -> str:
    """Return what is to be taken for the signal, empty where names have to tell.

    Raises
    ------
    DataError
        If what the file marks is no column of numbers, or one of the two beams of ``NXxas`` lacks.
    """
    usable = dict.fromkeys(names[p] for p in found.signals if names.get(p) in columns)
    if INCOMING in columns and ABSORBED in columns and not usable.keys() - {INCOMING, ABSORBED}:
        mode = found.fields.get("mode", "").lower()
        if not mode:
            raise DataError(
                f"it tells no mode of detection; say --signal 'ln({INCOMING}/{ABSORBED})' for "
                f"transmission, '{ABSORBED}/{INCOMING}' for yields"
            )
        if "transmission" in mode:
            return f"ln({INCOMING}/{ABSORBED})"
        return f"{ABSORBED}/{INCOMING}"
    if first := next((name for name in usable if name not in (INCOMING, ABSORBED)), ""):
        return first
    known = any(name.lower() in MU | NORMALISED for name in columns)
    if not known and (lack := [p for p in (INCOMING, ABSORBED) if p in columns]):
        raise DataError(
            f"it has {lack[0]} and no {ABSORBED if lack == [INCOMING] else INCOMING} as long as "
            f"its energies{_elsewhere(found)}; say which column is the signal with --signal COL"
        )
    if not known and (lost := [p for p in found.signals if names.get(p) not in columns]):
        what = found.others.get(lost[0], "not as long as its energies")
        raise DataError(
            f"its signal {lost[0]} is no column of numbers ({what}){_elsewhere(found)}; say which "
            "column is the signal with --signal COL"
        )
    return ""


def _elsewhere(found: Contents) -> str:
    """Return what lies in other files, in words; empty where nothing does."""
    if not found.outside:
        return ""
    named = ", ".join(found.outside[:3]) + (", …" if len(found.outside) > 3 else "")
    return f" ({named}: in another file, which is not read)"


def _temperature(found: Contents) -> dict[str, float]:
    value = np.atleast_1d(found.columns[TEMPERATURE])
    unit = found.units.get(TEMPERATURE, "K").lower()
    if value.size != 1 or not np.isfinite(value[0]) or unit not in ("k", "kelvin"):
        return {}
    return {"temperature": float(value[0])}
