"""What the comment line of an xyz frame says: fields of many programs, and extended xyz."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from xreg.core.errors import DataError
from xreg.core.readers.numbers import MINUS, number
from xreg.core.text import one_line

__all__ = ["charges_read", "field_value", "fields_of", "unit_problem"]

FIELD = re.compile(
    r"""(?<![\w.+/-])(\w[\w.+/-]*+)\s*+=\s*+("[^"]*"|'[^']*'|\{[^{}]*\}|\[[^\[\]]*\]|[^\s,;|]+"""
    r"""(?:,[+-]?[\d.]+(?:[eEdD][+-]?\d+)?(?=[\s,;|]|$))*)"""
)
NAMED = re.compile(r"(?:^|[\s,;|])([A-Za-z_][\w.+-]*)\s*:\s*([+-]?\d[\w.+-]*)(?=$|[\s,;|])")
WHOLE = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
DECIMAL = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+)(?:[eEdD][+-]?\d+)?|[+-]?\d+[eEdD][+-]\d+")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
BEHIND = re.compile(rf"(?:,?[ \t]+{NUMBER.pattern}(?=[\s,;|]|$))+(?!\s*=)")
CHARGES = frozenset(("charge", "q", "total_charge", "net_charge", "molecular_charge", "chrg"))
# A charge with its sign behind, as in Fe(CN)6 3-.
IONIC = re.compile(r"\(?(\d{1,3})([+-])\)?")
NO_LABEL = re.compile(r"[^A-Za-z0-9_.+-]+")
LENGTH_UNITS = {
    "bohr": "Bohr",
    "bohrs": "Bohr",
    "au": "Bohr",
    "a.u.": "Bohr",
    "atomic": "Bohr",
    "atomic_unit": "Bohr",
    "atomic_units": "Bohr",
    "nm": "nm",
    "nanometer": "nm",
    "nanometers": "nm",
    "nanometre": "nm",
    "nanometres": "nm",
    "pm": "pm",
    "picometer": "pm",
    "picometers": "pm",
}
# i-PI: 'positions{atomic_unit}  cell{angstrom}'.
BRACED = re.compile(r"\b(?:positions?|x_centroid|coord\w*)\{([A-Za-z_]+)\}", re.IGNORECASE)
# Of words for other quantities than lengths an 'in nm' says nothing.
LENGTHS = re.compile(
    r"\b(?:coord\w*|geometr\w*|positions?|lengths?|distances?|cell|lattice|xyz)\b[^.;]{0,30}?"
    r"\b(bohrs?|au|a\.u\.|atomic|nm|nanomet(?:er|re)s?|pm|picomet(?:er|re)s?)(?![\w-])",
    re.IGNORECASE,
)
FRACTIONS = re.compile(
    r"\b(?:fractional|scaled|reduced|direct)[_ ](?:coord\w*|positions?)"
    r"|\b(?:coord\w*|positions?)\b[^.;]{0,20}?\b(?:fractional|fractions)\b",
    re.IGNORECASE,
)
FRACTION_KEYS = ("frac", "fractional", "scaled", "scaled_positions")
UNIT_KEYS = ("unit", "units", "length_unit", "length_units", "unit_length", "units_length")


def field_value(text: str) -> Any:
    """Return a field's value: a whole number, a number, an array of numbers, or a word."""
    text = text.strip()
    if text[:1] and ord(text[0]) in MINUS:
        text = f"-{text[1:]}"
    if WHOLE.fullmatch(text):
        return int(text)
    if DECIMAL.fullmatch(text):
        return number(text)
    if len(text) > 1 and text[0] + text[-1] in ('""', "''", "{}", "[]"):
        inner = text[1:-1].strip()
        words = inner.replace(",", " ").split()
        values = [field_value(word) for word in words if word[0] not in "\"'{["]
        if len(words) > 1 and all(isinstance(v, int | float) for v in values):
            return np.array(values)
        return values[0] if len(words) == 1 and values else inner
    return text


