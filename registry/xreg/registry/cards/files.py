"""Cards of a registry's versions as files in its git repository, for visitors and harvesters."""

from __future__ import annotations

from pathlib import Path

from xreg.core.files import write_text
from xreg.core.paths import confined
from xreg.registry.cards.citation import cff, cite
from xreg.registry.cards.croissant import croissant_text
from xreg.registry.cards.text import markdown
from xreg.registry.versions.entries import DatasetEntry, Entry

__all__ = ["CARDS", "card_folder", "write_cards"]

CARDS = "cards"


def card_folder(entry: Entry) -> str:
    """Return where the card of a version is, below the registry's folder."""
    return f"{CARDS}/{entry.collection.name}/{entry.name}/{entry.version}"


def write_cards(root: Path, entry: Entry) -> str:
    """Write the card of a version and what it is cited by; return their folder below ``root``."""
    folder = card_folder(entry)
    texts = {"README.md": markdown(entry), "CITATION.cff": cff(entry, "")}
    if entry.published:
        texts["datacite.json"] = cite(entry, "", "datacite")
    if isinstance(entry, DatasetEntry):
        texts["croissant.json"] = croissant_text(entry, "")
    for name, text in texts.items():
        write_text(confined(root, f"{folder}/{name}", f"registry {root}"), text)
    return folder
