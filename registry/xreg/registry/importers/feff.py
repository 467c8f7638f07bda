"""A tree of ``<material>/POSCAR`` and ``<material>/<site>_<element>/xmu.dat`` as FEFF writes it."""

from __future__ import annotations

import io
import lzma
import os
import re
import tarfile
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from ase.io.vasp import read_vasp
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.progress import track
from xreg.core.samples import Structure
from xreg.registry.importers.common import Collector, Curve, read_columns
from xreg.registry.importers.xyz import structure

__all__ = ["ARCHIVES", "read_feff"]

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
SITE = re.compile(r"^(\d+)_([A-Z][a-z]?)$")
ABSORBER = re.compile(rb"^[#\s]*Abs\s+Z=\s*(\d+)", re.MULTILINE)
# Columns of xmu.dat: omega, e, k, mu, mu0, chi.
OMEGA, K, MU = 0, 2, 3


def read_feff(source: Path, channel: str, collector: Collector) -> None:
    """Read a tree, from a folder or straight from a tar archive.

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

    Parameters
    ----------
    source
        The folder or archive.
    channel
        Name for the channel.
    collector
        Takes what is good and notes what is bad.
    """
    tree = _unpack(source) if source.name.endswith(ARCHIVES) else _walk(source)
    if not tree.sites and not tree.materials:
        raise DataError(f"'{source}' has no <material>/<site>_<element>/xmu.dat in it.")

    @lru_cache(maxsize=1)  # sites come material by material
    def atoms(material: PurePosixPath) -> Atoms:
        return _poscar(tree, material, collector)

    collector.label_units = {"fermi_energy": "eV"}
    for folder in track(sorted(tree.sites), f"reading {source.name}", len(tree.sites)):
        spectrum = folder / "xmu.dat"
        with collector.entry(file := str(spectrum)):
            site, element = _site(folder)
            content = collector.seen(*tree.read(spectrum))
            sample = _sample(atoms(folder.parent), folder, site, element)
            _check_absorber(content, element)
            table = read_columns(content, MU + 1)
            material = folder.parent.name
            collector.add(
                file,
                sample,
                {channel: Curve(table[:, OMEGA], table[:, MU])},
                {
                    "material": material,
                    "site": site,
                    "formula": atoms(folder.parent).get_chemical_formula("metal"),
                    "fermi_energy": _fermi_energy(table),
                },
            )
    for alone in sorted(tree.materials - {folder.parent for folder in tree.sites}):
        with collector.entry(str(alone / "POSCAR")):
            raise DataError("no site with a spectrum is beside it")


@dataclass
class _Tree:
    """What a folder or archive holds, by paths relative to it.

    Attributes
    ----------
    files
        Content of each POSCAR and xmu.dat, or where it is on disk.
    sites
        Folders of spectra: with a ``xmu.dat`` in them, or called so that one is missed.
    """

    files: dict[PurePosixPath, bytes | Path] = field(default_factory=dict)
    sites: set[PurePosixPath] = field(default_factory=set)

    @property
    def materials(self) -> set[PurePosixPath]:
        """Folders with a POSCAR."""
        return {path.parent for path in self.files if path.name == "POSCAR"}

    def add(self, path: PurePosixPath, content: bytes | Path) -> None:
        self.files[path] = content
        if path.name == "xmu.dat":
            self.sites.add(path.parent)

    def add_folder(self, path: PurePosixPath) -> None:
        if SITE.match(path.name):
            self.sites.add(path)

    def read(self, path: PurePosixPath) -> tuple[str, bytes]:
        """Return a file's name, the same wherever the tree lies, and its content."""
        if (content := self.files.get(path)) is None:
            raise DataError(f"there is no {path.name}")
        # The last three parts of a spectrum's path, the last two of a structure's.
        name = "/".join(path.parts[-2:] if path.name == "POSCAR" else path.parts[-3:])
        return name, content.read_bytes() if isinstance(content, Path) else content


WANTED = ("POSCAR", "xmu.dat")


def _walk(source: Path) -> _Tree:
    tree = _Tree()
    for root, folders, names in os.walk(source):
        here = Path(root).relative_to(source)
        for name in folders:
            tree.add_folder(PurePosixPath(here / name))
        for name in set(names) & set(WANTED):
            tree.add(PurePosixPath(here / name), Path(root, name))
    return tree


def _unpack(source: Path) -> _Tree:
    """Read an archive into memory, once from front to back; nothing is written."""
    tree = _Tree()
    try:
        with tarfile.open(source, "r|*") as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                if member.isdir():
                    tree.add_folder(path)
                elif path.name in WANTED and (stream := archive.extractfile(member)):
                    tree.add(path, stream.read())
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"'{source}' cannot be read as an archive ({error}).") from None
    return tree


def _poscar(tree: _Tree, material: PurePosixPath, collector: Collector) -> Atoms:
    content = collector.seen(*tree.read(material / "POSCAR"))
    try:
        return read_vasp(io.StringIO(content.decode()))
    except Exception as error:  # ASE raises what happens to go wrong
        raise DataError(f"its POSCAR cannot be read ({type(error).__name__}: {error})") from None


def _site(folder: PurePosixPath) -> tuple[int, str]:
    found = SITE.match(folder.name)
    if found is None or found[2] not in atomic_numbers:
        raise DataError(f"its folder '{folder.name}' is not called <site>_<element>")
    return int(found[1]), found[2]


def _sample(atoms: Atoms, folder: PurePosixPath, site: int, element: str) -> Structure:
    if site >= len(atoms):
        raise DataError(f"site {site} is none of the {len(atoms)} atoms of its POSCAR (from 0)")
    if (there := atoms[site].symbol) != element:
        raise DataError(f"site {site} of its POSCAR is {there}, not {element}")
    return structure(f"{folder.parent.name}-{folder.name.partition('_')[0]}", atoms, site)


def _check_absorber(content: bytes, element: str) -> None:
    if (found := ABSORBER.search(content)) and int(found[1]) != atomic_numbers[element]:
        z = int(found[1])
        name = chemical_symbols[z] if z < len(chemical_symbols) else f"Z = {z}"
        raise DataError(f"FEFF's absorber is {name}, not {element}")


def _fermi_energy(table: NDArray[np.float64]) -> float:
    """Return the photon energy in eV at which k changes its sign."""
    return float(np.interp(0.0, table[:, K], table[:, OMEGA]))
