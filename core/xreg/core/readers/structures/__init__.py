"""The one reader of structures: files of many programs, frame by frame, with checks of our own."""

from __future__ import annotations

from xreg.core.readers.structures.absorbers import (
    absorbing_sites,
    counted_from_one,
    same_first_atoms,
)
from xreg.core.readers.structures.frame import Frame
from xreg.core.readers.structures.geometry import judge
from xreg.core.readers.structures.read import SUFFIXES, one_frame, parse_frames, read_frames

__all__ = [
    "SUFFIXES",
    "Frame",
    "absorbing_sites",
    "counted_from_one",
    "judge",
    "one_frame",
    "parse_frames",
    "read_frames",
    "same_first_atoms",
]
