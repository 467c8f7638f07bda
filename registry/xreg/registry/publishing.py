"""Datasets into a registry, once and for good, and the proof that they are still what they were."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xreg.core.atoms.elements import symbols
from xreg.core.data.samples import Parameters, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.data.splits import PARTS
from xreg.core.errors import ConfigError, DataError, RunError, UnknownNameError
from xreg.core.files import (
    disk_errors,
    file_md5,
    files_below,
    folder_hash,
    locked,
    staging,
)
from xreg.core.paths import check_paths, confined
from xreg.core.progress import report, track
from xreg.core.text import with_unit
from xreg.registry import dvc
from xreg.registry.catalogue import Catalogue, ChannelEntry, Entry
from xreg.registry.datasets import (
    FOLDER,
    STREAMS,
    FoundDataset,
    cached,
    files_of,
    find,
    list_datasets,
    parse_reference,
)
from xreg.registry.registries import CATALOGUE, Registry, candidates, find_upwards
from xreg.registry.stores.store import open_store

__all__ = ["Published", "Verification", "describe", "publish", "verify"]


@dataclass(frozen=True)
class Published:
    """A dataset that a registry now has, and what git must be told.

    Attributes
    ----------
    entry
        What the registry says about it.
    root
        Folder of the registry.
    paths
        Files and folders below ``root`` to commit.
    """

    entry: Entry
    root: Path
    paths: list[str]


@dataclass(frozen=True)
class Verification:
    """What became of a dataset's files.

    Attributes
    ----------
    found
        The dataset.
    copies
        Where its files were compared with their hashes.
    problems
        One clause for each file that is missing or changed, or is not of the dataset.
    """

    found: FoundDataset
    copies: list[str]
    problems: list[str]


def publish(store: str | Path, registry: str | Path | None = None) -> Published:
    """Put a store into a registry under the name and version that it carries.

    The store is checked value by value, copied below ``datasets/``, taken into DVC's account,
    pushed to the default remote, read back from there and only then entered into
    ``datasets.dvc``. A publication that was interrupted can be repeated.

    Parameters
    ----------
    store
        Folder of a store.
    registry
        Folder of the registry, or its configured name; the one around the working folder without
        it.

    Raises
    ------
    DataError
        If the store is not as its schema says, or the version is published already.
    ConfigError
        If the registry is no folder.
    """
    place = _folder(registry)
    root = place.root()
    entry = describe(Path(store))
    target = root / FOLDER / entry.name / f"{entry.version}.zarr"
    if not (root / ".dvc").is_dir():
        raise ConfigError(f"{root} has no DVC in it; `dvc init` it and add a default remote.")
    for below in (".dvc/tmp", ".dvc/cache", ".gitignore", target.relative_to(root).as_posix()):
        confined(root, below, f"registry {root}")
    lock = root / ".dvc" / "tmp" / "xreg-publish.lock"
    lock.parent.mkdir(exist_ok=True)
    with disk_errors(f"publishing {entry.reference}"), locked(lock):
        if (entry.name, entry.version) in Catalogue(root).entries:
            raise DataError(
                f"{entry.reference} is published already and a published version never changes; "
                "publish under a higher version."
            )
        if not (root / CATALOGUE).is_file():
            _begin(root)
        _copy(Path(store), target, entry)
        _track(root, target, entry)
        remote = dvc.Objects(root).remote
    paths = [CATALOGUE, ".gitignore"]
    if remote is not None:
        with suppress(ValueError):
            paths.append(Path(remote.path).relative_to(os.path.abspath(root)).as_posix())
    return Published(entry, root, paths)


def verify(name: str | None = None, registry: str | Path | None = None) -> Iterator[Verification]:
    """Compare every file of every dataset (or of one) with its hash.

    Read are the registry's remote, object by object, and the copy in the cache where there is one.

    Parameters
    ----------
    name
        ``name@version``, or ``name`` for all its versions; every dataset without it.
    registry
        Where to look; see :func:`xreg.registry.registries.candidates`.
    """
    if name is None:
        wanted = list(list_datasets(registry))
    else:
        stem, version = parse_reference(name)
        every = [f for f in list_datasets(registry) if f.entry.name == stem]
        wanted = every if every and version is None else [find(name, registry=registry)]
    for found in wanted:
        yield _verify_one(found)


def _verify_one(found: FoundDataset) -> Verification:
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
    store = cached(entry)
    if store.is_dir():
        copies.append("the cache")
        there = files_below(store)
        for file in files:
            if file not in there:
                problems.append(f"{file} is missing in the cache")
            elif file_md5(store / file) != files[file]:
                problems.append(f"{file} is damaged in the cache")
        problems += [f"{file} is foreign in the cache" for file in there if file not in files]
    return Verification(found, copies, problems)


def _folder(registry: str | Path | None) -> Registry:
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


def _copy(store: Path, target: Path, entry: Entry) -> None:
    """Bring the store below ``datasets/``; what an interrupted publication brought is kept."""
    if not target.exists():
        with staging(target) as folder:
            shutil.copytree(store, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
            if folder_hash(folder) != entry.hash:
                raise RunError(f"{store} changed while it was copied; publish it again.")
            folder.rename(target)
    elif folder_hash(target) != entry.hash:
        raise DataError(
            f"{target} exists, is not published and differs from {store}; remove one of them."
        )


def _track(root: Path, target: Path, entry: Entry) -> None:
    """Add, push, read back, enter into the catalogue; an error leaves that as it was."""
    path = root / CATALOGUE
    before = path.read_bytes()
    try:
        dvc.add(root, target)
        report(f"publishing {entry.reference}", 1, 3)
        dvc.push(root, target)
        report(f"publishing {entry.reference}", 2, 3)
        catalogue = Catalogue(root)
        found = FoundDataset(Registry(root.name, str(root)), root, entry)
        check = _verify_one(found)
        if check.problems:
            raise RunError(f"{entry.reference} did not arrive: {check.problems[0]}.")
        catalogue.add(entry)
        report(f"publishing {entry.reference}", 3, 3)
    except BaseException:
        path.write_bytes(before)
        raise
    for file in files_below(target):
        (target / file).chmod(0o444)


def _begin(root: Path) -> None:
    """Let DVC track ``datasets/`` while nothing is in it, so that nothing unpublished slips in."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigError(
            f"{folder} is not tracked yet but holds something; move it away and publish from there."
        )
    dvc.add(root, folder)
    dvc.push(root, folder)


