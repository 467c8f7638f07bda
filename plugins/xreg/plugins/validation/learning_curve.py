"""How the score grows: with the number of training spectra, with the share of features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.analysis.curves import draw_curve, training_scores
from xreg.core.analysis.retraining import Training
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.plugins.validation.plugin import LearningCurveConfig

__all__ = ["LearningCurveAnalysis", "random_subset"]

Rows = NDArray[np.intp]


def random_subset(rows: Rows, share: float, seed: int, groups: NDArray[Any] | None = None) -> Rows:
    """Return about that share of rows at random, ascending; whole groups where there are any.

    A larger share with the same seed holds the smaller one, so that a curve compares like with
    like.
    """
    rng = np.random.default_rng(seed)
    _, member = np.unique(np.arange(len(rows)) if groups is None else groups, return_inverse=True)
    place = rng.permutation(member.max() + 1)[member]
    order = np.argsort(place, kind="stable")
    wanted = max(2, round(share * len(rows)))
    # The group that reaches the number wanted comes in whole.
    last = place[order[wanted - 1]]
    return np.sort(rows[place <= last])


class LearningCurveAnalysis(Analysis[LearningCurveConfig]):
    """Train on growing random subsets of the training part, score the judged part."""

    name = "learning-curve"
    Config = LearningCurveConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Train on growing random subsets of the training part, score the judged part."""
        rows, judged = context.rows["train"], context.rows[context.judged]
        groups = None if self.config.group is None else context.label(self.config.group, rows)
        held = context.rows.get("validation")
        shares = sorted(set(self.config.shares))
        counts = np.empty((len(shares), self.config.repeats))
        trainings = []
        for i, repeat in np.ndindex(counts.shape):
            seed = self.config.seed + repeat
            subset = random_subset(rows, shares[i], seed, groups)
            if not np.any(context.known[subset] != context.known[subset[:1]]):
                raise NotApplicableError(
                    "a subset of training spectra does not vary; take larger ones."
                )
            trainings.append(Training(subset, judged, held, seed=seed))
            counts[i, repeat] = len(subset)
        scores = training_scores(context, trainings, "learning curve", counts.shape)
        mean, spread = scores.mean(axis=1), scores.std(axis=1)
        number = counts.mean(axis=1)
        what = (
            "" if self.config.group is None else f" Whole groups of '{self.config.group}' come in."
        )
        return Findings(
            text=f"From {number[0]:,.0f} to {number[-1]:,.0f} training spectra R² of the "
            f"{context.judged} set goes from {mean[0, 1]:.4f} to {mean[-1, 1]:.4f}."
            f"{_slope(mean, number)}",
            metrics={
                "spectra": number,
                "train": {"mean": mean[:, 0], "std": spread[:, 0]},
                context.judged: {"mean": mean[:, 1], "std": spread[:, 1]},
            },
            tables=[
                Table(
                    "curve",
                    "Score by number of training spectra",
                    [
                        "training spectra",
                        "R² on them",
                        "±",
                        f"R² of the {context.judged} set",
                        "± ",
                    ],
                    [
                        [float(n), *np.stack([m, s], axis=1).ravel().tolist()]
                        for n, m, s in zip(number, mean, spread, strict=True)
                    ],
                    f"Mean and standard deviation over {self.config.repeats} random subsets.{what}",
                )
            ],
            drawings=[
                Drawing(
                    "curve",
                    "Learning curve",
                    f"R² of the training spectra and of the {context.judged} set against the "
                    "number of training spectra; bands are one standard deviation over random "
                    "subsets.",
                    lambda: draw_curve(
                        number,
                        {"trained on": scores[..., 0], context.judged: scores[..., 1]},
                        "training spectra",
                        logarithmic=True,
                    ),
                )
            ],
        )


def _slope(mean: Array, number: Array) -> str:
    """Say what the last doubling brought, where there is one."""
    half = np.flatnonzero(number <= number[-1] / 1.9)
    if not len(half):
        return ""
    gain = mean[-1, 1] - np.interp(np.log(number[-1] / 2), np.log(number), mean[:, 1])
    return f" The last doubling brought {gain:+.4f}.".replace("-", "−")
