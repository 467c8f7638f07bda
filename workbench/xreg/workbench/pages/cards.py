"""What pages of datasets and models have in common: who made a version, under which terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml

from xreg.core.errors import XregError
from xreg.registry.cards.citation import cite
from xreg.registry.versions.authors import Author
from xreg.registry.versions.entries import Entry
from xreg.workbench.pages.places import Place
from xreg.workbench.web.html import sound

__all__ = ["Card", "card", "newest", "version_rows"]

EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True)
class Card:
    """The card of a version as its page shows it.

    Attributes
    ----------
    authors
        In their order.
    facts
        Names and values, those that are known.
    citation
        How to cite it, as BibTeX; empty where that cannot be said.
    provenance
        How it was made, as its publisher states it.
    """

    authors: Sequence[Author]
    facts: Sequence[tuple[str, str]]
    citation: str
    provenance: str


def card(place: Place, entry: Any) -> Card:
    """Return the card of a dataset or model."""
    facts = [
        ("intended use", entry.intended_use),
        ("known limits", entry.limits),
        ("licence", entry.licence or "not stated; ask its authors before you use it"),
        ("published", entry.published),
        ("keywords", ", ".join(entry.keywords)),
        ("cite also", entry.citation),
        ("size", f"{entry.size_text}, {entry.files:,} files"),
        ("content hash", entry.hash),
    ]
    try:
        citation = cite(entry, place.url)
    except XregError:
        citation = ""
    made = yaml.safe_dump(entry.provenance, sort_keys=False, allow_unicode=True)
    return Card(
        entry.authors,
        [(name, value) for name, value in facts if value],
        citation,
        sound(made) if entry.provenance else "",
    )


def newest(versions: Sequence[EntryT]) -> EntryT:
    """Return the newest version that is not withdrawn; the newest of all where there is none."""
    usable = [entry for entry in versions if entry.withdrawn is None]
    return (usable or list(versions))[-1]


def version_rows(
    versions: Sequence[EntryT], changes: Callable[[EntryT, EntryT], list[str]]
) -> list[dict[str, Any]]:
    """Return the versions, newest first, each with what changed in it."""
    found = []
    for old, new in zip([None, *versions], versions, strict=False):
        told = changes(old, new) if old is not None else ["The first version."]
        found.append({"entry": new, "changes": told})
    return found[::-1]
