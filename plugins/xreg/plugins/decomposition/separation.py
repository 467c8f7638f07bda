"""How well the scores of a decomposition tell labels apart."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.plugins.decomposition.plugin import SeparationConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xreg.core.analysis.context import AnalysisContext

__all__ = ["SeparationAnalysis", "separation"]

FOLDS = 5
MOST_KINDS = 12


def separation(scores: NDArray[np.float64], label: NDArray[Any]) -> tuple[float, int]:
    """Return how well scores tell a label, 0 as well as guessing and 1 perfectly, and its kinds.

    Of a label of a few kinds it is the adjusted balanced accuracy of a linear discriminant with
    equal priors: (a - 1/c)/(1 - 1/c), with the accuracy a of c kinds that count alike. Of any other
    number it is R² of a straight line. Either way a sample is judged by a fit to the others (five
    folds), so that a score which knows nothing comes out near 0, or below.

    Parameters
    ----------
    scores : (n, k) array
        What is looked at.
    label : (n,) array
        What is to be told; samples whose label is not finite do not count.

    Returns
    -------
    value : float
        The number; NaN where it cannot be said: a label of one kind, or too few samples of each.
    kinds : int
        Kinds of the label, 0 of one that is a number.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import balanced_accuracy_score, r2_score
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

    number = label.dtype.kind in "biuf"
    if number:
        known = np.isfinite(label.astype(float))
        scores, label = scores[known], label[known]
    kinds, kind, counts = np.unique(label, return_inverse=True, return_counts=True)
    if len(kinds) <= MOST_KINDS:
        common = (counts >= FOLDS)[kind]
        kinds = kinds[counts >= FOLDS]
        if len(kinds) < 2:
            return np.nan, len(kinds)
        told = cross_val_predict(
            LinearDiscriminantAnalysis(priors=np.full(len(kinds), 1 / len(kinds))),
            scores[common],
            kind[common],  # by number: classifiers take no values like 1.5 for a class
            cv=StratifiedKFold(FOLDS, shuffle=True, random_state=0),
        )
        return balanced_accuracy_score(kind[common], told, adjusted=True), len(kinds)
    if not number or len(label) < 2 * FOLDS:
        return np.nan, 0 if number else len(kinds)
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    told = cross_val_predict(LinearRegression(), scores, label, cv=folds)
    return float(r2_score(label, told)), 0


class SeparationAnalysis(Analysis[SeparationConfig]):
    """Judge how well the first k scores of each decomposition tell each label."""

    name = "separation"
    Config = SeparationConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Judge how well the first k scores of each decomposition tell each label."""
        part = context.judged
        names = self.config.labels or tuple(context.labels)
        labels = {name: context.label(name, part) for name in names}
        inputs = context.inputs(part)
        metrics: dict[str, dict[str, dict[str, Any]]] = {}
        rows: list[list[Any]] = []
        for decomposition, decomposer in context.model.decomposers.items():
            scores = decomposer.transform(inputs)
            metrics[decomposition] = {}
            for name, values in labels.items():
                told: dict[str, float] = {}
                kinds = 0
                for k in self.config.ranks:
                    if k <= scores.shape[1]:
                        told[str(k)], kinds = separation(scores[:, :k], values)
                if not np.isfinite(list(told.values())).any():
                    continue
                metrics[decomposition][name] = told
                by_rank = [told.get(str(k)) for k in self.config.ranks]
                rows.append([decomposition, name, kinds or "a number", *by_rank])
        if not rows:
            return Findings(
                f"No label varies among the {part} samples, with {FOLDS} at least of each kind."
            )
        heads = [f"k = {k}" for k in self.config.ranks]
        table = Table(
            "separation",
            "How well scores tell labels apart",
            ["decomposition", "label", "kinds", *heads],
            rows,
            "From the first k scores, in five folds: 0 is no better than guessing, 1 is perfect. "
            "For labels with kinds (their number is given) the adjusted balanced accuracy of a "
            "linear discriminant; for numbers R² of a linear regression.",
        )
        drawing = Drawing(
            "separation",
            "How well scores tell labels apart",
            f"From the first k scores of the {part} samples: 0 is no better than guessing, 1 is "
            "perfect.",
            partial(_draw, rows, heads),
        )
        best = max(
            (row for row in rows if row[3] is not None), key=lambda row: row[3], default=None
        )
        text = "" if best is None else (
            f"Of all first scores and labels, that of {best[0]} tells {best[1]} best "
            f"({best[3]:.2f})."
        )  # fmt: skip
        return Findings(text, metrics, [table], [drawing])


def _draw(rows: list[list[Any]], heads: list[str]) -> Figure:
    names = list(dict.fromkeys(row[1] for row in rows))
    decompositions = list(dict.fromkeys(row[0] for row in rows))
    figure = style.new_figure(0.9 + 0.32 * len(names))
    panels = figure.subplots(1, len(decompositions), squeeze=False, sharey=True, sharex=True)[0]
    height = 0.8 / len(heads)
    for axis, decomposition in zip(panels, decompositions, strict=True):
        for i, head in enumerate(heads):
            found = {row[1]: row[3 + i] for row in rows if row[0] == decomposition}
            values = [np.nan if (v := found.get(name)) is None else v for name in names]
            places = np.arange(len(names)) + (i - (len(heads) - 1) / 2) * height
            axis.barh(
                places,
                values,
                0.9 * height,
                color=style.PALETTE[i % len(style.PALETTE)],
                label=head,
            )
        axis.set_title(decomposition)
        axis.set_yticks(np.arange(len(names)), names)
        axis.set_xlim(min(0.0, axis.get_xlim()[0]), 1)
        axis.set_xlabel("separation")
    panels[0].invert_yaxis()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure
