"""Looks at lockboxes: how often, when and by what the locked samples of a dataset were judged.

The record is the user's own, in the folder of the user's data, and goes by the content of a
dataset: a registry is shared, often read-only and replaced by the next pull, and a copy of a
dataset under another name or path has the same locked samples.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from xreg.core.errors import CorruptError, DataError
from xreg.core.files import disk_errors
from xreg.core.storage import canonical_json, digest

__all__ = ["VARIABLE", "Looks", "folder", "look"]

VARIABLE = "XREG_LOOKS"
SECONDS = 10.0
MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class Looks:
    """How often a lockbox was looked at on this machine.

    Attributes
    ----------
    count
        Looks until now, this one included.
    methods
        Different methods that were judged by it.
    first, last
        Day of the first look, and of the one before this; empty where this is the first.
    """

    count: int
    methods: int
    first: str
    last: str

    def in_words(self) -> str:
        """Return what a reader of scores on the lockbox must know, in one sentence."""
        if self.count == 1:
            return (
                "These scores are on the lockbox, which was looked at for the first time here, on "
                f"{self.first}."
            )
        return (
            f"These scores are on the lockbox, which was looked at {self.count} times here, with "
            f"{self.methods} different methods, first on {self.first} and before this on "
            f"{self.last}: the best of several looks is no unbiased score."
        )

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return dict(vars(self))


def folder() -> Path:
    """Return where looks are recorded: ``$XREG_LOOKS``, or the platform's place for user data."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    from platformdirs import user_data_path

    return Path(user_data_path("xreg", False)) / "lockbox"


def look(content: str, lockbox: Any, about: dict[str, str]) -> Looks:
    """Write down that a lockbox is looked at, and return how often it was.

    Parameters
    ----------
    content
        Content hash of the dataset.
    lockbox
        What tells this lockbox from others of the dataset, as JSON values.
    about
        Who looks: the dataset, the command, its name, and a hash of the ``method``.

    Raises
    ------
    DataError
        If the look cannot be counted; then it must not be taken.
    """
    place = folder()
    file = place / f"{digest(canonical_json([content, lockbox]))[:32]}.jsonl"
    entry = {"date": datetime.now(UTC).isoformat(timespec="seconds"), **about}
    with disk_errors(f"the record of looks '{file}'"):
        place.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{file}.lock", timeout=SECONDS), disk_errors(f"the record '{file}'"):
            before = _read(file)
            with file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(entry) + "\n")
    except Timeout:
        raise DataError(
            f"the look at the lockbox cannot be counted, as another process holds '{file}.lock'; "
            "try again when it has ended."
        ) from None
    every = [*before, entry]
    return Looks(
        len(every),
        len({one.get("method", "") for one in every}),
        every[0]["date"][:10],
        before[-1]["date"][:10] if before else "",
    )


def _read(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        return []
    with file.open(encoding="utf-8", errors="replace") as stream:
        text = stream.read(MOST_BYTES)
    try:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
        if not all(isinstance(one, dict) and isinstance(one.get("date"), str) for one in found):
            raise ValueError
    except ValueError:
        raise CorruptError(
            f"the record of looks '{file}' is damaged; mend or remove it (then counting begins "
            "anew)."
        ) from None
    return found
