"""Spectra that FDMNES computed: raw ones, convoluted ones, those of several sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.measured.tables import LABEL_UNITS, TableReader, stem_of, table_of
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.numbers import number_of
from xreg.core.readers.spectra.table import Table, read_table
from xreg.plugins.fdmnes.plugin import FdmnesImportConfig

__all__ = ["FdmnesImporter"]

HEAD = re.compile(rb"=\s*E_edge\b")
XANES = b"<xanes>"
# 'name_1_conv.txt': number of the site, and what a convolution adds (with some of its widths).
NAME = re.compile(r"(?P<name>.+?)(?:_(?P<site>[0-9]{1,9}))?(?P<conv>_conv\w*)?")
EDGE = "fdmnes.e_edge"
MULTIPLICITY = "fdmnes.natomsym_f"


class FdmnesImporter(Importer[FdmnesImportConfig]):
    """One spectrum a file: ``out.txt``, ``out_1.txt``, ``out_conv.txt`` …; a specimen each.

    Energies counted from the edge become absolute by the ``E_edge`` of the file's head line, for
    a convoluted one by that of the raw output beside it. The column is ``<xanes>`` unless
    ``--signal`` names another (a polarisation). Rows of one energy, which FDMNES writes where
    ranges meet, become one, their mean. Labels: ``kind`` (raw, convoluted), ``edge``, and of one
    site among several its ``site`` and ``multiplicity``. Structures beside spectra are what the
    importer ``pairs`` reads.
    """

    name: ClassVar[str] = "fdmnes"
    Config = FdmnesImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the head line with ``E_edge``, and the column ``<xanes>``."""
        return 0.9 if HEAD.search(head[:1000]) or XANES in head[:1000] else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield the spectrum."""
        log.label_units = LABEL_UNITS
        with log.entry(str(source)):
            table = read_table(log.read(source))
            name = NAME.fullmatch(source.stem)
            parts = name.groupdict() if name else {}
            table = _merged(self._absolute(table, source, parts, log), source, log)
            labels: dict[str, Any] = {"kind": "convoluted" if parts.get("conv") else "raw"}
            if parts.get("site"):
                labels["site"] = int(parts["site"])
            if (count := number_of(table.fields.get(MULTIPLICITY, ""))) and not parts.get("conv"):
                labels["multiplicity"] = count
            yield TableReader(self.config, log).entry(table, str(source), stem_of(source), labels)

    def _absolute(self, table: Table, source: Path, parts: dict[str, Any], log: ImportLog) -> Table:
        """Return the table with the energy of the edge among its fields.

        Raises
        ------
        DataError
            If energies are counted from the edge and nothing tells where it is.
        """
        fields = dict(table.fields)
        if self.config.edge_energy is not None:
            fields[EDGE] = str(self.config.edge_energy)
        elif EDGE not in fields and parts.get("conv"):
            fields = {**_beside(source, parts, log), **fields}
        if EDGE not in fields and (table.values[:, 0] < 0).any():
            raise DataError(
                "its energies are counted from the edge, and no raw output beside it tells "
                "E_edge; give it with --set edge_energy=E"
            )
        units = ("eV", *table.units[1:])
        return replace(table, fields=fields, units=units)


def _beside(source: Path, parts: dict[str, Any], log: ImportLog) -> dict[str, str]:
    """Return the fields of the raw output that a convoluted spectrum was made of."""
    site = parts.get("site")
    names = [f"{parts['name']}_{site}.txt"] if site else []
    for name in (*names, f"{parts['name']}.txt", f"{parts['name']}_1.txt"):
        file = source.with_name(name)
        if file != source and file.is_file():
            raw = read_table(log.read(file))
            if EDGE in raw.fields:
                log.remark(str(source), f"E_edge is that of {name}")
                return dict(raw.fields)
    return {}


def _merged(table: Table, source: Path, log: ImportLog) -> Table:
    """Return the table with rows of one energy made one."""
    energy = table.values[:, 0]
    unique, where, counts = np.unique(energy, return_inverse=True, return_counts=True)
    if len(unique) == len(energy) or (np.diff(energy) < 0).any():
        return table
    means = [np.bincount(where.ravel(), column) / counts for column in table.values.T]
    log.remark(str(source), f"{len(energy) - len(unique)} rows of energies twice became their mean")
    units = dict(zip(table.names, table.units, strict=True))
    return table_of(dict(zip(table.names, means, strict=True)), units, table.fields)
