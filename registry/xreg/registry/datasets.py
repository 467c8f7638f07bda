"""Datasets by name and version: find, pull, open."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xreg.core.data.dataset import NAME_PATTERN, VERSION_PATTERN, Dataset
from xreg.core.errors import (
    CorruptError,
    DataError,
    RunError,
    UnknownNameError,
    XregError,
    did_you_mean,
)
from xreg.core.files import (
    DISK_ERRORS,
    disk_errors,
    file_md5,
    files_below,
    folder_hash,
    staging,
    tree_hash,
    tree_list,
    write_text,
)
from xreg.core.progress import report
from xreg.registry.catalogue import Catalogue, Entry
from xreg.registry.registries import Registry, cache_folder, candidates

if TYPE_CHECKING:
    from xreg.registry.dvc import Objects

__all__ = [
    "FoundDataset",
    "cached",
    "find",
    "list_datasets",
    "open_dataset",
    "parse_reference",
    "pull",
]

FOLDER = "datasets"
STREAMS = 8
LONGEST = 200  # characters of name and version
LISTS = "lists"
PARTS_UNDER_WAY = "pulling"
METADATA = "zarr.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundDataset:
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
    if len(text) > LONGEST:
        raise DataError(f"'{text[:30]}…' is too long for the name of a dataset.")
    if version and stated and version != stated:
        raise DataError(f"'{text}' and version {version} contradict each other; give one.")
    version = version or stated or None
    if not re.fullmatch(NAME_PATTERN, name):
        raise DataError(f"'{name}' is no name of a dataset; names are of a-z, 0-9 and '-'.")
    if version is not None and not re.fullmatch(VERSION_PATTERN, version):
        raise DataError(f"'{version}' is no version of a dataset; versions are like 1.0.0.")
    return name, version


def find(text: str, version: str | None = None, registry: str | Path | None = None) -> FoundDataset:
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
                return FoundDataset(place, catalogue.root, entry)
            names.update(catalogue.names())
            versions.update(known)
    if versions:
        raise UnknownNameError(
            f"dataset '{name}' has no version {version}{did_you_mean(str(version), versions)}."
        )
    raise UnknownNameError(f"no dataset '{name}'{did_you_mean(name, names)}.")


def list_datasets(registry: str | Path | None = None) -> Iterator[FoundDataset]:
    """Yield every published dataset, registry by registry; pulls nothing."""
    for place in candidates(registry):
        if (catalogue := _catalogue(place, fresh=True, alone=registry is not None)) is None:
            continue
        for name in catalogue.names():
            for version in catalogue.versions(name):
                yield FoundDataset(place, catalogue.root, catalogue.entries[name, version])


def _catalogue(place: Registry, fresh: bool, alone: bool) -> Catalogue | None:
    """Return a registry's catalogue; one of several that cannot be reached is only told."""
    try:
        return Catalogue(place.root(fresh))
    except (XregError, OSError) as error:
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
    from xreg.registry.stores.store import open_store

    if name.endswith((".zarr", ".zarr.partial")):
        return open_store(name, spectra=spectra)
    found = find(name, version, registry)
    store = cached(found.entry)
    if not store.is_dir():
        store = _pull(found)
    try:
        check_cached(found.entry)
        # Its bytes were compared with the hash when it was pulled, its values checked when it was
        # published, and each chunk of them has a checksum.
        return open_store(store, validate=False, content_hash=found.entry.hash)
    except CorruptError as error:
        reference = found.entry.reference
        raise CorruptError(
            f"the cached copy is damaged, `xreg data pull {reference}` mends it: {error}"
        ) from None


def check_cached(entry: Entry) -> None:
    """Compare the files of a cached dataset with what was published: their set, and all metadata.

    Raises
    ------
    CorruptError
        If one is missing, foreign, or a changed ``zarr.json``.
    """
    store = cached(entry)
    files = _listed(entry)
    if files is None:  # pulled by an older xreg, or the list was changed
        files = {name: file_md5(store / name) for name in files_below(store)}
        if tree_hash(files) != entry.hash:
            raise CorruptError(f"{store}: its files are not those that were published.")
        _keep_list(entry, files)
        return
    there = set(files_below(store))
    if odd := sorted(files.keys() ^ there):
        what = "is missing" if odd[0] in files else "does not belong to it"
        raise CorruptError(f"{store}: the file {odd[0]} {what}.")
    for name, md5 in files.items():
        if name.rpartition("/")[2] == METADATA and file_md5(store / name) != md5:
            raise CorruptError(f"{store}: the file {name} was changed.")


