"""XDI: the exchange format of measured X-ray absorption spectra."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from xreg.core.interfaces import Entry, Importer
from xreg.core.measured.tables import LABEL_UNITS, TableReader, text_entries
from xreg.core.readers.importing.log import ImportLog
from xreg.plugins.xdi.plugin import XdiImportConfig

__all__ = ["XdiImporter"]

HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*[#%!;]*\s*XDI/\d")


class XdiImporter(Importer[XdiImportConfig]):
    """One measured spectrum a file, with the fields of its header as labels.

    The sample is called as the file. ``Element.symbol`` is its absorber and ``Element.edge`` the
    label ``edge``; ``Sample.stoichiometry`` is its composition, ``Sample.temperature`` the label
    ``temperature`` in K; every other field is a label of its own name in lower case, as text.
    """

    name: ClassVar[str] = "xdi"
    Config = XdiImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the first line, ``# XDI/1.0``."""
        return 0.95 if HEAD.match(head) else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield the spectrum, or that of each scan."""
        log.label_units = LABEL_UNITS
        yield from text_entries(source, TableReader(self.config, log))
