"""Datasets by name and version: find, pull, open."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xreg.core.dataset import NAME_PATTERN, VERSION_PATTERN, Dataset
from xreg.core.errors import (
    CorruptError,
    DataError,
    RunError,
    UnknownNameError,
    XregError,
    did_you_mean,
)
from xreg.core.progress import report
from xreg.registry.catalogue import Catalogue, Entry
from xreg.registry.files import disk_errors, folder_hash, staging, tree_hash
from xreg.registry.registries import Registry, cache_folder, candidates

if TYPE_CHECKING:
    from xreg.registry.dvc import Objects

__all__ = [
    "Found",
    "cached",
    "find",
    "list_datasets",
    "open_dataset",
    "parse_reference",
    "pull",
]

FOLDER = "datasets"
STREAMS = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """A published dataset and the registry that has it."""

    registry: Registry
    root: Path
    entry: Entry


def parse_reference(text: str, version: str | None = None) -> tuple[str, str | None]:
    """Split ``name`` or ``name@version`` and refuse what could leave its folder.

    Raises
    ------
    DataError
        If name or version is malformed, or two versions are given.
    """
    name, _, stated = text.partition("@")
    if version and stated and version != stated:
        raise DataError(f"'{text}' and version {version} contradict each other; give one.")
    version = version or stated or None
    if not re.fullmatch(NAME_PATTERN, name):
        raise DataError(f"'{name}' is no name of a dataset; names are of a-z, 0-9 and '-'.")
    if version is not None and not re.fullmatch(VERSION_PATTERN, version):
        raise DataError(f"'{version}' is no version of a dataset; versions are like 1.0.0.")
    return name, version


def find(text: str, version: str | None = None, registry: str | Path | None = None) -> Found:
    """Return the entry of a dataset: of the first registry that has it, newest version first.

    Parameters
    ----------
    text
        ``name`` or ``name@version``.
    version
        Version, where ``text`` has none; the newest without it.
    registry
        Where to look (see :func:`xreg.registry.registries.candidates`).

    Raises
    ------
    UnknownNameError
        If no registry has the dataset or version; the message says what there is.
    """
    name, version = parse_reference(text, version)
    names: set[str] = set()
    versions: set[str] = set()
    for place in candidates(registry):
        # A clone that has the version asked for needs no look at its origin.
        for fresh in (False, True) if place.remote and version else (True,):
            if (catalogue := _catalogue(place, fresh, alone=registry is not None)) is None:
                continue
            known = catalogue.versions(name)
            entry = catalogue.entries.get((name, version or (known[-1] if known else "")))
            if entry is not None:
                return Found(place, catalogue.root, entry)
            names.update(catalogue.names())
            versions.update(known)
    if versions:
        raise UnknownNameError(
            f"dataset '{name}' has no version {version}{did_you_mean(str(version), versions)}."
        )
    raise UnknownNameError(f"no dataset '{name}'{did_you_mean(name, names)}.")


def list_datasets(registry: str | Path | None = None) -> Iterator[Found]:
    """Yield every published dataset, registry by registry; pulls nothing."""
    for place in candidates(registry):
        if (catalogue := _catalogue(place, fresh=True, alone=registry is not None)) is None:
            continue
        for name in catalogue.names():
            for version in catalogue.versions(name):
                yield Found(place, catalogue.root, catalogue.entries[name, version])


def _catalogue(place: Registry, fresh: bool, alone: bool) -> Catalogue | None:
    """Return a registry's catalogue; one of several that cannot be reached is only told."""
    try:
        return Catalogue(place.root(fresh))
    except (RunError, UnknownNameError) as error:
        if alone:
            raise
        log.warning("registry %s is left out: %s", place.name, error)
        return None


def cached(entry: Entry) -> Path:
    """Return where a pulled dataset is kept; named by content, whichever registry it came from."""
    return cache_folder() / FOLDER / f"{entry.name}-{entry.version}-{entry.hash[:16]}.zarr"


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
    from xreg.registry.stores import open_store

    if name.endswith((".zarr", ".zarr.partial")):
        return open_store(name, spectra=spectra)
    found = find(name, version, registry)
    store = cached(found.entry)
    if not store.is_dir():
        store = _pull(found)
    try:
        # Its bytes were compared with the hash when it was pulled, and its values checked when it
        # was published.
        return open_store(store, validate=False, content_hash=found.entry.hash)
    except CorruptError as error:
        reference = found.entry.reference
        raise CorruptError(
            f"the cached copy is damaged, `xreg data pull {reference}` mends it: {error}"
        ) from None


def pull(name: str, version: str | None = None, registry: str | Path | None = None) -> Path:
    """Bring a dataset into the cache and return where it is.

    Every file is compared with its hash, also of a copy that is there already: a damaged one is
    replaced. The dataset appears in one step, complete; what a killed pull left is removed by the
    next, and a second process waits for the first.

    Raises
    ------
    UnknownNameError
        If there is no such dataset or version.
    CorruptError
        If the registry's remote lacks a file or has a changed one.
    RunError
        If the remote cannot be reached, or the disk is full.
    """
    return _pull(find(name, version, registry))


def _pull(found: Found) -> Path:
    entry = found.entry
    final = cached(entry)
    with disk_errors(f"pulling {entry.reference}"), staging(final) as folder:
        if final.is_dir():
            if folder_hash(final) == entry.hash:
                return final
            final.rename(folder.with_name("damaged"))
        _fetch(found, folder)
        folder.rename(final)
    return final


def _fetch(found: Found, folder: Path) -> None:
    """Fetch every file of a dataset into an empty folder and check each."""
    from xreg.registry.dvc import Objects

    entry = found.entry
    objects = Objects(found.root)
    files = files_of(objects, found)
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)

    def one(name: str) -> None:
        objects.fetch(files[name], folder / name)
        (folder / name).chmod(0o444)

    task = f"pulling {entry.reference}"
    with ThreadPoolExecutor(STREAMS) as pool:
        jobs = {pool.submit(one, name): name for name in files}
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                report(task, done, len(jobs))
        except XregError as error:
            raise type(error)(f"{task}: {jobs[job]}: {error}") from None
        finally:
            pool.shutdown(cancel_futures=True)


def files_of(objects: Objects, found: Found) -> dict[str, str]:
    """Return the MD5 of every file of a dataset; their joint hash is the published one."""
    entry = found.entry
    prefix = f"{entry.name}/{entry.version}.zarr/"
    tree = objects.tree(Catalogue(found.root).folder_hash)
    files = {k.removeprefix(prefix): md5 for k, md5 in tree.items() if k.startswith(prefix)}
    if tree_hash(files) != entry.hash:
        raise CorruptError(
            f"{entry.reference}: the files that {found.registry.name} lists are not those that "
            "were published (wrong hash); ask the registry's keeper."
        )
    return files
