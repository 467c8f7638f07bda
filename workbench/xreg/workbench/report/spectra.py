"""Figures of spectra: means, single examples, errors, training."""

from __future__ import annotations

from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style
from xreg.core.analysis.results import PartResult
from xreg.core.analysis.scores import channel_table, decile_rows, varying_channels
from xreg.core.analysis.style import new_figure
from xreg.core.metrics import sample_r2
from xreg.core.text import counted
from xreg.workbench.report.report_data import ReportData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "learning_curve",
    "mean_spectra",
    "parity",
    "predicted_spectra",
    "residuals",
    "score_distribution",
]

# Letters of a title that fit into the width of a figure.
LONGEST_TITLE = 72
MOST_CURVES = 8


def _energy_axis(axis: Axes, report_data: ReportData, *, beside: bool = False) -> Any:
    energy = report_data.target.grid
    style.energy_axis(axis, energy, beside=beside)
    return energy


def mean_spectra(report_data: ReportData) -> Figure:
    """Draw mean and spread of true and predicted spectra, training beside test."""
    shown = [part for part in ("train", report_data.judged) if part in report_data.parts]
    figure = new_figure(2.9)
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axis, part in zip(panels, shown, strict=True):
        result = report_data.parts[part]
        energy = _energy_axis(axis, report_data, beside=len(shown) > 1)
        mean, spread = result.known.mean(axis=0), result.known.std(axis=0)
        guess, width = result.predicted.mean(axis=0), result.predicted.std(axis=0)
        axis.fill_between(
            energy,
            mean - spread,
            mean + spread,
            color=style.TRUE_FILL,
            alpha=0.35,
            label="true ± σ",
        )
        axis.plot(energy, mean, color=style.TRUE, label="true, mean")
        axis.plot(energy, guess, color=style.PREDICTED, ls=(0, (4, 2)), label="predicted, mean")
        for sign in (-1, 1):
            axis.plot(
                energy,
                guess + sign * width,
                color=style.PREDICTED,
                lw=0.7,
                ls=(0, (1, 1.5)),
                label="predicted ± σ" if sign > 0 else None,
            )
        axis.set_title(f"{part} ({counted(len(result.ids), 'spectrum', 'spectra')})")
    panels[0].set_ylabel(f"intensity ({report_data.target.unit})")
    panels[-1].legend()
    style.panel_letters(panels)
    return figure


def score_distribution(report_data: ReportData, *, standardised: bool = False) -> Figure:
    """Draw how single spectra score, and those at the first and ninth decile and the median.

    Standardised, every energy is counted from its mean over the training set, in its spread there.
    """
    from matplotlib.ticker import MaxNLocator

    result = report_data.parts[report_data.judged]
    shown: Any = slice(None)
    what = f"intensity ({report_data.target.unit})"
    if standardised:
        known = report_data.parts["train"].known
        mean, scale = known.mean(axis=0), known.std(axis=0)
        shown, what = varying_channels(scale), "intensity (σ of the training set)"
        result = _standardised(result, mean[shown], scale[shown], shown)
    scores = sample_r2(result.known, result.predicted)
    rows = decile_rows(scores)
    figure = new_figure(4.2)
    halves: Any = figure.subfigures(1, 2, width_ratios=(1, 1.25))
    left, right = halves
    axis = left.subplots()
    finite = scores[np.isfinite(scores)]
    # A few bad spectra would squeeze all others into one bar: the tail is counted in words.
    last, decile = np.quantile(finite, (0.02, 0.1)).tolist()
    low = min(max(last, 1 - 4 * (1 - decile)), 1 - 1e-6)
    inside = finite[finite >= low]
    axis.hist(inside, bins=np.linspace(low, 1, 31), color=style.TRUE_FILL, alpha=0.75)
    if below := len(finite) - len(inside):
        axis.set_title(f"{report_data.judged}; {below:,} of {len(finite):,} are off the left edge")
    else:
        axis.set_title(f"{report_data.judged} ({counted(len(finite), 'spectrum', 'spectra')})")
    for row, colour in zip(rows.values(), style.PALETTE, strict=False):
        axis.axvline(scores[row], color=colour, lw=1.6)
    axis.set_xlim(low, 1)
    axis.xaxis.set_major_locator(MaxNLocator(4))
    style.count_axis(axis.yaxis)
    axis.set_xlabel("R² of a single spectrum")
    axis.set_ylabel("number of spectra")
    panels = right.subplots(len(rows), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for panel, (name, row), colour in zip(panels, rows.items(), style.PALETTE, strict=False):
        energy = _energy_axis(panel, report_data)[shown]
        panel.plot(energy, result.known[row], color=style.TRUE, label="true")
        panel.plot(
            energy, result.predicted[row], color=style.PREDICTED, ls=(0, (4, 2)), label="predicted"
        )
        if result.spread is not None:
            guess, spread = result.predicted[row], result.spread[row]
            panel.fill_between(
                energy, guess - spread, guess + spread, color=style.PREDICTED_FILL, alpha=0.4
            )
        score = style.r2_text(float(scores[row]))
        panel.set_title(f"{name}, R² = {score}: {result.ids[row]}", color=colour)
        panel.label_outer()
    panels[0].legend()
    right.supylabel(what, fontsize=9)
    return figure


def _standardised(
    result: PartResult, mean: NDArray[np.float64], scale: NDArray[np.float64], shown: Any
) -> PartResult:
    spread = None if result.spread is None else result.spread[:, shown] / scale
    known, predicted = ((v[:, shown] - mean) / scale for v in (result.known, result.predicted))
    return replace(result, known=known, predicted=predicted, spread=spread)


def residuals(report_data: ReportData) -> Figure:
    """Draw error and bias at each energy against the spread of the data, and R² at each energy."""
    result = report_data.parts[report_data.judged]
    table = channel_table(result.known, result.predicted)
    figure = new_figure(4.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.4, 1))
    energy = _energy_axis(top, report_data)
    top.fill_between(
        energy,
        0,
        table["spread"],
        color=style.TRUE_FILL,
        alpha=0.35,
        label="spread of the data (σ)",
    )
    top.plot(energy, table["rmse"], color=style.PREDICTED, label="root mean square error")
    top.plot(energy, table["bias"], color=style.BIAS, lw=1, label="bias (predicted − true)")
    top.axhline(0, color=style.GUIDE, lw=0.7, zorder=0)
    top.set_ylabel(f"intensity ({report_data.target.unit})")
    top.set_title(f"error by energy, {report_data.judged} set")
    top.legend()
    _energy_axis(bottom, report_data)
    # Where hardly anything varies a ratio of errors says nothing: drawn faint.
    strong = (table["spread"] >= 0.05 * table["spread"].max()) & np.isfinite(table["r2"])
    bottom.plot(energy, table["r2"], color=style.GUIDE, lw=1)
    bottom.plot(energy, np.where(strong, table["r2"], np.nan), color=style.TRUE)
    # The very edge of a spectrum may be far below all the rest.
    low = float(np.quantile(table["r2"][strong], 0.04)) if strong.any() else 0.0
    bottom.set_ylim(max(min(low - 0.05, 0.9), -0.2), 1.005)
    bottom.set_ylabel("R²")
    bottom.set_title("R² by energy (grey where the data hardly vary)")
    top.label_outer()
    style.panel_letters((top, bottom))
    return figure


