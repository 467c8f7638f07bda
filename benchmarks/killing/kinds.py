"""What is killed: a command each, the places it works on, and what must be true of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

__all__ = ["KINDS", "Kind", "Places", "prepare", "write_data"]

AUTHOR = "{Those who kill}"
CARD = {
    "title": "A toy",
    "licence": "CC0-1.0",
    "authors": [AUTHOR],
    "intended_use": "To be killed.",
    "limits": "It is noise.",
}
RIDGE = {"name": "ridge", "alpha": {"choice": [0.1, 1.0, 10.0]}}
FAMILIES = {"internal-ridge": {"descriptor": "internal", "emulator": RIDGE}}
RULES = {
    "dataset": {"name": "toy", "version": "1.0.0"},
    "target": {"channel": "xes"},
    "split": {"name": "default"},
    "folds": {"count": 2},
    "budget": 600,
    "seeds": 1,
}
TIMES = ("seconds", "finished")
FIT = {"Dq": (0.1, 0.2), "S2": (0.7, 0.9)}


@dataclass(frozen=True)
class Places:
    """What all kinds are given, made once, and a folder for one trial."""

    given: Path
    trial: Path

    @property
    def registry(self) -> Path:
        """A registry of the trial's own."""
        return self.trial / "registry"


@dataclass(frozen=True)
class Kind:
    """One command that is killed.

    Attributes
    ----------
    arguments
        The command of a trial.
    begin
        Puts into the trial's folder what the command needs.
    state
        Everything that the command has brought about, as JSON: nothing before it ends, and always
        the same after. What is half there is an error, told as text in a list under ``faults``.
    light
        Whether ``state`` starts no thread that stays, so that no fork is needed for it.
    refusals
        What the command may say where another has done the work.
    """

    arguments: Callable[[Places], list[str]]
    begin: Callable[[Places], None]
    state: Callable[[Places], dict[str, Any]]
    light: bool = False
    refusals: tuple[str, ...] = field(default=("exists already", "was made meanwhile"))


# What is given ---------------------------------------------------------------------------------


def toy(n: int, version: str) -> Any:
    """Return a small dataset of water molecules whose spectra follow their shape."""
    from xreg.core.data.dataset import Dataset, Metadata
    from xreg.core.data.samples import Structures
    from xreg.core.data.spectra import Channel, Spectra
    from xreg.core.data.splits import make_split

    rng = np.random.default_rng(0)
    water = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    positions = water + 0.05 * rng.normal(size=(n, 3, 3))
    length = np.linalg.norm(positions[:, 1] - positions[:, 0], axis=1)
    energy = np.linspace(520.0, 530.0, 30)
    spectra = np.exp(-((energy - 525 - 10 * (length[:, None] - 0.96)) ** 2))
    ids = [f"step-{i:04d}" for i in range(n)]
    samples = Structures(ids, np.tile([8, 1, 1], n), positions.reshape(-1, 3),
                         3 * np.arange(n + 1), np.zeros(n, int))  # fmt: skip
    return Dataset(
        samples,
        Spectra({"xes": Channel(spectra, energy)}),
        Metadata(name="toy", version=version, title="A toy", licence="CC0-1.0"),
        splits={"default": make_split(samples.ids, seed=1)},
    )


def write_data(given: Path) -> None:
    """Write the datasets."""
    from xreg.registry.stores.writer import write_store

    write_store(toy(40, "1.0.0"), given / "old.zarr")
    write_store(toy(60, "2.0.0"), given / "new.zarr")
    _ion(given)


