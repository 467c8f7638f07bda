"""Excitations that ORCA, Gaussian and other programs computed, read by cclib."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.measured.tables import note_file
from xreg.core.readers.importing.lines import broadened
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.structures import Frame
from xreg.core.readers.text import decode
from xreg.plugins.cclib.plugin import CclibImportConfig

__all__ = ["CclibImporter"]

# What the programs print about themselves near the top of an output.
MARKS = (
    b"O   R   C   A",
    b"Entering Gaussian System",
    b"Northwest Computational Chemistry Package",
    b"A Quantum Leap Into The Future Of Chemistry",
    b"Amsterdam Density Functional",
    b"PROGRAM SYSTEM MOLPRO",
)
# Each calculation of a file begins so; of the other programs' headers it is not known.
BEGINNINGS = (b"* O   R   C   A *", b"Entering Gaussian System, Link 0")
# h c of 1/cm in eV (CODATA 2018).
EV = 1.239841984332e-4
HEAD = 65_536


class CclibImporter(Importer[CclibImportConfig]):
    """One output file is a sample: its last geometry, and its excitations as a spectrum.

    Each line has the area of its oscillator strength, so that intensities are in 1/eV. Labels:
    ``program``, ``lines`` (how many), ``first_line`` and ``last_line`` in eV, with the shift.
    Energies of such calculations lie some eV or tens of eV beside experiment; ``shift`` moves them.
    """

    name: ClassVar[str] = "cclib"
    Config = CclibImportConfig

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by what the programs print about themselves."""
        return 0.85 if any(mark in head for mark in MARKS) else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield the molecule with its spectrum."""
        log.label_units = {"first_line": "eV", "last_line": "eV"}
        note_file(log, source)
        with log.entry(str(source)):
            with source.open("rb") as file:
                decode(file.read(HEAD))  # cclib would complain of each byte that is no text
                file.seek(0)
                _require_one(file)
            data = _parsed(source)
            frame = _frame(data, source)
            energy, strength = _lines(data)
            curve = broadened(energy, strength, self.config, "1/eV")
            energy = energy + self.config.shift
            sites = log.sites(frame, source.stem, self.config.absorber, self.config.every)
            samples = frame.structures(source.stem, sites)
            metadata = getattr(data, "metadata", {})
            if not metadata.get("success"):
                log.remark(str(source), "the program did not say that it ended well")
            version = metadata.get("package_version", "")
            program = f"{metadata.get('package', '')} {version}".strip()
            labels = {
                "program": program,
                "lines": len(energy),
                "first_line": float(energy.min()),
                "last_line": float(energy.max()),
            }
            yield Entry(str(source), samples, {self.config.channel: curve}, labels)


def _require_one(lines: Iterable[bytes]) -> None:
    """Refuse outputs that were joined to one file, whose numbers cclib would mix."""
    count = sum(any(mark in line for mark in BEGINNINGS) for line in lines)
    if count > 1:
        raise DataError(f"it holds {count} calculations; give each a file of its own")


def _parsed(source: Path) -> Any:
    from cclib.io.ccio import ccopen

    logging.getLogger("cclib").setLevel(logging.CRITICAL)
    try:
        parser = ccopen(str(source.resolve()), loglevel=logging.CRITICAL)
        if parser is None:
            raise DataError("cclib knows no program that writes such a file")
        return parser.parse()
    except DataError:
        raise
    except Exception as error:  # cclib raises whatever its parsers meet
        reason = f"{type(error).__name__}: {error}".split("\n", maxsplit=1)[0]
        raise DataError(f"cclib cannot read it ({reason})") from None


def _frame(data: Any, source: Path) -> Frame:
    if not len(getattr(data, "atomcoords", ())) or not hasattr(data, "atomnos"):
        raise DataError("it holds no geometry")
    numbers = np.asarray(data.atomnos, dtype=np.int32)
    frame = Frame(str(source), 0, numbers, np.asarray(data.atomcoords[-1], np.float64)).judged()
    frame.require()
    return frame


def _lines(data: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies in eV and oscillator strengths of all lines."""
    energy = np.asarray(getattr(data, "etenergies", ()), np.float64) * EV
    strength = np.asarray(getattr(data, "etoscs", ()), np.float64)
    if not energy.size:
        raise DataError("it holds no excitations")
    if strength.shape != energy.shape:
        raise DataError(
            f"it holds {energy.size} excitations and {strength.size} oscillator strengths"
        )
    if not (np.isfinite(energy) & np.isfinite(strength)).all():
        raise DataError("an excitation is not finite")
    return energy, strength