def parity(report_data: ReportData) -> Figure:
    """Draw predicted against true values of each target feature."""
    result = report_data.parts[report_data.judged]
    names = report_data.target.features
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(2.3 * rows)
    unit = f" ({report_data.target.unit})" if report_data.target.unit else ""  # else names state it
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    table = channel_table(result.known, result.predicted)
    for i, (axis, name) in enumerate(zip(panels, names, strict=False)):
        true, guess = result.known[:, i], result.predicted[:, i]
        ends = [min(true.min(), guess.min()), max(true.max(), guess.max())]
        axis.plot(ends, ends, color=style.GUIDE, lw=0.8)
        axis.plot(true, guess, ".", ms=2.5, color=style.PREDICTED, alpha=0.6)
        lines = [*wrap(name, LONGEST_TITLE // columns), f"R² = {style.r2_text(table['r2'][i])}"]
        axis.set_title("\n".join(lines))
        axis.set_xlabel(f"true{unit}")
        axis.set_ylabel(f"predicted{unit}")
    for axis in panels[len(names) :]:
        axis.remove()
    return figure


def learning_curve(_: ReportData, history: NDArray[np.float64]) -> Figure:
    """Draw training and validation loss against the epoch, one line a network."""
    models = (history.shape[1] - 1) // 2
    figure = new_figure(2.6, style.WIDTH * 0.62)
    axis = figure.subplots()
    epoch = history[:, 0]
    thin: Any = {"lw": 1.4 if models == 1 else 0.8, "alpha": 1 if models == 1 else 0.6}
    for k in range(models):
        first = "" if k else None
        train, held = history[:, 1 + k], history[:, 1 + models + k]
        axis.plot(epoch, train, color=style.TRUE_FILL, label=first or "training", **thin)
        if np.isfinite(held).any():
            axis.plot(epoch, held, color=style.PREDICTED, label=first or "validation", **thin)
            best = int(np.nanargmin(held))
            axis.plot(epoch[best], held[best], "o", ms=3.5, color=style.PREDICTED)
    style.log_ticks(axis.yaxis)
    style.count_axis(axis.xaxis)
    axis.set_xlabel("epoch")
    axis.set_ylabel("loss")
    handles, labels = axis.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    axis.legend(unique.values(), unique.keys())
    return figure


def predicted_spectra(ids: Any, predicted: Any, target: Any, spread: Any = None) -> Figure:
    """Draw predicted spectra of new samples: the first few in colour, all as mean and spread."""
    figure = new_figure(3.0, style.WIDTH * 0.72)
    axis = figure.subplots()
    energy = target.energy
    if len(ids) > MOST_CURVES:
        mean, width = predicted.mean(axis=0), predicted.std(axis=0)
        axis.fill_between(energy, mean - width, mean + width, color=style.TRUE_FILL, alpha=0.35)
        axis.plot(energy, mean, color=style.TRUE, lw=2, label=f"mean ± σ of {len(ids):,}")
    for row, colour in zip(range(min(len(ids), MOST_CURVES)), style.PALETTE, strict=False):
        axis.plot(energy, predicted[row], color=colour, lw=1.1, label=str(ids[row]))
        if spread is not None:
            low, high = predicted[row] - spread[row], predicted[row] + spread[row]
            axis.fill_between(energy, low, high, color=colour, alpha=0.2)
    style.energy_axis(axis, energy)
    axis.set_ylabel(f"intensity ({target.unit})")
    axis.legend()
    return figure
