"""Opens a store: everything about it is checked before anybody sees a number of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from pydantic import ValidationError

from xreg.core.data.dataset import Dataset, Metadata, require_finite
from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import PARTS, Split
from xreg.core.errors import CorruptError, DataError
from xreg.core.files import files_below, folder_hash, require_plausible
from xreg.core.paths import check_paths
from xreg.core.settings_in_words import explain
from xreg.registry.stores.layout import SCHEMA, check_names
from xreg.registry.stores.shards import Shards, StoredArray

__all__ = ["StoreReader", "check_values"]

STRUCTURE_ARRAYS = ("numbers", "positions", "offsets", "absorber", "cell", "pbc")


class StoreReader:
    """Reads a store and keeps account of which files belong to it.

    Raises
    ------
    CorruptError
        If it is no store, or of a schema that this xreg does not know.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: set[str] = set()
        if not (path / "zarr.json").is_file():
            raise CorruptError(f"{path} is no store (it has no zarr.json).")
        self.attributes: dict[str, Any] = dict(self._group("").attrs)
        self.incomplete: dict[str, Any] | None = self.attributes.pop("incomplete", None)
        schema = self.attributes.pop("schema", None)
        if schema != SCHEMA:
            raise CorruptError(
                f"{path} has schema {schema!r}; this xreg reads schema {SCHEMA}, so take an xreg "
                "that knows it."
            )

    def dataset(self, content_hash: str) -> Dataset:
        """Return the dataset; large arrays stay on disk."""
        if self.incomplete is not None:
            raise CorruptError(
                f"{self.path} is not finished: repeat its `xreg data generate`, or open the folder "
                f"'{self.path.parent}' for the samples that are."
            )
        metadata = self._metadata()
        samples = self._samples()
        spectra = Spectra({name: self._channel(name) for name in self._names("spectra")})
        labels, units = {}, {}
        for name in self._names("labels"):
            array = self._open(f"labels/{name}")
            labels[name] = self._memory(array)
            if unit := array.attrs.get("unit"):
                units[name] = str(unit)
        splits = {name: self._split(f"splits/{name}") for name in self._names("splits")}
        self._check_files()
        for split in splits.values():
            split.indices(samples.ids)
        return Dataset(
            samples,
            spectra,
            metadata,
            labels,
            units,
            splits,
            content_hash or folder_hash(self.path),
        )

    def _metadata(self) -> Metadata:
        try:
            return Metadata.model_validate(self.attributes)
        except ValidationError as error:
            raise CorruptError(f"{self.path}: metadata: {explain(error, Metadata)}.") from None

    def _samples(self) -> Samples:
        kind = self._group("samples").attrs.get("kind")
        ids = self._texts("samples/ids")
        if kind == "structures":
            self._group("samples/structures")
            arrays = {
                name: self._numbers(f"samples/structures/{name}") for name in STRUCTURE_ARRAYS
            }
            small = {name: self._whole(arrays.pop(name)) for name in STRUCTURE_ARRAYS[2:]}
            return Structures(ids, **arrays, **small)
        if kind == "parameters":
            self._group("samples/parameters")
            values = self._numbers("samples/parameters/values")
            names, units = (self._list(values, key) for key in ("names", "units"))
            return Parameters(ids, values, names, units)
        if kind == "specimens":
            self._group("samples/specimens")
            composition = self._texts("samples/specimens/composition")
            absorber = self._whole(self._numbers("samples/specimens/absorber"))
            return Specimens(ids, composition, absorber)
        raise CorruptError(f"{self.path}: samples are of the unknown kind {kind!r}.")

    def _channel(self, name: str) -> Channel:
        path = f"spectra/{name}"
        attributes = self._group(path).attrs
        unit = str(attributes.get("unit", ""))
        if attributes.get("features"):
            values = self._numbers(f"{path}/features")
            return Channel(values, None, self._list(values, "names"), unit)
        energy = self._whole(self._numbers(f"{path}/energy"))
        return Channel(self._numbers(f"{path}/intensity"), energy, (), unit)

    def _list(self, stored: StoredArray, key: str) -> tuple[str, ...]:
        """Return a list of texts among the attributes of an array."""
        found: Any = stored.attributes.get(key, ())
        if not isinstance(found, list | tuple) or not all(isinstance(n, str) for n in found):
            raise CorruptError(
                f"{self.path}: the attribute '{key}' of '{stored.name}' is no list of texts; the "
                "store is damaged."
            )
        return tuple(found)

    def _split(self, path: str) -> Split:
        self._group(path)
        return Split(*(self._texts(f"{path}/{part}") for part in PARTS))

    def _names(self, path: str) -> list[str]:
        """Return the members of a group, in the order in which they were declared."""
        names: Any = self._group(path).attrs.get("names", ())
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            raise CorruptError(f"{self.path}: the names in '{path}' are no list of texts.")
        where = f"{self.path}: '{path}'"
        check_paths(names, where)
        try:
            check_names("channel, label or split", names)
        except DataError as error:
            raise CorruptError(f"{where}: {error}") from None
        return list(names)

    def _group(self, path: str) -> zarr.Group:
        node = self._node(path)
        if not isinstance(node, zarr.Group):
            raise CorruptError(f"{self.path}: '{path}' is no group.")
        return node

    def _open(self, path: str) -> zarr.Array[Any]:
        node = self._node(path)
        if not isinstance(node, zarr.Array):
            raise CorruptError(f"{self.path}: '{path}' is no array.")
        return node

    def _node(self, path: str) -> Any:
        name = f"{path}/zarr.json" if path else "zarr.json"
        if not (self.path / name).is_file():
            raise CorruptError(f"{self.path}: {name} is missing; fetch or write the store again.")
        self.files.add(name)
        try:
            node = zarr.open(self.path, path=path, mode="r", zarr_format=3)
            if not isinstance(node.metadata.attributes, Mapping):
                raise TypeError("its attributes are no mapping")
        except Exception as error:  # Zarr raises whatever its parsers meet
            raise CorruptError(f"{self.path}: {name} cannot be read ({error}).") from None
        return node

    def _numbers(self, path: str) -> StoredArray:
        stored = StoredArray(self._open(path), self.path)
        stored.check()
        self.files.update(stored.files())
        return stored

    def _memory(self, array: zarr.Array[Any]) -> NDArray[Any]:
        path = str(array.path)
        text = array.dtype.kind not in "biuf"
        return self._texts(path) if text else self._whole(self._numbers(path))

    def _whole(self, stored: StoredArray) -> NDArray[Any]:
        """Return all of an array, if what it claims is believable."""
        self._require_plausible(stored.name, stored.nbytes)
        return np.asarray(stored)

    def _require_plausible(self, path: str, claimed: int) -> None:
        present = sum(f.stat().st_size for f in (self.path / path).rglob("*") if f.is_file())
        require_plausible(claimed, present, f"{self.path}: '{path}'")

    def _texts(self, path: str) -> NDArray[np.str_]:
        array = self._open(path)
        self._require_plausible(path, math.prod(array.shape) * array.dtype.itemsize)
        shards = Shards(array, self.path)
        shards.check()
        self.files.update(shards.files())
        try:
            return np.array(np.asarray(array[:]).tolist(), dtype=np.str_)
        except Exception as error:  # the codecs raise whatever they meet
            raise CorruptError(f"{self.path}: '{path}' cannot be read ({error}).") from None

    def _check_files(self) -> None:
        found = set(files_below(self.path))
        if extra := sorted(found - self.files):
            raise CorruptError(
                f"{self.path}: the file {extra[0]} does not belong to the store"
                f"{f' (nor do {len(extra) - 1} more)' if extra[1:] else ''}; remove it."
            )


