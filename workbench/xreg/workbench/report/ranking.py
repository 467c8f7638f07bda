"""Figures of a search: who won, how soon, and by how much luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BudgetCurve", "budget_curves", "distributions", "ranking"]


@dataclass(frozen=True, eq=False)
class BudgetCurve:
    """How a family's candidates scored, one after another.

    Attributes
    ----------
    seconds
        (c,) processor time spent when each result was there.
    scores
        (c,) mean covered variance of each; NaN where it failed.
    """

    seconds: NDArray[np.float64]
    scores: NDArray[np.float64]

    @property
    def best(self) -> NDArray[np.float64]:
        """(c,) best score until then; minus infinity before the first."""
        return np.maximum.accumulate(np.where(np.isnan(self.scores), -np.inf, self.scores))


def ranking(rows: Sequence[tuple[str, float, float, float | None]]) -> Figure:
    """Draw label, score, its spread and the test score of each family, the best on top."""
    figure = style.new_figure(0.9 + 0.34 * len(rows))
    axis = figure.subplots()
    place = np.arange(len(rows))[::-1]
    scores, spreads = (np.array([row[i] for row in rows], dtype=float) for i in (1, 2))
    axis.errorbar(
        scores, place, xerr=spreads, fmt="o", color=style.BIAS, capsize=3, label="cross-validation"
    )
    tested = [(row[3], y) for row, y in zip(rows, place, strict=True) if row[3] is not None]
    if tested:
        axis.plot(*zip(*tested, strict=True), "D", mfc="none", color=style.PREDICTED, label="test")
    axis.set_yticks(place, [row[0] for row in rows])
    axis.set_xlabel("covered variance R²")
    axis.grid(axis="x", color=style.GUIDE, alpha=0.4, linewidth=0.5)
    axis.margins(y=0.1)
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def budget_curves(curves: Mapping[str, BudgetCurve], budget: float) -> Figure:
    """Draw the best score until then against the processor time spent."""
    figure = style.new_figure(3.6)
    axis = figure.subplots()
    drawn = []
    for index, (label, curve) in enumerate(curves.items()):
        known = np.isfinite(curve.best)
        if not known.any():
            continue
        seconds = np.minimum(curve.seconds[known], budget)
        best = curve.best[known]
        dashes = ("-", "--", ":")[index // len(style.PALETTE) % 3]
        colour = style.PALETTE[index % len(style.PALETTE)]
        axis.step(seconds, best, dashes, where="post", label=label, color=colour)
        axis.plot(seconds[0], best[0], ".", color=colour)  # the first, where it may be the only one
        drawn.append(best)
    axis.set_xlabel("processor time spent (s)")
    axis.set_ylabel("best R² in cross-validation")
    style.log_ticks(axis.xaxis)
    if drawn:
        # The first blind tries are of no interest; from where the last family begins to count.
        low, high = min(best[-1] for best in drawn), max(best[-1] for best in drawn)
        axis.set_ylim(low - 0.6 * (high - low) - 0.01, high + 0.08 * (high - low) + 0.002)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def distributions(curves: Mapping[str, BudgetCurve]) -> Figure:
    """Draw the scores of all candidates of each family: how forgiving it is."""
    figure = style.new_figure(0.9 + 0.34 * len(curves))
    axis = figure.subplots()
    place = np.arange(len(curves))[::-1]
    values = [curve.scores[np.isfinite(curve.scores)] for curve in curves.values()]
    shown = [np.maximum(v, 0) for v in values]  # what is worse than the mean spectrum is all alike
    held = [(v, y) for v, y in zip(shown, place, strict=True) if len(v)]
    axis.set_ylim(-0.6, len(curves) - 0.4)
    if held:
        axis.boxplot(
            [v for v, _ in held],
            positions=[y for _, y in held],
            orientation="horizontal",
            widths=0.55,
            flierprops={"marker": ".", "markersize": 3, "markeredgecolor": style.GUIDE},
            medianprops={"color": style.PREDICTED},
        )
    axis.set_yticks(place, [f"{n} ({len(v)})" for n, v in zip(curves, values, strict=True)])
    axis.set_xlabel("R² of all candidates (below 0 drawn at 0)")
    axis.grid(axis="x", color=style.GUIDE, alpha=0.4, linewidth=0.5)
    return figure
