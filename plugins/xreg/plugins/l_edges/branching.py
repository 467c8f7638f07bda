"""Branching ratio of L3 to L2, true and predicted, and the ratio of the errors in both edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.plugins.l_edges.edges import boundary, branching_ratio
from xreg.plugins.l_edges.plugin import BranchingConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BranchingAnalysis"]

MOST_POINTS = 3000
FEWEST = 3


class BranchingAnalysis(Analysis[BranchingConfig]):
    """Compare L3/L2 of known and predicted spectra with how errors divide between the edges."""

    name = "branching"
    Config = BranchingConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Compare L3/L2 of known and predicted spectra with how errors divide between the edges."""
        energy, result = context.target.grid, context.result
        parting = self.config.boundary
        if parting is None:
            parting = boundary(energy, result.known)
        elif not energy[0] < parting < energy[-1]:
            raise NotApplicableError(
                f"analysis 'branching': the boundary {parting:g} eV lies outside the spectra, "
                f"which span {energy[0]:g}…{energy[-1]:g} eV."
            )
        known = branching_ratio(energy, result.known, parting)
        predicted = branching_ratio(energy, result.predicted, parting)
        misfit = branching_ratio(energy, np.abs(result.predicted - result.known), parting)
        sound = np.isfinite(known) & np.isfinite(predicted) & np.isfinite(misfit)
        if sound.sum() < FEWEST:
            raise NotApplicableError("analysis 'branching': too few spectra have intensity in L2.")
        relative = 100 * (predicted / known - 1)[sound]
        with_misfit = _pearson(known[sound], misfit[sound])
        rows = [
            [name, *np.quantile(values[sound], (0.05, 0.5, 0.95)).tolist()]
            for name, values in (
                ("true L3/L2", known),
                ("predicted L3/L2", predicted),
                ("misfit L3/L2", misfit),
            )
        ]
        rows.append(
            ["predicted over true − 1 (%)", *np.quantile(relative, (0.05, 0.5, 0.95)).tolist()]
        )
        return Findings(
            text=f"L3 and L2 are divided at {parting:.2f} eV. The predicted branching ratio is off "
            f"by {np.median(np.abs(relative)):.2f} % (median); the ratio of the errors in both "
            f"edges has a Pearson correlation of {with_misfit:.2f} with the true branching ratio.",
            metrics={
                "boundary": parting,
                "median_error": float(np.median(np.abs(relative))),
                "correlation": _pearson(known[sound], predicted[sound]),
                "correlation_with_misfit": with_misfit,
                "spectra": int(sound.sum()),
            },
            tables=[
                Table(
                    "ratios",
                    "Ratios of L3 to L2",
                    ["ratio", "5th percentile", "median", "95th percentile"],
                    rows,
                    "The misfit ratio divides the summed absolute error below the boundary by that "
                    "above: where it exceeds the branching ratio, L3 is predicted worse than L2.",
                )
            ],
            drawings=[
                Drawing(
                    "ratios",
                    "Branching ratio and misfit ratio",
                    "(a) Predicted against true ratio of L3 to L2 intensity. (b) Ratio of the "
                    "absolute errors in L3 and L2 (misfit): on the line the error is shared in "
                    "proportion to intensity.",
                    lambda: _draw(known, predicted, misfit),
                )
            ],
            arrays={"ids": result.ids, "known": known, "predicted": predicted, "misfit": misfit},
        )


def _pearson(a: Array, b: Array) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _draw(known: Array, predicted: Array, misfit: Array) -> Figure:
    from xreg.core.analysis import style

    figure = style.new_figure(3.2)
    left, right = figure.subplots(1, 2)
    shown = np.random.default_rng(0).permutation(len(known))[:MOST_POINTS]
    for axis, values, title in (
        (left, predicted, "intensity"),
        (right, misfit, "absolute error"),
    ):
        low, high = np.nanquantile(known, (0, 1))
        axis.plot([low, high], [low, high], color=style.GUIDE, lw=0.8)
        axis.plot(known[shown], values[shown], ".", ms=2.5, alpha=0.5, color=style.PREDICTED)
        axis.set_xlabel("true L3/L2")
        axis.set_title(title)
    left.set_ylabel("predicted L3/L2")
    right.set_ylabel("misfit L3/L2")
    style.log_ticks(right.xaxis, right.yaxis)
    style.panel_letters((left, right))
    return figure
