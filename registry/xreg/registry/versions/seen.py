"""Which hash of a published version this user has pulled, registry by registry."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xreg.core.errors import CorruptError
from xreg.core.files import write_text
from xreg.core.storage import canonical_json, digest
from xreg.core.text import one_line
from xreg.registry.versions.entries import Entry

__all__ = ["Seen"]

FOLDER = "seen"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """What is known of the versions of one registry.

    Attributes
    ----------
    cache
        The user's cache.
    registry, location
        What the registry is called, and its folder or URL.
    """

    cache: Path
    registry: str
    location: str

    def require_unchanged(self, entry: Entry) -> None:
        """Refuse a version that was pulled from the registry with another hash before.

        Where nothing is known, another hash of the same name and version in the cache is told.

        Raises
        ------
        CorruptError
            With both hashes, and what to do.
        """
        known = self._known(entry)
        if not known:
            for other in self._others(entry):
                log.warning(
                    "%s is in the cache with the hash %s… too, from another registry or an earlier "
                    "pull; that of %s is %s.",
                    entry.reference,
                    other,
                    self.registry,
                    entry.hash,
                )
        elif known.get("hash") != entry.hash:
            raise CorruptError(
                f"{entry.reference} of {self.registry} was pulled on "
                f"{one_line(str(known.get('date')))[:10]} with the hash "
                f"{one_line(str(known.get('hash')))[:40]} and is published with {entry.hash} now: "
                "a published version never changes, so ask the registry's maintainers; "
                f"`xreg {entry.collection.command} pull {entry.reference} --accept-changed` takes "
                "the new one."
            )

    def remember(self, entry: Entry, *, anew: bool = False) -> None:
        """Take down the hash of a version; what is known stays, unless it is ``anew``.

        A cache that may not be written remembers nothing.
        """
        if not anew and self._known(entry):
            return
        told = {
            "reference": entry.reference,
            "registry": self.location,
            "hash": entry.hash,
            "date": datetime.now(UTC).date().isoformat(),
        }
        with suppress(OSError):
            write_text(self._place(entry), json.dumps(told, indent=1, ensure_ascii=False) + "\n")

    def _place(self, entry: Entry) -> Path:
        key = [self.location, entry.collection.name, entry.reference]
        return self.cache / FOLDER / f"{digest(canonical_json(key))[:32]}.json"

    def _known(self, entry: Entry) -> dict[str, Any]:
        try:
            known = json.loads(self._place(entry).read_bytes())
        except (OSError, ValueError):  # never pulled, or a record that was damaged
            return {}
        return known if isinstance(known, dict) else {}

    def _others(self, entry: Entry) -> list[str]:
        """Return the beginnings of other hashes of a version that are in the cache."""
        start = f"{entry.name}-{entry.version}-"
        folder, ending = self.cache / entry.collection.name, entry.collection.ending
        with suppress(OSError):
            found = [p.name for p in folder.glob(f"{start}{'[0-9a-f]' * 16}{ending}")]
            hashes = [name.removeprefix(start).removesuffix(ending) for name in sorted(found)]
            return [one for one in hashes if one != entry.hash[:16]]
        return []
