"""The comment line of extended xyz, as ASE reads it."""

from __future__ import annotations

import re
from typing import Any

from xreg.core.errors import DataError
from xreg.core.readers.numbers import is_number, number, plain_numbers

__all__ = ["extended_fields"]

QUOTED = re.compile(r'(?<==)"([-+0-9.eE, \t]+)"(?!\S)|"[^"]*"?')
TEXT = re.compile(r"\"[^\"]*\"|'[^']*'|\{[^{}]*\}|\[[^\[\]]*\]")
KEY = re.compile(r"(?<!\S)([^\s=\"']++)=")
# What may open, close or escape something else than double quotes do.
OTHERS = re.compile(r"['{}\[\]\\\ue000]")
# What ASE makes something else of: it reads an empty text as if it had no end, 007 as 7, 1_000 as
# 1000; and what an id of digits is as it stands (1.50).
EMPTY = re.compile(
    r"(?<!\S)(?P<q>[\"']?)(?P<key>[^\s=\"']+)(?P=q)="
    r"(?:(?:\"\"|''|\{\s*\}|\[\s*\])(?!\S)|(?=\s+[\"']?[^\s=\"']+[\"']?=\S))"
)
VALUE = r"(?<!\S)(?P<q>[\"']?)(?P<key>%s)(?P=q)=(?P<p>\"?)(?P<value>%s)(?P=p)(?!\S)"
DIGITS = re.compile(VALUE % (r"[^\s=\"']+", r"0[0-9]+|[0-9]+(?:_[0-9]+)+"))
ID = re.compile(VALUE % ("id", "[-+.0-9eE]+"))
# ASE looks at a line letter by letter; longer lists of numbers are taken out of it before.
FEW = 9
FORTRAN = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d+)[dD][+-]?\d+")
VERBATIM = ("uid",)


def extended_fields(comment: str) -> dict[str, Any]:
    """Return the fields of a comment line of extended xyz.

    Raises
    ------
    DataError
        If ASE cannot read it, or it says something twice.
    """
    empty = [match["key"] for match in EMPTY.finditer(comment)]
    rest = EMPTY.sub("", comment) if empty else comment
    found = _without_lists(rest)
    if found is None:
        found = _by_ase(rest)
    found |= dict.fromkeys(empty, "")
    kept = [match for way in (DIGITS, ID) for match in way.finditer(rest)]
    found |= {match["key"]: match["value"] for match in kept if match["key"] in found}
    flags = [key for key, value in found.items() if value is True and is_number(key)]
    # A label may be called 007 and be true.
    if bare := [key for key in flags if not re.search(rf'{re.escape(key)}["\']?\s*=', rest)]:
        raise DataError(
            f"its comment line has the number {bare[0][:40]} without a name: put a list into quotes"
        )
    found |= {
        key: number(value)  # Fortran's 1.0D+02, of which ASE makes a word
        for key, value in found.items()
        if isinstance(value, str) and FORTRAN.fullmatch(value) and key not in ("id", *VERBATIM)
    }
    if comment.count("=") > len(found):
        keys = KEY.findall(TEXT.sub("", comment))
        if twice := [key for key in dict.fromkeys(keys) if keys.count(key) > 1]:
            raise DataError(f"its comment line says '{twice[0][:40]}' twice")
    return found


def _without_lists(comment: str) -> dict[str, Any] | None:
    """Return the fields as ASE does, much faster where a spectrum is among them; None if unsure."""
    if '="' not in comment or OTHERS.search(comment):
        return None
    lists: dict[str, Any] = {}

    def kept(match: re.Match[str]) -> str:
        words = (match[1] or "").replace(",", " ").encode().split()
        if len(words) <= FEW or (values := _as_ase(match[1], words)) is None:
            return match[0]
        mark = f"\ue000{len(lists)}"
        lists[mark] = values
        return mark

    short = QUOTED.sub(kept, comment)
    if not lists:
        return None
    fields = _by_ase(short)
    marked = [key for key, value in fields.items() if isinstance(value, str) and value in lists]
    # A key given twice, something around a list, or one that ASE keeps as text.
    if len(marked) != len(lists) or any(key.lower() in VERBATIM for key in marked):
        return None
    return {key: lists[value] if key in marked else value for key, value in fields.items()}


def _as_ase(text: str, words: list[bytes]) -> Any:
    """Return (n,) whole numbers where all are, else numbers; None where ASE may see others."""
    if any(mark in text for mark in ".eE"):
        return plain_numbers(words)
    import numpy as np

    try:
        return np.array([*map(int, words)], dtype=int)
    except (ValueError, OverflowError):
        return None


def _by_ase(comment: str) -> dict[str, Any]:
    from ase.io.extxyz import key_val_str_to_dict

    try:
        return dict(key_val_str_to_dict(comment))
    except Exception as error:  # ASE raises what happens to go wrong
        raise DataError(
            f"its comment line is no extended xyz ({type(error).__name__}: {str(error)[:80]})"
        ) from None
