"""Finished samples of a generation under way, so that a killed one loses nothing.

The work folder holds ``task.json`` (what computes: generator, settings, versions), a lock, one file
for each finished batch, and the store as far as it has grown. A batch whose samples have all gone
into finished shards of the store is deleted; of each shard, a small file says which of its samples
failed and why. A file is a SHA-256, then safetensors; it appears under its name only when complete,
and one whose bytes do not match their hash is thrown away and its samples computed anew. Results
are found by a hash of the sample itself, so a recipe with more samples goes on where this one
ended.
"""

from __future__ import annotations

import hashlib
import json
import os
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.errors import ConfigError, CorruptError
from xreg.core.files import disk_errors
from xreg.core.storage import canonical_json, digest

__all__ = ["Finished", "Journal", "differing", "finished_shards"]

FORMAT = 2
SUFFIX = ".batch"
SHARD = ".shard"


@dataclass(frozen=True, eq=False)
class Finished:
    """Results of some samples.

    Attributes
    ----------
    keys
        Hash of each of the n samples.
    failures
        Why each failed, or None.
    channels, labels
        (n, m) and (n,) values by name; NaN where a sample failed. The spectra of a finished shard
        are in the store, and not here.
    """

    keys: Sequence[str]
    failures: Sequence[str | None]
    channels: Mapping[str, Array]
    labels: Mapping[str, Array]


class Journal:
    """The work folder of one generation; a context manager that locks it.

    Parameters
    ----------
    folder
        Where it is or shall be.
    task
        What computes, as JSON values: results of another task are never used.

    Attributes
    ----------
    place
        File and row of each success, by the sample's key.
    failed
        Why a sample failed, by its key; of samples in batches.
    shards
        Which shards of the store are finished.
    damaged
        Files that were thrown away on entering.

    Raises
    ------
    ConfigError
        On entering, if the folder holds results of another task or is in use.
    """

    def __init__(self, folder: Path, task: Mapping[str, Any]) -> None:
        self.folder = folder
        self.task = json.loads(canonical_json({"format": FORMAT, **task}))
        self.place: dict[str, tuple[Path, int]] = {}
        self.failed: dict[str, str] = {}
        self.shards: set[int] = set()
        self.damaged: list[str] = []
        self._unsettled: dict[Path, set[str]] = {}
        self._lock = FileLock(folder / "lock")
        self._load = lru_cache(maxsize=8)(_load)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ConfigError(f"another 'xreg data generate' works in '{self.folder}'.") from None
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def _open(self) -> None:
        head = self.folder / "task.json"
        if head.exists():
            try:
                known = json.loads(head.read_text())
            except ValueError:
                known = {}
            code = self.task.get("code")
            if isinstance(known, dict) and known.get("code", code) != code:
                raise ConfigError(
                    f"'{self.folder}' holds samples computed by other code of the generator "
                    f"'{self.task['name']}', which has changed since; delete it or give another "
                    "--out, so that both do not end in one store."
                )
            # Earlier versions did not write the code down.
            if known != self.task and known != {k: v for k, v in self.task.items() if k != "code"}:
                raise ConfigError(
                    f"'{self.folder}' holds unfinished work of other settings "
                    f"({_difference(known, self.task)}); delete it or give another --out."
                )
        else:
            _write(head, (json.dumps(self.task, indent=1, ensure_ascii=False) + "\n").encode())
        for path in sorted(self.folder.iterdir()):
            if path.suffix in (SUFFIX, SHARD):
                try:
                    finished = _load(path)
                except CorruptError:
                    self.damaged.append(path.name)
                    path.unlink()
                    continue
                if path.suffix == SUFFIX:
                    self._note(path, finished)
                else:
                    self.shards.add(int(path.stem))
            elif path.suffix == ".part":  # left by a kill
                path.unlink()

    def _note(self, path: Path, finished: Finished) -> None:
        self._unsettled[path] = set(finished.keys)
        for row, (key, failure) in enumerate(zip(finished.keys, finished.failures, strict=True)):
            if failure is None:  # a success stands, whatever failed before or since
                self.place[key] = (path, row)
                self.failed.pop(key, None)
            elif key not in self.place:
                self.failed[key] = failure

    def add(self, finished: Finished) -> None:
        """Keep results, on disk when this returns."""
        path = self.folder / f"{digest(''.join(finished.keys))[:24]}{SUFFIX}"
        _write(path, _bytes(finished))
        self._load.cache_clear()
        self._note(path, finished)

    def finish(self, shard: int, finished: Finished) -> None:
        """Note that a shard of the store is on disk; delete the batches that nobody needs now."""
        _write(self._record(shard), _bytes(finished))
        self.shards.add(shard)
        self.forget(finished.keys)

    def forget(self, keys: Iterable[str]) -> None:
        """Drop results that are in the store."""
        gone = set(keys)
        for key in gone:
            self.place.pop(key, None)
            self.failed.pop(key, None)
        for path in [path for path, left in self._unsettled.items() if left & gone]:
            self._unsettled[path] -= gone
            if not self._unsettled[path]:
                del self._unsettled[path]
                path.unlink()

    def shard(self, shard: int) -> Finished:
        """Return what is known of a finished shard's samples."""
        return _load(self._record(shard))

    def reopen(self, shard: int) -> None:
        """Note that a shard of the store is not finished after all."""
        self.shards.discard(shard)
        self._record(shard).unlink()

    def _record(self, shard: int) -> Path:
        return self.folder / f"{shard:06d}{SHARD}"

    def channel(self, name: str, keys: Sequence[str]) -> Array:
        """Return the (n, m) spectra of the samples with these keys."""
        return np.array([self._row("channels", name, key) for key in keys])

    def label(self, name: str, keys: Sequence[str]) -> Array:
        """Return the (n,) label of the samples with these keys."""
        return np.array([self._row("labels", name, key) for key in keys])

    def _row(self, part: str, name: str, key: str) -> Any:
        path, row = self.place[key]
        return getattr(self._load(path), part)[name][row]

    def remove(self) -> None:
        """Delete the folder, whose results are in the store now."""
        for path in [*self.folder.glob(f"*{SUFFIX}"), *self.folder.glob(f"*{SHARD}")]:
            path.unlink()
        (self.folder / "task.json").unlink()
        (self.folder / "lock").unlink(missing_ok=True)
        with suppress(OSError):  # somebody else's file in it stays
            self.folder.rmdir()


