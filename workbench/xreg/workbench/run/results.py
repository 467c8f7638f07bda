"""What a trained model gives: scores, decompositions, arrays on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.components import rank_correlations, score_sweep
from xreg.core.analysis.context import AnalysisContext, AnalysisData
from xreg.core.analysis.scores import covered_variances, feature_scores, part_scores
from xreg.core.data.dataset import Dataset
from xreg.core.data.splits import make_folds
from xreg.core.errors import SampleError, UnknownNameError, did_you_mean
from xreg.core.interfaces import Decomposer
from xreg.core.interfaces.analysis import Analysed
from xreg.core.metrics import covered_variance_interval
from xreg.core.model.check import COUNT, Check
from xreg.core.model.model import Model
from xreg.core.model.trust import FEWEST, Trust
from xreg.core.text import counted
from xreg.workbench.report.report_data import Colouring, Decomposition, ReportData, Sweep

if TYPE_CHECKING:
    from xreg.workbench.run.preparation import Prepared

__all__ = [
    "check_colours",
    "data_of",
    "evaluate",
    "final_recipe",
    "score_remarks",
    "settings_of",
    "split_group",
    "trust_of",
    "with_analyses",
    "with_provenance",
]

SWEEP_SHARES = tuple(np.linspace(0.05, 0.95, 9).tolist())
# More features are too many to correlate with one by one.
MOST_FEATURES = 30
# Training and validation samples between which trust is learned by cross-validation.
TRUST_LEAST, TRUST_MOST, TRUST_FOLDS = 20, 300, 5
MOST_COLOURINGS = 6
MOST_CATEGORIES = 8
# Fewer test samples (or groups of near-copies) than these tell little.
FEW = 20
# A gap between training and test worth a word: in R², and in the variance that is left.
GAP, TIMES = 0.1, 2.0


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


def data_of(ready: Prepared) -> AnalysisData:
    """Return the samples that analyses look at."""
    dataset = ready.resolved.dataset
    return AnalysisData(
        dataset=dataset.metadata,
        target=ready.target,
        samples=dataset.samples,
        known=ready.known,
        rows={part: rows for part, rows in ready.rows.items() if len(rows)},
        labels=dataset.labels,
        label_units=dataset.label_units,
        retrainable=True,
        seed=ready.resolved.recipe.seed,
    )


def check_of(context: AnalysisContext) -> Check | None:
    """Return the first samples of the judged part, with what is predicted of them."""
    rows = context.rows[context.judged][:COUNT]
    return Check.first(context.samples[rows], context.results[context.judged].predicted)


def trust_of(context: AnalysisContext, group: str | None = None) -> Trust | None:
    """Return what judged spectra tell about predictions of a fitted model.

    Those of the validation part; where it is too small, and training and validation samples are at
    most 300 together, those of all of them, each predicted by a model that was trained on the
    other folds. Samples with one value of the label ``group`` stay in one fold.
    """
    held = context.results.get("validation")
    if context.target.energy is None:
        return None
    train = context.inputs("train")
    if held is not None and len(held.ids) >= FEWEST:
        inputs = context.inputs("validation")
        return Trust.fit(train, inputs, held.predicted, held.spread, held.known, context.seed)
    pool = np.sort(
        np.concatenate([context.rows["train"], context.rows.get("validation", np.empty(0, int))])
    )
    if not TRUST_LEAST <= len(pool) <= TRUST_MOST:
        return None
    predicted = np.full((len(pool), context.known.shape[1]), np.nan)
    spread: NDArray[np.float64] | None = np.full_like(predicted, np.nan)
    groups = None if group is None else context.label(group, pool)
    parts = min(TRUST_FOLDS, len(pool) if groups is None else len(np.unique(groups)))
    if parts < 2:
        return None
    for fit, judged in make_folds(len(pool), parts, seed=context.seed, groups=groups):
        try:
            model = context.refit(pool[fit])
            inputs = model.inputs(pool[judged])
            mean, std = model.emulator.predict_with_spread(inputs)
        except SampleError:
            continue  # a fold that holds what the others do not know; its samples judge nothing
        predicted[judged] = model.targets.inverse_transform(mean)
        spread = None if std is None or spread is None else spread
        if spread is not None and std is not None:
            spread[judged] = model.targets.inverse_transform_std(std, mean)
    done = np.isfinite(predicted).all(axis=1)
    rows = pool[done]
    return Trust.fit(
        train,
        context.inputs(rows),
        predicted[done],
        None if spread is None else spread[done],
        context.known[rows],
        context.seed,
        TRUST_LEAST,
    )


def evaluate(
    context: AnalysisContext,
    name: str,
    asked: Sequence[str] | None = None,
    colours: Mapping[str, tuple[NDArray[np.float64], str]] | None = None,
    group: str | None = None,
) -> ReportData:
    """Return predictions, scores and decompositions of all parts.

    Parameters
    ----------
    context
        Model and samples.
    name
        What the report is called.
    asked
        Labels and features that colour scores; those that follow the scores most if not given.
    colours
        Further numbers for that, (n,) each, and their units.
    group
        Label whose groups the split keeps together; the error bars of scores are over these.
    """
    model, parts = context.model, context.results
    variation = parts.get("train", context.result).known.std(axis=0)
    spectra = context.target.energy is not None
    metrics: dict[str, Any] = {
        part: part_scores(result.known, result.predicted, variation, spectra=spectra)
        for part, result in parts.items()
    }
    for part in parts:
        if part != "train":
            metrics[part] |= _certainty(context, part, group)
    if not spectra:
        for part, result in parts.items():
            metrics[part]["targets"] = feature_scores(
                result.known, result.predicted, context.target.features
            )
    if model.preprocessing.targets == "box":
        for part, result in parts.items():
            known, found = map(model.target_scaler.transform, (result.known, result.predicted))
            metrics[part]["mse_box"] = float(np.mean((found - known) ** 2))
    columns = _columns(context, asked, colours or {})
    scaled = {
        part: (context.inputs(part), model.target_scaler.transform(result.known))
        for part, result in (parts.items() if model.decomposers else ())
    }
    decompositions = [
        _decomposition(label, decomposer, scaled, context, columns)
        for label, decomposer in model.decomposers.items()
    ]
    metrics["decomposers"] = {found.label: dict(found.covered) for found in decompositions}
    return ReportData(
        name=name,
        dataset=context.dataset,
        target=context.target,
        target_scaling=model.preprocessing.targets,
        parts=parts,
        metrics=metrics,
        features=context.features,
        decompositions=decompositions,
        colourings=_colourings(context, columns, decompositions, asked, colours or {}),
        units={name: column.unit for name, column in columns.items()},
        history=_history(model) if context.retrainable else None,
    )


def _certainty(context: AnalysisContext, part: str, group: str | None) -> dict[str, Any]:
    """Return how sure the score of a part is, and over how many groups."""
    result, rows = context.results[part], context.rows[part]
    groups = None if group is None else np.asarray(context.labels[group])[rows]
    interval = covered_variance_interval(result.known, result.predicted, groups, seed=context.seed)
    return {
        "r2_interval": None if interval is None else list(interval),
        "groups": len(rows) if groups is None else len(np.unique(groups)),
        "group": group,
    }


def split_group(dataset: Dataset, named: str | None = None) -> str | None:
    """Return the label whose groups a split keeps together, where that is known."""
    known = dataset.metadata.provenance.get("split")
    found = named or (known.get("group") if isinstance(known, Mapping) else None)
    return found if isinstance(found, str) and found in dataset.labels else None


def score_remarks(metrics: Mapping[str, Any], judged: str = "test") -> list[str]:
    """Return what a reader of the scores must know: few samples, a gap to training."""
    scores, train = metrics.get(judged), metrics.get("train")
    if not scores or scores["r2"] is None or "groups" not in scores:
        return []
    found = []
    if scores["groups"] < FEW:
        group, interval = scores["group"], scores["r2_interval"]
        what = counted(scores["samples"], "sample")
        what += f" of {counted(scores['groups'], 'group')} ('{group}')" if group else ""
        sure = (
            f"may as well be {interval[0]:.2f} or {interval[1]:.2f} (95 % interval)"
            if interval
            else "may be anything (too few for an interval)"
        )
        found.append(
            f"The {judged} R² of {scores['r2']:.2f} rests on only {what}: with other samples it "
            f"{sure}."
        )
    if train and train["r2"] is not None:
        gap, left = train["r2"] - scores["r2"], (1 - scores["r2"], 1 - train["r2"])
        if gap > GAP and left[0] > TIMES * left[1]:
            found.append(
                f"R² is {train['r2']:.2f} on training samples and {scores['r2']:.2f} on {judged} "
                "samples: the model overfits, or the other samples are unlike those in training."
            )
    return found


def with_analyses(report_data: ReportData, done: Sequence[Analysed]) -> ReportData:
    """Return the report data with what analyses found."""
    metrics = {analysed.label: analysed.findings.plain() for analysed in done}
    return replace(report_data, analyses=done, metrics={**report_data.metrics, "analyses": metrics})


def _decomposition(
    label: str,
    decomposer: Decomposer,
    scaled: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    context: AnalysisContext,
    columns: Mapping[str, Colouring],
) -> Decomposition:
    scores = np.concatenate([decomposer.transform(X) for X, _ in scaled.values()])
    vectors = getattr(decomposer, "components_", None)
    sweeps = []
    for direction in range(decomposer.rank):
        stops, spectra = score_sweep(decomposer, scores, direction, SWEEP_SHARES)
        sweeps.append(Sweep(stops, context.model.target_scaler.inverse_transform(spectra)))
    return Decomposition(
        label=label,
        method=decomposer.name,
        covered=covered_variances(decomposer, scaled),
        ids=context.samples.ids[context.used],
        scores=scores,
        vectors=None if vectors is None else np.asarray(vectors),
        shares=SWEEP_SHARES,
        sweeps=sweeps,
        correlations=rank_correlations(scores, {n: c.values for n, c in columns.items()}),
    )


def _columns(
    context: AnalysisContext,
    asked: Sequence[str] | None,
    colours: Mapping[str, tuple[NDArray[np.float64], str]],
) -> dict[str, Colouring]:
    """Return what scores may be coloured by or correlated with: features, then labels.

    Features that the filter dropped are among them: what follows a kept one may still be asked for.
    """
    columns = {}
    descriptor = context.model.descriptor
    labels = descriptor.feature_labels if descriptor is not None else ()
    for column, label in enumerate(labels):
        if len(labels) <= MOST_FEATURES or label.name in (asked or ()):
            values = context.described(context.used)[:, column]
            columns[label.name] = Colouring(values, label.unit)
    for name, (values, unit) in colours.items():
        columns.setdefault(name, Colouring(values[context.used], unit))
    for name in context.labels:
        unit = context.label_units.get(name, "")
        columns[name] = Colouring(context.label(name, context.used), unit)
    return columns


def _colourings(
    context: AnalysisContext,
    columns: Mapping[str, Colouring],
    decompositions: Sequence[Decomposition],
    asked: Sequence[str] | None,
    colours: Mapping[str, Any],
) -> dict[str, Colouring]:
    """Return what scores are coloured by: what is asked for, else what follows them most."""
    if asked is not None:
        return {name: columns[name] for name in asked}

    own = {label.name for label in context.features}

    def readable(name: str) -> bool:
        values = columns[name].values
        if name in own and len(own) > MOST_COLOURINGS:
            return False
        return values.dtype.kind in "biuf" or 1 < len(np.unique(values)) <= MOST_CATEGORIES

    def strength(name: str) -> tuple[bool, float]:
        first = [found.correlations.get(name, ())[:2] for found in decompositions]
        largest = max((abs(value) for values in first for value in values), default=0.0)
        return name in colours, largest

    shown = sorted(filter(readable, columns), key=strength, reverse=True)
    return {name: columns[name] for name in shown[:MOST_COLOURINGS]}


def _history(model: Model) -> NDArray[np.float64] | None:
    history = getattr(model.emulator, "history_", None)
    if not isinstance(history, np.ndarray) or history.ndim != 2 or history.shape[1] % 2 == 0:
        return None
    return history


def final_recipe(ready: Prepared, report_data: ReportData) -> dict[str, Any]:
    """Return the recipe with the last of its choices filled in."""
    plain = ready.resolved.recipe.plain()
    plain["report"]["labels"] = list(report_data.colourings)
    plain["analyses"] = settings_of(report_data.analyses)
    return plain


def settings_of(done: Sequence[Analysed]) -> dict[str, dict[str, Any]]:
    """Return analyses as a recipe names them, settings filled in."""
    return {a.label: {"name": a.name, **a.config.model_dump(mode="json")} for a in done}


def with_provenance(
    report_data: ReportData, recipe: Mapping[str, Any], summary: Mapping[str, Any]
) -> ReportData:
    """Return the report data with recipe and summary, whose remarks it opens with."""
    return replace(report_data, recipe=recipe, summary=summary, remarks=summary["remarks"])
