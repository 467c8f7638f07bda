"""Lines of the section ``XAS`` of CP2K: one file for each atom and core state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS, atomic_number
from xreg.core.data.specimens import Specimen
from xreg.core.errors import ConfigError, DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.readers.importing.lines import broadened
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.numbers import number_of
from xreg.core.readers.text import lines_of
from xreg.plugins.cp2k.plugin import Cp2kImportConfig

__all__ = ["Cp2kImporter"]

HEAD = re.compile(
    r"\s*Absorption spectrum for atom\s+(\d+), index of excited core MO is\s+(\d+), "
    r"# of lines\s+(\d+)\s*"
)
# Number of the state, energy in eV, x, y and z of the transition, their squares, occupation.
COLUMNS, ENERGY, STRENGTH = 7, 1, 5


class Cp2kImporter(Importer[Cp2kImportConfig]):
    """Each ``*.spectrum`` file is a sample; of several spectra in one, the last.

    The area of each line is the square of its transition, as CP2K prints it. Labels: ``atom`` (from
    1, as in the input) and ``core_state``.
    """

    name: ClassVar[str] = "cp2k"
    Config = Cp2kImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the first line."""
        return 0.95 if head.lstrip().startswith(b"Absorption spectrum for atom") else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield the spectrum."""
        asked = self.config.absorber
        if asked is not None and asked not in SYMBOLS[1:]:
            raise ConfigError(f"--absorber {asked}: give the symbol of the absorbing element.")
        lines = lines_of(log.read(source))
        with log.entry(str(source)):
            heads = [(i, found) for i, line in enumerate(lines) if (found := HEAD.fullmatch(line))]
            if not heads:
                raise DataError("it holds no spectrum as CP2K prints them")
            if len(heads) > 1:
                log.remark(str(source), f"{len(heads)} spectra are in it, and the last is taken")
            start, head = heads[-1]
            rows = _rows(lines, start + 1)
            # In CP2K's own example one line less than announced is there.
            if len(rows) not in (int(head[3]), int(head[3]) - 1):
                raise DataError(
                    f"it announces {head[3]} lines and holds {len(rows)}; it was cut off"
                )
            labels = {"atom": int(head[1]), "core_state": int(head[2])}
            curve = broadened(rows[:, ENERGY], rows[:, STRENGTH], self.config, "arb. u.")
            specimen = Specimen(source.stem, "", atomic_number(asked) if asked else 0)
            yield Entry(str(source), [specimen], {self.config.channel: curve}, labels)


def _rows(lines: list[str], start: int) -> NDArray[np.float64]:
    rows = []
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip():
            continue
        row = [number_of(word) for word in line.split()]
        if len(row) != COLUMNS or any(value is None or not np.isfinite(value) for value in row):
            raise DataError(f"its line {number} is no row of {COLUMNS} numbers")
        rows.append(row)
    if not rows:
        raise DataError("it holds no lines")
    return np.array(rows, np.float64)
