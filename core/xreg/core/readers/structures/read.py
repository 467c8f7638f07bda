"""Structures of a file, frame by frame: which format it is, and who reads that."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from xreg.core.errors import DataError
from xreg.core.files import read_file, readable
from xreg.core.readers.structures.cif import cif_frames
from xreg.core.readers.structures.frame import Frame
from xreg.core.readers.structures.gen import gen_frame
from xreg.core.readers.structures.molfile import molfile_frames
from xreg.core.readers.structures.pdb import pdb_frames
from xreg.core.readers.structures.poscar import poscar_frame, xdatcar_frames
from xreg.core.readers.structures.xyz import xyz_frames
from xreg.core.readers.text import lines_of

__all__ = ["SUFFIXES", "one_frame", "parse_frames", "read_frames"]

SUFFIXES = {
    ".xyz": "xyz",
    ".extxyz": "xyz",
    ".exyz": "xyz",
    ".cif": "cif",
    ".mcif": "cif",
    ".vasp": "poscar",
    ".poscar": "poscar",
    ".contcar": "poscar",
    ".gen": "gen",
    ".pdb": "pdb",
    ".ent": "pdb",
    ".sdf": "sdf",
    ".mol": "sdf",
}
"""Format by the end of a file's name; all are text, none is read by unpickling."""
NAMED = {"POSCAR": "poscar", "CONTCAR": "poscar", "XDATCAR": "xdatcar"}
FORMATS = "xyz, extxyz, cif, POSCAR, XDATCAR, pdb, sdf or gen"
NUMBER = re.compile(r"\s*[+-]?(?:\d|\.\d)")
VECTOR = re.compile(r"\s*(?:[+-]?[\d.]+(?:[eEdD][+-]?\d+)?\s+){2}[+-]?[\d.]+")


def read_frames(path: Path) -> Iterator[Frame]:
    """Yield the structures of a file, bad ones with the reason.

    Parameters
    ----------
    path
        A file of xyz, extended xyz, CIF, POSCAR, XDATCAR, PDB, SDF or DFTB+'s gen.

    Raises
    ------
    DataError
        If there is no such file, it is no text, of no such format, or holds no structure at all.
    """
    with readable(f"'{path}'"):
        content = read_file(path)
    try:
        yield from parse_frames(content, path.name)
    except DataError as error:
        raise DataError(f"'{path}': {str(error).rstrip('.')}.") from None


def parse_frames(content: bytes, name: str) -> Iterator[Frame]:
    """Yield the structures of a file's content; as :func:`read_frames` otherwise."""
    lines = lines_of(content)
    if not any(map(str.strip, lines)):
        raise DataError("it is empty")
    kind = _format(name, lines)
    frames: Iterator[Frame]
    if kind == "xyz":
        frames = xyz_frames(lines, name)
    elif kind == "cif":
        frames = cif_frames(lines, name)
    elif kind == "poscar":
        frames = iter([poscar_frame(lines, name)])
    elif kind == "xdatcar":
        frames = xdatcar_frames(lines, name)
    elif kind == "pdb":
        frames = pdb_frames(lines, name)
    elif kind == "sdf":
        frames = molfile_frames(lines, name)
    else:
        frames = iter([gen_frame(lines, name)])
    first = next(frames, None)
    if first is None:
        raise DataError("it holds no structures")
    return chain([first], frames)


def one_frame(content: bytes, name: str) -> Frame:
    """Return the one structure of a file's content.

    Raises
    ------
    DataError
        If it is bad, or there are several.
    """
    frames = parse_frames(content, name)
    first = next(frames)
    others = sum(1 for _ in frames)
    if others:
        raise DataError(f"it has {others + 1} frames where one is needed")
    return first.require()


def _format(name: str, lines: Sequence[str]) -> str:
    """Tell the format by the file's name, else by its first lines."""
    if kind := SUFFIXES.get(os.path.splitext(name)[1].lower()):
        return kind
    stem = re.split(r"[._-]", Path(name).name.upper())
    for word in (stem[0], stem[-1]):
        if word in NAMED:
            return NAMED[word]
    filled = [line.strip() for line in lines[:2000] if line.strip() and line.strip()[0] != "#"]
    if filled and filled[0].lower().startswith("data_"):
        return "cif"
    if filled and filled[0].isdigit():
        return "xyz"
    scaled = len(lines) > 7 and NUMBER.match(lines[1])
    if scaled and all(VECTOR.match(line) for line in lines[2:5]):
        return "poscar"
    raise DataError(f"its format is not known; give {FORMATS}, and name it so")
