"""SPEC files: scans one after the other, as the program spec and others write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.measured.tables import (
    LABEL_UNITS,
    TableReader,
    names_energy,
    note_file,
    stem_of,
    table_of,
)
from xreg.core.progress import track
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.spectra.header import split_name
from xreg.core.readers.spectra.table import Table
from xreg.plugins.spec.plugin import SpecImportConfig

__all__ = ["SpecImporter"]

SCAN = re.compile(rb"^#S \d+ ", re.MULTILINE)


class SpecImporter(Importer[SpecImportConfig]):
    """Each scan over the energy is a sample, called as the file with the scan's number behind.

    silx reads the file. A scan without a column named as an energy is passed over; ``--energy``
    names one, ``--scan`` chooses one scan (``12``, or ``12.2`` where the number comes twice). Which
    column is the signal is chosen as in text columns. Labels: ``scan``, ``command`` and ``date``.

    Parameters
    ----------
    config
        See :class:`~xreg.plugins.spec.plugin.SpecImportConfig`.
    """

    name: ClassVar[str] = "spec"
    Config = SpecImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the head of a file (``#F``) and that of a scan (``#S 1``)."""
        if head.startswith(b"#F "):
            return 0.9
        return 0.8 if SCAN.search(head) and b"\n#L " in head else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each scan over the energy."""
        from silx.io.specfile import SfErrFileOpen, SpecFile

        log.label_units = LABEL_UNITS
        note_file(log, source)
        reader = TableReader(self.config, log)
        try:
            file = SpecFile(str(source))
        except (SfErrFileOpen, OSError) as error:
            raise DataError(f"'{source}' cannot be read as a SPEC file ({error}).") from None
        with closing(file):
            known = [str(key) for key in file.keys()]  # noqa: SIM118  (it iterates over scans)
            keys = _chosen(known, self.config.columns.scan, source)
            several = len(keys) > 1
            for key in track(keys, f"reading {source.name}", len(keys)):
                number = key if key.rpartition(".")[2] != "1" else key.rpartition(".")[0]
                where = f"{source}, scan {number}"
                with log.entry(where):
                    found = _scan(file, key)
                    table, labels = found
                    if not names_energy(table, self.config.columns):
                        names = ", ".join(table.names[:6])
                        log.pass_over(where, f"none of its columns is named as an energy ({names})")
                        continue
                    name = f"{stem_of(source)}-{number}" if several else stem_of(source)
                    more = {"file": stem_of(source), "scan": number, **labels}
                    yield reader.entry(table, where, name, more)


def _chosen(keys: list[str], scan: str, source: Path) -> list[str]:
    if not scan:
        return keys
    wanted = [key for key in keys if scan in (key, key.rpartition(".")[0])]
    if len(wanted) != 1:
        some = ", ".join(keys[:6]) + (", …" if len(keys) > 6 else "")
        raise DataError(f"'{source}' has {len(wanted)} scans {scan}; it has {some}.")
    return wanted


def _scan(file: Any, key: str) -> tuple[Table, dict[str, str]]:
    """Return the columns of a scan, and what its header tells."""
    try:
        scan = file[key]
        labels, data = list(scan.labels), scan.data
    except Exception as error:  # silx raises whatever its parser meets
        raise DataError(f"it cannot be read ({error})") from None
    if len(labels) != len(data):
        raise DataError(f"its header names {len(labels)} columns, and its rows have {len(data)}")
    parts = [split_name(label) for label in labels]
    names = [name for name, _ in parts]
    if len(set(names)) < len(names):
        names = labels
    if len(set(names)) < len(names):
        names = [f"{label}.{i}" for i, label in enumerate(labels, 1)]
    units = dict(zip(names, (unit for _, unit in parts), strict=True))
    header = scan.scan_header_dict
    known = {"command": header.get("S", "").partition(" ")[2].strip(), "date": header.get("D", "")}
    table = table_of(dict(zip(names, data, strict=True)), units)
    return table, {name: text for name, text in known.items() if text}
