"""Fields of a header that say what xreg knows of a sample, so that all of it comes back.

Text headers hold ``Family.name: value``. Values are numbers, ``True`` and ``False``, with a unit
behind them where there is one, and texts; a text that would be read as anything else stands in the
quotes of JSON. ``Xreg.names`` lists the fields as they are spelt, since readers fold their case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xreg.core.data.samples import ParameterSet
from xreg.core.data.specimens import Specimen
from xreg.core.data.splits import PARTS
from xreg.core.errors import DataError

__all__ = ["CHANNEL", "NAMES", "OwnFields", "field_text", "field_value", "own_fields"]

NAMES = "Xreg.names"
CHANNEL = "Xreg.channel"
INTEGER = re.compile(r"[-+]?[0-9]+")
FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]+(?:e[-+]?[0-9]+)?|[-+]?[0-9]+e[-+]?[0-9]+|nan|-?inf")
TRUTH = {"True": True, "False": False}


@dataclass(frozen=True)
class OwnFields:
    """What a header that xreg wrote says of a sample.

    Attributes
    ----------
    sample
        With the name that it had; with its absorber, if it is no parameter set.
    channel
        Name of the channel.
    labels, label_units
        Values and units of its labels.
    parameter_units
        Of its parameters.
    splits
        Part of each split that it is in.
    """

    sample: Specimen | ParameterSet
    channel: str
    labels: Mapping[str, Any] = field(default_factory=dict)
    label_units: Mapping[str, str] = field(default_factory=dict)
    parameter_units: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)


def field_text(value: Any, unit: str = "") -> str:
    """Return the text of a field that :func:`field_value` takes back."""
    if not isinstance(value, str):
        return f"{value} {unit}" if unit else str(value)
    plain = not unit and value.isprintable() and value == value.strip() and value
    if plain and not value.startswith('"') and field_value(value) == (value, ""):
        return value
    text = json.dumps(value, ensure_ascii=not value.isprintable())
    return f"{text} {unit}" if unit else text


def field_value(text: str) -> tuple[Any, str]:
    """Return value and unit of a field.

    Raises
    ------
    DataError
        If it begins as a text of JSON and is none.
    """
    if text.startswith('"'):
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except ValueError:
            raise DataError(f"its header holds {text[:40]}, which ends nowhere") from None
        return value, text[end:].strip()
    word, _, unit = text.partition(" ")
    if word in TRUTH:
        return TRUTH[word], unit
    if INTEGER.fullmatch(word):
        return int(word), unit
    return (float(word), unit) if FLOAT.fullmatch(word) else (text, "")


def own_fields(fields: Mapping[str, str], absorber: int) -> OwnFields | None:
    """Return what xreg wrote into a header; None of a header that others wrote.

    Parameters
    ----------
    fields
        Its fields, names in lower case.
    absorber
        Atomic number of the absorbing element, 0 where it is not known.

    Raises
    ------
    DataError
        If a field is not as xreg writes it.
    """
    if NAMES.lower() not in fields:
        return None
    found: dict[str, dict[str, tuple[Any, str]]] = {}
    for spelt in fields[NAMES.lower()].split():
        family, _, name = spelt.partition(".")
        if spelt.lower() in fields:  # whoever has edited the file may have taken it out
            found.setdefault(family, {})[name] = field_value(fields[spelt.lower()])
    known = {name: str(value) for name, (value, _) in found.get("Sample", {}).items()}
    if not known.get("id"):
        raise DataError("its header lacks Sample.id, which xreg wrote")
    parameters = found.get("Parameter", {})
    sample: Specimen | ParameterSet
    if parameters:
        values = {name: value for name, (value, _) in parameters.items()}
        if wrong := [n for n, v in values.items() if isinstance(v, str | bool)]:
            raise DataError(f"its parameter {wrong[0]} is no number")
        sample = ParameterSet(known["id"], {name: float(v) for name, v in values.items()})
    else:
        sample = Specimen(known["id"], known.get("stoichiometry", ""), absorber)
    splits = {name: str(value) for name, (value, _) in found.get("Split", {}).items() if value}
    if unknown := sorted(set(splits.values()) - set(PARTS)):
        raise DataError(f"its header names '{unknown[0]}' as part of a split; there are {PARTS}")
    labels = found.get("Label", {})
    return OwnFields(
        sample,
        str(field_value(fields.get(CHANNEL.lower(), ""))[0]),
        {name: value for name, (value, _) in labels.items()},
        {name: unit for name, (_, unit) in labels.items() if unit},
        {name: unit for name, (_, unit) in parameters.items()},
        splits,
    )
