"""Datasets as Zarr v3 stores: written in whole shards, opened lazily, checked both ways."""

from __future__ import annotations

from pathlib import Path

from xreg.core.data.dataset import Dataset
from xreg.core.errors import CorruptError, DataError
from xreg.registry.stores.layout import ChannelSpec
from xreg.registry.stores.reader import StoreReader, check_values

__all__ = ["ChannelSpec", "open_store", "validate_store"]


def open_store(
    path: str | Path, validate: bool = True, *, spectra: bool = True, content_hash: str = ""
) -> Dataset:
    """Open a store lazily: positions, atomic numbers and intensities stay on disk.

    Schema, metadata, shapes, grids, splits and the presence of every chunk are always checked, by
    reading a few bytes of each file.

    Parameters
    ----------
    path
        Folder of the store, or of one that ``xreg data generate`` still works on
        (``….zarr.partial``): then the samples finished so far, marked ``incomplete`` in the
        provenance.
    validate
        Whether to read every value too, a shard at a time, and refuse any that is not finite. Not
        needed for a store whose hash has been checked, since it was validated when published.
    spectra
        Whether intensities are among those values; without it whoever uses a channel judges it.
    content_hash
        Hash of the store's files, where it is known; computed otherwise.

    Raises
    ------
    CorruptError
        If a file is missing, truncated, changed or foreign, or the schema is not known.
    DataError
        If values are not as the schema promises.
    """
    from xreg.registry.stores.partial import is_growing, open_growing

    where = Path(path)
    try:
        if is_growing(where):
            return open_growing(where)
        dataset = StoreReader(where).dataset(content_hash)
        if validate:
            check_values(dataset, spectra)
    except CorruptError:
        raise
    except DataError as error:
        raise type(error)(f"{where}: {error}") from None
    return dataset


def validate_store(path: str | Path) -> None:
    """Check a store through and through; see :func:`open_store` for what is refused."""
    open_store(path, content_hash="not needed")
