"""The card of a model, read off the runs that made it, and the folder that is published."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yaml import YAMLError

from xreg.core.data.splits import PARTS
from xreg.core.errors import ConfigError, DataError
from xreg.core.files import file_md5, files_below, tree_hash
from xreg.core.text import without_credentials
from xreg.core.yaml_text import dump_yaml, load_yaml
from xreg.registry.cards.parity import parity_of
from xreg.registry.versions.entries import (
    About,
    ComponentEntry,
    DataEntry,
    ModelEntry,
    ParentEntry,
)
from xreg.registry.versions.model_contents import (
    CARD,
    UNKNOWN,
    domain_entry,
    predicts_entry,
    scores_of,
)
from xreg.registry.versions.run_files import Summary, run_file

if TYPE_CHECKING:
    from xreg.core.model.model import Model

__all__ = ["CARD", "describe", "lay_out"]

FORMAT = 1
KEPT = {".json", ".safetensors"}
"""Endings of what a model consists of; anything else could be code."""
SEEDS = {"seed"}
REACHABLE = re.compile(r"(https?|ssh|git)://|[\w.-]+@[\w.-]+:")


def lay_out(run: Path, folder: Path) -> None:
    """Copy into an empty folder what of a run is published: model, recipe, scores, split.

    Places on this machine are left out of what is copied; so are credentials.

    Raises
    ------
    DataError
        If a file of the model is of a kind that could hold code, or the run is incomplete.
    """
    for name in files_below(run / "model"):
        if Path(name).suffix not in KEPT:
            raise DataError(
                f"'{run / 'model' / name}' is no part of a model that xreg saved; remove it."
            )
    for name in ("summary.json", "metrics.json", "recipe.yaml"):
        if not (run / name).is_file():
            raise DataError(f"'{run}' is no complete run (it has no {name}).")
    shutil.copytree(run / "model", folder / "model", copy_function=shutil.copyfile)
    for name in ("splits.npz", "metrics.json"):
        if (run / name).is_file():
            shutil.copyfile(run / name, folder / name)
    summary = run_file(run / "summary.json", Summary)
    if summary.get("dataset"):
        told = summary["dataset"]
        told |= {"path": None, "registry": _public(told.get("registry"))}
        origin = told.get("origin") or {}
        told["origin"] = origin if _public(origin.get("location")) else None
    if summary.get("start"):
        summary["start"]["model"] = _name_of_start(summary["start"])
    text = json.dumps(summary, indent=1, ensure_ascii=False)
    (folder / "summary.json").write_text(without_credentials(text) + "\n", encoding="utf-8")
    (folder / "recipe.yaml").write_text(dump_yaml(_recipe(run)), encoding="utf-8")


def describe(
    folder: Path, run: Path, model: Model, name: str, version: str, said: About,
    repeats: Sequence[Path] = (),
) -> ModelEntry:  # fmt: skip
    """Write the card into a folder that :func:`lay_out` filled, and return it as an entry.

    Scores are averaged over ``repeats``, runs of the same recipe with other seeds.

    Raises
    ------
    ConfigError
        If a repeat is a run of another recipe.
    """
    recipe = _recipe(run)
    for other in repeats:
        if (differs := _difference(recipe, _recipe(other))) is not None:
            raise ConfigError(
                f"'{other}' is no repetition of '{run}': its '{differs}' is another; only seeds "
                "may differ."
            )
    target = model.target
    entry = ModelEntry.model_construct(
        **dict(said),
        name=name,
        version=version,
        channel=target.channel,
        predicts=predicts_entry(target.energy, target.features, target.unit),
        domain=domain_entry(model.domain),
        data=_data(run, recipe),
        parent=_parent(run),
        scores=scores_of([run, *repeats]),
        parity=parity_of(run),
        calibration=_calibration(model),
        components=_components(run, model),
        provenance={"recipe": recipe, **_made_with(run)},
    )
    card = entry.model_dump(mode="json", exclude=set(UNKNOWN), exclude_defaults=True)
    (folder / CARD).write_text(dump_yaml({"format": FORMAT, **card}), encoding="utf-8")
    files = {file: file_md5(folder / file) for file in files_below(folder)}
    size = sum((folder / file).stat().st_size for file in files)
    return ModelEntry(
        **dict(said),
        **{key: value for key, value in card.items() if key not in dict(said)},
        hash=tree_hash(files),
        size=size,
        files=len(files),
    )


def _data(run: Path, recipe: Mapping[str, Any]) -> DataEntry:
    summary = run_file(run / "summary.json", Summary)
    told = summary.get("dataset") or {}
    if not told:
        raise DataError(f"'{run}' does not tell which dataset it was trained on.")
    counts = summary.get("samples") or {}
    place = told.get("registry") or (told.get("origin") or {}).get("location")
    split = {key: value for key, value in (recipe.get("split") or {}).items() if value}
    return DataEntry(
        name=told["name"],
        version=told["version"],
        hash=told.get("hash") or "",
        registry=_public(place) or "",
        published=not told.get("path"),
        split=split,
        parts={part: counts[part] for part in PARTS if counts.get(part)},
    )


def _parent(run: Path) -> ParentEntry | None:
    told = run_file(run / "summary.json", Summary).get("start")
    if not told:
        return None
    return ParentEntry(
        model=_name_of_start(told),
        hash=str(told.get("hash") or ""),
        published=bool(told.get("published")),
    )


def _name_of_start(told: Mapping[str, Any]) -> str:
    """Return what a model to start from is called, without its place on this machine."""
    model = str(told["model"])
    return model if told.get("published") else Path(model).name


def _calibration(model: Model) -> str:
    from xreg.core.model.transfer.calibrated import CalibratedModel

    parts = []
    if isinstance(model, CalibratedModel):
        done = model.calibration
        parts.append(
            f"calibrated on {done.learned_from}: {done.in_words()} (the scores are those before, "
            "on computed spectra)"
        )
        if done.fine_tuned_from:
            parts.append(f"fine-tuning began with {done.fine_tuned_from}")
    if getattr(model.emulator.config, "calibrate", False):
        parts.append("the spread is scaled so that 68 % of the validation errors lie within it")
    if model.trust is not None:
        parts.append("the expected error and the trust in a prediction were learned on samples "
                     "that were not trained on")  # fmt: skip
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _components(run: Path, model: Model) -> list[ComponentEntry]:
    summary = run_file(run / "summary.json", Summary)
    listed = summary.get("components") or []
    settings = {
        (step.kind, step.name): step.config.model_dump(mode="json") for step in model.steps.values()
    }
    return [
        ComponentEntry(
            **{key: str(item.get(key, "")) for key in ("kind", "name", "plugin", "distribution",
                                                       "version", "code")},
            settings=settings.get((str(item.get("kind")), str(item.get("name"))), {}),
        )
        for item in listed
    ]  # fmt: skip


def _made_with(run: Path) -> dict[str, Any]:
    summary = run_file(run / "summary.json", Summary)
    found = {key: summary[key] for key in ("xreg", "finished", "repositories") if key in summary}
    platform = summary.get("platform") or {}
    return found | {key: platform[key] for key in ("python", "libraries") if key in platform}


def _recipe(run: Path) -> dict[str, Any]:
    """Return the recipe of a run as data, without places on this machine."""
    try:
        recipe = load_yaml((run / "recipe.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, YAMLError):
        raise DataError(f"'{run}' is no complete run (its recipe.yaml cannot be read).") from None
    if not isinstance(recipe, dict):
        raise DataError(f"'{run}' is no complete run (its recipe.yaml is no recipe).")
    data = recipe.get("dataset")
    if isinstance(data, dict):
        place = data.get("path")
        recipe["dataset"] = {**data, "registry": _public(data.get("registry"))}
        if place:
            recipe["dataset"]["path"] = Path(str(place)).name
    emulator = recipe.get("emulator")
    if isinstance(emulator, dict) and isinstance(start := emulator.get("start"), dict):
        model = str(start.get("model"))
        if "/" in model:
            emulator["start"] = {**start, "model": Path(model).name}
    return recipe


def _difference(one: Any, other: Any, place: str = "") -> str | None:
    """Return where two recipes differ in more than seeds and names."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}, key=str):
            if key in SEEDS or (key == "name" and not place):
                continue
            inner = _difference(one.get(key), other.get(key), f"{place}.{key}".lstrip("."))
            if inner is not None:
                return inner
        return None
    return None if one == other else place


def _public(place: Any) -> str | None:
    """Return a registry that others can reach, without credentials."""
    if not isinstance(place, str) or not REACHABLE.match(place):
        return None
    return without_credentials(place)
