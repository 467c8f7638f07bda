"""Trained models: of runs, of registries, by path."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from xreg.core import storage
from xreg.core.data.dataset import NAME_PATTERN
from xreg.core.data.splits import PARTS
from xreg.core.errors import CorruptError, DataError, UnknownNameError, XregError, did_you_mean
from xreg.core.files import file_md5
from xreg.core.paths import check_paths, confined
from xreg.registry import finding, pulling
from xreg.registry.catalogue import Catalogue
from xreg.registry.consent import component_code, require_consent
from xreg.registry.finding import Found
from xreg.registry.plugins import host
from xreg.registry.registries import Registry, candidates
from xreg.registry.versions.entries import ModelEntry
from xreg.registry.versions.run_files import Metrics, Summary, run_file

if TYPE_CHECKING:
    from xreg.core.model.model import Model

__all__ = [
    "SavedModel",
    "describe_model",
    "find",
    "find_model",
    "list_models",
    "load_model",
    "pull",
]

log = logging.getLogger(__name__)

FOLDER = "models"
RUNS = "runs"
# What other programs save networks in; reading one could run any code.
FOREIGN = {".pkl", ".pickle", ".pt", ".pth", ".joblib", ".ckpt", ".h5"}


@dataclass(frozen=True)
class SavedModel:
    """A model that can be loaded, or pulled and loaded.

    Attributes
    ----------
    reference
        What to call it: ``name@version``, or the folder of its run.
    origin
        ``run``, or the registry that has it.
    place
        Folder of the saved model; where it will be, of a published one that is not pulled yet.
    summary, metrics
        Of the run that made it; empty where they are not there.
    found
        The entry of a published model.
    """

    reference: str
    origin: str
    place: Path
    summary: dict[str, Any]
    metrics: dict[str, Any]
    found: Found[ModelEntry] | None = None

    @property
    def folder(self) -> Path:
        """Folder of the saved model; a published one is pulled and checked for that."""
        return self.place if self.found is None else _pulled(self.found) / "model"

    @classmethod
    def published(cls, found: Found[ModelEntry]) -> Self:
        """Return a published model, with as much as its card tells of the run."""
        entry, data = found.entry, found.entry.data
        summary: dict[str, Any] = {
            "dataset": {
                "name": data.name,
                "version": data.version,
                "hash": data.hash,
                "path": None,
                "registry": data.registry or None,
            }
        }
        metrics = {
            part: {"samples": data.parts.get(part, 0), **{k: s.mean for k, s in scores.items()}}
            for part, scores in entry.scores.items()
        }
        place = pulling.cached(entry) / "model"
        return cls(entry.reference, str(found.registry), place, summary, metrics, found)


def list_models(registry: str | Path | None = None, runs: Path | None = None) -> list[SavedModel]:
    """Return the models of the runs in ``runs/`` and of the registries, in that order."""
    folder_of_runs = runs or Path(RUNS)
    folders = sorted(folder_of_runs.iterdir()) if folder_of_runs.is_dir() else []
    found = []
    for folder in folders:
        if not folder.name.startswith(".") and (folder / "model" / storage.META).is_file():
            try:
                found.append(_saved(str(folder), "run", folder / "model", folder))
            except (CorruptError, DataError) as error:  # one damaged run hides no other
                log.warning("passed over: %s", error)
    return found + list(_published(registry))


def _published(registry: str | Path | None) -> Iterator[SavedModel]:
    try:
        places = candidates(registry)
    except UnknownNameError:
        if registry is not None:
            raise
        return  # runs can be listed without any registry
    for place in places:
        try:
            yield from _of_registry(place)
        except (XregError, OSError) as error:  # a damaged registry hides no other
            if registry is not None:
                raise
            log.warning("registry %s is left out: %s", place.name, error)


def _of_registry(place: Registry) -> list[SavedModel]:
    """Return the models of one registry, without pulling any."""
    root = place.root(fresh=True)
    if not (root / ModelEntry.collection.record).is_file():
        return _unlisted(place, root)
    catalogue = Catalogue(root, ModelEntry)
    return [
        SavedModel.published(Found(place, root, catalogue.entries[name, version]))
        for name in catalogue.names()
        for version in catalogue.versions(name)
    ]


def _unlisted(place: Registry, root: Path) -> list[SavedModel]:
    """Return the models of a registry that keeps them in git, by folders ``NAME/VERSION``.

    Names that lead out of its folder are refused.
    """
    where = f"registry {root}"
    folders = sorted(confined(root, FOLDER, where).glob("*/*/"))
    folders = [folder for folder in folders if (folder / "model" / storage.META).is_file()]
    names = [folder.relative_to(root).as_posix() for folder in folders]
    for name in check_paths(names, where):
        for file in ("summary.json", "metrics.json", f"model/{storage.META}"):
            confined(root, f"{name}/{file}", where)
    found = []
    for folder in folders:
        reference = f"{folder.parent.name}@{folder.name}"
        try:
            found.append(_saved(reference, str(place), folder / "model", folder))
        except (CorruptError, DataError) as error:
            log.warning("passed over: %s", error)
    return found


def find(reference: str, registry: str | Path | None = None) -> Found[ModelEntry]:
    """Return the entry of a published model; see :func:`xreg.registry.finding.find`."""
    return finding.find(ModelEntry, reference, None, registry)


def pull(
    reference: str, registry: str | Path | None = None, *, accept_changed: bool = False
) -> Path:
    """Bring a published model into the cache and return its folder.

    See :func:`xreg.registry.pulling.pull` for what is promised.

    Raises
    ------
    UnknownNameError
        If there is no such model or version.
    CorruptError
        If the registry's remote lacks a file or has a changed one.
    RunError
        If the remote cannot be reached, or the disk is full.
    """
    found = finding.find(ModelEntry, reference, None, registry, fresh=True)
    return pulling.pull(found, accept_changed=accept_changed)


def _pulled(found: Found[ModelEntry]) -> Path:
    """Return the folder of a published model, pulled where the cache lacks it, and checked."""
    entry = found.entry
    finding.warn_withdrawn(entry)
    folder = pulling.available(found)
    try:
        for name, md5 in pulling.kept_files(entry).items():
            if file_md5(folder / name) != md5:
                raise CorruptError(f"{folder}: the file {name} was changed.")
    except CorruptError as error:
        raise CorruptError(
            f"the cached copy is damaged, `xreg models pull {entry.reference}` mends it: {error}"
        ) from None
    from xreg.registry.versions.model_contents import require_same_model

    require_same_model(entry, folder)
    pulling.seen(found).remember(found.entry)
    return folder


def _saved(reference: str, origin: str, model: Path, folder: Path) -> SavedModel:
    return SavedModel(
        reference,
        origin,
        model,
        run_file(folder / "summary.json", Summary),
        run_file(folder / "metrics.json", Metrics),
    )


def find_model(reference: str | Path, registry: str | Path | None = None) -> SavedModel:
    """Return the model of that name, run or path.

    Parameters
    ----------
    reference
        Folder of a run or of a saved model; name of a run in ``runs/``; or ``name`` or
        ``name@version`` in a registry (the newest version without one).
    registry
        Where to look for names.

    Raises
    ------
    UnknownNameError
        If there is none; the message says what there is.
    DataError
        If the path is no model of xreg; files that could hold code are never opened.
    """
    path = Path(reference)
    for folder in (path, Path(RUNS) / path):
        if folder.is_dir():
            for model, home in ((folder / "model", folder), (folder, folder.parent)):
                if (model / storage.META).is_file():
                    return _saved(str(folder), "run", model, home)
            raise DataError(f"'{folder}' holds no model (no {storage.META} in it or in model/).")
    if path.is_file():
        code = " and may hold code, which xreg never runs" if path.suffix in FOREIGN else ""
        raise DataError(
            f"'{path}' is a file{code}; give the folder of a run or of a model that xreg saved."
        )
    if "/" in str(reference) or "\\" in str(reference):
        raise UnknownNameError(f"there is no folder '{reference}'.")
    name, _, version = str(reference).partition("@")
    # A run may have a name that no model has.
    if version or re.fullmatch(NAME_PATTERN, name):
        with suppress(UnknownNameError):
            return SavedModel.published(find(str(reference), registry))
    entries = list_models(registry)
    named = [e for e in entries if e.origin != "run" and e.reference.partition("@")[0] == name]
    if version:
        versions = [e.reference.partition("@")[2] for e in named]
        named = [e for e in named if e.reference.partition("@")[2] == version]
        if versions and not named:
            hint = did_you_mean(version, versions)
            raise UnknownNameError(f"model '{name}' has no version {version}{hint}.")
    if not named:
        known = [e.reference for e in entries] + [
            Path(e.reference).name for e in entries if e.origin == "run"
        ]
        raise UnknownNameError(f"no model or run '{reference}'{did_you_mean(str(name), known)}.")
    return max(named, key=lambda e: _ordered(e.reference.partition("@")[2]))


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(
        int(part) if re.fullmatch("[0-9]{1,18}", part) else -1 for part in version.split(".")
    )


def load_model(
    reference: str | Path, registry: str | Path | None = None, *, allow_code: bool = False
) -> Model:
    """Read a model, every byte of it checked.

    Parameters
    ----------
    reference, registry
        See :func:`find_model`.
    allow_code
        Whether the user agrees to code in the settings of its components.

    Raises
    ------
    ConsentError
        If its settings hold code that the user has not agreed to.
    CorruptError
        If a byte changed since it was written.
    UnknownNameError
        If the model, or a plugin that it needs, is not there.
    """
    from xreg.core.model.transfer.calibrated import model_class

    folder = find_model(reference, registry).folder
    saved = model_class(folder)
    for place, kind, name in saved.steps_in(folder):
        config = storage.read_meta(folder / place).get("config")
        require_consent(
            component_code(kind, name, config if isinstance(config, dict) else {}),
            f"model '{reference}'",
            allow=allow_code,
            read=str(folder / place / storage.META),
        )
    return saved.load(folder, host().load)


def describe_model(entry: SavedModel, *, allow_code: bool = False) -> list[tuple[str, str]]:
    """Return what a user wants to know of a model, as names and values."""
    from xreg.core.interfaces.blocks import parts_of
    from xreg.core.model.transfer.calibrated import CalibratedModel

    model = load_model(entry.folder, allow_code=allow_code)
    target, domain = model.target, model.domain
    rows = [("folder", str(entry.folder)), ("origin", entry.origin)]
    if target.energy is not None:
        span = f"{target.energy[0]:g} … {target.energy[-1]:g} eV"
        rows.append(("predicts", f"{target.channel}, {len(target.energy)} energies, {span}"))
    else:
        rows.append(("predicts", f"{target.channel}: {', '.join(target.features)}"))
    if domain.kind == "structures":
        from xreg.core.atoms.elements import symbols

        rows.append(("knows", f"structures of {symbols(domain.elements)}"))
        rows.append(("absorber", symbols(domain.absorbers)))
    else:
        rows.append(("knows", f"{domain.kind}: {', '.join(domain.parameters)}"))
    if model.descriptor is not None:
        rows += [("descriptor", _call(one)) for one in parts_of(model.descriptor).values()]
    rows.append(("emulator", _call(model.emulator)))
    when = ""
    if isinstance(model, CalibratedModel):
        done = model.calibration
        rows += [("calibrated", done.in_words()), ("calibrated on", done.learned_from)]
        rows += [("fine-tuned from", done.fine_tuned_from)] if done.fine_tuned_from else []
        when = ", before calibration"
    rows += [(f"decomposer {label}", _call(d)) for label, d in model.decomposers.items()]
    if data := entry.summary.get("dataset"):
        named = f"{data['name']} {data['version']}"
        rows.append(("trained on", named + (f" ({data['hash']})" if data.get("hash") else "")))
    for part in PARTS:
        scores = entry.metrics.get(part) or {}
        if scores.get("r2") is not None:
            told = f"{scores['r2']:.4f} on {scores.get('samples', 0)} samples"
            rows.append((f"R² {part}{when}", told))
    rows += [("note", change) for change in model.changes()]
    for label, parts in entry.metrics.get("decomposers", {}).items():
        for part, values in parts.items():
            text = ", ".join("–" if value is None else f"{value:.3f}" for value in values)
            rows.append((f"covered variance {label}, {part}", text))
    return rows


def _call(component: Any) -> str:
    _, _, settings = repr(component).partition("(")
    return f"{component.name} ({settings}" if settings != ")" else str(component.name)
