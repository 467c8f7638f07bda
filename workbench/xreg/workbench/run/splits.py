"""A run over several splits: what each scores, and mean and spread of every score over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.analysis.context import AnalysisContext
from xreg.core.analysis.scores import covered_variances
from xreg.core.interfaces.analysis import Analysed
from xreg.core.metrics import covered_variance, mean_variance_interval
from xreg.workbench.run import analyses, results
from xreg.workbench.run.features import Execution
from xreg.workbench.run.preparation import Stages, prepare
from xreg.workbench.run.recipe import Resolved
from xreg.workbench.run.scoring import formulas, scaled_parts, scores_of
from xreg.workbench.run.training import seed_everything, train

__all__ = ["KEY", "JudgedSplit", "other_splits", "over_splits", "which_model"]

KEY = "splits"
"""Where ``metrics.json`` has what several splits gave."""
# Analyses that need one of these look at the model or train others; all else judges predictions.
JUDGING = frozenset({"training", "features", "decomposer", "inverse"})
FEWEST = 2


@dataclass(frozen=True, eq=False)
class JudgedSplit:
    """What the model of one split scores.

    Attributes
    ----------
    name
        What tells the split apart.
    metrics
        Scores by part, of decomposers and of analyses.
    known, predicted
        (n, m) targets of the judged part.
    groups
        (n,) group of each judged sample: what the split keeps together, else its formula, else
        itself.
    """

    name: str
    metrics: Mapping[str, Any]
    known: NDArray[np.float64]
    predicted: NDArray[np.float64]
    groups: NDArray[np.str_]

    @classmethod
    def of(
        cls,
        name: str,
        context: AnalysisContext,
        metrics: Mapping[str, Any],
        done: Sequence[Analysed],
        group: str | None,
    ) -> JudgedSplit:
        """Keep what is compared with other splits."""
        rows, result = context.rows[context.judged], context.result
        names = formulas(context) if group is None else np.asarray(context.labels[group])
        groups = result.ids if names is None else names[rows]
        found = {label.label: label.findings.plain() for label in done}
        metrics = {**metrics, "analyses": found}
        return cls(name, metrics, result.known, result.predicted, groups.astype(str))


def other_splits(
    resolved: Resolved,
    chosen: Sequence[analyses.PlannedAnalysis],
    group: str | None,
    stages: Stages,
    execution: Execution,
    remarks: list[str],
) -> Iterator[JudgedSplit]:
    """Train on each split but the first, and yield what its model scores.

    Parameters
    ----------
    resolved
        Recipe and objects.
    chosen
        The analyses of the run; those that judge predictions are done for each split.
    group
        Label whose groups the splits keep together.
    stages
        Opens a stage of the given name.
    execution
        Where costly descriptors run.
    remarks
        Takes a sentence for each analysis that could not be done.
    """
    judging = [one for one in chosen if not JUDGING.intersection(one.spec.needs)]
    names = list(resolved.splits)[1:]
    for number, name in enumerate(names):
        progress.report("splits", number, len(names), name)
        with stages(f"split {name}"):
            seed_everything(resolved.recipe.seed)
            only = replace(resolved, splits={name: resolved.splits[name]})
            ready = prepare(only, execution, Stages())
            model = train(ready, Stages())
            context = AnalysisContext.of(model, results.data_of(ready))
            calibration = resolved.recipe.calibration
            own = resolved.recipe.split.group
            results.judge(context, own, calibration.folds, calibration.group)
            metrics = scores_of(context, group)
            metrics["decomposers"] = {
                label: covered_variances(one, scaled_parts(context))
                for label, one in model.decomposers.items()
            }
            told: list[str] = []
            done = analyses.run_analyses(judging, context, Stages(), told)
            remarks += [f"Split '{name}': {remark}" for remark in told]
            yield JudgedSplit.of(name, context, metrics, done, group)
    progress.report("splits", len(names), len(names))


def which_model(judged: Sequence[JudgedSplit], found: Mapping[str, Any]) -> str:
    """Return what the reader of a run over several splits must know of its model."""
    r2 = found["scores"].get(f"{found['part']}.r2")
    score = "" if r2 is None else f": R² {r2['mean']:.4f} ± {r2['spread']:.4f}"
    return (
        f"Scores are over {len(judged)} splits{score} ({found['part']}; mean and standard "
        "deviation between splits). The model that is saved, its figures and its predictions are "
        f"those of the first, '{judged[0].name}', whose own scores are in the table of its parts."
    )


def over_splits(judged: Sequence[JudgedSplit], part: str, seed: int) -> dict[str, Any]:
    """Return what two splits or more say together, as ``metrics.json`` has it.

    Returns
    -------
    dict
        ``names`` of the splits; ``part``; ``r2_interval``, the 95 % interval of the mean R² by a
        bootstrap over groups; ``groups``, how many different ones were tested; ``pooled_r2``, that
        of all test spectra together, each as often as it was tested; ``scores``: mean, spread (the
        standard deviation between splits) and values of each number that at least two splits have.
    """
    flat = [dict(_numbers(one.metrics)) for one in judged]
    keys = dict.fromkeys(key for one in flat for key in one)
    scores = {}
    for key in keys:
        values = [one.get(key) for one in flat]
        some = [value for value in values if value is not None]
        if len(some) >= FEWEST:
            scores[key] = {
                "mean": float(np.mean(some)),
                "spread": float(np.std(some, ddof=1)),
                "values": values,
            }
    tests = [(one.known, one.predicted, one.groups) for one in judged]
    interval = mean_variance_interval(tests, seed=seed)
    known, predicted = (np.concatenate([one[i] for one in tests]) for i in (0, 1))
    pooled = covered_variance(known, predicted) if np.ptp(known, axis=0).any() else None
    return {
        "names": [one.name for one in judged],
        "part": part,
        "groups": len(np.unique(np.concatenate([one.groups for one in judged]))),
        "r2_interval": None if interval is None else list(interval),
        "pooled_r2": pooled,
        "scores": scores,
    }


def _numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield each number of nested mappings and lists by its path, but for ends of intervals."""
    if isinstance(value, bool) or value is None or path.endswith("interval"):
        return
    if isinstance(value, int | float):
        yield path, float(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for key, inner in enumerate(value):
            yield from _numbers(inner, f"{path}.{key}")