def prepare(given: Path, run: Callable[[list[str]], None]) -> None:
    """Make what all kinds start from, by the commands themselves; ``run`` carries one out."""
    card, registry = given / "card.yaml", str(given / "registry")
    card.write_text(yaml.safe_dump(CARD))
    run(["registry", "init", registry])
    publishing = ["-r", registry, "--card", str(card), "--commit"]
    run(["data", "publish", str(given / "old.zarr"), *publishing])
    folder = given / "registry" / "tasks"
    folder.mkdir()
    (folder / "toy.yaml").write_text(yaml.safe_dump({"title": "Toy", **RULES}))
    git(given / "registry", "add", "--all")
    git(given / "registry", "commit", "--quiet", "-m", "task")
    run(["run", "--dataset", "toy", "-r", registry, "--descriptor", "internal", "--emulator",
         "ridge", "--set", "analyses={}", "-o", str(given / "run")])  # fmt: skip
    run(["models", "publish", str(given / "run"), "noise@1.0.0", *publishing])
    (given / "families.yaml").write_text(yaml.safe_dump({"families": FAMILIES}))
    search = ["search", "--task", "toy", str(given / "families.yaml"), "-r", registry]
    run([*search, "-o", str(given / "search"), "--workers", "1"])
    run(["data", "export", str(given / "old.zarr"), "-o", str(given / "toy.extxyz")])
    run(["run", "--dataset", str(given / "ti4.zarr"), "--descriptor", "polynomial", "--emulator",
         "ridge", "--set", "analyses={}", "-o", str(given / "ti4")])  # fmt: skip


def _ion(given: Path) -> None:
    """Write a dataset of an ion, and a spectrum to fit."""
    from xreg.core.data.dataset import Dataset, Metadata
    from xreg.core.data.samples import Parameters
    from xreg.core.data.spectra import Channel, Spectra
    from xreg.core.data.splits import make_split
    from xreg.registry.stores.writer import write_store

    rng = np.random.default_rng(0)
    values = np.column_stack([rng.uniform(low, high, 80) for low, high in FIT.values()])
    energy = np.linspace(450.0, 470.0, 81)
    places = 460 + 20 * (values[:, :1] - 0.15), 455 + 20 * (values[:, 1:] - 0.8)
    spectra = sum(np.exp(-((energy - place) ** 2)) for place in places)
    samples = Parameters([f"set-{i}" for i in range(80)], values, tuple(FIT), ("eV", ""))
    write_store(
        Dataset(samples, Spectra({"xas": Channel(spectra, energy)}),
                Metadata(name="ti4", version="1.0.0"),
                splits={"default": make_split(samples.ids, seed=1)}),
        given / "ti4.zarr",
    )  # fmt: skip
    np.savetxt(given / "measured.txt", np.column_stack([energy, spectra[0]]))