def _list_of(entry: Entry) -> Path:
    return cache_folder() / LISTS / f"{entry.hash.removesuffix('.dir')}.json"


def _keep_list(entry: Entry, files: dict[str, str]) -> None:
    with suppress(OSError):  # a cache that is read-only is checked in full each time
        write_text(_list_of(entry), tree_list(files).decode())


def _listed(entry: Entry) -> dict[str, str] | None:
    """Return the MD5 of each file as published, where that list is kept; it proves itself."""
    try:
        items = json.loads(_list_of(entry).read_bytes())
        files = {str(item["relpath"]): str(item["md5"]) for item in items}
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return files if tree_hash(files) == entry.hash else None


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


def _pull(found: FoundDataset) -> Path:
    entry = found.entry
    final = cached(entry)
    parts = cache_folder() / PARTS_UNDER_WAY / entry.hash.removesuffix(".dir")
    try:
        with disk_errors(f"pulling {entry.reference}"), staging(final) as folder:
            if final.is_symlink():
                raise CorruptError(f"'{final}' is a symbolic link; remove it.")
            if final.is_dir():
                if _intact(final, entry):
                    return final
                final.rename(folder.with_name("damaged"))
            files = _fetch(found, parts)
            _arrange(files, parts, folder)
            folder.rename(final)
            _keep_list(entry, files)
            shutil.rmtree(parts, ignore_errors=True)
    except RunError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in DISK_ERRORS:
            shutil.rmtree(parts, ignore_errors=True)  # room for another try
        raise
    return final


def _intact(store: Path, entry: Entry) -> bool:
    try:
        return folder_hash(store) == entry.hash
    except CorruptError:  # a link is in it
        return False


def _fetch(found: FoundDataset, parts: Path) -> dict[str, str]:
    """Fetch every object of a dataset into a folder and check each; return the files' hashes.

    What is there already, from a pull that did not end well, is checked and kept.
    """
    from xreg.registry.dvc import Objects

    entry = found.entry
    objects = Objects(found.root, most=entry.size)
    files = files_of(objects, found)
    parts.mkdir(parents=True, exist_ok=True)

    def one(name: str) -> None:
        md5 = files[name]
        part = parts / md5
        if part.is_file() and not part.is_symlink() and file_md5(part) == md5:
            return
        beside = parts / f"{md5}.{os.getpid()}.tmp"
        try:
            objects.fetch(md5, beside)
            beside.replace(part)
        finally:
            beside.unlink(missing_ok=True)

    task = f"pulling {entry.reference}"
    distinct = {md5: name for name, md5 in reversed(files.items())}
    with ThreadPoolExecutor(STREAMS) as pool:
        jobs = {pool.submit(one, name): name for name in distinct.values()}
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                report(task, done, len(jobs))
        except XregError as error:
            kept = " What has arrived is kept: repeat the command." * isinstance(error, RunError)
            raise type(error)(f"{task}: {jobs[job]}: {error}{kept}") from error.__cause__
        finally:
            pool.shutdown(cancel_futures=True)
    return files


def _arrange(files: dict[str, str], parts: Path, folder: Path) -> None:
    """Give the fetched objects their names; the last file of each object takes it."""
    left = Counter(files.values())
    for name, md5 in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        left[md5] -= 1
        if left[md5]:
            shutil.copyfile(parts / md5, target)
        else:
            os.replace(parts / md5, target)
        target.chmod(0o444)


def files_of(objects: Objects, found: FoundDataset) -> dict[str, str]:
    """Return the MD5 of every file of a dataset; their joint hash is the published one."""
    entry = found.entry
    prefix = f"{entry.name}/{entry.version}.zarr/"
    tree = objects.tree(Catalogue(found.root).folder_hash)
    files = {k.removeprefix(prefix): md5 for k, md5 in tree.items() if k.startswith(prefix)}
    if tree_hash(files) != entry.hash:
        raise CorruptError(
            f"{entry.reference}: the files that {found.registry.name} lists are not those that "
            "were published (wrong hash); ask the registry's maintainers."
        )
    return files
