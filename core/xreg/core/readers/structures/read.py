"""Structures of a file, frame by frame: which format it is, and who reads that."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from xreg.core.errors import DataError
from xreg.core.readers.structures.cif import cif_frames
from xreg.core.readers.structures.frame import Frame
from xreg.core.readers.structures.poscar import poscar_frame
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
    ".pdb": "proteindatabank",
    ".ent": "proteindatabank",
    ".sdf": "sdf",
    ".mol": "sdf",
}
"""Format by the end of a file's name; all are text, none is read by unpickling."""
NAMED = {"POSCAR": "poscar", "CONTCAR": "poscar", "XDATCAR": "vasp-xdatcar"}
FORMATS = "xyz, extxyz, cif, POSCAR, XDATCAR, pdb, sdf or gen"
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
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror}).") from None
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
    else:
        frames = _ase_frames(lines, name, kind)
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
    if len(lines) > 7 and all(VECTOR.match(line) for line in lines[2:5]):
        return "poscar"
    raise DataError(f"its format is not known; give {FORMATS}, and name it so")


def _ase_frames(lines: Sequence[str], name: str, kind: str) -> Iterator[Frame]:
    """Yield frames that ASE reads."""
    parts = _records(lines) if kind == "sdf" else ["\n".join(lines)]
    place = 0
    for number, text in enumerate(parts):
        where = f"{name}, frame {number}" if len(parts) > 1 else name
        for frame in _ase_part(text, where, kind, place):
            yield frame.judged()
            place += 1


def _records(lines: Sequence[str]) -> list[str]:
    """Return the molecules of an SDF file; ASE reads only the first."""
    parts = re.split(r"^\$\$\$\$.*\n?", "\n".join(lines), flags=re.MULTILINE)
    return [part for part in parts if part.strip()]


def _no_structure(lines: Sequence[str], kind: str) -> str:
    """Return why a file of these kinds is refused though ASE would make something of it."""
    if kind == "sdf" and len(lines) > 3:
        if "V3000" in lines[3]:
            return "it is written in version V3000, which is not read: write V2000, or xyz"
        if lines[1][20:22].upper() == "2D":
            return "it is a drawing in two dimensions, no structure"
    if kind == "proteindatabank":
        atoms = [line for line in lines if line.startswith(("ATOM  ", "HETATM"))]
        if other := [line[6:16].strip() for line in atoms if line[16:17].strip()]:
            return (
                f"its atoms {', '.join(other[:4])} … have alternative locations: keep one of each"
            )
        if bare := [line[6:16].strip() for line in atoms if not line[76:78].strip()]:
            return f"its atoms {', '.join(bare[:4])} … have no element in columns 77 and 78"
    return ""


def _ase_part(text: str, where: str, kind: str, place: int) -> list[Frame]:
    from ase.io import read

    if problem := _no_structure(text.split("\n"), kind):
        return [Frame.bad(where, place, problem)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = read(io.StringIO(text), index=":", format=kind)
        except Exception as error:  # ASE raises what happens to go wrong
            reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:80]}"
            return [Frame.bad(where, place, f"it cannot be read as {kind} ({reason})")]
    atoms = found if isinstance(found, list) else [found]
    atoms = [one for one in atoms if len(one)] or atoms[:1]  # ASE makes one of a last 'END' too
    frames = []
    for number, one in enumerate(atoms):
        here = f"{where}, frame {number}" if len(atoms) > 1 else where
        occupancy = one.arrays.get("occupancy")
        if occupancy is not None and (partly := [i for i, v in enumerate(occupancy) if v < 0.999]):
            reason = f"its atoms {', '.join(map(str, partly[:8]))} are partly occupied"
            frames.append(Frame.bad(here, place + number, reason))
        else:
            one.info = {}
            frames.append(Frame.of(here, place + number, one))
    return frames
