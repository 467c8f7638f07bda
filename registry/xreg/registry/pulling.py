"""Published versions of any kind: pulled, and what was pulled checked."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from xreg.core.errors import CorruptError, RunError, XregError
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
from xreg.registry.catalogue import Catalogue
from xreg.registry.finding import Found, warn_withdrawn
from xreg.registry.registries import CACHE_REMEDY, cache_folder, ready_cache
from xreg.registry.versions.entries import Entry
from xreg.registry.versions.seen import Seen

if TYPE_CHECKING:
    from xreg.registry.dvc import Objects

__all__ = ["STREAMS", "available", "cached", "files_of", "is_cached", "kept_files", "pull", "seen"]

EntryT = TypeVar("EntryT", bound=Entry)

STREAMS = 8
LISTS = "lists"
PARTS_UNDER_WAY = "pulling"


def cached(entry: Entry) -> Path:
    """Return where a pulled version is kept; named by content, whichever registry it came from."""
    folder = f"{entry.name}-{entry.version}-{entry.hash[:16]}{entry.collection.ending}"
    return cache_folder() / entry.collection.name / folder


def is_cached(entry: Entry) -> bool:
    """Whether a pulled version is there, in a cache that may be read."""
    return os.path.isdir(cached(entry))


def seen(found: Found[EntryT]) -> Seen:
    """Return what this user has pulled from a registry before."""
    return Seen(cache_folder(), found.registry.name, found.registry.location)


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


def kept_files(entry: Entry) -> dict[str, str]:
    """Return the MD5 of each file of a version in the cache, whose set is what was published.

    Raises
    ------
    CorruptError
        If a file is missing or foreign.
    """
    folder = cached(entry)
    files = _listed(entry)
    if files is None:  # pulled by an older xreg, or the list was changed
        files = {name: file_md5(folder / name) for name in files_below(folder)}
        if tree_hash(files) != entry.hash:
            raise CorruptError(f"{folder}: its files are not those that were published.")
        _keep_list(entry, files)
    elif odd := sorted(files.keys() ^ set(files_below(folder))):
        what = "is missing" if odd[0] in files else "does not belong to it"
        raise CorruptError(f"{folder}: the file {odd[0]} {what}.")
    return files


def pull(found: Found[EntryT], *, accept_changed: bool = False) -> Path:
    """Bring a version into the cache and return where it is.

    Every file is compared with its hash, also of a copy that is there already: a damaged one is
    replaced. The version appears in one step, complete; what a killed pull left is removed by the
    next, and a second process waits for the first. Where the clone of a URL names objects that are
    not to be had, it is renewed.

    Parameters
    ----------
    found
        The version.
    accept_changed
        Whether it is taken though it was pulled with another hash before.

    Raises
    ------
    CorruptError
        If the registry's remote lacks a file or has a changed one, or it was published with another
        hash when it was pulled before.
    RunError
        If the remote cannot be reached, or the disk is full.
    """
    warn_withdrawn(found.entry)
    if not accept_changed:
        seen(found).require_unchanged(found.entry)
    try:
        path = _pull(found)
    except CorruptError:
        again = found.renewed()
        if again is None:
            raise
        path = _pull(again)
    seen(found).remember(found.entry, anew=accept_changed)
    return path


def available(found: Found[EntryT]) -> Path:
    """Return the copy in the cache, brought there where it is not; its bytes are not compared.

    Raises
    ------
    CorruptError, RunError
        As :func:`pull`.
    """
    if not is_cached(found.entry):
        return pull(found)
    seen(found).require_unchanged(found.entry)
    return cached(found.entry)


def _pull(found: Found[EntryT]) -> Path:
    entry = found.entry
    final = cached(entry)
    parts = cache_folder() / PARTS_UNDER_WAY / entry.hash.removesuffix(".dir")
    if not os.access(final.parent, os.W_OK) and _intact(final, entry):
        return final  # a cache that others fill
    ready_cache(entry.collection.name)
    try:
        with disk_errors(f"pulling {entry.reference}", CACHE_REMEDY), staging(final) as folder:
            if final.is_symlink() or (final.exists() and not final.is_dir()):
                what = "a symbolic link" if final.is_symlink() else "no folder"
                raise CorruptError(f"'{final}' is {what}; remove it.")
            if _intact(final, entry):  # another process was faster
                return final
            if final.is_dir():
                _make_way(final, folder.with_name("damaged"))
            files = _fetch(found, parts)
            _arrange(files, parts, folder)
            size = sum((folder / name).stat().st_size for name in files)
            if size != entry.size:
                raise CorruptError(
                    f"{entry.reference}: the catalogue of {found.registry.name} says "
                    f"{entry.size:,} bytes, and these are {size:,}; ask the registry's maintainers."
                )
            folder.rename(final)
            _keep_list(entry, files)
            shutil.rmtree(parts, ignore_errors=True)
    except RunError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in DISK_ERRORS:
            shutil.rmtree(parts, ignore_errors=True)  # room for another try
        raise
    return final


def _make_way(damaged: Path, aside: Path) -> None:
    try:
        damaged.rename(aside)
    except OSError as error:
        raise RunError(
            f"the copy '{damaged}' is damaged, or may not be read, and cannot be replaced "
            f"({error.strerror}); remove it."
        ) from error


def _intact(folder: Path, entry: Entry) -> bool:
    try:
        return not folder.is_symlink() and folder.is_dir() and folder_hash(folder) == entry.hash
    except (CorruptError, OSError):  # a link is in it, or what may not be read
        return False


def _fetch(found: Found[EntryT], parts: Path) -> dict[str, str]:
    """Fetch every object of a version into a folder and check each; return the files' hashes.

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


def files_of(objects: Objects, found: Found[EntryT]) -> dict[str, str]:
    """Return the MD5 of every file of a version; their joint hash is the published one."""
    entry = found.entry
    prefix = f"{entry.path}/"
    tree = objects.tree(Catalogue(found.root, type(entry)).folder_hash)
    files = {k.removeprefix(prefix): md5 for k, md5 in tree.items() if k.startswith(prefix)}
    if tree_hash(files) != entry.hash:
        raise CorruptError(
            f"{entry.reference}: the files that {found.registry.name} lists are not those that "
            "were published (wrong hash); ask the registry's maintainers."
        )
    if len(files) != entry.files:
        raise CorruptError(
            f"{entry.reference}: the catalogue of {found.registry.name} says {entry.files} files, "
            f"and these are {len(files)}; ask the registry's maintainers."
        )
    return files
