"""What a trained pipeline gives: scores, decompositions, arrays on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.components import rank_correlations, score_sweep
from xreg.core.analysis.contract import Analysed
from xreg.core.analysis.scores import covered_variances, part_scores
from xreg.core.analysis.subject import Subject
from xreg.core.errors import UnknownNameError, did_you_mean
from xreg.core.interfaces import Decomposer
from xreg.core.pipeline import Pipeline
from xreg.core.report.material import Colouring, Decomposition, Material, Sweep
from xreg.registry.arrays import write_arrays, write_predictions

if TYPE_CHECKING:
    from xreg.registry.preparation import Prepared

__all__ = [
    "check_colours",
    "evaluate",
    "final_recipe",
    "save_arrays",
    "subject_of",
    "with_analyses",
    "with_provenance",
]

SWEEP_SHARES = tuple(np.linspace(0.05, 0.95, 9).tolist())
# More features are too many to correlate with one by one.
MOST_FEATURES = 30
MOST_COLOURINGS = 6
MOST_CATEGORIES = 8


def check_colours(ready: Prepared) -> None:
    """Refuse a label or feature in ``report.labels`` that does not exist, before any training."""
    labels = ready.resolved.dataset.labels
    known = {*labels, *ready.colours, *(label.name for label in ready.features)}
    for name in ready.resolved.recipe.report.labels or ():
        if name not in known:
            raise UnknownNameError(
                f"report.labels names '{name}', which is no label of the dataset and no feature"
                f"{did_you_mean(name, known)}."
            )


def subject_of(ready: Prepared) -> Subject:
    """Return what analyses look at; its pipeline is fitted later."""
    dataset = ready.resolved.dataset
    return Subject(
        pipeline=ready.resolved.pipeline,
        dataset=dataset.metadata,
        target=ready.target,
        samples=dataset.samples,
        known=ready.known,
        rows={part: rows for part, rows in ready.rows.items() if len(rows)},
        labels=dataset.labels,
        label_units=dataset.label_units,
        features=ready.features,
        retrainable=True,
        seed=ready.resolved.recipe.seed,
    )


def evaluate(ready: Prepared, subject: Subject) -> Material:
    """Return predictions, scores and decompositions of all parts."""
    pipeline, dataset = ready.resolved.pipeline, ready.resolved.dataset
    assert pipeline.targets_ is not None
    parts = subject.results
    variation = parts["train"].known.std(axis=0)
    spectra = ready.target.energy is not None
    metrics: dict[str, Any] = {
        part: part_scores(result.known, result.predicted, variation, spectra=spectra)
        for part, result in parts.items()
    }
    inputs = {part: subject.inputs(part) for part in parts}
    every = np.concatenate(list(subject.rows.values()))
    columns = _columns(ready, inputs, every)
    scaled = {
        part: (inputs[part], pipeline.targets_.transform(result.known))
        for part, result in parts.items()
    }
    numbers = {name: column.values for name, column in columns.items()}
    decompositions = [
        _decomposition(label, decomposer, pipeline, scaled, ready, every, numbers)
        for label, decomposer in pipeline.decomposers.items()
    ]
    metrics["decomposers"] = {found.label: dict(found.covered) for found in decompositions}
    return Material(
        name=ready.resolved.recipe.name,
        dataset=dataset.metadata,
        target=ready.target,
        target_scaling=pipeline.target_scaling,
        parts=parts,
        metrics=metrics,
        features=ready.features,
        decompositions=decompositions,
        colourings=_colourings(ready, columns, decompositions),
        history=_history(pipeline),
    )


def with_analyses(material: Material, done: Sequence[Analysed]) -> Material:
    """Return the material with what analyses found."""
    metrics = {analysed.name: analysed.findings.plain() for analysed in done}
    return replace(material, analyses=done, metrics={**material.metrics, "analyses": metrics})


def _decomposition(
    label: str,
    decomposer: Decomposer,
    pipeline: Pipeline,
    scaled: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    ready: Prepared,
    every: NDArray[np.intp],
    columns: Mapping[str, NDArray[Any]],
) -> Decomposition:
    assert pipeline.targets_ is not None
    scores = np.concatenate([decomposer.transform(X) for X, _ in scaled.values()])
    vectors = getattr(decomposer, "components_", None)
    sweeps = []
    for direction in range(decomposer.rank):
        stops, spectra = score_sweep(decomposer, scores, direction, SWEEP_SHARES)
        sweeps.append(Sweep(stops, pipeline.targets_.inverse_transform(spectra)))
    return Decomposition(
        label=label,
        method=decomposer.name,
        covered=covered_variances(decomposer, scaled),
        ids=ready.resolved.dataset.samples.ids[every],
        scores=scores,
        vectors=None if vectors is None else np.asarray(vectors),
        shares=SWEEP_SHARES,
        sweeps=sweeps,
        correlations=rank_correlations(scores, columns),
    )


def _columns(
    ready: Prepared, inputs: Mapping[str, Any], every: NDArray[np.intp]
) -> dict[str, Colouring]:
    """Return what scores may be coloured by or correlated with: features, then labels."""
    dataset, scaler = ready.resolved.dataset, ready.resolved.pipeline.features_
    columns = {}
    asked = set(ready.resolved.recipe.report.labels or ())
    if scaler is not None:
        few = len(ready.features) <= MOST_FEATURES
        table = np.concatenate([scaler.inverse_transform(X) for X in inputs.values()])
        for column, label in enumerate(ready.features):
            if few or label.name in asked:
                columns[label.name] = Colouring(table[:, column], label.unit)
    for name, (values, unit) in ready.colours.items():
        columns.setdefault(name, Colouring(values[every], unit))
    for name in dataset.labels:
        unit = dataset.label_units.get(name, "")
        columns[name] = Colouring(dataset.label(name)[every], unit)
    return columns


def _colourings(
    ready: Prepared, columns: Mapping[str, Colouring], decompositions: Sequence[Decomposition]
) -> dict[str, Colouring]:
    """Return what scores are coloured by: as the recipe says, else what follows them most."""
    asked = ready.resolved.recipe.report.labels
    if asked is not None:
        return {name: columns[name] for name in asked}

    own = {label.name for label in ready.features}

    def readable(name: str) -> bool:
        values = columns[name].values
        if name in own and len(own) > MOST_COLOURINGS:
            return False
        return values.dtype.kind in "biuf" or 1 < len(np.unique(values)) <= MOST_CATEGORIES

    def strength(name: str) -> tuple[bool, float]:
        first = [found.correlations.get(name, ())[:2] for found in decompositions]
        largest = max((abs(value) for values in first for value in values), default=0.0)
        return name in ready.colours, largest

    shown = sorted(filter(readable, columns), key=strength, reverse=True)
    return {name: columns[name] for name in shown[:MOST_COLOURINGS]}


def _history(pipeline: Pipeline) -> NDArray[np.float64] | None:
    history = getattr(pipeline.emulator, "history_", None)
    if not isinstance(history, np.ndarray) or history.ndim != 2 or history.shape[1] % 2 == 0:
        return None
    return history


def final_recipe(ready: Prepared, material: Material) -> dict[str, Any]:
    """Return the recipe with the last of its choices filled in."""
    plain = ready.resolved.recipe.plain()
    plain["report"]["labels"] = list(material.colourings)
    plain["analyses"] = [
        {"name": analysed.name, **analysed.config.model_dump(mode="json")}
        for analysed in material.analyses
    ]
    return plain


def with_provenance(
    material: Material, recipe: Mapping[str, Any], summary: Mapping[str, Any]
) -> Material:
    """Return the material with recipe and summary."""
    return replace(material, recipe=recipe, summary=summary)


def save_arrays(ready: Prepared, material: Material, folder: Path) -> None:
    """Write splits, predictions and decompositions into a run folder."""
    ids = ready.resolved.dataset.samples.ids
    splits: dict[str, Any] = {part: ids[rows] for part, rows in ready.rows.items()}
    splits["set_aside"] = np.array([entry["id"] for entry in ready.set_aside], dtype=ids.dtype)
    with (folder / "splits.npz").open("wb") as stream:
        np.savez_compressed(stream, **splits)

    results = material.parts.values()
    spreads = [result.spread for result in results if result.spread is not None]
    write_predictions(
        folder / "predictions.zarr",
        np.concatenate([result.ids for result in results]),
        ready.target,
        np.concatenate([result.predicted for result in results]),
        np.concatenate(spreads) if len(spreads) == len(material.parts) else None,
        {
            "known": np.concatenate([result.known for result in results]),
            "part": np.repeat(list(material.parts), [len(result.ids) for result in results]),
        },
    )
    if not material.decompositions:
        return
    scaler = ready.resolved.pipeline.features_
    assert scaler is not None
    arrays: dict[str, NDArray[Any]] = {
        "ids": material.decompositions[0].ids,
        "features/name": np.array([label.name for label in ready.features]),
        "features/unit": np.array([label.unit for label in ready.features]),
        "features/mean": scaler.mean,
        "features/scale": scaler.scale,
    }
    for found in material.decompositions:
        arrays[f"{found.label}/scores"] = found.scores
        if found.vectors is not None:
            arrays[f"{found.label}/vectors"] = found.vectors
        for part, values in found.covered.items():
            arrays[f"{found.label}/covered_variance/{part}"] = np.array(values)
    write_arrays(folder / "components.zarr", arrays)