def describe(store: Path) -> Entry:
    """Return what a catalogue says about a store, which is checked in full.

    Raises
    ------
    DataError
        If the store is damaged or breaks the schema.
    """
    dataset = open_store(store)
    if known := dataset.metadata.provenance.get("incomplete"):
        raise DataError(
            f"{store} holds {known['finished']} of {known['planned']} samples; repeat its "
            "`xreg data generate` to finish it, and publish what that leaves."
        )
    samples = dataset.samples
    contents = ""
    if isinstance(samples, Structures):
        contents = symbols(samples.species())
    elif isinstance(samples, Parameters):
        columns = zip(samples.names, samples.units, strict=True)
        contents = ", ".join(with_unit(name, unit) for name, unit in columns)
    elif isinstance(samples, Specimens):
        contents = symbols(set(samples.absorber.tolist()) - {0})
    files = files_below(store)
    check_paths(files, f"the store {store}")
    return Entry(
        **dataset.metadata.model_dump(),
        hash=dataset.hash,
        size=sum((store / file).stat().st_size for file in files),
        files=len(files),
        samples=len(dataset),
        kind=samples.kind,
        contents=contents,
        channels={
            name: ChannelEntry(points=len(c.features), unit=c.unit, features=list(c.features))
            if c.energy is None
            else ChannelEntry(
                points=len(c.energy), low=float(c.energy[0]), high=float(c.energy[-1]), unit=c.unit
            )
            for name, c in dataset.spectra.items()
        },
        labels={name: dataset.label_units.get(name, "") for name in dataset.labels},
        splits={
            name: {part: len(getattr(split, part)) for part in PARTS}
            for name, split in dataset.splits.items()
        },
    )
