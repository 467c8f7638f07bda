"""Datasets as Zarr v3 stores: written in whole shards, opened lazily, checked both ways."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import zarr
from numpy.typing import NDArray

from xreg.core.dataset import PARTS, Dataset, Metadata, Split, require_finite
from xreg.core.errors import DataError
from xreg.core.progress import report
from xreg.core.samples import Parameters, Samples, Structures
from xreg.registry import layout
from xreg.registry.files import disk_errors, flush, staging
from xreg.registry.layout import ArraySpec, ChannelSpec

__all__ = ["ChannelSpec", "StoreWriter", "open_store", "validate_store", "write_store"]


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
        An existing store (an earlier version) to take shard sizes and precision from.

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
        like: str | Path | None = None,
    ) -> None:
        raise NotImplementedError

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
        raise NotImplementedError

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
        raise NotImplementedError

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        raise NotImplementedError
