"""Text columns, as Athena exports them and beamlines write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.measured.tables import LABEL_UNITS, TableReader, text_entries
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.numbers import is_row
from xreg.core.readers.spectra.blocks import SEPARATORS, is_comment
from xreg.core.readers.text import lines_of
from xreg.plugins.columns.plugin import ColumnsImportConfig

__all__ = ["ColumnsImporter"]

# So many rows of as many numbers in a row are a table.
ROWS = 3


class ColumnsImporter(Importer[ColumnsImportConfig]):
    """One measured spectrum a file, or one of each scan, from columns of numbers.

    The sample is called as the file, with the number of the scan behind where there are several.
    What is read, and how columns are chosen, is that of
    :func:`xreg.core.readers.spectra.spectrum.read_spectrum`; the label ``signal`` tells the choice.
    """

    name: ClassVar[str] = "columns"
    Config = ColumnsImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by rows of numbers, two or more in each, at the end of what was read of the file."""
        if not head or (path.exists() and not path.is_file()):
            return 0.0
        try:
            lines = lines_of(head)
        except DataError:
            return 0.0
        if len(head) >= 4096 and len(lines) > ROWS:
            lines.pop()  # cut somewhere
        widths = [
            len(SEPARATORS.split(line.strip())) if is_row(line) else 0
            for line in lines
            if line.strip() and not is_comment(line)
        ]
        best = run = 0
        for before, width in zip([0, *widths], widths, strict=False):
            run = run + 1 if width == before and width > 1 else int(width > 1)
            best = max(best, run)
        if best >= ROWS:
            return 0.3
        # A long header may fill all that was read.
        header = bool(lines) and all(is_comment(line) or not line.strip() for line in lines)
        return 0.1 if header and len(head) >= 4096 else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield the spectrum, or that of each scan."""
        log.label_units = LABEL_UNITS
        yield from text_entries(source, TableReader(self.config, log))