def finished_shards(folder: Path) -> dict[int, Finished]:
    """Return the record of each finished shard in a work folder that somebody else may work in."""
    found = {}
    for path in sorted(folder.glob(f"*{SHARD}")):
        with suppress(CorruptError, FileNotFoundError):
            found[int(path.stem)] = _load(path)
    return found


def _bytes(finished: Finished) -> bytes:
    from safetensors.numpy import save

    arrays = {f"channel/{name}": values for name, values in finished.channels.items()}
    arrays |= {f"label/{name}": values for name, values in finished.labels.items()}
    head = canonical_json([list(finished.keys), list(finished.failures)])
    arrays["head"] = np.frombuffer(head.encode(), np.uint8)
    blob = save({name: np.ascontiguousarray(values) for name, values in arrays.items()})
    return hashlib.sha256(blob).digest() + blob


def _load(path: Path) -> Finished:
    from safetensors.numpy import load

    content = path.read_bytes()
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        raise CorruptError(f"'{path}' does not match its hash.")
    arrays = load(content[32:])
    keys, failures = json.loads(arrays.pop("head").tobytes())
    return Finished(keys, failures, _under("channel/", arrays), _under("label/", arrays))


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, whatever is killed."""
    part = path.with_suffix(".part")
    with disk_errors(f"keeping finished samples in '{path.parent}'"):
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def _difference(known: Any, task: Mapping[str, Any], prefix: str = "") -> str:
    """Name the first key in which two tasks differ, with both values."""
    if not isinstance(known, dict):
        return "its task.json is damaged"
    for key in sorted({*known, *task}):
        old, new = known.get(key), task.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            if inner := _difference(old, new, f"{prefix}{key}."):
                return inner
        elif old != new:
            there, now = differing(old, new)
            return f"{prefix}{key}: {there} there, {now} now"
    return ""


def differing(old: Any, new: Any) -> tuple[str, str]:
    """Write two values that differ; of texts of many lines, the first lines that do."""
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        lines = zip_longest(old.splitlines(), new.splitlines(), fillvalue="")
        old, new = next(((a, b) for a, b in lines if a != b), (old, new))
    return reprlib.repr(old), reprlib.repr(new)
