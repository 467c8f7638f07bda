"""``xreg evaluate``: a trained model judged on a dataset, in one folder of results."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import storage
from xreg.core.analysis.context import AnalysisContext
from xreg.core.data.dataset import PARTS, Dataset, require_finite
from xreg.core.errors import (
    ConfigError,
    CorruptError,
    DataError,
    OutsideError,
    RunError,
    UnknownNameError,
    did_you_mean,
)
from xreg.core.files import disk_errors, flush, require_free, staging
from xreg.core.model.inputs import FeatureInputs
from xreg.core.readers.npz import load_arrays
from xreg.registry.datasets import open_dataset
from xreg.registry.models import ModelEntry, find_model, load_model
from xreg.registry.registries import plain_place
from xreg.workbench.evaluate.comparison import on_grid
from xreg.workbench.recipes.overrides import apply_setting
from xreg.workbench.result_folder import failure, logged, write_json
from xreg.workbench.run import analyses, provenance, results, saving
from xreg.workbench.run.features import Execution, FeatureCache
from xreg.workbench.run.preparation import Stages

__all__ = ["EVERYTHING", "Evaluated", "Question", "evaluate"]

log = logging.getLogger("xreg.evaluate")

# The part that stands for all samples of a dataset.
EVERYTHING = "all"
SPLITS = "splits.npz"


@dataclass(frozen=True)
class Question:
    """What is to be judged, on what, and how.

    Attributes
    ----------
    model
        Folder of a run or model, name of a run, or ``name@version``.
    dataset
        ``name``, ``name@version`` or the path of a store.
    registry
        Where both are looked for; the usual search if not given.
    channel
        Channel with the known spectra; the model's if not given.
    split
        Split of the dataset; if not given, that of the run where the model was trained on this
        dataset, else ``default``.
    part
        ``train``, ``validation``, ``test`` or ``all``; ``test`` where a split is named, else all.
    analyses
        Names; those that apply and cost little if not given.
    settings
        ``analysis.key=value`` texts.
    interpolate
        Whether known spectra may be interpolated onto the energies of the model.
    allow_code
        Whether the user agrees to code in the settings of the model's components.
    features
        Where features are kept; in the user's cache if not given.
    """

    model: str
    dataset: str
    registry: str | None = None
    channel: str | None = None
    split: str | None = None
    part: str | None = None
    analyses: Sequence[str] | None = None
    settings: Sequence[str] = ()
    interpolate: bool = False
    allow_code: bool = False
    features: Path | None = None


@dataclass(frozen=True)
class Evaluated:
    """A finished evaluation: its folder, its scores, and what its reader must know."""

    folder: Path
    metrics: Mapping[str, Any]
    remarks: Sequence[str]


def evaluate(question: Question, out: str | Path) -> Evaluated:
    """Judge a model on a dataset and leave one folder with everything in it.

    Parameters
    ----------
    question
        What is to be judged, and on what.
    out
        Folder to make. Nothing appears under its name before it is complete.

    Raises
    ------
    DataError, SampleError
        If model and dataset do not fit: kind of samples, elements, parameters, energies.
    NotApplicableError
        If an analysis is asked for that needs what is not there.
    """
    final = Path(out)
    require_free(final)
    asked = _asked(question)
    stages = Stages()
    started = datetime.now(UTC)
    final.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(f"evaluation '{out}'"), staging(final) as folder:
        with logged(folder / "run.log"):
            try:
                with stages("reading"):
                    matched = _match(question)
                found = _carry_out(question, matched, asked, stages, started, folder)
            except Exception as error:
                raise failure(error, "evaluation", stages.current, folder, final) from error
        flush(folder)
        if final.exists():
            raise RunError(f"'{out}' was made meanwhile; choose another folder.")
        os.rename(folder, final)
    return replace(found, folder=final)


@dataclass(frozen=True, eq=False)
class _Matched:
    """A model and a dataset that fit each other."""

    entry: ModelEntry
    dataset: Dataset
    channel: str
    split: str
    context: AnalysisContext
    remarks: list[str]


def _match(question: Question) -> _Matched:
    entry = find_model(question.model, question.registry)
    model = load_model(entry.folder, allow_code=question.allow_code)
    dataset = open_dataset(question.dataset, registry=question.registry, spectra=False)
    name = question.channel or model.target.channel
    if name not in dataset.spectra:
        hint = did_you_mean(name, dataset.spectra)
        raise UnknownNameError(
            f"dataset '{dataset.metadata.name}' has no channel '{name}'{hint}; say which with "
            "--channel."
        )
    trained = _trained_ids(entry)
    part, split, rows = _rows(question, dataset, trained if _is_of(entry, dataset) else {})
    samples = dataset.samples[rows]
    model.domain.require(samples)
    remarks: list[str] = []
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
    known, remark = on_grid(dataset.spectra[name], rows, model.target, what, question.interpolate)
    require_finite(known, samples.ids, what)
    if len(samples) < 2:
        raise DataError(f"{what}: fewer than two samples are there to be judged.")
    remarks += model.changes() + ([remark] if remark else [])
    remarks += _seen_before(entry, dataset, samples.ids, trained.get("train"))
    if isinstance(model.inputs, FeatureInputs):
        content = dataset.hash if len(samples) == len(dataset) else ""
        model.inputs.featurize = FeatureCache(
            samples, content, Execution(features=question.features)
        )
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
    return _Matched(entry, dataset, name, split, context, remarks)


def _rows(
    question: Question, dataset: Dataset, of_run: Mapping[str, NDArray[np.str_]]
) -> tuple[str, str, NDArray[np.intp]]:
    """Return the part's name, where it comes from, and its row numbers."""
    part = question.part or ("test" if question.split else EVERYTHING)
    if part == EVERYTHING:
        return part, "", np.arange(len(dataset))
    if part not in PARTS:
        raise ConfigError(f"no part '{part}'{did_you_mean(part, [*PARTS, EVERYTHING])}.")
    ids = dataset.samples.ids
    if question.split is None and of_run:
        split, rows = "that of the run", np.flatnonzero(np.isin(ids, of_run[part]))
    else:
        split = question.split or "default"
        if split not in dataset.splits:
            hint = did_you_mean(split, dataset.splits)
            raise UnknownNameError(
                f"dataset '{dataset.metadata.name}' has no split '{split}'{hint}."
            )
        rows = dataset.splits[split].indices(ids)[part]
    if not len(rows):
        raise DataError(f"the {part} part of split '{split}' is empty; choose another.")
    return part, split, rows


