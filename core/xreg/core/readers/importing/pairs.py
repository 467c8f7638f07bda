"""Structures and text spectra in files of one stem, in two folders."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from unicodedata import normalize

from xreg.core.errors import DataError
from xreg.core.files import read_file
from xreg.core.progress import track
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.numbers import is_row
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import TextSpectrum, read_spectrum
from xreg.core.readers.structures import SUFFIXES
from xreg.core.readers.text import lines_of

__all__ = ["pairs_by_stem", "spectrum_of_pair"]

# Files that lie beside data: notes on them, what systems leave, and copies that editors make.
NOTES = re.compile(
    r"(?:readme|licen[cs]e|copying|changelog|citation|authors|todo)(?:[._-]|$)", re.IGNORECASE
)
SYSTEM = re.compile(r"thumbs\.db|desktop\.ini|.*\.lnk|Icon\r?|__MACOSX", re.IGNORECASE)
COPIES = re.compile(r".*~|#.*#|.*\.(?:bak|orig|swp|tmp|part)", re.IGNORECASE)


def pairs_by_stem(
    structures: Path, spectra: Path, log: ImportLog
) -> Iterator[tuple[str, str, str]]:
    """Yield each stem with its file of structures and its file of a spectrum.

    A stem that stands on one side only, or twice on one side, is bad; notes, copies and what
    systems leave are passed over.
    """
    left, right = _by_stem(structures, tuple(SUFFIXES), log), _by_stem(spectra, (), log)
    _skip_unrelated(left, right, log)
    stems = sorted({*left, *right})
    for stem in track(stems, f"reading {structures.name}", len(stems)):
        xyz, table = left.get(stem, []), right.get(stem, [])
        if len(xyz) == len(table) == 1:
            yield stem, xyz[0], table[0]
            continue
        files = [*xyz, *table]
        for file in files:
            with log.entry(file):
                raise DataError(
                    f"'{stem}' is a duplicate: {', '.join(map(os.path.basename, files))}"
                    if len(xyz) > 1 or len(table) > 1
                    else f"no {'spectrum' if xyz else 'structure'} of that name"
                )


def spectrum_of_pair(file: str, columns: SpectrumColumns, log: ImportLog) -> TextSpectrum:
    """Read a text spectrum; what its reader notes is remarked."""
    found = read_spectrum(log.read(file), columns)
    for note in found.notes:
        log.remark(file, note)
    return found


def _unrelated(name: str) -> str:
    """Return what a file is that lies beside data, by its name; nothing of any other."""
    if NOTES.match(name):
        return "it describes the folder"
    if SYSTEM.fullmatch(name):
        return "it is a file of the system's"
    return "it is an editor's copy" if COPIES.fullmatch(name) else ""


def _skip_unrelated(
    structures: dict[str, list[str]], spectra: dict[str, list[str]], log: ImportLog
) -> None:
    """Pass over files among the spectra that hold no table, where no structure is lost by that.

    These are files beside a spectrum of the same stem (a picture, a log), and files of a stem that
    no structure has (a script, a list). What stands alone beside a structure is its spectrum, good
    or bad.
    """
    for stem, files in list(spectra.items()):
        if len(files) == 1 and stem in structures:
            continue
        tables = [file for file in files if _holds_rows(file)]
        if stem in structures and not tables:
            continue
        for file in files:
            if file not in tables:
                log.pass_over(file, "it holds no table of numbers")
        spectra[stem] = tables
        if not tables:
            del spectra[stem]


def _holds_rows(file: str) -> bool:
    try:
        lines = lines_of(read_file(file))
    except (DataError, OSError):
        return False
    return sum(map(is_row, lines)) > 1


def _by_stem(folder: Path, suffixes: tuple[str, ...], log: ImportLog) -> dict[str, list[str]]:
    if not folder.is_dir():
        raise DataError(f"there is no folder '{folder}'.")
    found = defaultdict(list)
    with os.scandir(folder) as listed:  # tells links and folders without a further look at each
        entries = sorted(listed, key=attrgetter("name"))
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = entry.path  # a text, as of thousands of paths each takes as long as to read a file
        stem, suffix = _ends(entry.name)
        if entry.is_symlink() and not os.path.exists(path):
            with log.entry(path):
                raise DataError("it is a link that leads nowhere")
        elif entry.is_dir():
            log.pass_over(path, "it is a folder")
        elif what := _unrelated(entry.name):
            log.pass_over(path, what)
        elif suffixes and suffix.lower() not in suffixes:
            log.pass_over(path, f"it is none of {', '.join(suffixes)}")
        else:
            found[normalize("NFC", stem)].append(path)  # macOS writes accents apart
    return dict(found)


def _ends(name: str) -> tuple[str, str]:
    """Return stem and suffix as a path does, which takes several times as long."""
    dot = name.rfind(".")
    cut = dot if 0 < dot < len(name) - 1 else len(name)
    return name[:cut], name[cut:]
