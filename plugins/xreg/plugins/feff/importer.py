"""A tree of ``<material>/POSCAR`` and ``<material>/<site>_<element>/xmu.dat`` as FEFF writes it.

Lightshow and OmniXAS put a folder between: ``<material>/FEFF-XANES/<site>_<element>/xmu.dat``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

import numpy as np

from xreg.core.atoms.elements import SYMBOLS, atomic_number
from xreg.core.data.samples import Structure
from xreg.core.errors import DataError
from xreg.core.interfaces import Entry, Importer
from xreg.core.progress import track
from xreg.core.readers.importing.curve import Curve
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import spectrum_of
from xreg.core.readers.spectra.table import Table, read_table
from xreg.core.readers.structures import Frame, one_frame
from xreg.plugins.feff.cards import UNIT
from xreg.plugins.feff.plugin import FeffImportConfig
from xreg.plugins.feff.trees import ARCHIVES, SITE, Tree, read_tree

__all__ = ["FeffImporter"]

# What tells a tree of FEFF's; material folders may be links.
TREE = ("*/xmu.dat", "*/*/xmu.dat", "*/*/*/xmu.dat", "*/POSCAR")
ABSORBER = re.compile(rb"^[#\s]*Abs\s+Z=\s*(\d{1,9})(?!\d)", re.MULTILINE)
# Columns of xmu.dat: omega, e, k, mu, mu0, chi.
OMEGA, K, MU = 0, 2, 3
COLUMNS = SpectrumColumns(energy=str(OMEGA + 1), signal=str(MU + 1))


class FeffImporter(Importer[FeffImportConfig]):
    """A tree of materials and sites, from a folder or straight from a tar archive.

    Of the columns ``omega e k mu mu0 chi`` of ``xmu.dat`` the spectrum is ``mu`` against
    ``omega``. ``omega`` is the photon energy in eV, on FEFF's absolute scale, which lies some eV
    beside experiment; ``e`` is the same energy less a constant of each material, counted from
    FEFF's zero of the potential, and cannot be compared between materials. ``mu`` is mu0 + chi,
    normalised to the atomic background 50 eV above the edge.

    ``<site>`` counts the atoms of the POSCAR from zero. The atom there must be of the element in
    the folder's name, and of the atomic number that FEFF reports as absorber. Labels:
    ``material``, ``site``, ``formula`` and ``fermi_energy``, the photon energy at which k is zero,
    that is, which lifts the core electron to the Fermi level.

    Files of other names are not looked at.
    """

    name: ClassVar[str] = "feff"
    Config = FeffImportConfig
    source: ClassVar[Literal["file", "folder"]] = "folder"
    archives: ClassVar[tuple[str, ...]] = ARCHIVES

    @classmethod
    def sniff(cls, path: Path, head: bytes) -> float:
        """Go by the names of the files in a folder, or by that of an archive."""
        if path.is_dir():
            return 0.9 if any(next(path.glob(pattern), None) for pattern in TREE) else 0.0
        return 0.7 if path.name.endswith(ARCHIVES) else 0.0

    def entries(self, source: Path, log: ImportLog) -> Iterator[Entry]:
        """Yield each site."""
        tree = read_tree(source)
        for path, reason in sorted(tree.lost.items()):
            with log.entry(str(path)):
                raise DataError(reason)
        for path in tree.others:
            log.pass_over(str(path), "it is no folder of a material")
        if not (tree.sites or tree.materials or tree.lost):
            raise DataError(f"'{source}' has no <material>/<site>_<element>/xmu.dat in it.")

        @lru_cache(maxsize=1)  # sites come material by material
        def frame_of(material: PurePosixPath) -> Frame:
            return _poscar(tree, material, log)

        log.label_units = {"fermi_energy": "eV"}
        for folder in track(sorted(tree.sites), f"reading {source.name}", len(tree.sites)):
            path = folder / "xmu.dat"
            with log.entry(file := str(path)):
                site, element = _site(folder)
                if element != (self.config.absorber or element):
                    log.pass_over(file, f"its absorber is {element}")
                    continue
                content = log.seen(*tree.read(path))
                material = tree.material_of(folder)
                frame = frame_of(material)
                name = _named(material, folder).name or source.name.partition(".")[0]
                sample = _sample(frame, name, folder, site, element)
                _check_absorber(content, element)
                table = read_table(content)
                if (count := table.values.shape[1]) <= MU:
                    raise DataError(f"it has {count} column(s) where {MU + 1} are needed")
                spectrum = spectrum_of(table, COLUMNS)
                yield Entry(
                    file,
                    [sample],
                    {self.config.channel: Curve(spectrum.energy, spectrum.intensity, UNIT)},
                    {
                        "material": name,
                        "site": site,
                        "formula": frame.formula(),
                        "fermi_energy": _fermi_energy(table),
                    },
                )
        for alone in sorted(tree.materials - {tree.material_of(folder) for folder in tree.sites}):
            with log.entry(str(alone / "POSCAR")):
                raise DataError("no site with a spectrum is beside it")


def _poscar(tree: Tree, material: PurePosixPath, log: ImportLog) -> Frame:
    content = log.seen(*tree.read(material / "POSCAR"))
    try:
        frame = one_frame(content, "POSCAR")
    except DataError as error:
        raise DataError(f"its POSCAR cannot be read ({str(error).rstrip('.')})") from None
    for note in frame.notes:
        log.remark(str(material / "POSCAR"), note)
    return frame


def _named(material: PurePosixPath, site: PurePosixPath) -> PurePosixPath:
    """Return the folder that a material is named by: not a site's, nor one beside the sites."""
    if material == site:
        return site.parent
    return material if material in site.parents else material.parent


def _site(folder: PurePosixPath) -> tuple[int, str]:
    found = SITE.match(folder.name)
    if found is None or found[2] not in SYMBOLS[1:]:
        raise DataError(f"its folder '{folder.name}' is not called <site>_<element>")
    return int(found[1]), found[2]


def _sample(
    frame: Frame, material: str, folder: PurePosixPath, site: int, element: str
) -> Structure:
    if site >= len(frame):
        raise DataError(f"site {site} is none of the {len(frame)} atoms of its POSCAR (from 0)")
    if (there := SYMBOLS[frame.numbers[site]]) != element:
        raise DataError(f"site {site} of its POSCAR is {there}, not {element}")
    return frame.structure(f"{material}-{folder.name.partition('_')[0]}", site)


def _check_absorber(content: bytes, element: str) -> None:
    if (found := ABSORBER.search(content)) and int(found[1]) != atomic_number(element):
        z = int(found[1])
        name = SYMBOLS[z] if z < len(SYMBOLS) else f"Z = {z}"
        raise DataError(f"FEFF's absorber is {name}, not {element}")


def _fermi_energy(table: Table) -> float:
    """Return the photon energy in eV at which k changes its sign."""
    k = table.values[:, K]
    if not (finite := np.isfinite(k)).all():
        raise DataError(f"its column k is not finite in line {table.line(int(np.argmin(finite)))}")
    return float(np.interp(0.0, k, table.values[:, OMEGA]))
