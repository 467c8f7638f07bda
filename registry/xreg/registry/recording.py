"""Into a registry once and for good, and the proof that what is there is still what it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

from xreg.core.errors import ConfigError, DataError, RunError, UnknownNameError
from xreg.core.files import disk_errors, file_md5, files_below, folder_hash, locked, staging
from xreg.core.paths import confined
from xreg.core.progress import report, track
from xreg.core.text import without_credentials
from xreg.registry import dvc, worktree
from xreg.registry.cards.files import card_folder, write_cards
from xreg.registry.catalogue import Catalogue
from xreg.registry.finding import Found, find, listed, parse_reference
from xreg.registry.pulling import STREAMS, cached, files_of, is_cached
from xreg.registry.registries import Registry, candidates, find_upwards
from xreg.registry.versions.entries import Entry, Withdrawal

__all__ = [
    "Published",
    "Verification",
    "begin",
    "own_folder",
    "record",
    "require_new",
    "verify",
    "withdraw",
]

EntryT = TypeVar("EntryT", bound=Entry)


@dataclass(frozen=True)
class Published(Generic[EntryT]):
    """A version that a registry now has, and what git must be told.

    Attributes
    ----------
    entry
        What the registry says about it.
    root
        Folder of the registry.
    paths
        Files and folders below ``root`` to commit.
    """

    entry: EntryT
    root: Path
    paths: list[str]


@dataclass(frozen=True)
class Verification(Generic[EntryT]):
    """What became of a version's files.

    Attributes
    ----------
    found
        The version.
    copies
        Where its files were compared with their hashes.
    problems
        One clause for each file that is missing or changed, or is not of the version.
    """

    found: Found[EntryT]
    copies: list[str]
    problems: list[str]


def own_folder(registry: str | Path | None) -> Registry:
    """Return the registry to write into: the one given, or the one around the working folder.

    Raises
    ------
    ConfigError
        If it is a URL.
    UnknownNameError
        If there is none.
    """
    place = candidates(registry)[0] if registry is not None else find_upwards()
    if place is None:
        raise UnknownNameError(
            "no registry around the working folder to publish in; give --registry FOLDER."
        )
    if place.remote:
        raise ConfigError(
            f"{place} is a URL; clone it, publish in the clone and push that with git."
        )
    return place


def record(
    source: Path, entry: EntryT, registry: str | Path | None = None, *, finish: bool = False
) -> Published[EntryT]:
    """Put a folder into a registry as the version that an entry describes.

    It is copied below the tracked folder, taken into DVC's account, pushed to the default remote,
    read back from there and only then entered into the ``.dvc`` file. A publication that was
    interrupted can be repeated.

    Parameters
    ----------
    source
        The folder.
    entry
        What the registry will say of it.
    registry
        Folder of the registry; the one around the working folder without it.
    finish
        Whether the very same version, which is there and which git does not know yet, is returned
        as if it had been published now: the publication before ended too soon.

    Raises
    ------
    DataError
        If the version is published already.
    ConfigError
        If the registry is no folder.
    """
    place = own_folder(registry)
    root = place.root()
    kind = type(entry)
    collection = kind.collection
    entry = entry.model_copy(update={"published": f"{datetime.now(UTC):%Y-%m-%d}"})
    target = root / collection.name / entry.path
    if not (root / ".dvc").is_dir():
        raise ConfigError(
            f"{root} has no DVC in it; `xreg registry init` makes a registry of a git repository."
        )
    tracked = target.relative_to(root).as_posix()
    for below in (".dvc/tmp", ".dvc/cache", ".gitignore", tracked, card_folder(entry)):
        confined(root, below, f"registry {root}")
    lock = root / ".dvc" / "tmp" / "xreg-publish.lock"
    lock.parent.mkdir(exist_ok=True)
    with disk_errors(f"publishing {entry.reference}"), locked(lock):
        _sweep(root, entry)
        known = Catalogue(root, kind).entries.get((entry.name, entry.version))
        if finish and known is not None and known.hash == entry.hash and _open(root, known):
            return Published(known, root, _paths(root, known))
        require_new(kind, entry.name, entry.version, place)
        if not (root / collection.record).is_file():
            begin(root, kind)
        _copy(source, target, entry)
        _track(root, target, entry)
        return Published(entry, root, _paths(root, entry))


def _sweep(root: Path, entry: Entry) -> None:
    """Take away what a killed process was writing; call it with the lock, which it held."""
    for folder, names in ((root, (entry.collection.record, ".gitignore")),
                          (root / card_folder(entry), ("*",))):  # fmt: skip
        for name in names:
            for path in folder.glob(f".{name}.*.tmp"):
                path.unlink(missing_ok=True)
    if remote := _remote_inside(root):  # from where git would commit it
        objects = confined(root, f"{remote}/files/md5", f"registry {root}")
        for folder in objects.glob("[0-9a-f][0-9a-f]"):
            for path in () if folder.is_symlink() else folder.glob(".*.tmp"):
                path.unlink(missing_ok=True)


def _paths(root: Path, entry: Entry) -> list[str]:
    """Return what git must be told once a version is published."""
    paths = [entry.collection.record, ".gitignore", card_folder(entry)]
    return [*paths, remote] if (remote := _remote_inside(root)) else paths


def _remote_inside(root: Path) -> str:
    """Return where the objects are if that is a folder of the repository; empty if elsewhere."""
    remote = dvc.Objects(root).remote
    if remote is not None:
        with suppress(ValueError):
            inside = Path(remote.path).relative_to(os.path.abspath(root)).as_posix()
            return "" if inside == "." else inside
    return ""


def _open(root: Path, entry: Entry) -> bool:
    """Whether git does not know yet what became of a version."""
    told = [entry.collection.record, card_folder(entry)]
    return worktree.has_work_tree(root) and bool(worktree.uncommitted(root, told))


def require_new(kind: type[Entry], name: str, version: str, place: Registry) -> None:
    """Raise `DataError` for a version that a registry has."""
    if (name, version) in Catalogue(place.root(), kind).entries:
        raise DataError(
            f"{name}@{version} is published already and a published version never changes; publish "
            "under a higher version."
        )


def begin(root: Path, kind: type[Entry], *, push: bool = True) -> None:
    """Have a folder tracked while nothing is in it, so that nothing unpublished slips in.

    Parameters
    ----------
    root
        Folder of the registry.
    kind
        Class of the entries, which says which folder.
    push
        Whether the remote gets the empty list at once; else the first publication brings it.
    """
    folder = root / kind.collection.name
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigError(
            f"{folder} is not tracked yet but holds something; move it away and publish from there."
        )
    dvc.add(root, kind, folder)
    if push:
        dvc.push(root, kind, folder)


def _copy(source: Path, target: Path, entry: Entry) -> None:
    """Bring a folder below the tracked one; what an interrupted publication brought is kept."""
    if not target.exists():
        with staging(target) as folder:
            shutil.copytree(source, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
            if folder_hash(folder) != entry.hash:
                raise RunError(f"{source} changed while it was copied; publish it again.")
            folder.rename(target)
    elif folder_hash(target) != entry.hash:
        raise DataError(
            f"{target} exists, is not published and differs from {source}; remove one of them."
        )


def _track(root: Path, target: Path, entry: Entry) -> None:
    """Add, push, read back, enter into the catalogue; an error leaves that as it was."""
    kind = type(entry)
    path = root / kind.collection.record
    before = path.read_bytes()
    try:
        dvc.add(root, kind, target)
        report(f"publishing {entry.reference}", 1, 3)
        dvc.push(root, kind, target)
        report(f"publishing {entry.reference}", 2, 3)
        check = _verify_one(Found(Registry(root.name, str(root)), root, entry))
        if check.problems:
            raise RunError(f"{entry.reference} did not arrive: {check.problems[0]}.")
        write_cards(root, entry)  # first, so that no version is ever without
        Catalogue(root, kind).add(entry)
        report(f"publishing {entry.reference}", 3, 3)
    except BaseException:
        path.write_bytes(before)
        raise
    for file in files_below(target):
        (target / file).chmod(0o444)


def verify(
    kind: type[EntryT], name: str | None = None, registry: str | Path | None = None
) -> Iterator[Verification[EntryT]]:
    """Compare every file of every version (or of one) with its hash.

    Read are the registry's remote, object by object, and the copy in the cache where there is one.

    Parameters
    ----------
    kind
        Class of the entries.
    name
        ``name@version``, or ``name`` for all its versions; everything of the kind without it.
    registry
        Where to look; see :func:`xreg.registry.registries.candidates`.
    """
    if name is None:
        wanted = list(listed(kind, registry))
    else:
        stem, version = parse_reference(name, noun=kind.collection.noun)
        every = [f for f in listed(kind, registry) if f.entry.name == stem]
        wanted = every if every and version is None else [find(kind, name, registry=registry)]
    for found in wanted:
        yield _verify_one(found)


def _verify_one(found: Found[EntryT]) -> Verification[EntryT]:
    entry = found.entry
    objects = dvc.Objects(found.root)
    files = files_of(objects, found)
    copies = [objects.main.label]
    problems = []
    with ThreadPoolExecutor(STREAMS) as pool:
        states = track(pool.map(objects.check, files.values()), entry.reference, len(files))
        for file, state in zip(files, states, strict=True):
            if state:
                problems.append(f"{file} is {state} in {copies[0]}")
    folder = cached(entry)
    if is_cached(entry):
        copies.append("the cache")
        there = files_below(folder)
        for file in files:
            if file not in there:
                problems.append(f"{file} is missing in the cache")
            elif file_md5(folder / file) != files[file]:
                problems.append(f"{file} is damaged in the cache")
        problems += [f"{file} is foreign in the cache" for file in there if file not in files]
    return Verification(found, copies, problems)


def withdraw(
    kind: type[EntryT],
    reference: str,
    reason: str,
    registry: str | Path | None = None,
    *,
    finish: bool = False,
) -> Published[EntryT]:
    """Mark a published version as one not to be used any more; nothing is deleted.

    Parameters
    ----------
    kind
        Class of the entries.
    reference
        ``name@version``.
    reason
        Why, in a sentence for whoever pulls it.
    registry
        Folder of the registry; the one around the working folder without it.
    finish
        Whether a version that is marked so, which git does not know yet, is returned as if it had
        been marked now.

    Raises
    ------
    DataError
        If no version or reason is given, or the version is withdrawn already.
    UnknownNameError
        If there is no such version.
    """
    noun = kind.collection.noun
    name, version = parse_reference(reference, noun=noun)
    if version is None:
        raise DataError(f"say which version of '{name}' to withdraw ({name}@VERSION).")
    reason = without_credentials(" ".join(reason.split()))
    if not reason:
        raise DataError(f"say why {reference} is withdrawn (--reason).")
    place = own_folder(registry)
    root = place.root()
    confined(root, ".dvc/tmp", f"registry {root}")
    lock = root / ".dvc" / "tmp" / "xreg-publish.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(f"withdrawing {reference}"), locked(lock):
        entry = find(kind, reference, registry=place.location).entry
        paths = [kind.collection.record, card_folder(entry)]
        _sweep(root, entry)
        marked = entry.withdrawn is not None and entry.withdrawn.reason == reason
        if finish and marked and _open(root, entry):
            return Published(entry, root, paths)
        if entry.withdrawn is not None:
            raise DataError(f"{reference} was withdrawn on {entry.withdrawn.date} already.")
        mark = Withdrawal(reason=reason, date=f"{datetime.now(UTC):%Y-%m-%d}")
        entry = entry.model_copy(update={"withdrawn": mark})
        write_cards(root, entry)
        Catalogue(root, kind).add(entry)
    return Published(entry, root, paths)
