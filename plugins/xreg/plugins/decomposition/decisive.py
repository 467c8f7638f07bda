"""Which components of basis vectors the spectrum depends on, and which say nothing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.decomposers.linear import LinearDecomposer
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table, file_name
from xreg.core.metrics import covered_variance
from xreg.plugins.decomposition.plugin import DecisiveConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DecisiveAnalysis", "kept_curve"]

STEPS = 24


def kept_curve(
    decomposer: LinearDecomposer[Any], x: Array, y: Array, order: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Array]:
    """Return covered variance when only the first n features of an order have a say in scores.

    Parameters
    ----------
    decomposer
        Fitted.
    x, y
        (n, d) features and (n, m) targets, scaled.
    order
        (d,) features, the most decisive first.

    Returns
    -------
    counts, r2
        Numbers of features that keep their components, ascending to all, and R² with so many.
    """
    counts = np.unique(np.geomspace(1, len(order), STEPS).round().astype(np.intp))
    moved = x - decomposer.mean_
    found = []
    for count in counts:
        chosen = order[:count]
        scores = moved[:, chosen] @ decomposer.components_[:, chosen].T
        found.append(covered_variance(y, decomposer.decode(scores)))
    return counts, np.array(found)


class DecisiveAnalysis(Analysis[DecisiveConfig]):
    """Set the smallest components of basis vectors to zero until the spectrum notices."""

    name = "decisive"
    Config = DecisiveConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Set the smallest components of basis vectors to zero until the spectrum notices."""
        linear = {
            label: one
            for label, one in context.model.decomposers.items()
            if isinstance(one, LinearDecomposer)
        }
        if not linear:
            raise NotApplicableError("analysis 'decisive' needs a decomposer with basis vectors.")
        part = "validation" if len(context.rows.get("validation", ())) > 1 else context.judged
        x = np.asarray(context.inputs(part))
        y = context.model.target_scaler.transform(context.known[context.rows[part]])
        metrics: dict[str, Any] = {}
        tables, drawings, words = [], [], []
        for label, decomposer in linear.items():
            size = np.abs(decomposer.components_).max(axis=0)
            order = np.argsort(-size, kind="stable")
            counts, scores = kept_curve(decomposer, x, y, order)
            enough = int(counts[np.argmax(scores >= scores[-1] - self.config.tolerance)])
            least = float(size[order[enough - 1]])
            names = [context.features[i].title for i in order[:enough].tolist()]
            metrics[label] = {
                "decisive": enough,
                "features": len(order),
                "least_component": least,
                "r2": float(scores[-1]),
                "names": names,
            }
            words.append(
                f"{label}: {enough:,} of {len(order):,} features are decisive, those with a "
                f"component of at least {least:.3g}; without the others R² of the {part} part is "
                f"within {self.config.tolerance:g} of {scores[-1]:.3f}."
            )
            tables.append(
                Table(
                    file_name(label),
                    f"{label}: decisive features",
                    ["feature", "largest component"],
                    [[names[n], float(size[i])] for n, i in enumerate(order[:enough].tolist())],
                    "Features whose components cannot be set to zero without the covered variance "
                    "falling by more than the tolerance. In an expansion of scores the others are "
                    "of no consequence for the spectrum.",
                )
            )
            drawings.append(
                Drawing(
                    file_name(label),
                    f"{label}: covered variance by features with a say",
                    "Covered variance when all but the largest components of the basis vectors are "
                    "zero; dashed: the number that is enough.",
                    partial(_draw, counts, scores, enough),
                )
            )
        return Findings(" ".join(words), metrics, tables, drawings)


def _draw(counts: NDArray[np.intp], scores: Array, enough: int) -> Figure:
    from xreg.core.analysis import style

    figure = style.new_figure(2.8, style.WIDTH * 0.6)
    axis = figure.subplots()
    axis.plot(counts, scores, ".-", color=style.BIAS)
    axis.axvline(enough, color=style.GUIDE, ls="--")
    style.log_ticks(axis.xaxis)
    axis.set_ylim(max(float(scores.min()), -0.5) - 0.05, 1.02)
    axis.set_xlabel("features with a component")
    axis.set_ylabel("covered variance R²")
    return figure