def fields_of(comment: str, notes: list[str] | None = None) -> dict[str, Any]:
    """Return the fields of a comment line; add to notes what is to be said of them.

    Four ways of writing are known: ``key=value`` with quotes or brackets where there are blanks;
    ``key = value | key = value``, as tmQM does; ``charge: 0, spin: 1`` with numbers; and a JSON
    object. What stands beside them is free text. Numbers behind ``key=1`` without brackets are of
    the same list.

    Raises
    ------
    DataError
        If a key has two values.
    """
    if "=" not in comment and ":" not in comment:
        return {}
    notes = [] if notes is None else notes
    if comment.lstrip().startswith("{") and (known := _of_json(comment)) is not None:
        return known
    if "|" in comment:
        parts = [part.partition("=") for part in comment.split("|")]
        found = [(key.strip(), value) for key, sign, value in parts if sign and value.strip()]
    else:
        found = [(m[1], _listed(comment, m, notes)) for m in FIELD.finditer(comment)]
    found = found or [(m[1], _listed(comment, m, notes)) for m in NAMED.finditer(comment)]
    fields: dict[str, str] = {}
    for key, value in found:
        name = NO_LABEL.sub("_", key).strip("_.+-")
        if fields.setdefault(name, value) != value:
            raise DataError(
                f"its comment line says '{name}' twice, {fields[name].strip()[:40]} and "
                f"{value.strip()[:40]}"
            )
    return {
        name: field_value(value) for name, value in fields.items() if any(c.isalpha() for c in name)
    }


def _listed(comment: str, field: re.Match[str], notes: list[str]) -> str:
    """Return the value of a field with the numbers behind it, as a list where there are some."""
    if not NUMBER.fullmatch(field[2]) or not (more := BEHIND.match(comment, field.end())):
        return field[2]
    values = [field[2], *more[0].replace(",", " ").split()]
    notes.append(
        f"'{field[1][:40]}' of its comment line is read as a list of {len(values)} numbers"
    )
    return f"[{' '.join(values)}]"


def _of_json(comment: str) -> dict[str, Any] | None:
    """Return the plain values of a comment line that is a JSON object, None where it is none."""
    try:
        found = json.loads(comment)
    except (ValueError, RecursionError):
        return None
    return {
        name: value
        for key, value in found.items()
        if isinstance(value, str | int | float) and (name := NO_LABEL.sub("_", key).strip("_.+-"))
    }


def charges_read(info: dict[str, Any]) -> list[str]:
    """Make numbers of charges as chemists write them (``2-``) in place, and say so.

    Returns
    -------
    list of str
        What was read so, and what a field named as the charge says that is no number.
    """
    notes = []
    for key, value in info.items():
        if key.lower() not in CHARGES or not isinstance(value, str):
            continue
        if found := IONIC.fullmatch(value.strip().translate(MINUS)):
            info[key] = int(f"{found[2]}{found[1]}")
            notes.append(f"{key} '{value}' is read as {info[key]}")
        elif key.lower() != "q":
            notes.append(f"{key} '{one_line(value)[:40]}' is no number, and stays a text")
    return notes


FRACTIONAL = "its comment line says '{}': convert fractions of the cell to Å"


def unit_problem(comment: str, fields: dict[str, Any]) -> str:
    """Return why a frame is refused whose comment line says that lengths are not in Å."""
    if said := BRACED.findall(comment[:1000]):
        return _problem(said)
    if not fields:
        return _problem_in_prose(comment)
    if said := [key for key in fields if key.lower() in FRACTION_KEYS and _is_true(fields[key])]:
        return FRACTIONAL.format(said[0])
    return _problem(str(fields[key]) for key in fields if key.lower() in UNIT_KEYS)


def _is_true(value: Any) -> bool:
    return str(value).lower() in ("t", "true", "1", "yes")


@lru_cache(maxsize=64)  # the files of a series say the same
def _problem_in_prose(comment: str) -> str:
    if found := FRACTIONS.search(comment[:1000]):
        return FRACTIONAL.format(found[0])
    said = [word.strip("()[],;:") for word in comment.split() if len(word) > 3 or "(" in word]
    said = [word for word in said if word.lower() not in ("atomic",)]
    said += [found[1] for found in LENGTHS.finditer(comment[:1000])] or [comment.strip()]
    return _problem(said)


def _problem(said: Iterable[str]) -> str:
    for word in said:
        if unit := LENGTH_UNITS.get(word.lower()):
            return f"its comment line says '{word}': convert lengths from {unit} to Å"
    return ""