def check_values(dataset: Dataset, spectra: bool = True) -> None:
    """Read every value of a stored dataset, a shard at a time, and refuse what is not finite."""
    samples, ids = dataset.samples, dataset.samples.ids
    if isinstance(samples, Structures):
        _check_atoms(samples)
    elif isinstance(samples, Parameters):
        for low, block in samples.values.blocks():
            require_finite(block, ids[low:], "parameters")
    for name, channel in dataset.spectra.items():
        if channel.energy is not None and not np.isfinite(channel.energy).all():
            raise DataError(f"channel '{name}': the energy grid has a value that is not finite.")
        for low, block in channel.intensity.blocks() if spectra else ():
            require_finite(block, ids[low:], f"channel '{name}'")
    check_labels(dataset.labels)


def check_labels(labels: Mapping[str, NDArray[Any]]) -> None:
    """Refuse an infinite label; NaN stands for a number that is not known."""
    for name, values in labels.items():
        if values.dtype.kind == "f" and np.isinf(values).any():
            raise DataError(f"label '{name}' has an infinite value.")


def _check_atoms(samples: Structures) -> None:
    if not np.isfinite(samples.cell).all():
        bad = np.flatnonzero(~np.isfinite(samples.cell).reshape(len(samples), -1).all(axis=1))
        raise DataError(f"sample '{samples.ids[bad[0]]}' has a cell that is not finite.")
    for array, good, what in (
        (samples.numbers, lambda z: (z >= 1) & (z <= 118), "an atomic number out of 1 … 118"),
        (samples.positions, lambda r: np.isfinite(r).all(axis=1), "a position that is not finite"),
    ):
        for low, block in array.blocks():
            bad = np.flatnonzero(~good(block))
            if bad.size:
                owner = int(np.searchsorted(samples.offsets, low + bad[0], side="right")) - 1
                raise DataError(f"sample '{samples.ids[owner]}' has {what}.")
