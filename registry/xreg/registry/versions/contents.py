"""What a store is, in the words of a catalogue, and whether a catalogue says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from xreg.core.data.dataset import Dataset
from xreg.core.data.splits import PARTS
from xreg.core.errors import CorruptError
from xreg.core.text import one_line
from xreg.registry.versions.entries import ChannelEntry, DatasetEntry

__all__ = ["SAID_BY_STORE", "contents_of", "require_said", "require_same_contents"]

SAID_BY_STORE = ("title", "description", "licence", "citation")


def contents_of(dataset: Dataset) -> dict[str, Any]:
    """Return the fields of a catalogue's entry that the metadata of a store tell."""
    return {
        "provenance": dataset.metadata.provenance,
        "samples": len(dataset),
        "kind": dataset.samples.kind,
        "channels": {
            name: ChannelEntry(points=len(c.features), unit=c.unit, features=list(c.features))
            if c.energy is None
            else ChannelEntry(
                points=len(c.energy), low=float(c.energy[0]), high=float(c.energy[-1]), unit=c.unit
            )
            for name, c in dataset.spectra.items()
        },
        "labels": {name: dataset.label_units.get(name, "") for name in dataset.labels},
        "splits": {
            name: {part: len(getattr(split, part)) for part in PARTS}
            for name, split in dataset.splits.items()
        },
    }


def require_same_contents(entry: DatasetEntry, dataset: Dataset) -> None:
    """Refuse a version of which its catalogue says something else than its store.

    Whoever reads a card decides by it: whether the data fit, may be used, bring code that may run.

    Raises
    ------
    CorruptError
        With the first field that differs.
    """
    found = contents_of(dataset)
    found |= {key: said for key in SAID_BY_STORE if (said := getattr(dataset.metadata, key))}
    require_said(entry, found, "its store")


def require_said(
    said: Any, found: Mapping[str, Any], what: str, reference: str = "", field: str = ""
) -> None:
    """Refuse what a catalogue says where something else is found.

    Parameters
    ----------
    said
        The entry, or a part of it.
    found
        Values by name of the field.
    what
        Where they were found, in words.
    reference, field
        Version and field of which ``said`` is a part.

    Raises
    ------
    CorruptError
        With the first field that differs.
    """
    for key, value in found.items():
        told = said[key] if isinstance(said, Mapping) else getattr(said, key)
        if not _same(told, value):
            one, other = _first_difference(told, value)
            raise CorruptError(
                f"{reference or said.reference}: of its {field or key} the catalogue says "
                f"{f'{key}: ' if field else ''}{one}, and {what} {other}; ask the registry's "
                "maintainers."
            )


def _same(one: Any, other: Any) -> bool:
    one, other = _plain(one), _plain(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) or repr(one) == repr(other) == "nan"


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _first_difference(one: Any, other: Any) -> tuple[str, str]:
    one, other = _plain(one), _plain(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}, key=str):
            if key not in one or key not in other or not _same(one[key], other[key]):
                names = [f"'{_short(key)}'" if key in side else "nothing" for side in (one, other)]
                if "nothing" in names:
                    return f"{names[0]}", f"{names[1]}"
                told, has = _first_difference(one[key], other[key])
                return f"{_short(key)}: {told}", f"{_short(key)}: {has}"
    return f"'{_short(one)}'", f"'{_short(other)}'"


def _short(value: Any) -> str:
    text = one_line(str(value))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


SHOWN = 80
