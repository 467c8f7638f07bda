"""Spectra that Quanty printed: what ``G.Print`` writes, and Crispy keeps, as ``.spec`` files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from xreg.core.atoms.elements import atomic_number
from xreg.core.data.specimens import Specimen
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.readers.importing.curve import Curve
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.numbers import whole_number
from xreg.core.readers.text import lines_of
from xreg.plugins.quanty.plugin import QuantyImportConfig

__all__ = ["QuantyImporter"]

HEAD = b"#Spectra:"
# Lines above the rows: number of spectra, limits, poles, step and width, names of the columns.
WIDTHS, NAMES, ROWS = 3, 4, 5


class QuantyImporter(Importer[QuantyImportConfig]):
    """Each spectrum of a ``.spec`` file is a sample; its intensity is -Im G/π, which is absorption.

    Several spectra of one file (of several operators) are called as the file with their number
    behind, counted from 0 as Quanty does. Labels: ``gamma``, the full width of the Lorentzian in
    eV, and ``spectrum``, the number.
    """

    name: ClassVar[str] = "quanty"
    Config = QuantyImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the first line, ``#Spectra: 1``."""
        return 0.95 if head.startswith(HEAD) else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each spectrum."""
        log.label_units = {"gamma": "eV"}
        lines = lines_of(log.read(source))
        count = _count(lines, source)
        rows = _rows(lines, count, source)
        widths = lines[WIDTHS].split()[1:]
        energy = rows[:, 0] + self.config.origin
        if energy[0] < 0:
            log.remark(
                str(source),
                "energies are counted from the ground state; --set origin=E puts them at E",
            )
        absorber = atomic_number(self.config.absorber) if self.config.absorber else 0
        for i in range(count):
            name = f"{source.stem}-{i}" if count > 1 else source.stem
            where = f"{source}, spectrum {i}" if count > 1 else str(source)
            with log.entry(where):
                labels: dict[str, Any] = {"spectrum": i}
                try:
                    labels["gamma"] = float(widths[2 * i + 1])
                except (IndexError, ValueError):
                    log.remark(where, "its width is not told")
                curve = Curve(energy, -rows[:, 2 * i + 2] / np.pi)
                yield Entry(
                    where,
                    [Specimen(name, "", absorber)],
                    {self.config.channel: curve},
                    labels,
                )


def _count(lines: list[str], source: Path) -> int:
    head = lines[0].split() if lines else []
    count = whole_number(head[1]) if len(head) == 2 else None
    if len(lines) <= ROWS or not count:
        raise DataError(f"'{source}' is no file of spectra as Quanty prints them.")
    names = lines[NAMES].split()
    wanted = [
        "Energy",
        *(f"{part}[{i}]" for i in range(min(count, len(names))) for part in ("Re", "Im")),
    ]
    if names != wanted:
        raise DataError(f"'{source}' names the columns {' '.join(names[:6])}, not as Quanty does.")
    return count


def _rows(lines: list[str], count: int, source: Path) -> Any:
    rows = []
    for number, line in enumerate(lines[ROWS:], ROWS + 1):
        if not line.strip():
            continue
        try:
            row = [float(word) for word in line.split()]
        except ValueError:
            row = []
        if len(row) != 2 * count + 1:
            raise DataError(f"'{source}': its line {number} is no row of {2 * count + 1} numbers.")
        rows.append(row)
    if len(rows) < 2:
        raise DataError(f"'{source}' has {len(rows)} energies; it was cut off.")
    return np.array(rows)
