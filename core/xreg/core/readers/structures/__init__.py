"""The one reader of structures: files of many programs, frame by frame, with checks of our own."""

from __future__ import annotations

from xreg.core.readers.structures.absorbers import Assumed, absorbing_sites, site_id
from xreg.core.readers.structures.frame import Frame
from xreg.core.readers.structures.geometry import judge
from xreg.core.readers.structures.read import SUFFIXES, one_frame, parse_frames, read_frames

__all__ = [
    "SUFFIXES",
    "Assumed",
    "Frame",
    "absorbing_sites",
    "judge",
    "one_frame",
    "parse_frames",
    "read_frames",
    "site_id",
]
