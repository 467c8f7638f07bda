"""Two folders, one of xyz files and one of two-column spectra, matched by file stem."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from xreg.core.errors import DataError
from xreg.core.progress import track
from xreg.registry.importers.common import Collector, Curve, read_columns
from xreg.registry.importers.xyz import absorber_of, read_xyz, structure

__all__ = ["find_pair", "read_pairs"]


def read_pairs(
    structures: Path, spectra: Path, channel: str, absorber: int | str, collector: Collector
) -> None:
    """Read the pairs; the stem becomes the sample's id.

    A stem that stands on one side only, or twice on one side, is bad.

    Parameters
    ----------
    structures
        Folder of ``*.xyz``, element symbols or atomic numbers, the absorber first by custom.
    spectra
        Folder of tables of two columns, energy in eV and intensity, with or without a header.
    channel
        Name for the channel.
    absorber
        See :func:`xreg.registry.importers.xyz.absorber_of`.
    collector
        Takes what is good and notes what is bad.
    """
    left = _by_stem(structures, (".xyz", ".extxyz"))
    right = _by_stem(spectra, ())
    for stem in track(sorted({*left, *right}), f"reading {structures.name}", len({*left, *right})):
        xyz, table = left.get(stem, []), right.get(stem, [])
        files = [*xyz, *table]
        if len(files) == 2 and len(xyz) == 1:
            with collector.entry(str(xyz[0])):
                content = collector.seen(xyz[0].name, xyz[0].read_bytes())
                atoms = read_xyz(content)
                sample = structure(stem, atoms, absorber_of(atoms, absorber, atoms.info))
                with collector.entry(str(table[0])):
                    columns = read_columns(collector.seen(table[0].name, table[0].read_bytes()), 2)
                    if columns.shape[1] > 2:
                        raise DataError(f"it has {columns.shape[1]} columns where two are needed")
                    curve = Curve(columns[:, 0], columns[:, 1])
                    collector.add(str(table[0]), sample, {channel: curve}, {})
            continue
        for file in files:
            with collector.entry(str(file)):
                raise DataError(
                    f"'{stem}' is a duplicate: {', '.join(other.name for other in files)}"
                    if len(xyz) > 1 or len(table) > 1
                    else f"no {'spectrum' if xyz else 'structure'} of that name"
                )


def find_pair(source: Path) -> tuple[Path, Path]:
    """Return the folder of structures and that of spectra inside a folder of both.

    Raises
    ------
    DataError
        If there are not two subfolders, just one of which holds xyz files.
    """
    folders = [p for p in sorted(source.iterdir()) if p.is_dir() and not p.name.startswith(".")]
    xyz = [folder for folder in folders if any(folder.glob("*.xyz"))]
    if len(folders) != 2 or len(xyz) != 1:
        raise DataError(
            f"'{source}' must hold two folders, one of xyz files and one of spectra; else give the "
            "folder of xyz files, and that of the spectra with --spectra."
        )
    return xyz[0], next(folder for folder in folders if folder != xyz[0])


def _by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise DataError(f"there is no folder '{folder}'.")
    found = defaultdict(list)
    for path in sorted(folder.iterdir()):
        wanted = not suffixes or path.suffix.lower() in suffixes
        if wanted and path.is_file() and not path.name.startswith("."):
            found[path.stem].append(path)
    return dict(found)
