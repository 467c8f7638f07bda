"""Writes a store in whole shards; nothing shows before it is complete."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import zarr
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset, Metadata, require_finite
from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.data.splits import PARTS, Split
from xreg.core.errors import DataError
from xreg.core.files import disk_errors, flush, staging
from xreg.core.progress import report
from xreg.core.storage import canonical_json
from xreg.registry.stores import layout
from xreg.registry.stores.layout import ArraySpec, ChannelSpec
from xreg.registry.stores.store import open_store, validate_store

__all__ = ["StoreWriter", "write_store"]


class StoreWriter:
    """Writes a store piece by piece, whole shards at a time; nothing shows before ``commit``.

    Samples and grids are declared up front, rows of spectra follow in any order, labels and splits
    come with ``commit``, which checks the whole store and only then gives it its final name::

        channels = {name: ChannelSpec(energy) for name, energy in generator.grids().items()}
        with StoreWriter(path, metadata, samples, channels) as writer:
            for start in range(0, len(samples), writer.shard_rows):
                writer.write_rows(start, {"xes": ..., "xas": ...})  # (shard_rows, m) each
            writer.commit(labels={"xps": energies}, label_units={"xps": "eV"}, splits=splits)

    Leaving the block without ``commit``, by an error or a kill, leaves nothing under ``path``. Full
    shards are written with bytes that depend on their content alone: a longer dataset written
    ``like`` a shorter one repeats the shorter one's full shards byte for byte, so that DVC keeps
    them once.

    Parameters
    ----------
    path
        Final place, ``<name>/<version>.zarr`` by convention; must not exist.
    metadata
        Name, version, licence, provenance; the provenance holds JSON values only.
    samples
        The n samples, all of them.
    channels
        Each channel's grid (or target features), unit and type.
    shard_rows
        Samples in one file of spectra; a block given to ``write_rows`` starts at a multiple of it.
    precision
        Explicit mantissa bits to keep, by channel name or ``positions`` or ``parameters``; what is
        not named is stored as it comes. Recorded in the array's attributes.
    like
        An existing store (an earlier version), or the dataset opened from it, to take shards,
        chunks and precision from.

    Raises
    ------
    DataError
        If ``path`` exists, or names, samples or settings are not as the schema asks.
    """

    def __init__(
        self,
        path: str | Path,
        metadata: Metadata,
        samples: Samples,
        channels: Mapping[str, ChannelSpec],
        *,
        shard_rows: int = layout.SHARD_ROWS,
        precision: Mapping[str, int] | None = None,
        like: str | Path | Dataset | None = None,
    ) -> None:
        self.path = Path(path)
        self.metadata = metadata
        self.samples = samples
        self.channels = dict(channels)
        self.shard_rows = shard_rows
        self.shard_atoms = 0
        self.precision = dict(precision or {})
        self._chunks: dict[str, int] = {}
        if like is not None:
            self._take_layout(
                like if isinstance(like, Dataset) else open_store(like, validate=False)
            )
        if self.shard_rows < 1:
            raise DataError(f"shard_rows is {shard_rows}; give at least 1.")
        if not self.channels or not len(samples):
            raise DataError(f"dataset '{metadata.name}' has no channel or no sample to write.")
        layout.check_names("channel", self.channels)
        places = {"structures": ["positions"], "parameters": ["parameters"]}
        layout.check_precision(self.precision, [*self.channels, *places.get(samples.kind, [])])
        try:
            canonical_json(metadata.provenance)
        except TypeError as error:
            raise DataError(f"the provenance must hold JSON values only ({error}).") from None
        self._written: set[int] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(disk_errors(f"writing {self.path.name}"))
            folder = stack.enter_context(staging(self.path))
            # Only now: whoever was writing the same store has finished.
            if self.path.exists():
                raise DataError(
                    f"{self.path} exists already; a store is never overwritten, so choose another."
                )
            self._begin(folder)
            self._stack = stack.pop_all()
        return self

    def _begin(self, folder: Path) -> None:
        """Write into ``folder`` all that is known before any spectrum."""
        self._folder = folder
        self._root = zarr.create_group(folder, zarr_format=3, overwrite=True)
        self._root.attrs.update(self._attributes())
        self._write_samples()
        self._arrays = self._create_channels()

    def _attributes(self) -> dict[str, Any]:
        return {"schema": layout.SCHEMA, **self.metadata.model_dump()}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write_rows(self, start: int, spectra: Mapping[str, NDArray[Any]]) -> None:
        """Write rows ``start``, ``start + 1``, … of every channel.

        Parameters
        ----------
        start
            First row; a multiple of ``shard_rows``.
        spectra
            (k, m) values of each channel; k is a multiple of ``shard_rows``, or reaches the end.

        Raises
        ------
        DataError
            If a block is of the wrong shape, cuts a shard, or holds a value that is not finite.
        """
        if set(spectra) != set(self.channels):
            raise DataError(
                f"rows of {sorted(spectra)} were given where the channels are "
                f"{sorted(self.channels)}."
            )
        n = len(self.samples)
        for name, array in self._arrays.items():
            block = np.asarray(spectra[name])
            stop = start + len(block)
            if start % self.shard_rows or (stop % self.shard_rows and stop != n) or stop > n:
                raise DataError(
                    f"channel '{name}': rows {start} … {stop - 1} of {n} are not whole shards of "
                    f"{self.shard_rows}."
                )
            if block.shape[1:] != array.shape[1:]:
                raise DataError(
                    f"channel '{name}' has {array.shape[1]} points and got rows of shape "
                    f"{block.shape[1:]}."
                )
            rounded = layout.round_mantissa(block, str(array.dtype), self.precision.get(name))
            require_finite(rounded, self.samples.ids[start:stop], f"channel '{name}'")
            array[start:stop] = rounded
            self._written.update(range(start // self.shard_rows, -(-stop // self.shard_rows)))

    def commit(
        self,
        labels: Mapping[str, NDArray[Any]] | None = None,
        label_units: Mapping[str, str] | None = None,
        splits: Mapping[str, Split] | None = None,
    ) -> Path:
        """Write labels and splits, check the whole store, and give it its final name.

        Parameters
        ----------
        labels
            (n,) numbers, booleans or strings each; NaN is a number that is not known.
        label_units
            Unit of each label that has one.
        splits
            Named splits by sample id.
        """
        lacking = set(range(-(-len(self.samples) // self.shard_rows))) - self._written
        if lacking:
            raise DataError(
                f"rows from {min(lacking) * self.shard_rows} on were never written; "
                f"{self.path.name} is not complete."
            )
        self._write_labels(labels or {}, label_units or {})
        self._write_splits(splits or {})
        return self._finish()

    def _finish(self) -> Path:
        """Check the whole store and give it its final name."""
        try:
            validate_store(self._folder)
        except DataError as error:
            text = str(error).replace(str(self._folder), str(self.path))
            raise type(error)(text) from None
        flush(self._folder)
        self._folder.rename(self.path)
        return self.path

    def _take_layout(self, known: Dataset) -> None:
        """Take how a stored dataset is cut and rounded, so that full shards repeat."""
        arrays = {k: c.intensity for k, c in known.spectra.items() if k in self.channels}
        first = next(iter(known.spectra.values())).intensity
        self.shard_rows = first.shard
        if isinstance(known.samples, Structures):
            self.shard_atoms = known.samples.numbers.shard
            arrays["positions"] = known.samples.positions
        elif isinstance(known.samples, Parameters):
            arrays["parameters"] = known.samples.values
        bits = {name: array.attributes.get("precision_bits") for name, array in arrays.items()}
        self.precision = {k: b for k, b in bits.items() if b is not None} | self.precision
        stored = zarr.open_group(first.store, mode="r").members(max_depth=None)
        self._chunks = {path: a.chunks[0] for path, a in stored if isinstance(a, zarr.Array)}

    def _new_array(self, spec: ArraySpec) -> zarr.Array[Any]:
        chunk = self._chunks.get(spec.path, 0)
        if chunk and spec.shard % chunk:
            chunk = 0  # cut for shards of another size
        return spec.create(self._root, chunk)

    def _write(self, spec: ArraySpec, values: Any) -> None:
        """Create an array and fill it from ``values``, which may be lazy, shard by shard."""
        array = self._new_array(spec)
        for low in range(0, spec.shape[0], spec.shard):
            block = np.asarray(values[low : low + spec.shard])
            if spec.dtype == "string":
                array[low : low + spec.shard] = block.astype(object)
            else:
                array[low : low + spec.shard] = layout.round_mantissa(block, spec.dtype, spec.bits)

    def _write_samples(self) -> None:
        samples = self.samples
        self._root.create_group("samples", attributes={"kind": samples.kind})
        self._root.create_group(f"samples/{samples.kind}")
        for spec, values in layout.sample_arrays(
            samples, self.shard_rows, self.shard_atoms, self.precision
        ):
            self._write(spec, values)

    def _create_channels(self) -> dict[str, zarr.Array[Any]]:
        self._root.create_group("spectra", attributes={"names": list(self.channels)})
        arrays = {}
        for name, channel in self.channels.items():
            path = f"spectra/{name}"
            kind = {} if channel.energy is not None else {"features": True}
            self._root.create_group(path, attributes={"unit": channel.unit, **kind})
            if channel.energy is not None:
                grid = ArraySpec(
                    f"{path}/energy", (channel.width,), "float64", attributes={"unit": "eV"}
                )
                self._write(grid, channel.energy)
            bits = self.precision.get(name)
            spec = ArraySpec(
                f"{path}/{channel.leaf}",
                (len(self.samples), channel.width),
                layout.stored_dtype(channel.dtype, bits),
                self.shard_rows,
                bits,
                {"names": list(channel.features)} if channel.features else {},
                bulk=True,
            )
            arrays[name] = self._new_array(spec)
        return arrays

    def _write_labels(self, labels: Mapping[str, NDArray[Any]], units: Mapping[str, str]) -> None:
        layout.check_names("label", labels)
        self._root.create_group("labels", attributes={"names": list(labels)})
        for name, given in labels.items():
            values = np.asarray(given)
            if values.shape != (len(self.samples),):
                raise DataError(
                    f"label '{name}' has shape {values.shape} for {len(self.samples)} samples."
                )
            numeric = values.dtype.kind in "biuf"
            unit = {"unit": units[name]} if name in units else {}
            dtype = values.dtype.name if numeric else "string"
            self._write(ArraySpec(f"labels/{name}", values.shape, dtype, attributes=unit), values)

    def _write_splits(self, splits: Mapping[str, Split]) -> None:
        layout.check_names("split", splits)
        self._root.create_group("splits", attributes={"names": list(splits)})
        for name, split in splits.items():
            split.indices(self.samples.ids)
            self._root.create_group(f"splits/{name}")
            for part in PARTS:
                ids = getattr(split, part)
                self._write(ArraySpec(f"splits/{name}/{part}", ids.shape, "string"), ids)


def write_store(
    dataset: Dataset,
    path: str | Path,
    *,
    shard_rows: int = layout.SHARD_ROWS,
    precision: Mapping[str, int] | None = None,
    like: str | Path | Dataset | None = None,
) -> Path:
    """Write a dataset as a store; arrays may be lazy, and are read a shard at a time.

    The options are those of :class:`StoreWriter`.

    Raises
    ------
    DataError
        If ``path`` exists or the dataset is not as the schema asks; nothing is left behind.
    """
    channels = {
        name: ChannelSpec(
            channel.energy, channel.features, channel.unit, _real(channel.intensity.dtype)
        )
        for name, channel in dataset.spectra.items()
    }
    with StoreWriter(
        path,
        dataset.metadata,
        dataset.samples,
        channels,
        shard_rows=shard_rows,
        precision=precision,
        like=like,
    ) as writer:
        n = len(dataset)
        for start in range(0, n, writer.shard_rows):
            stop = min(start + writer.shard_rows, n)
            writer.write_rows(
                start, {k: c.intensity[start:stop] for k, c in dataset.spectra.items()}
            )
            report(f"writing {dataset.metadata.name}", stop, n)
        return writer.commit(dataset.labels, dataset.label_units, dataset.splits)


def _real(dtype: Any) -> str:
    return "float32" if np.dtype(dtype) in (np.float16, np.float32) else "float64"
