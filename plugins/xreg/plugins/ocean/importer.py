"""Spectra of OCEAN: one file for each site and polarisation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from xreg.core.atoms.elements import SYMBOLS, atomic_number
from xreg.core.data.specimens import Specimen
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.readers.importing.curve import Curve
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.spectra.table import read_table
from xreg.plugins.ocean.plugin import OceanImportConfig

__all__ = ["OceanImporter"]

NAME = re.compile(r"(abs|xes)spct_([A-Z][a-z_ ]?)\.(\d{4})_(\d[spdf])_(\d{2})")
KINDS = {"abs": "absorption", "xes": "emission"}
# Energy in eV, the spectrum broadened more at higher energies, and by one width; then its real
# part, and what it was computed by.
COLUMNS, FEWEST = {"energy": 1, "constant": 2}, 4


class OceanImporter(Importer[OceanImportConfig]):
    """Each ``absspct_Ti.0001_1s_01`` is a sample, called as the file.

    Labels, from its name: ``kind`` (absorption, emission), ``site``, ``level`` and
    ``polarisation``; the element of its name absorbs.
    """

    name: ClassVar[str] = "ocean"
    Config = OceanImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the name."""
        return 0.9 if NAME.fullmatch(path.name) and path.is_file() else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield the spectrum."""
        named = NAME.fullmatch(source.name)
        content = log.read(source)
        with log.entry(str(source)):
            if named is None or named[2].rstrip("_ ") not in SYMBOLS[1:]:
                raise DataError("its name is none of OCEAN's, such as absspct_Ti.0001_1s_01")
            table = read_table(content)
            if table.values.shape[1] < FEWEST:
                raise DataError(
                    f"it has {table.values.shape[1]} columns, and OCEAN writes {FEWEST} or more"
                )
            column = COLUMNS[self.config.damping]
            curve = Curve(table.values[:, 0], table.values[:, column])
            labels = {
                "kind": KINDS[named[1]],
                "site": int(named[3]),
                "level": named[4],
                "polarisation": int(named[5]),
            }
            if table.values[0, 0] < 0:
                log.remark(str(source), "energies are relative to something, not absolute")
            specimen = Specimen(source.name, "", atomic_number(named[2].rstrip("_ ")))
            yield Entry(str(source), [specimen], {self.config.channel: curve}, labels)
