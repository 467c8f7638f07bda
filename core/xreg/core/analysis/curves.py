"""Scores of many trainings, and how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from xreg.core.analysis.context import AnalysisContext, Retrained
from xreg.core.analysis.retraining import Training, retrain
from xreg.core.arrays import Array
from xreg.core.metrics import covered_variance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_curve", "training_scores"]

# Share of the axis that a label such as "12,000" takes.
LABEL_WIDTH = 0.1


def training_scores(
    context: AnalysisContext, trainings: Sequence[Training], task: str, shape: tuple[int, ...]
) -> Array:
    """Return R² of the rows trained on and of the rows held out, of each training, (*shape, 2)."""

    def judge(model: Retrained, training: Training) -> list[float]:
        return [
            covered_variance(context.known[rows], model.predict(model.inputs(rows)))
            for rows in (training.train, training.held)
        ]

    return np.reshape(retrain(context, trainings, judge, task), (*shape, 2))


def _apart(places: Array) -> Array:
    """Return places, the last one first, whose labels have room on a logarithmic axis."""
    least = LABEL_WIDTH * np.log(places.max() / places.min())
    kept: list[float] = []
    for place in np.sort(places)[::-1].tolist():
        if not kept or np.log(kept[-1] / place) >= least:
            kept.append(place)
    return np.array(kept)


def draw_curve(
    places: Array | Sequence[float], curves: dict[str, Array], label: str, *, logarithmic: bool
) -> Figure:
    """Draw mean and spread of (p, repeats) scores."""
    from xreg.core.analysis import style

    figure = style.new_figure(2.8, style.WIDTH * 0.62)
    axis = figure.subplots()
    for (name, values), colour in zip(
        curves.items(), (style.TRUE_FILL, style.PREDICTED), strict=True
    ):
        mean, spread = values.mean(axis=1), values.std(axis=1)
        axis.fill_between(places, mean - spread, mean + spread, color=colour, alpha=0.25)
        axis.plot(places, mean, "o-", ms=3.5, color=colour, label=name)
    if logarithmic:
        axis.set_xscale("log")
        apart = _apart(np.asarray(places, dtype=np.float64))
        axis.set_xticks(apart, [f"{place:,.0f}" for place in apart])
        axis.minorticks_off()
    axis.set_xlabel(label)
    axis.set_ylabel("R²")
    axis.legend(loc="best")
    return figure
