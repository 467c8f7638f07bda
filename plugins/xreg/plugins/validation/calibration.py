"""Calibration: whether errors are as large as the spread that a model claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.core.model.calibration import spread_factor
from xreg.plugins.validation.plugin import CalibrationConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CalibrationAnalysis", "bins_by_spread", "reliability"]

LEVELS = np.arange(0.05, 1.0, 0.05)


def reliability(errors: Array, spread: Array) -> Array:
    """Return the share of errors inside the interval that should hold each of ``LEVELS`` of them.

    Intervals are those of a normal distribution about the prediction (Kuleshov, Fenner & Ermon,
    ICML 2018).
    """
    from scipy.stats import norm

    size = np.abs(errors[spread > 0] / spread[spread > 0])
    return np.array([np.mean(size <= norm.ppf((1 + level) / 2)) for level in LEVELS])


def bins_by_spread(errors: Array, spread: Array, count: int) -> tuple[Array, Array]:
    """Return root mean square of spread and of error of spectra in equal bins of their spread."""
    claimed, made = (np.sqrt(np.mean(np.square(a), axis=1)) for a in (spread, errors))
    parts = np.array_split(np.argsort(claimed, kind="stable"), min(count, len(claimed)))
    found = [[np.sqrt(np.mean(np.square(a[i]))) for i in parts] for a in (claimed, made)]
    return np.array(found[0]), np.array(found[1])


class CalibrationAnalysis(Analysis[CalibrationConfig]):
    """Compare errors with the spread, over all channels of the judged spectra."""

    name = "calibration"
    Config = CalibrationConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Compare errors with the spread, over all channels of the judged spectra."""
        result = context.result
        if result.spread is None or not (result.spread > 0).any():
            raise NotApplicableError(
                f"analysis 'calibration': emulator '{context.model.emulator.name}' has no "
                "predictive spread with its settings."
            )
        errors, spread = result.known - result.predicted, result.spread
        inside = [float(np.mean(np.abs(errors) <= k * spread)) for k in (1, 2, 3)]
        ratio = spread_factor(errors, spread)
        claimed, made = bins_by_spread(errors, spread, self.config.bins)
        shares = reliability(errors, spread)
        return Findings(
            text=f"{100 * inside[0]:.0f} % of the errors of the {context.judged} spectra lie "
            f"within one standard deviation and {100 * inside[1]:.0f} % within two (a normal "
            f"distribution: 68 and 95 %); scaled by {ratio:.2f} the spread would hold 68 %.",
            metrics={
                "error_over_spread": ratio,
                "within": dict(zip(("1", "2", "3"), inside, strict=True)),
                "miscalibration": float(np.mean(np.abs(shares - LEVELS))),
            },
            tables=[
                Table(
                    "by-spread",
                    "Error of spectra by the spread claimed",
                    ["spread claimed (rms)", "error (rms)"],
                    list(zip(claimed.tolist(), made.tolist(), strict=True)),
                    "Spectra in equal groups, from the surest to the least sure.",
                )
            ],
            drawings=[
                Drawing(
                    "reliability",
                    "Share of errors inside each interval, and error against spread",
                    "On the diagonal the claim is true. (a) Share of errors inside intervals that "
                    "should hold a given share if errors are normal. (b) Root mean square error "
                    "and spread of spectra in equal groups, from the surest to the least sure.",
                    lambda: draw(shares, claimed, made, context.target.unit),
                )
            ],
        )


def draw(shares: Array, claimed: Array, made: Array, unit: str) -> Figure:
    """Draw observed against claimed shares, and error against spread."""
    from xreg.core.analysis import style

    figure = style.new_figure(3.2)
    left, right = figure.subplots(1, 2)
    most = 1.05 * max(claimed.max(), made.max())
    for axes, top in ((left, 1.0), (right, most)):
        axes.plot([0, top], [0, top], color=style.TRUE, lw=0.8, ls=(0, (4, 2)))
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)
    left.plot(LEVELS, shares, "o-", color=style.PREDICTED, ms=3)
    left.set_xlabel("share claimed")
    left.set_ylabel("share observed")
    right.plot(claimed, made, "o-", color=style.PREDICTED, ms=4)
    right.set_xlabel(f"spread claimed ({unit})")
    right.set_ylabel(f"error ({unit})")
    style.panel_letters((left, right))
    return figure
