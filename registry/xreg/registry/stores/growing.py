"""A store that grows while its samples are computed: written in shards, readable all the while.

A generation works in the folder ``<output>.partial``. There the store stands as ``store.zarr``,
with every sample and no spectrum; whole shards of spectra are added as they finish. A shard counts
once the journal beside the store has a record of it. Until the last, the store's attribute
``incomplete`` tells every reader what it is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import zarr
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Samples
from xreg.core.data.splits import Split
from xreg.core.errors import CorruptError
from xreg.core.files import disk_errors, flush
from xreg.registry.stores import layout
from xreg.registry.stores.layout import ChannelSpec
from xreg.registry.stores.partial import UNFINISHED
from xreg.registry.stores.shards import StoredArray
from xreg.registry.stores.writer import StoreWriter

__all__ = ["GrowingStore"]


class GrowingStore(StoreWriter):
    """Writes a store shard by shard into a folder that outlives a killed writer.

    Parameters
    ----------
    folder
        Work folder, locked by the caller.
    path
        Final place of the store.
    metadata, samples, channels, precision, like
        As for :class:`~xreg.registry.stores.writer.StoreWriter`.
    labels, label_units, splits
        Labels and splits that are known before any spectrum; units of all labels.
    fingerprint
        Hash of the samples.
    """

    def __init__(
        self,
        folder: Path,
        path: Path,
        metadata: Metadata,
        samples: Samples,
        channels: Mapping[str, ChannelSpec],
        *,
        precision: Mapping[str, int],
        labels: Mapping[str, NDArray[Any]],
        label_units: Mapping[str, str],
        splits: Mapping[str, Split],
        fingerprint: str,
        like: Dataset | None = None,
    ) -> None:
        super().__init__(path, metadata, samples, channels, precision=precision, like=like)
        self.unfinished = folder / UNFINISHED
        self._labels, self._splits = labels, splits
        self._mark = {
            "planned": len(samples),
            "samples": fingerprint,
            "label_units": dict(label_units),
        }
        self._incomplete = True

    def __enter__(self) -> Self:
        self.open()
        return self

    def open(self) -> None:
        """Begin the store, or go on with the one that stands there."""
        with disk_errors(f"writing {self.path.name}"):
            begun = self.unfinished.is_dir()
            if not begun:
                self._create()
            for left in self.unfinished.rglob("*.partial"):  # by a kill, while Zarr wrote a file
                left.unlink()
            self._folder = self.unfinished
            self._root = zarr.open_group(self.unfinished, mode="r+")
            if begun:
                self._root.attrs.put(self._attributes())
                self._write_tail(self._labels, {}, self._splits)
            # A shard all of whose samples failed is written too: holes are no missing files.
            with zarr.config.set({"array.write_empty_chunks": True}):
                self._arrays = {name: self._array(name, "r+") for name in self.channels}

    def _array(self, name: str, mode: Literal["r", "r+"]) -> zarr.Array[Any]:
        leaf = self.channels[name].leaf
        return zarr.open_array(self.unfinished, path=f"spectra/{name}/{leaf}", mode=mode)

    def _create(self) -> None:
        fresh = self.unfinished.with_name(f"{UNFINISHED}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._begin(fresh)
        self._write_tail(self._labels, {}, self._splits)
        flush(fresh)
        fresh.rename(self.unfinished)

    def _attributes(self) -> dict[str, Any]:
        mark = {"incomplete": self._mark} if self._incomplete else {}
        return {**super()._attributes(), **mark}

    def _write_tail(
        self,
        labels: Mapping[str, NDArray[Any]],
        units: Mapping[str, str],
        splits: Mapping[str, Split],
    ) -> None:
        for group in ("labels", "splits"):
            shutil.rmtree(self._folder / group, ignore_errors=True)
        self._write_labels(labels, units)
        self._write_splits(splits)

    @property
    def foreign(self) -> bool:
        """Whether what stands in the folder, if anything, has other samples."""
        head = self.unfinished / "zarr.json"
        if not head.is_file():
            return False
        mark = json.loads(head.read_text())["attributes"].get("incomplete", {})
        return bool(mark.get("samples") != self._mark["samples"])

    def spans(self) -> Iterator[tuple[int, int, int]]:
        """Yield number, first row and end of each shard."""
        for shard, low in enumerate(range(0, len(self.samples), self.shard_rows)):
            yield shard, low, min(low + self.shard_rows, len(self.samples))

    def write_shard(self, shard: int, spectra: Mapping[str, NDArray[Any]]) -> None:
        """Write one shard of each channel, on disk when this returns; NaN where a sample failed."""
        low = shard * self.shard_rows
        with disk_errors(f"writing {self.path.name}"):
            for name, array in self._arrays.items():
                bits = self.precision.get(name)
                path = self.unfinished / array.path / "c" / str(shard) / "0"
                path.unlink(missing_ok=True)  # Zarr would read it, and it may be damaged
                array[low : low + len(spectra[name])] = layout.round_mantissa(
                    spectra[name], str(array.dtype), bits
                )
                with path.open("rb") as file:
                    os.fsync(file.fileno())

    def stored(self, name: str) -> StoredArray:
        """Return the spectra of a channel, as far as they are there."""
        return StoredArray(self._arrays[name], self.unfinished)

    def read(self, low: int, high: int) -> dict[str, NDArray[np.float64]]:
        """Return rows ``low … high - 1`` of each channel from the folder.

        Raises
        ------
        CorruptError
            If they are not there whole.
        """
        stored = {
            name: StoredArray(self._array(name, "r"), self.unfinished) for name in self.channels
        }
        return {name: array.rows(low, high).astype(float) for name, array in stored.items()}

    def damaged(self, shards: Iterable[int]) -> list[int]:
        """Return those of the shards that cannot be read whole."""
        bad = []
        for shard in sorted(shards):
            low = shard * self.shard_rows
            try:
                self.read(low, min(low + self.shard_rows, len(self.samples)))
            except CorruptError:
                bad.append(shard)
        return bad

    def complete(
        self,
        metadata: Metadata,
        labels: Mapping[str, NDArray[Any]],
        label_units: Mapping[str, str],
        splits: Mapping[str, Split],
    ) -> Path:
        """Write what is known now, check the whole store, and give it its final name."""
        self.metadata, self._incomplete = metadata, False
        with disk_errors(f"writing {self.path.name}"):
            self._write_tail(labels, label_units, splits)
            self._root.attrs.put(self._attributes())
            return self._finish()
