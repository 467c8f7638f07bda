"""Opens a store that still grows: the samples finished so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import PARTS, Split
from xreg.core.errors import CorruptError, DataError
from xreg.core.files import file_md5, tree_hash
from xreg.registry.stores import layout
from xreg.registry.stores.journal import Finished, finished_shards
from xreg.registry.stores.reader import StoreReader
from xreg.registry.stores.shards import StoredArray

__all__ = ["UNFINISHED", "ChosenRows", "is_growing", "open_growing", "without"]

UNFINISHED = "store.zarr"


class ChosenRows:
    """Some rows, ascending, of a stored (n, m) array, read when they are asked for."""

    ndim = 2

    def __init__(self, array: StoredArray, rows: NDArray[np.intp]) -> None:
        self.shape = (len(rows), *array.shape[1:])
        self.dtype = array.dtype
        self._array, self._rows = array, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) and key else (key, ())
        if first is Ellipsis:
            return np.asarray(self)[key]
        with _explain_if_finished(self._array.store):
            block: NDArray[Any] = self._array[self._rows[first]]
        return block[(..., *rest)] if rest else block

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        with _explain_if_finished(self._array.store):
            return self._array[self._rows].astype(dtype or self.dtype, copy=False)


@contextmanager
def _explain_if_finished(unfinished: Path) -> Iterator[None]:
    """Say so where files are missing because the store has got its final name meanwhile."""
    try:
        yield
    except (CorruptError, OSError) as error:
        if unfinished.is_dir():
            raise
        raise DataError(
            f"'{unfinished.parent}' is gone: its generation has finished; open the finished store."
        ) from error


def is_growing(path: Path) -> bool:
    """Whether a folder is the work folder of a generation."""
    return (path / "task.json").is_file()


def open_growing(folder: Path) -> Dataset:
    """Open what a generation has finished so far; one that is under way is not disturbed.

    The samples are those of finished shards, failed ones left out; ``provenance["incomplete"]``
    says how many there are of how many. Spectra stay on disk. A later call sees more.

    Raises
    ------
    DataError
        If nothing is finished yet, or everything is meanwhile.
    CorruptError
        If the store is damaged.
    """
    unfinished = folder / UNFINISHED
    shards = finished_shards(folder) if unfinished.is_dir() else {}
    if not shards:
        raise DataError(
            f"'{folder}' holds no finished samples to read yet; they come in blocks of "
            f"{layout.SHARD_ROWS}."
        )
    with _explain_if_finished(unfinished):
        return _GrowingReader(unfinished, shards).partial()


class _GrowingReader(StoreReader):
    """Reads the finished shards of a growing store."""

    def __init__(self, unfinished: Path, shards: Mapping[int, Finished]) -> None:
        super().__init__(unfinished)
        self.shards = sorted(shards)
        self.finished = [shards[shard] for shard in self.shards]
        good = np.concatenate([[f is None for f in done.failures] for done in self.finished])
        lows = [shard * layout.SHARD_ROWS for shard in self.shards]
        every = [low + np.arange(len(f.keys)) for low, f in zip(lows, self.finished, strict=True)]
        self.good, self.rows = good, np.concatenate(every)[good]

    def partial(self) -> Dataset:
        """Return the samples that are finished, with all that is known of them."""
        samples = self._samples()
        labels = {
            name: self._memory(self._open(f"labels/{name}"))[self.rows]
            for name in self._names("labels")
        }
        for name in self.finished[0].labels:
            parts = [done.labels[name] for done in self.finished]
            labels[name] = np.concatenate(parts)[self.good]
        units = (self.incomplete or {}).get("label_units", {})
        kept = samples[self.rows]
        state = {"finished": len(kept), "planned": len(samples)}
        self.attributes["provenance"] = {**self.attributes["provenance"], "incomplete": state}
        spectra = Spectra({name: self._channel(name) for name in self._names("spectra")})
        splits = {
            name: without(self._split(f"splits/{name}"), kept.ids) for name in self._names("splits")
        }
        # Files of finished shards change no more, whatever is added beside them.
        content = tree_hash({name: file_md5(self.path / name) for name in self.files})
        return Dataset(kept, spectra, self._metadata(), labels, units, splits, content)

    def _channel(self, name: str) -> Channel:
        path = f"spectra/{name}"
        energy = np.asarray(self._numbers(f"{path}/energy"))
        stored = StoredArray(self._open(f"{path}/intensity"), self.path)
        self.files.update(stored.file(shard) for shard in self.shards)
        unit = str(self._group(path).attrs["unit"])
        return Channel(ChosenRows(stored, self.rows), energy, (), unit)


def without(split: Split, ids: NDArray[np.str_]) -> Split:
    """Return a split without the samples that are not among ``ids``."""
    parts = [getattr(split, part) for part in PARTS]
    return Split(*(part[np.isin(part, ids)] for part in parts))
