"""The journal file of a search: Optuna's, each line with a checksum over all before it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import BufferedRandom
from pathlib import Path
from typing import Any
from zlib import crc32

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from xreg.core.errors import CorruptError
from xreg.core.storage import canonical_json

__all__ = ["CheckedJournal"]

CHAIN, RECORD = "chain", "record"
CHECK = "crc32"  # of a record alone, as earlier versions wrote it
TAIL = 65_536


class CheckedJournal(JournalFileBackend):
    """Keeps every record with a running CRC-32, and compares it on reading.

    It covers the record and the checksum of the line before, so that a line taken out is noticed as
    one that was changed is; only lines missing at the end look like a search that was stopped
    earlier. Records whose checksum covers them alone, or without one, are what earlier versions
    wrote: they are taken as they are where they stand before all others, and covered by the first
    line that follows.

    Parameters
    ----------
    path
        The file; made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._gate = path, JournalFileOpenLock(str(path))
        super().__init__(str(path), self._gate)
        # Where each line read so far ends, and the running checksum up to there.
        self._ends, self._sums = [0], [0]
        self._chained = False

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write records down.

        Raises
        ------
        CorruptError
            If the last line is damaged.
        """
        self._gate.acquire()
        try:
            with self._path.open("r+b") as file:
                running = self._running(file)
                for log in logs:
                    running = _check(log, running)
                    line = json.dumps({CHAIN: running, RECORD: log}, separators=(",", ":"))
                    file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        finally:
            self._gate.release()

    def _running(self, file: BufferedRandom) -> int:
        """Return the checksum of all lines, standing behind the last; who holds the lock may ask.

        What follows the last line end was being written by a process that was killed.
        """
        size, block = file.seek(0, os.SEEK_END), TAIL
        while True:
            start = file.seek(max(0, size - block))
            tail = file.read(size - start)
            end = tail.rfind(b"\n") + 1
            begin = tail.rfind(b"\n", 0, max(end - 1, 0)) + 1
            if begin or not start:
                break
            block *= 4
        file.truncate(start + end)
        file.seek(start + end)
        if not end:
            return 0
        last = _parsed(tail[begin:end]).get(CHAIN)
        if isinstance(last, int):
            return last
        for _ in self.read_logs(len(self._ends) - 1):  # the first one to cover earlier versions'
            pass
        return self._sums[-1]

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """Yield the records from a number on.

        Raises
        ------
        CorruptError
            If a line is damaged, or one is missing before it. A last line without an end is being
            written and passed over.
        """
        start = min(log_number_from, len(self._ends) - 1)
        with self._path.open("rb") as file:
            file.seek(self._ends[start])
            for number, line in enumerate(file, start):
                if not line.endswith(b"\n"):
                    return
                log, running = self._record(line, number)
                if number + 1 == len(self._ends):
                    self._ends.append(self._ends[number] + len(line))
                    self._sums.append(running)
                if number >= log_number_from:
                    yield log

    def _record(self, line: bytes, number: int) -> tuple[dict[str, Any], int]:
        """Return what a line holds, and the checksum up to its end."""
        log, before = _parsed(line), self._sums[number]
        record = log.get(RECORD)
        if CHAIN in log:
            if isinstance(record, dict) and log[CHAIN] == _check(record, before):
                self._chained = True
                return record, log[CHAIN]
        elif not self._chained or number + 1 < len(self._ends):
            if "op_code" in log:  # as Optuna writes it, without a checksum
                return log, crc32(line, before)
            if isinstance(record, dict) and log.get(CHECK) == _check(record):
                return record, crc32(line, before)
        raise CorruptError(
            f"line {number + 1} of '{self._path}' was changed after it was written, or lines "
            "before it are missing; restore the file, or search anew in another folder."
        )


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        log = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return log if isinstance(log, dict) else {}


def _check(log: dict[str, Any], before: int = 0) -> int:
    text = canonical_json(json.loads(json.dumps(log)))
    return crc32(text.encode("utf-8", "surrogatepass"), before)
