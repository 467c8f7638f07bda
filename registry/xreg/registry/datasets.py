"""Datasets by name and version: find, list, pull, open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xreg.core.data.dataset import Dataset
from xreg.core.errors import CorruptError
from xreg.core.files import file_md5
from xreg.registry import finding, pulling
from xreg.registry.finding import Found, parse_reference
from xreg.registry.pulling import cached, files_of, is_cached
from xreg.registry.versions.contents import require_same_contents
from xreg.registry.versions.entries import DatasetEntry

__all__ = [
    "FoundDataset",
    "cached",
    "check_cached",
    "files_of",
    "find",
    "is_cached",
    "list_datasets",
    "open_dataset",
    "parse_reference",
    "pull",
]

METADATA = "zarr.json"

FoundDataset = Found[DatasetEntry]
"""A published dataset and the registry that has it."""


def find(text: str, version: str | None = None, registry: str | Path | None = None) -> FoundDataset:
    """Return the entry of a dataset; see :func:`xreg.registry.finding.find`."""
    return finding.find(DatasetEntry, text, version, registry)


def list_datasets(registry: str | Path | None = None) -> Iterator[FoundDataset]:
    """Yield every published dataset, registry by registry; pulls nothing."""
    return finding.listed(DatasetEntry, registry)


def pull(
    name: str,
    version: str | None = None,
    registry: str | Path | None = None,
    *,
    accept_changed: bool = False,
) -> Path:
    """Bring a dataset into the cache and return where it is.

    See :func:`xreg.registry.pulling.pull` for what is promised.

    Raises
    ------
    UnknownNameError
        If there is no such dataset or version.
    CorruptError
        If the registry's remote lacks a file or has a changed one.
    RunError
        If the remote cannot be reached, or the disk is full.
    """
    found = finding.find(DatasetEntry, name, version, registry, fresh=True)
    return pulling.pull(found, accept_changed=accept_changed)


def open_dataset(
    name: str,
    version: str | None = None,
    registry: str | Path | None = None,
    *,
    spectra: bool = True,
) -> Dataset:
    """Open a dataset lazily, and pull it first where it is not in the cache.

    Parameters
    ----------
    name
        ``name``, ``name@version``, or the path of a store (``….zarr``), which is then checked
        value by value, or of one that still grows (``….zarr.partial``).
    version
        Version; the newest without it.
    registry
        Configured name, folder or git URL; see :func:`find`.
    spectra
        Whether a path's intensities are checked too; a caller that judges the channel it uses can
        go without, so that what it does not use cannot stop it.

    Returns
    -------
    Dataset
        With ``hash`` set; positions, atomic numbers and intensities stay on disk.
    """
    from xreg.registry.stores.store import open_store

    if name.endswith((".zarr", ".zarr.partial")):
        return open_store(name, spectra=spectra)
    found = find(name, version, registry)
    finding.warn_withdrawn(found.entry)
    store = pulling.available(found)
    try:
        check_cached(found.entry)
        # Its bytes were compared with the hash when it was pulled, its values checked when it was
        # published, and each chunk of them has a checksum.
        dataset = open_store(store, validate=False, content_hash=found.entry.hash)
    except CorruptError as error:
        reference = found.entry.reference
        raise CorruptError(
            f"the cached copy is damaged, `xreg data pull {reference}` mends it: {error}"
        ) from None
    require_same_contents(found.entry, dataset)
    pulling.seen(found).remember(found.entry)
    return dataset


def check_cached(entry: DatasetEntry) -> None:
    """Compare the files of a cached dataset with what was published: their set, and all metadata.

    Raises
    ------
    CorruptError
        If one is missing, foreign, or a changed ``zarr.json``.
    """
    store = cached(entry)
    for name, md5 in pulling.kept_files(entry).items():
        if name.rpartition("/")[2] == METADATA and file_md5(store / name) != md5:
            raise CorruptError(f"{store}: the file {name} was changed.")
