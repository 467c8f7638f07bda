"""Entries of a file that a library in C reads, which a damaged file may crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from xreg.core.errors import DataError, XregError
from xreg.core.interfaces.importer import Entry
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.isolated import RAISED, isolated

__all__ = ["isolated_entries"]


def isolated_entries(
    source: Path, log: ImportLog, entries: Callable[[ImportLog], Iterator[Entry]]
) -> Iterator[Entry]:
    """Yield the entries of a file, read in a child process; their notes go to the log.

    Parameters
    ----------
    source
        The file.
    log
        Gets the notes.
    entries
        Reads the file, with a log of its own. Whatever libraries raise where a file is damaged is
        told in words.

    Raises
    ------
    DataError
        If the file is damaged.
    XregError
        What the reading itself raises, after the entries before it.
    """

    def read() -> tuple[list[Entry], dict[str, Any], XregError | None]:
        found: list[Entry] = []
        own = ImportLog()
        try:
            found.extend(entries(own))
        except XregError as error:
            return found, own.notes(), error
        except RAISED as error:
            reason = " ".join(str(error).split())
            damaged = DataError(f"'{source}' cannot be read; it is damaged ({reason}).")
            return found, own.notes(), damaged
        return found, own.notes(), None

    found, notes, error = isolated(source, read)
    log.add(notes)
    yield from found
    if error is not None:
        raise error
