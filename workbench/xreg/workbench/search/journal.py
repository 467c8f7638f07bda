"""The journal file of a search: Optuna's, with a checksum in each line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from xreg.core.errors import CorruptError
from xreg.core.storage import canonical_json

__all__ = ["CheckedJournal"]

CHECK, RECORD = "crc32", "record"


class CheckedJournal(JournalFileBackend):
    """Keeps every record with its CRC-32 and compares it on reading.

    Records without one, which earlier versions wrote, are taken as they are.

    Parameters
    ----------
    path
        The file; made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), JournalFileOpenLock(str(path)))
        self._ends = [0]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write records down."""
        super().append_logs([{CHECK: _check(log), RECORD: log} for log in logs])

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """Yield the records from a number on.

        Raises
        ------
        CorruptError
            If a line is damaged. A last line without an end is being written and passed over.
        """
        start = min(log_number_from, len(self._ends) - 1)
        with open(self._file_path, "rb") as file:
            file.seek(self._ends[start])
            for number, line in enumerate(file, start):
                if not line.endswith(b"\n"):
                    return
                if number + 1 == len(self._ends):
                    self._ends.append(self._ends[number] + len(line))
                if number >= log_number_from:
                    yield self._record(line, number)

    def _record(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            log = json.loads(line)
        except (ValueError, RecursionError):
            log = None
        if isinstance(log, dict):
            if "op_code" in log:  # as Optuna writes it, without a checksum
                return log
            record = log.get(RECORD)
            if isinstance(record, dict) and log.get(CHECK) == _check(record):
                return record
        raise CorruptError(
            f"line {number + 1} of '{self._file_path}' was changed after it was written; restore "
            "the file, or search anew in another folder."
        )


def _check(log: dict[str, Any]) -> int:
    return crc32(canonical_json(json.loads(json.dumps(log))).encode("utf-8", "surrogatepass"))
