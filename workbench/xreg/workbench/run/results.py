"""What a trained model gives: scores, decompositions, arrays on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.components import rank_correlations, score_sweep
from xreg.core.analysis.context import AnalysisContext, AnalysisData
from xreg.core.analysis.held_out import HeldOut, out_of_fold
from xreg.core.analysis.scores import covered_variances
from xreg.core.errors import UnknownNameError, did_you_mean
from xreg.core.interfaces import Decomposer
from xreg.core.interfaces.analysis import Analysed
from xreg.core.model.check import COUNT, Check
from xreg.core.model.conformal.intervals import Errors, Intervals, familiar_formulas
from xreg.core.model.model import Model
from xreg.core.model.trust import FEWEST, Trust
from xreg.workbench.report.report_data import Colouring, Decomposition, ReportData, Sweep
from xreg.workbench.run.scoring import formulas, scaled_parts, scores_of

if TYPE_CHECKING:
    from xreg.workbench.run.preparation import Prepared

__all__ = [
    "check_colours",
    "data_of",
    "evaluate",
    "final_recipe",
    "judge",
    "settings_of",
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
    samples = context.samples[context.rows[context.judged][:COUNT]]
    predicted = context.results[context.judged].predicted
    return Check.first(samples, predicted, context.model.needs_labels)


def judge(
    context: AnalysisContext, group: str | None = None, folds: int = 0, apart: str | None = None
) -> None:
    """Let a fitted model know its errors on samples that it was not trained on.

    It gets its error model (``trust``), its intervals and samples to check. The errors are those of
    the validation part; where it is too small, and training and validation samples are at most 300
    together, those of all of them, each predicted by a model that was trained on the other folds.

    Parameters
    ----------
    context
        The model and its samples.
    group
        Label whose groups the split keeps together; they stay in one fold, too.
    folds
        Number of folds of the training samples from which intervals are learned besides; 0 for
        none.
    apart
        Label whose groups those folds keep together; by default formulas where there are several,
        else ``group``.
    """
    model = context.model
    model.check = check_of(context)
    if context.target.energy is None:
        return
    held, fewest = _held(context, group)
    errors = []
    if held is not None:
        model.trust = Trust.fit(
            context.inputs("train"),
            context.inputs(held.rows),
            held.predicted,
            held.spread,
            context.known[held.rows],
            context.seed,
            fewest,
        )
        errors.append(_errors(context, held, group))
    names = formulas(context)
    if folds:  # not with the validation part, or these models would have seen more than this one
        pool = context.rows["train"]
        key = None if apart is None else context.label(apart, pool)
        if key is None:
            key = names[pool] if names is not None else _groups(context, group, pool)
        stop = context.rows.get("validation")  # spreads are scaled on it as those of the model
        if (more := out_of_fold(context, pool, folds, key, stop)) is not None:
            errors.append(_errors(context, more, group))
    if errors:
        train = context.samples[context.rows["train"]]
        known = familiar_formulas(train) if names is not None else np.empty(0, np.uint64)
        model.intervals = Intervals.fit(_joined(errors), known)


def _held(context: AnalysisContext, group: str | None) -> tuple[HeldOut | None, int]:
    """Return predictions of samples that were not trained on, and how few of them suffice."""
    part = context.results.get("validation")
    if part is not None and len(part.ids) >= FEWEST:
        rows = context.rows["validation"]
        distance = context.model.novelty.distance(context.inputs("validation"))
        every = [(context.rows["train"], np.arange(len(rows)))]
        return HeldOut(rows, part.predicted, part.spread, distance, every), FEWEST
    pool = _pool(context)
    if not TRUST_LEAST <= len(pool) <= TRUST_MOST:
        return None, TRUST_LEAST
    groups = None if group is None else context.label(group, pool)
    return out_of_fold(context, pool, TRUST_FOLDS, groups), TRUST_LEAST


def _pool(context: AnalysisContext) -> NDArray[np.intp]:
    """Return the rows of training and validation samples, ascending."""
    held = context.rows.get("validation", np.empty(0, int))
    return np.sort(np.concatenate([context.rows["train"], held]))


def _groups(
    context: AnalysisContext, group: str | None, rows: NDArray[np.intp]
) -> NDArray[np.str_]:
    """Return the group of each row: by label, else each sample by itself."""
    return context.samples.ids[rows] if group is None else context.label(group, rows).astype(str)


def _errors(context: AnalysisContext, held: HeldOut, group: str | None) -> Errors:
    """Return errors with all that intervals are learned from."""
    names = formulas(context)
    familiar = np.ones(len(held.rows), dtype=bool)
    if names is not None:
        for trained, judged in held.trained:
            familiar[judged] = np.isin(names[held.rows[judged]], names[trained])
    groups = _groups(context, group, held.rows)
    if names is not None:  # a group that was never seen is its formula
        groups = np.where(familiar, groups, names[held.rows])
    error = context.known[held.rows] - held.predicted
    return Errors(error, held.spread, held.distance, groups, familiar)


def _joined(errors: Sequence[Errors]) -> Errors:
    spreads = [one.spread for one in errors if one.spread is not None]
    return Errors(
        np.concatenate([one.error for one in errors]),
        np.concatenate(spreads) if len(spreads) == len(errors) else None,
        np.concatenate([one.distance for one in errors]),
        np.concatenate([one.groups for one in errors]),
        np.concatenate([one.familiar for one in errors]),
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
    metrics = scores_of(context, group)
    columns = _columns(context, asked, colours or {})
    scaled = scaled_parts(context) if model.decomposers else {}
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
