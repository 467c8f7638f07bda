"""How good a model is on each part: scores, how sure they are, and what no model would score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.analysis.nulls import null_predictions
from xreg.core.analysis.scores import feature_scores, part_scores
from xreg.core.atoms.groups import computed_groups
from xreg.core.data.samples import Structures
from xreg.core.metrics import covered_variance, covered_variance_interval
from xreg.core.text import counted

__all__ = ["formulas", "scaled_parts", "score_remarks", "scores_of"]

# Fewer test samples (or groups of near-copies) than these tell little.
FEW = 20
# A gap between training and test worth a word: in R², and in the variance that is left.
GAP, TIMES = 0.1, 2.0


def scores_of(context: AnalysisContext, group: str | None = None) -> dict[str, Any]:
    """Return the scores of all parts by part; the judged part has its nulls among them.

    Parameters
    ----------
    context
        Model and samples.
    group
        Label whose groups the split keeps together; the error bars of scores are over these.
    """
    parts, spectra = context.results, context.target.energy is not None
    variation = parts.get("train", context.result).known.std(axis=0)
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
    if context.model.preprocessing.targets == "box":
        scaler = context.model.target_scaler
        for part, result in parts.items():
            known, found = map(scaler.transform, (result.known, result.predicted))
            metrics[part]["mse_box"] = float(np.mean((found - known) ** 2))
    for part in parts:
        if part != "train" and (covered := _coverage(context, part)):
            metrics[part]["coverage"] = covered
    judged = metrics[context.judged]
    judged["nulls"] = {
        name: part_scores(context.result.known, guess, variation, spectra=spectra)
        for name, guess in null_predictions(context).items()
    }
    if familiar := _by_familiarity(context):
        judged["formulas"] = familiar
    return metrics


def scaled_parts(
    context: AnalysisContext,
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return what emulator and decomposers see of each part: inputs and scaled targets."""
    return {
        part: (context.inputs(part), context.model.target_scaler.transform(result.known))
        for part, result in context.results.items()
    }


def formulas(context: AnalysisContext) -> NDArray[np.str_] | None:
    """Return the (n,) formulas of all samples; None where there are none, or no two differ.

    They are reduced, as those that a model keeps of its training; a label may spell them otherwise.
    """
    if not isinstance(context.samples, Structures):
        return None
    used = np.sort(context.used)
    names = computed_groups("formula", context.samples[used])
    found = np.full(len(context.samples), "", dtype=names.dtype)
    found[used] = names
    return found if len(np.unique(found[context.used])) > 1 else None


def _by_familiarity(context: AnalysisContext) -> dict[str, Any]:
    """Return the scores of judged samples whose formula training has seen, and of the others."""
    if "train" not in context.rows or (names := formulas(context)) is None:
        return {}
    known = np.isin(names[context.rows[context.judged]], names[context.rows["train"]])
    result, found = context.result, {}
    for word, rows in (("seen", known), ("unseen", ~known)):
        if rows.sum() > 1 and np.ptp(result.known[rows], axis=0).any():
            r2 = covered_variance(result.known[rows], result.predicted[rows])
            found[word] = {"samples": int(rows.sum()), "r2": r2}
    return found if len(found) > 1 else {}


def _coverage(context: AnalysisContext, part: str) -> dict[str, Any]:
    """Return which share of the errors of a part the intervals hold, by kind and level."""
    intervals, result = context.model.intervals, context.results[part]
    if intervals is None:
        return {}
    samples = context.samples_of(part)
    widths = context.model.half_widths(samples, context.inputs(part), result.spread)
    familiar = intervals.familiar(samples)
    error = np.abs(result.known - result.predicted)
    kinds = {"all": np.ones(len(familiar), dtype=bool)}
    if familiar.any() and not familiar.all():
        kinds |= {"seen": familiar, "unseen": ~familiar}
    found: dict[str, Any] = {
        "groups": dict(zip(("seen", "unseen"), intervals.groups.tolist(), strict=True))
    }
    for kind, rows in kinds.items():
        found[kind] = {"samples": int(rows.sum())}
        for level, width in widths.items():
            known = bool(np.isfinite(width[rows]).all())
            found[kind][f"within_{100 * level:.0f}"] = (
                float(np.mean(error[rows] <= width[rows])) if known else None
            )
            found[kind][f"half_width_{100 * level:.0f}"] = (
                float(np.mean(width[rows])) if known else None
            )
    return found


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
