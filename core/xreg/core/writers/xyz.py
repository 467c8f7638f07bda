"""Extended xyz: structures, with fields that come back as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.samples import Structure
from xreg.core.readers.structures.extended import extended_fields

__all__ = ["field_text", "frame_text", "holds_field"]

RESERVED = frozenset(("properties", "lattice", "pbc"))


def frame_text(structure: Structure, fields: Mapping[str, str]) -> str:
    """Return a frame of extended xyz.

    Parameters
    ----------
    structure
        Its positions, cell and periodicity are written to the last bit.
    fields
        Further fields of the comment line, as :func:`field_text` gives them.
    """
    first = {}
    if structure.cell.any() or structure.pbc.any():
        first["Lattice"] = f'"{_numbers(structure.cell.ravel())}"'
    first["Properties"] = "species:S:1:pos:R:3"
    first["pbc"] = '"' + " ".join("T" if one else "F" for one in structure.pbc) + '"'
    words = {**first, **{_key(name): text for name, text in fields.items()}}
    atoms = (
        f"{SYMBOLS[number]} {_numbers(place)}\n"
        for number, place in zip(structure.numbers, structure.positions, strict=True)
    )
    comment = " ".join(f"{key}={text}" for key, text in words.items())
    return f"{len(structure.numbers)}\n{comment}\n{''.join(atoms)}"


def field_text(value: Any) -> str:
    """Return the text of a field: a number, truth value, word, or (m,) numbers.

    Words that a reader would take for something else (``007``, ``T``, ``1 2``) are written as JSON
    texts, which ASE marks by ``_JSON``.
    """
    if isinstance(value, np.ndarray):
        return f'"{_numbers(value)}"'
    if isinstance(value, bool | np.bool_):
        return "T" if value else "F"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return repr(float(value))
    text = _quoted(str(value))
    again = extended_fields(f"a={text}").get("a")
    if str(value).isprintable() and isinstance(again, str) and again == value:
        return text
    return _quoted(f"_JSON {json.dumps(str(value))}")


def holds_field(name: str) -> bool:
    """Whether a field of this name comes back under it."""
    if name.lower() in RESERVED or not name.isprintable():
        return False
    other = "a" if name == "b" else "b"
    return extended_fields(f"{_key(name)}=1 {other}=2") == {name: 1, other: 2}


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() else _quoted(name)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _numbers(values: NDArray[Any]) -> str:
    return " ".join(map(repr, np.asarray(values, np.float64).tolist()))
