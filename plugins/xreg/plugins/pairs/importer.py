"""Two folders, one of xyz files and one of text spectra, matched by file stem."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.readers.importing.curve import Curve, stated_unit
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.importing.pairs import pairs_by_stem, spectrum_of_pair
from xreg.core.readers.structures import SUFFIXES, one_frame
from xreg.plugins.pairs.plugin import PairsImportConfig

__all__ = ["PairsImporter"]

ABSORBER = "absorber"
WORDS = (str, int, float, np.number, np.bool_)


class PairsImporter(Importer[PairsImportConfig]):
    """One-structure files and text spectra of the same stem; the stem becomes the sample's id.

    Structures are what :mod:`xreg.core.readers.structures` reads, spectra what
    :func:`xreg.core.readers.spectra.spectrum.read_spectrum` does. A stem that stands on one side
    only, or twice on one side, is bad.
    """

    name: ClassVar[str] = "pairs"
    Config = PairsImportConfig
    source: ClassVar[Literal["file", "folder"]] = "folder"

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the names of files in a folder and the folders in it."""
        if not path.is_dir():
            return 0.0
        files = (*path.glob("*"), *path.glob("*/*"))
        return 0.5 if any(file.suffix.lower() in SUFFIXES for file in files) else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each pair."""
        given = self.config.spectra
        structures, spectra = (source, Path(given)) if given else find_pair(source)
        for stem, xyz, table in pairs_by_stem(structures, spectra, log):
            with log.entry(xyz):
                yield from self._pair(stem, xyz, table, log)

    def _pair(self, stem: str, xyz: str, table: str, log: ImportLog) -> Iterator[Entry]:
        config = self.config
        frame = one_frame(log.read(xyz), os.path.basename(xyz))
        sites = log.sites(frame, stem, config.absorber, config.every)
        labels = {k: v for k, v in frame.info.items() if isinstance(v, WORDS)}
        if config.absorber in (None, ABSORBER):
            labels.pop(ABSORBER, None)  # it has said what it is there for
        with log.entry(table):
            found = spectrum_of_pair(table, config.columns, log)
            for site in sites:
                absorber_there = SYMBOLS[frame.numbers[site]]
                if found.element in SYMBOLS[1:] and found.element != absorber_there:
                    raise DataError(
                        f"its header says {found.element}, and the absorber is {absorber_there}"
                    )
            samples = frame.structures(stem, sites)
            unit = stated_unit(found.unit)
            curve = Curve(found.energy, found.intensity, unit, checked=True)
            yield Entry(table, samples, {config.channel: curve}, labels)


def find_pair(source: Path) -> tuple[Path, Path]:
    """Return the folder of structures and that of spectra inside a folder of both.

    Raises
    ------
    DataError
        If there are not two subfolders, just one of which holds xyz files.
    """
    folders = [p for p in sorted(source.iterdir()) if p.is_dir() and not p.name.startswith(".")]
    xyz = [f for f in folders if any(p.suffix.lower() in SUFFIXES for p in f.iterdir())]
    if len(folders) != 2 or len(xyz) != 1:
        raise DataError(
            f"'{source}' must hold two folders, one of xyz files and one of spectra; else give the "
            "folder of xyz files, and that of the spectra with --spectra."
        )
    return xyz[0], next(folder for folder in folders if folder != xyz[0])
