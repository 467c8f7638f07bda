"""The pictures of a match."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xreg.core.analysis import style
from xreg.workbench.match.match import Answer, Matched, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_answer", "draw_reliability", "draw_series"]

SHOWN = 3


def draw_answer(matched: Matched, answer: Answer) -> Figure:
    """Draw a measured spectrum with its nearest references and the best combination."""
    both = bool(answer.combinations)
    figure = style.new_figure(4.6 if both else 2.8)
    axes = figure.subplots(2 if both else 1, 1, squeeze=False, sharex=True)[:, 0]
    _nearest(axes[0], matched, answer)
    if both:
        _combination(axes[1], matched, answer)
        style.panel_letters(axes.tolist())
    inside = answer.comparison.inside
    energy = answer.spectrum.measured.energy[inside]
    axes[-1].set_xlabel(style.energy_label(float(energy[0]), float(energy[-1])))
    axes[-1].set_xlim(energy[0], energy[-1])
    return figure


def _nearest(axis: Axes, matched: Matched, answer: Answer) -> None:
    inside = answer.comparison.inside
    measured = answer.spectrum.measured
    energy, y = measured.energy[inside], measured.intensity[inside]
    axis.plot(energy, y, ".", ms=3, color=style.TRUE, label="measured")
    for match, colour in zip(answer.matches[:SHOWN], style.PALETTE, strict=False):
        name = str(matched.library.ids[match.row])
        axis.plot(energy, match.curve, lw=1, color=colour, label=f"{name}: {match.misfit:.1%}")
    axis.set_title("nearest references, shifted, broadened and scaled, and what they leave")
    axis.set_ylabel("intensity (as measured)")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=7)


def _combination(axis: Axes, matched: Matched, answer: Answer) -> None:
    inside = answer.comparison.inside
    measured = answer.spectrum.measured
    energy, y = measured.energy[inside], measured.intensity[inside]
    best = answer.combinations[0]
    curves = answer.comparison.references_at(best.rows, best.shift, best.width)
    axis.plot(energy, y, ".", ms=3, color=style.TRUE, label="measured")
    axis.plot(energy, best.curve, color=style.PREDICTED, label="combination")
    for row, weight, curve, colour in zip(
        best.rows, best.weights, curves, style.PALETTE, strict=False
    ):
        axis.plot(energy, weight * curve, lw=1, color=colour,
                  label=f"{weight:.3f} {matched.library.ids[row]}")  # fmt: skip
    axis.plot(energy, y - best.curve, lw=0.7, color=style.TRUE_FILL, label="difference")
    axis.axhline(0, color=style.GUIDE, lw=0.8)
    axis.set_title("linear combination")
    axis.set_ylabel("intensity (as measured)")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=7)


def draw_reliability(matched: Matched) -> Figure:
    """Draw how often stated probabilities came true, and how far library spectra lie apart."""
    figure = style.new_figure(2.6)
    left, right = figure.subplots(1, 2)
    calibration = matched.calibrations[0]
    rows = calibration.reliability()
    left.plot([0, 1], [0, 1], color=style.GUIDE, lw=0.8)
    for row in rows:
        spread = np.sqrt(max(row["right"] * (1 - row["right"]), 0.25 / row["count"]) / row["count"])
        left.errorbar(row["stated"], row["right"], spread, fmt="o", ms=4, color=style.PREDICTED)
    left.axhline(calibration.null, color=style.TRUE_FILL, lw=0.8, ls="--")
    left.set_xlabel("stated probability")
    left.set_ylabel("share that was right")
    left.set_title("simulated spectra")
    left.set_ylim(-0.03, 1.03)
    apart = calibration.apart
    finite = apart[np.isfinite(apart)]
    share = np.arange(1, len(finite) + 1) / max(len(finite), 1)
    right.plot(100 * finite, share, drawstyle="steps-post", color=style.TRUE_FILL)
    for answer in matched.answers[: len(style.PALETTE)]:
        right.axvline(100 * answer.matches[0].misfit, lw=0.8, color=style.PREDICTED)
    right.set_xlabel("misfit of the nearest other reference (%)")
    right.set_ylabel("share of the library")
    right.set_title("how far the library's spectra are apart")
    style.panel_letters([left, right])
    return figure


def draw_series(matched: Matched, series: Series) -> Figure:
    """Draw indicator, spectra of the components and their shares along the series."""
    figure = style.new_figure(5.2)
    axes = figure.subplot_mosaic([["count", "shares"], ["curves", "curves"]])
    count = np.arange(1, len(series.found.indicator) + 1)
    axes["count"].plot(count, series.found.indicator, "o-", ms=3, color=style.TRUE)
    style.log_ticks(axes["count"].yaxis)
    axes["count"].axvline(series.found.count, color=style.PREDICTED, lw=0.8)
    axes["count"].set_xlabel("number of components")
    axes["count"].set_ylabel("IND")
    axes["count"].set_title("Malinowski's indicator")
    style.count_axis(axes["count"].xaxis)
    at = np.arange(1, len(series.resolved.shares) + 1)
    for i, colour in zip(range(series.found.count), style.PALETTE, strict=False):
        row, misfit = series.likely[i]
        name = f"{i + 1}: like {matched.library.ids[row]} ({misfit:.0%})"
        axes["shares"].plot(at, series.resolved.shares[:, i], color=colour)
        axes["shares"].fill_between(
            at, series.resolved.low[:, i], series.resolved.high[:, i], color=colour, alpha=0.25
        )
        axes["curves"].plot(series.energy, series.resolved.curves[i], color=colour, label=name)
    style.count_axis(axes["shares"].xaxis)
    axes["shares"].set_xlabel("spectrum")
    axes["shares"].set_ylabel("share")
    axes["shares"].set_title("shares (MCR-ALS)")
    axes["curves"].set_xlabel(style.energy_label(float(series.energy[0]), float(series.energy[-1])))
    axes["curves"].set_ylabel("intensity")
    axes["curves"].set_title("spectra of the components")
    axes["curves"].legend()
    style.panel_letters([axes["count"], axes["shares"], axes["curves"]])
    return figure
