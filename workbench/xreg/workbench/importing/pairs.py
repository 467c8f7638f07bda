"""Two folders, one of xyz files and one of text spectra, matched by file stem."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.errors import DataError
from xreg.core.progress import track
from xreg.core.readers.spectra.choice import SpectrumColumns
from xreg.core.readers.spectra.spectrum import TextSpectrum, read_spectrum
from xreg.core.readers.structures import SUFFIXES, one_frame
from xreg.workbench.importing.common import Collector, Curve

__all__ = ["find_pair", "read_pairs"]


def read_pairs(
    structures: Path,
    spectra: Path,
    channel: str,
    absorber: int | str | None,
    every: bool,
    columns: SpectrumColumns,
    collector: Collector,
) -> None:
    """Read the pairs; the stem becomes the sample's id.

    A stem that stands on one side only, or twice on one side, is bad.

    Parameters
    ----------
    structures
        Folder of one-structure files that :mod:`xreg.core.readers.structures` reads.
    spectra
        Folder of text spectra, see :func:`xreg.core.readers.spectra.spectrum.read_spectrum`.
    channel
        Name for the channel.
    absorber
        See :func:`xreg.core.readers.structures.absorbing_sites`.
    every
        Whether several atoms of the absorbing element are as many samples.
    columns
        What the user says of the columns of the spectra.
    collector
        Takes what is good and notes what is bad.
    """
    left = _by_stem(structures, tuple(SUFFIXES), collector)
    right = _by_stem(spectra, (), collector)
    for stem in track(sorted({*left, *right}), f"reading {structures.name}", len({*left, *right})):
        xyz, table = left.get(stem, []), right.get(stem, [])
        files = [*xyz, *table]
        if len(files) == 2 and len(xyz) == 1:
            with collector.entry(str(xyz[0])):
                content = collector.seen(xyz[0].name, xyz[0].read_bytes())
                frame = one_frame(content, xyz[0].name)
                sites = collector.sites(frame, stem, absorber, every)
                labels = {k: v for k, v in frame.info.items() if isinstance(v, str | int | float)}
                with collector.entry(str(table[0])):
                    found = _spectrum(table[0], columns, collector)
                    curve = Curve(found.energy, found.intensity)
                    for site in sites:
                        absorber_there = SYMBOLS[frame.numbers[site]]
                        if found.element in SYMBOLS[1:] and found.element != absorber_there:
                            raise DataError(
                                f"its header says {found.element}, and the absorber is "
                                f"{absorber_there}"
                            )
                        name = f"{stem}-{site}" if len(sites) > 1 else stem
                        sample = frame.structure(name, site)
                        collector.add(str(table[0]), sample, {channel: curve}, labels)
            continue
        for file in files:
            with collector.entry(str(file)):
                raise DataError(
                    f"'{stem}' is a duplicate: {', '.join(other.name for other in files)}"
                    if len(xyz) > 1 or len(table) > 1
                    else f"no {'spectrum' if xyz else 'structure'} of that name"
                )


def _spectrum(file: Path, columns: SpectrumColumns, collector: Collector) -> TextSpectrum:
    found = read_spectrum(collector.seen(file.name, file.read_bytes()), columns)
    for note in found.notes:
        collector.remark(str(file), note)
    return found


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


def _by_stem(
    folder: Path, suffixes: tuple[str, ...], collector: Collector
) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise DataError(f"there is no folder '{folder}'.")
    found = defaultdict(list)
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_symlink() and not path.exists():
            with collector.entry(str(path)):
                raise DataError("it is a link that leads nowhere")
        elif path.is_dir():
            collector.pass_over(str(path), "it is a folder")
        elif suffixes and path.suffix.lower() not in suffixes:
            collector.pass_over(str(path), f"it is none of {', '.join(suffixes)}")
        else:
            found[path.stem].append(path)
    return dict(found)