def git(folder: Path, *arguments: str) -> str:
    """Return what git says."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout


# What must be true -------------------------------------------------------------------------------


def nothing(places: Places) -> None:
    """Begin with an empty folder."""


def with_registry(places: Places) -> None:
    """Begin with a copy of the registry."""
    shutil.copytree(places.given / "registry", places.registry, symlinks=True)


def with_clone(places: Places) -> None:
    """Begin with a clone, which has no cache of its own."""
    subprocess.run(["git", "clone", "--quiet", (places.given / "registry").as_uri(),
                    str(places.registry)], check=True)  # fmt: skip


def of_registry(places: Places) -> dict[str, Any]:
    """Return every version in a registry and what is wrong with it, and what is not committed."""
    from xreg.registry.recording import verify
    from xreg.registry.versions.entries import DatasetEntry, ModelEntry

    versions, faults = {}, []
    for kind in (DatasetEntry, ModelEntry):
        for check in verify(kind, registry=str(places.registry)):
            entry = check.found.entry
            if entry.collection.noun == "dataset" or "noise" not in entry.name:
                versions[entry.reference] = entry.hash
            else:  # dates and seconds of its making are in it
                versions[entry.reference] = str(entry.files)
            faults += check.problems
    for known in ("toy@1.0.0", "noise@1.0.0"):
        if known not in versions:
            faults.append(f"{known} is lost")
    open_ = git(places.registry, "status", "--porcelain").splitlines()
    return {"versions": versions, "open": sorted(open_), "faults": faults}


def of_cache(places: Places) -> dict[str, Any]:
    """Return what stands in the cache under its final name, by its hash."""
    from xreg.core.files import folder_hash

    found, faults = {}, []
    for kind in ("datasets", "models"):
        folder = places.trial / "cache" / kind
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not path.name.startswith("."):
                found[path.name] = whole = folder_hash(path)
                if whole[:16] not in path.name:
                    faults.append(f"{path.name} is not whole")
    return {"cached": found, "faults": faults}


def of_result(places: Places) -> dict[str, Any]:
    """Return the files of a result and its scores."""
    folder = places.trial / "result"
    if not folder.exists():
        return {"faults": []}
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    found: dict[str, Any] = {"files": names, "faults": []}
    for name in ("metrics.json", "fit.json"):
        if (folder / name).exists():
            found[name] = _without_times(json.loads((folder / name).read_text()))
    return found


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_times(v) for k, v in value.items() if k not in TIMES}
    return value


def of_store(places: Places) -> dict[str, Any]:
    """Return the hash of an imported store."""
    from xreg.registry.stores.store import open_store

    path = places.trial / "result.zarr"
    if not path.exists():
        return {"faults": []}
    dataset = open_store(path)
    total = float(np.asarray(dataset.spectra["xes"].intensity).sum())
    return {"samples": len(dataset), "sum": total, "faults": []}


def of_search(places: Places) -> dict[str, Any]:
    """Return the candidates that were judged, and the ranking where the search has ended."""
    from xreg.workbench.search.session import Search

    folder = places.trial / "result"
    if not (folder / "study.journal").exists():
        return {"told": {}, "faults": []}
    study = Search(folder).study
    told = {
        f"{family.label}/{trial.number}": [trial.params, trial.value]
        for family in study.families
        for trial in study.trials(family)
        if trial.state.is_finished()
    }
    found: dict[str, Any] = {"told": told, "faults": []}
    if (folder / "results.json").exists():
        rows = json.loads((folder / "results.json").read_text())["families"]
        found["ranking"] = [[row["label"], row["score"]] for row in rows]
    return found


def of_rows(places: Places) -> dict[str, Any]:
    """Return the rows of the task, each read and proved."""
    from xreg.registry.registries import candidates
    from xreg.workbench.leaderboards.entry import rows_of

    rows, faults = rows_of(candidates(str(places.registry))[0], "toy")
    return {"rows": [row.name for row in rows], "faults": faults}


def _publish(places: Places) -> list[str]:
    return ["-r", str(places.registry), "--card", str(places.given / "card.yaml"), "--commit"]


def _result(places: Places, name: str = "result") -> list[str]:
    return ["-o", str(places.trial / name)]


KINDS: dict[str, Kind] = {
    "publish-data": Kind(
        lambda p: ["data", "publish", str(p.given / "new.zarr"), *_publish(p)],
        with_registry, of_registry, True, ("is published already",),
    ),
    "publish-model": Kind(
        lambda p: ["models", "publish", str(p.given / "run"), "toy-model@1.0.0", *_publish(p)],
        with_registry, of_registry, True, ("is published already",),
    ),
    "pull-data": Kind(
        lambda p: ["data", "pull", "toy@1.0.0", "-r", p.registry.as_uri()],
        with_clone, of_cache, True,
    ),
    "pull-model": Kind(
        lambda p: ["models", "pull", "noise@1.0.0", "-r", p.registry.as_uri()],
        with_clone, of_cache, True,
    ),
    "run": Kind(
        lambda p: ["run", "--dataset", str(p.given / "new.zarr"), "--descriptor", "internal",
                   "--emulator", "ridge", "--set", "analyses={}", *_result(p)],
        nothing, of_result, True,
    ),
    "search": Kind(
        lambda p: ["search", "--task", "toy", str(p.given / "families.yaml"), "-r",
                   str(p.given / "registry"), "--set", "sampler=grid", *_result(p),
                   "--workers", "1"],
        nothing, of_search,
    ),
    "import": Kind(
        lambda p: ["data", "import", str(p.given / "toy.extxyz"), "--name", "copy", "--channel",
                   "xes", *_result(p, "result.zarr")],
        nothing, of_store,
    ),
    "fit": Kind(
        lambda p: ["fit", str(p.given / "ti4"), str(p.given / "measured.txt"), "--generator",
                   "none", "--starts", "4", "--no-intervals", *_result(p)],
        nothing, of_result, True,
    ),
    "submit": Kind(
        lambda p: ["leaderboard", "submit", str(p.given / "search"), "--sign-off",
                   "A. Author <a@example.org>", "-r", str(p.registry)],
        with_registry, of_rows, True,
    ),
}  # fmt: skip