def _trained_ids(entry: ModelEntry) -> dict[str, NDArray[np.str_]]:
    """Return the sample ids of each part of the run that made the model, where it is known."""
    path = entry.folder.parent / SPLITS
    if not path.is_file():
        return {}
    stored = load_arrays(path)
    for part in PARTS:
        if part in stored and (stored[part].dtype.kind != "U" or stored[part].ndim != 1):
            raise CorruptError(f"'{path}': '{part}' is no list of sample ids; the file is damaged.")
    return {part: stored[part] for part in PARTS if part in stored}


def _is_of(entry: ModelEntry, dataset: Dataset) -> bool:
    """Whether the model was trained on exactly this dataset."""
    return bool(dataset.hash) and (entry.summary.get("dataset") or {}).get("hash") == dataset.hash


def _seen_before(
    entry: ModelEntry,
    dataset: Dataset,
    ids: NDArray[np.str_],
    trained: NDArray[np.str_] | None,
) -> list[str]:
    """Warn of samples that the model was trained on, as far as that is known."""
    if trained is None:
        return [
            "The model does not tell which samples it was trained on; scores on those would be too "
            "good."
        ]
    if (entry.summary.get("dataset") or {}).get("name") != dataset.metadata.name:
        return []
    seen = int(np.isin(ids, trained).sum())
    if not seen:
        return []
    exactly = "" if _is_of(entry, dataset) else " (by id; the dataset is another)"
    return [
        f"{seen:,} of the {len(ids):,} samples were in the model's training set{exactly}: these "
        "scores say less than those on unseen samples."
    ]


def _asked(question: Question) -> list[tuple[str, dict[str, Any]]] | None:
    """Return name and settings of each analysis; settings alone ask for their analysis too."""
    content: dict[str, Any] = {name: {} for name in question.analyses or ()}
    for text in question.settings:
        name, dot, _ = text.partition("=")[0].partition(".")
        if not dot:
            raise ConfigError(f"--set {text}: write analysis.key=value.")
        content.setdefault(name.strip(), {})
        apply_setting(content, text)
    for name, settings in content.items():
        analyses.complete(name, settings, 0)
    return list(content.items()) or None


def _carry_out(
    question: Question,
    matched: _Matched,
    asked: Sequence[tuple[str, Mapping[str, Any]]] | None,
    stages: Stages,
    started: datetime,
    folder: Path,
) -> Evaluated:
    from xreg.workbench.report.draw import draw_all
    from xreg.workbench.report.page import render

    context = matched.context
    for remark in matched.remarks:
        log.warning("%s", remark)
    chosen = analyses.choose(asked, context.model, context)
    with stages("evaluation"):
        name = f"{Path(matched.entry.reference).name} on {context.dataset.name}"
        report_data = results.evaluate(context, name, group=results.split_group(matched.dataset))
    for remark in results.score_remarks(report_data.metrics, context.judged):
        log.warning("%s", remark)
        matched.remarks.append(remark)
    report_data = results.with_analyses(report_data, analyses.carry_out(chosen, context, stages))
    with stages("saving"):
        saving.save_arrays(context, report_data, folder)
        analyses.save(report_data.analyses, folder / "analyses")
    with stages("figures"):
        pictures = draw_all(report_data, folder / "figures")
    summary = _summary(question, matched, stages, started)
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
    write_json(folder / "metrics.json", report_data.metrics)
    write_json(folder / "summary.json", _summary(question, matched, stages, started))
    return Evaluated(folder, report_data.metrics, matched.remarks)


def _summary(
    question: Question, matched: _Matched, stages: Stages, started: datetime
) -> dict[str, Any]:
    """Return what ``summary.json`` holds."""
    entry, dataset, context = matched.entry, matched.dataset, matched.context
    named = [(step.kind, step.name) for step in context.model.steps.values()]
    trained = entry.summary.get("dataset") or {}
    return {
        **provenance.stamp(started),
        "model": {
            "reference": entry.reference,
            "hash": storage.digest((entry.folder / storage.META).read_bytes()),
            "trained_on": f"{trained['name']} {trained['version']}" if trained else None,
            "trained_on_hash": trained.get("hash"),
        },
        "dataset": {
            "name": dataset.metadata.name,
            "version": dataset.metadata.version,
            "hash": dataset.hash,
            "path": question.dataset if question.dataset.endswith(".zarr") else None,
            "registry": question.registry and plain_place(question.registry),
            "channel": matched.channel,
            "split": matched.split or None,
            "part": context.judged,
            "samples": len(context.samples),
        },
        "features": len(context.features) or None,
        "remarks": matched.remarks,
        "components": provenance.components(named),
        "seconds": {stage: round(value, 2) for stage, value in stages.seconds.items()},
        "total_seconds": round(stages.total, 2),
        "peak_memory_mib": provenance.peak_memory_mib(),
        "platform": provenance.machine(),
    }
