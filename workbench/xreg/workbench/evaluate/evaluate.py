"""``xreg evaluate``: a trained model judged on a dataset, in one folder of results."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import storage
from xreg.core.analysis.context import AnalysisContext
from xreg.core.data.dataset import Dataset, finite_rows, require_finite
from xreg.core.data.splits import PARTS
from xreg.core.errors import (
    CorruptError,
    DataError,
    OutsideError,
    UnknownNameError,
    did_you_mean,
)
from xreg.core.files import write_text
from xreg.core.model.inputs import FeatureInputs
from xreg.core.model.model import Model
from xreg.core.model.transfer.calibrated import CalibratedModel
from xreg.core.readers.npz import load_arrays
from xreg.core.run import FORMAT
from xreg.core.text import counted
from xreg.registry.models import SavedModel, find_model, load_model
from xreg.workbench.evaluate.comparison import on_grid
from xreg.workbench.evaluate.recipe import EVERYTHING, Evaluation, Judged
from xreg.workbench.recipes.data import open_section, with_group
from xreg.workbench.recipes.lockbox import counted_look
from xreg.workbench.recipes.splits import SplitSection, find_split, split_group
from xreg.workbench.result_folder import result_folder, write_json
from xreg.workbench.run import analyses, provenance, results, saving
from xreg.workbench.run.features import Execution, FeatureCache
from xreg.workbench.run.origins import packages, repositories
from xreg.workbench.run.preparation import Stages
from xreg.workbench.run.scoring import score_remarks

__all__ = ["Evaluated", "Matched", "evaluate", "match_model"]

log = logging.getLogger("xreg.evaluate")

SPLITS = "splits.npz"


@dataclass(frozen=True)
class Evaluated:
    """A finished evaluation: its folder, its scores, and what its reader must know."""

    folder: Path
    metrics: Mapping[str, Any]
    remarks: Sequence[str]


def evaluate(
    recipe: Evaluation,
    out: str | Path,
    *,
    allow_code: bool = False,
    features: Path | None = None,
) -> Evaluated:
    """Judge a model on a dataset and leave one folder with everything in it.

    Parameters
    ----------
    recipe
        What is to be judged, and on what.
    out
        Folder to make. Nothing appears under its name before it is complete.
    allow_code
        Whether the user agrees to code in the settings of the model's components.
    features
        Where features are kept; in the user's cache if not given.

    Raises
    ------
    DataError, SampleError
        If model and dataset do not fit: kind of samples, elements, parameters, energies.
    NotApplicableError
        If an analysis is asked for that needs what is not there.
    """
    recipe = recipe.checked()
    stages = Stages()
    started = datetime.now(UTC)
    with result_folder(Path(out), "evaluation", stage=lambda: stages.current) as growing:
        with stages("reading"):
            pair = match_model(recipe, allow_code, features)
        found = _carry_out(recipe, pair, stages, started, growing.path)
    return replace(found, folder=growing.final)


@dataclass(frozen=True, eq=False)
class Matched:
    """A model and a dataset that fit each other."""

    entry: SavedModel
    dataset: Dataset
    section: Mapping[str, Any]
    channel: str
    split: str
    context: AnalysisContext
    remarks: list[str]


def match_model(recipe: Judged, allow_code: bool, features: Path | None) -> Matched:
    """Read a model and the known spectra of a dataset, and refuse what does not fit."""
    entry = find_model(recipe.model, recipe.dataset.registry)
    model = load_model(entry.folder, allow_code=allow_code)
    dataset, section = open_section(recipe.dataset)
    name = recipe.channel or model.target.channel
    if name not in dataset.spectra:
        hint = did_you_mean(name, dataset.spectra)
        raise UnknownNameError(
            f"dataset '{dataset.metadata.name}' has no channel '{name}'{hint}; say which with "
            "--channel."
        )
    trained = _trained_ids(entry)
    if recipe.split is not None:
        dataset = with_group(dataset, recipe.split.group, recipe.split.clusters)
    remarks: list[str] = []
    of_run = trained if _is_of(entry, section) else {}
    part, split, rows = _rows(recipe, entry, dataset, of_run, remarks)
    samples = dataset.samples[rows]
    model.domain.require(samples)
    if refused := model.refusals(samples):
        first = refused[min(refused)]
        if len(refused) == len(samples):
            raise OutsideError(first)
        remarks.append(
            f"{len(refused):,} of {len(samples):,} samples are left out, and scores are over the "
            f"rest: {first.rstrip('.')}."
        )
        rows = np.delete(rows, list(refused))
        samples = dataset.samples[rows]
    what = f"channel '{name}' of dataset '{dataset.metadata.name}'"
    known, remark = on_grid(dataset.spectra[name], rows, model.target, what, recipe.interpolate)
    if recipe.bad == "set-aside" and not (finite := finite_rows(known)).all():
        remarks.append(f"{counted((~finite).sum(), 'sample')} left out: not finite in {what}.")
        rows, samples, known = rows[finite], samples[finite], known[finite]
    require_finite(known, samples.ids, what, "set them aside (bad: set-aside)")
    if len(samples) < 2:
        raise DataError(f"{what}: fewer than two samples are there to be judged.")
    remarks += model.changes() + ([remark] if remark else [])
    remarks += _trained_on(entry, section, samples.ids, trained.get("train"))
    remarks += _calibrated_on(model, section, samples.ids)
    if isinstance(model.inputs, FeatureInputs):
        content = dataset.hash if len(samples) == len(dataset) else ""
        model.inputs.featurize = FeatureCache(samples, content, Execution(features=features))
    context = AnalysisContext(
        model=model,
        dataset=dataset.metadata,
        target=replace(model.target, channel=name),
        samples=samples,
        known=known,
        rows={part: np.arange(len(samples))},
        labels={name: np.asarray(values)[rows] for name, values in dataset.labels.items()},
        label_units=dataset.label_units,
    )
    return Matched(entry, dataset, section, name, split, context, remarks)


def _rows(
    recipe: Judged,
    entry: SavedModel,
    dataset: Dataset,
    of_run: Mapping[str, NDArray[np.str_]],
    remarks: list[str],
) -> tuple[str, str, NDArray[np.intp]]:
    """Return the part's name, where it comes from, and its row numbers.

    A look at a lockbox is counted, and told in a remark.
    """
    part = recipe.part or (EVERYTHING if recipe.split is None else "test")
    if part == EVERYTHING:
        return part, "", np.arange(len(dataset))
    ids = dataset.samples.ids
    if recipe.split is None and of_run:
        name, rows = "that of the run", np.flatnonzero(np.isin(ids, of_run[part]))
    else:
        filled, found = find_split(dataset, recipe.split or SplitSection(name="default"), 0)
        if part == "test":
            method = {"model": storage.digest((entry.folder / storage.META).read_bytes())}
            section = SplitSection.parse(filled, "split")
            if looks := counted_look(section, dataset, "evaluate", entry.reference, method):
                remarks.append(looks.in_words())
        name, rows = filled["name"] or "made here", found.indices(ids)[part]
    if not len(rows):
        raise DataError(f"the {part} part of split '{name}' is empty; choose another.")
    return part, name, rows


def _trained_ids(entry: SavedModel) -> dict[str, NDArray[np.str_]]:
    """Return the sample ids of each part of the run that made the model, where it is known."""
    path = entry.folder.parent / SPLITS
    if not path.is_file():
        return {}
    stored = load_arrays(path)
    for part in PARTS:
        if part in stored and (stored[part].dtype.kind != "U" or stored[part].ndim != 1):
            raise CorruptError(f"'{path}': '{part}' is no list of sample ids; the file is damaged.")
    return {part: stored[part] for part in PARTS if part in stored}


def _is_of(entry: SavedModel, section: Mapping[str, Any]) -> bool:
    """Whether the model was trained on exactly this dataset."""
    told = entry.summary.get("dataset") or {}
    return bool(section["hash"]) and told.get("hash") == section["hash"]


def _trained_on(
    entry: SavedModel,
    section: Mapping[str, Any],
    ids: NDArray[np.str_],
    trained: NDArray[np.str_] | None,
) -> list[str]:
    """Warn of samples that the model was trained on, as far as that is known."""
    if trained is None:
        return [
            "The model does not tell which samples it was trained on; scores on those would be too "
            "good."
        ]
    if (entry.summary.get("dataset") or {}).get("name") != section["name"]:
        return []
    seen = int(np.isin(ids, trained).sum())
    if not seen:
        return []
    exactly = "" if _is_of(entry, section) else " (by id; the dataset is another)"
    return [
        f"{seen:,} of the {len(ids):,} samples were in the model's training set{exactly}: these "
        "scores say less than those on unseen samples."
    ]


def _calibrated_on(model: Model, section: Mapping[str, Any], ids: NDArray[np.str_]) -> list[str]:
    """Warn of samples whose measured spectra calibrated the model."""
    if not isinstance(model, CalibratedModel):
        return []
    facts = model.calibration.facts
    seen = int(np.isin(ids, facts.get("ids", [])).sum())
    if not seen or (facts.get("dataset") or {}).get("name") != section["name"]:
        return []
    return [
        f"{seen:,} of the {len(ids):,} samples calibrated the model: these scores say less than "
        "those on unseen samples."
    ]


def _carry_out(
    recipe: Evaluation,
    matched: Matched,
    stages: Stages,
    started: datetime,
    folder: Path,
) -> Evaluated:
    from xreg.workbench.report.draw import draw_all
    from xreg.workbench.report.page import render

    context = matched.context
    for remark in matched.remarks:
        log.warning("%s", remark)
    chosen = analyses.choose(recipe.analyses, context.model, context)
    with stages("evaluation"):
        name = f"{Path(matched.entry.reference).name} on {context.dataset.name}"
        report_data = results.evaluate(context, name, group=split_group(matched.dataset))
    for remark in score_remarks(report_data.metrics, context.judged):
        log.warning("%s", remark)
        matched.remarks.append(remark)
    done = analyses.run_analyses(chosen, context, stages, matched.remarks, strict=True)
    report_data = results.with_analyses(report_data, done)
    with stages("saving"):
        saving.save_arrays(context, report_data, folder)
        analyses.save(report_data.analyses, folder / "analyses")
    with stages("figures"):
        guard = partial(analyses.guarded, remarks=matched.remarks)
        pictures = draw_all(report_data, folder / "figures", guard)
    summary = _summary(matched, stages, started)
    report_data = replace(
        report_data,
        command="evaluate",
        remarks=matched.remarks,
        summary=summary,
        recipe={key: summary[key] for key in ("model", "dataset")}
        | {"analyses": results.settings_of(report_data.analyses)},
    )
    with stages("report"):
        (folder / "report.html").write_text(render(report_data, pictures), encoding="utf-8")
    made = results.settings_of(report_data.analyses)
    final = Evaluation.parse({**recipe.plain(), "dataset": matched.section, "analyses": made}, "it")
    write_text(folder / "recipe.yaml", final.to_yaml())
    write_json(folder / "metrics.json", report_data.metrics)
    write_json(folder / "summary.json", _summary(matched, stages, started))
    return Evaluated(folder, report_data.metrics, matched.remarks)


def _summary(matched: Matched, stages: Stages, started: datetime) -> dict[str, Any]:
    """Return what ``summary.json`` holds."""
    entry, context = matched.entry, matched.context
    named = [(step.kind, step.name) for step in context.model.steps.values()]
    trained = entry.summary.get("dataset") or {}
    return {
        "format": FORMAT,
        **provenance.stamp(started),
        "model": {
            "reference": entry.reference,
            "hash": storage.digest((entry.folder / storage.META).read_bytes()),
            "trained_on": f"{trained['name']} {trained['version']}" if trained else None,
            "trained_on_hash": trained.get("hash"),
        },
        "dataset": {
            **{
                key: matched.section[key] for key in ("name", "version", "hash", "path", "registry")
            },
            "channel": matched.channel,
            "split": matched.split or None,
            "part": context.judged,
            "samples": len(context.samples),
        },
        "features": len(context.features) or None,
        "remarks": matched.remarks,
        "components": provenance.components(named),
        "repositories": repositories(),
        "packages": packages(),
        "seconds": {stage: round(value, 2) for stage, value in stages.seconds.items()},
        "total_seconds": round(stages.total, 2),
        "peak_memory_mib": provenance.peak_memory_mib(),
        "platform": provenance.machine(),
    }
