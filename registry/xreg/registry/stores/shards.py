"""Sharded arrays on disk: every chunk accounted for, rows decoded straight into their place."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from google_crc32c import value as crc32c
from numcodecs import blosc
from numpy.typing import NDArray

from xreg.core.errors import CorruptError
from xreg.core.files import require_plausible

__all__ = ["Shards", "StoredArray"]

# Below this, and for bare chunks below several times this, threads cost more than they save.
PARALLEL_BYTES = 8 << 20
CHECKSUM = 4
ABSENT = np.uint64(2**64 - 1)


class Shards:
    """The files of one array, cut along its rows, and the index at the end of each.

    Zarr takes a missing file, or a chunk that a shard's index lacks, for fill values: :meth:`check`
    finds both, and truncated files, by reading a few bytes of each.
    """

    def __init__(self, array: zarr.Array[Any], store: Path) -> None:
        self.name = array.path
        self.store = store
        self.shape: tuple[int, ...] = tuple(array.shape)
        try:
            self.attributes: dict[str, Any] = dict(array.attrs)
            shards, chunks = array.shards, array.chunks
        except (TypeError, ValueError, LookupError, AttributeError):
            raise CorruptError(
                f"{store}: array '{self.name}' does not tell how it is cut into shards and chunks; "
                "the store is damaged."
            ) from None
        if shards is None or (shards[1:], chunks[1:]) != ((solid := _solid(self.shape)), solid):
            raise CorruptError(
                f"{store}: array '{self.name}' is not cut into shards of whole rows; write the "
                "store again with write_store."
            )
        if any(length > sys.maxsize for length in self.shape):
            raise CorruptError(
                f"{store}: array '{self.name}' claims {max(self.shape):,} rows; the store is "
                "damaged."
            )
        self.shard, self.chunk = shards[0], chunks[0]
        require_plausible(
            self.chunk * math.prod(self.shape[1:]) * array.dtype.itemsize, 0, f"{store}: a chunk "
            f"of '{self.name}'",
        )  # fmt: skip
        self._indices: dict[int, list[list[int]]] = {}

    def __len__(self) -> int:
        return self.shape[0]

    def files(self) -> Iterator[str]:
        """Yield the file of each shard, relative to the store."""
        for k in range(-(-len(self) // self.shard)):
            yield self.file(k)

    def file(self, k: int) -> str:
        """Return the file of shard k, relative to the store."""
        return "/".join([self.name, "c", str(k), *["0"] * (len(self.shape) - 1)])

    def check(self) -> None:
        """Raise a :class:`CorruptError` unless every chunk of the array is on disk, untruncated."""
        for k in range(-(-len(self) // self.shard)):
            with self._open(k) as file:
                self._index(file, k)

    def _open(self, k: int) -> _File:
        try:
            return _File(self.store / self.file(k))
        except FileNotFoundError:
            raise self._damaged(k, "is missing") from None

    def _index(self, file: _File, k: int) -> list[list[int]]:
        """Return place and length in bytes of each chunk that shard k must hold; read once."""
        if k in self._indices:
            return self._indices[k]
        slots = self.shard // self.chunk
        size = file.size()
        length = 16 * slots + CHECKSUM
        tail = file.read(size - length, length) if size >= length else b""
        if crc32c(tail[:-CHECKSUM]) != int.from_bytes(tail[-CHECKSUM:], "little") or not tail:
            raise self._damaged(k, "is truncated or damaged")
        rows = min(self.shard, len(self) - k * self.shard)
        table = np.frombuffer(tail[:-CHECKSUM], "<u8").reshape(slots, 2)[: -(-rows // self.chunk)]
        if np.any(table == ABSENT):
            raise self._damaged(k, "lacks a part of its data")
        if np.any(table.sum(axis=1) > size - length):
            raise self._damaged(k, "is truncated or damaged")
        return self._indices.setdefault(k, table.tolist())

    def _damaged(self, k: int, how: str) -> CorruptError:
        return CorruptError(
            f"{self.store}: the file {self.file(k)} {how}; fetch or write the store again."
        )


class StoredArray(Shards):
    """A numeric array that stays on disk; indexing reads the rows it needs.

    ``array[low:high]`` reads those rows alone; another index reads the rows from the first to the
    last that it selects. Chunks are decoded in parallel straight into the result, after a check of
    their CRC-32C, so a changed byte is an error and never a number.

    Attributes
    ----------
    shape, dtype
        As of a NumPy array.
    attributes
        What the store says about the array.
    """

    def __init__(self, array: zarr.Array[Any], store: Path) -> None:
        super().__init__(array, store)
        self.dtype = np.dtype(array.dtype)
        names = [codec["name"] for codec in _inner_codecs(array)]
        self.compressed = "blosc" in names
        if names not in (["bytes", "crc32c"], ["bytes", "blosc", "crc32c"]):
            raise CorruptError(
                f"{store}: array '{self.name}' is encoded by {', '.join(names)}, which schema 1 "
                "does not have; write the store again with write_store."
            )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array in memory."""
        return int(np.prod(self.shape, dtype=int)) * self.dtype.itemsize

    def __repr__(self) -> str:
        return f"<{self.name} of {self.store.name}: {self.shape} {self.dtype}, on disk>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.rows(0, len(self)).astype(dtype or self.dtype, copy=False)

    def __getitem__(self, key: Any) -> Any:
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) and key else (key, ())
        if first is Ellipsis or first is None:
            return np.asarray(self)[key]
        if isinstance(first, slice) and first.step in (None, 1):
            low, high, _ = first.indices(len(self))
            block = self.rows(low, max(low, high))
            return block[(slice(None), *rest)] if rest else block
        rows = np.arange(len(self))[first]
        if rows.size == 0:
            return np.empty((0, *self.shape[1:]), self.dtype)[(rows, *rest)]
        low = int(rows.min())
        return self.rows(low, int(rows.max()) + 1)[(rows - low, *rest)]

    def blocks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield the first row and the values of each shard, one after another."""
        for low in range(0, len(self), self.shard):
            yield low, self.rows(low, min(low + self.shard, len(self)))

    def rows(self, low: int, high: int) -> NDArray[Any]:
        """Return the rows ``low … high - 1``.

        Raises
        ------
        CorruptError
            If a file is missing or a byte of it changed.
        """
        out = np.empty((high - low, *self.shape[1:]), self.dtype)
        if out.size == 0:
            return out
        parts = range(low // self.shard, -(-high // self.shard))
        if out.nbytes < PARALLEL_BYTES * (1 if self.compressed else 4) or len(parts) == 1:
            for k in parts:
                self._fill(out, low, k)
        else:
            with ThreadPoolExecutor(min(len(parts), _cores())) as pool:
                for _ in pool.map(lambda k: self._fill(out, low, k), parts):
                    pass
        return out

    def _fill(self, out: NDArray[Any], low: int, k: int) -> None:
        """Decode what shard k has of the rows that ``out`` wants from row ``low`` on."""
        base = k * self.shard
        first, last = max(low, base), min(low + len(out), base + self.shard)
        wanted = range((first - base) // self.chunk, -(-(last - base) // self.chunk))
        with self._open(k) as file:
            table = self._index(file, k)[wanted.start : wanted.stop]
            for c, (place, length) in zip(wanted, table, strict=True):
                row = base + c * self.chunk
                a, b = max(row, first), min(row + self.chunk, last)
                chunk = out[a - low : b - low]
                if b - a < self.chunk:
                    chunk = np.empty((self.chunk, *self.shape[1:]), self.dtype)
                if not self._decode(file, place, length - CHECKSUM, chunk):
                    raise self._damaged(k, "is damaged")
                if b - a < self.chunk:
                    out[a - low : b - low] = chunk[a - row : b - row]

    def _decode(self, file: _File, place: int, length: int, chunk: NDArray[Any]) -> bool:
        """Read one chunk into ``chunk``; say whether it is what was written."""
        bare = chunk.reshape(-1).view(np.uint8)
        data = np.empty(length, np.uint8) if self.compressed else bare
        if len(data) != length or file.read_into(place, data) != length:
            return False
        if crc32c(data) != int.from_bytes(file.read(place + length, CHECKSUM), "little"):
            return False
        if self.compressed:
            blosc.decompress(data, bare)
        return True


class _File:
    """A file that is read at given places."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("rb", buffering=0)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def size(self) -> int:
        return os.fstat(self._stream.fileno()).st_size

    def read(self, place: int, length: int) -> bytes:
        self._stream.seek(place)
        return self._stream.read(length) or b""

    def read_into(self, place: int, data: NDArray[np.uint8]) -> int:
        self._stream.seek(place)
        return self._stream.readinto(data.data) or 0


def _solid(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the chunk along all axes but the first: one, and never of no size."""
    return tuple(max(size, 1) for size in shape[1:])


def _inner_codecs(array: zarr.Array[Any]) -> list[dict[str, Any]]:
    metadata: Any = array.metadata.to_dict()
    return list(metadata["codecs"][0]["configuration"]["codecs"])


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1
