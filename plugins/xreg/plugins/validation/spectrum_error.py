"""Spectrum error: how it is distributed, at which energies it arises, which spectra are worst."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.analysis.nulls import NULLS, null_predictions
from xreg.core.analysis.scores import SPECTRUM_ERROR_BOUNDS
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table
from xreg.core.metrics import spectrum_error
from xreg.plugins.validation.plugin import SpectrumErrorConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SpectrumErrorAnalysis", "channel_error", "interval_names"]


class SpectrumErrorAnalysis(Analysis[SpectrumErrorConfig]):
    """Count spectra by spectrum error, in each part; list the worst of the judged part."""

    name = "spectrum-error"
    Config = SpectrumErrorConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Count spectra by spectrum error, in each part; list the worst of the judged part."""
        errors = {
            part: 100 * spectrum_error(result.known, result.predicted)
            for part, result in context.results.items()
        }
        error = errors[context.judged]
        if not np.isfinite(error).any():
            raise NotApplicableError("the spectrum error of spectra that are zero is undefined.")
        counts = {part: interval_counts(values) for part, values in errors.items()}
        names = interval_names()
        order = np.argsort(-error, kind="stable")[: self.config.worst]
        outliers = int(np.sum(error >= SPECTRUM_ERROR_BOUNDS[-1]))
        result = context.result
        by_channel = 100 * channel_error(result.known, result.predicted)
        guesses = {
            name: 100 * spectrum_error(result.known, guess)
            for name, guess in null_predictions(context).items()
        }
        null = {name: interval_counts(values) for name, values in guesses.items()}
        return Findings(
            text=f"{outliers:,} of {len(error):,} {context.judged} spectra are outliers, with a "
            f"spectrum error of {SPECTRUM_ERROR_BOUNDS[-1]:g} % or more; the median is "
            f"{np.nanmedian(error):.2f} %.",
            metrics={
                "median": np.nanmedian(error),
                "mean": np.nanmean(error),
                "largest": np.nanmax(error),
                "outliers": outliers,
                "shares": {
                    part: dict(zip(names, (100 * found / found.sum()).tolist(), strict=True))
                    for part, found in counts.items()
                },
                "nulls": {
                    name: {"median": np.nanmedian(values), "outliers": _share(null[name], -1)}
                    for name, values in guesses.items()
                },
            },
            tables=[
                Table(
                    "intervals",
                    "Spectra by spectrum error",
                    [
                        "spectrum error (%)",
                        *(f"{part} (%)" for part in counts),
                        *(f"{NULLS[name]} (%)" for name in null),
                    ],
                    [
                        [name, *(_share(found, i) for found in (*counts.values(), *null.values()))]
                        for i, name in enumerate(names)
                    ],
                    "Share of the spectra of each part in each interval of the spectrum error "
                    "Σ|predicted − true| / Σ|predicted + true| over the energies of a spectrum; "
                    f"and of the {context.judged} spectra where each is predicted without a model.",
                ),
                Table(
                    "worst",
                    f"Worst spectra of the {context.judged} set",
                    ["sample", "spectrum error (%)"],
                    [[str(result.ids[row]), float(error[row])] for row in order],
                ),
            ],
            drawings=[
                Drawing(
                    "intervals",
                    "How the spectrum error is distributed",
                    "Share of the spectra of each part in each of the seven intervals; from "
                    f"{SPECTRUM_ERROR_BOUNDS[-1]:g} % on a spectrum is an outlier.",
                    lambda: draw_intervals(counts),
                ),
                Drawing(
                    "by-energy",
                    "Spectrum error by energy",
                    "(a) The same ratio at each energy, summed over all spectra of the set. "
                    "(b) Their mean, and one standard deviation as a band: where there is hardly "
                    "any intensity, a large error in (a) matters little.",
                    lambda: draw_by_energy(context, by_channel),
                ),
            ],
            arrays={"ids": result.ids, "spectrum_error": error, "channel_error": by_channel},
            units={"spectrum_error": "%", "channel_error": "%"},
        )


def _share(counts: NDArray[np.intp], at: int) -> float | None:
    """Return the share in % of one interval; None where no spectrum has an error."""
    total = int(counts.sum())
    return float(100 * counts[at] / total) if total else None


def interval_names() -> list[str]:
    """Return the published intervals of the spectrum error, in per cent."""
    bounds = [f"{bound:g}" for bound in (0.0, *SPECTRUM_ERROR_BOUNDS)]
    inner = [f"{low}–{high}" for low, high in pairwise(bounds)]
    return [*inner, f"≥ {bounds[-1]}"]


def interval_counts(error: Array) -> NDArray[np.intp]:
    """Return how many spectrum errors (n,) in per cent lie in each of the seven intervals."""
    return np.histogram(error, bins=[0, *SPECTRUM_ERROR_BOUNDS, np.inf])[0]


def channel_error(known: Array, predicted: Array) -> Array:
    r"""Return the (m,) error of each channel, :math:`\sum|p - t| / \sum|p + t|` over spectra."""
    return spectrum_error(known.T, predicted.T)


def draw_intervals(counts: Mapping[str, NDArray[np.intp]]) -> Figure:
    """Draw the share of spectra in each interval, a bar for each part."""
    from xreg.core.analysis import style

    figure = style.new_figure(2.6)
    axis = figure.subplots()
    names = interval_names()
    width = 0.8 / len(counts)
    for number, (part, found) in enumerate(counts.items()):
        middle = np.arange(len(names)) + (number - (len(counts) - 1) / 2) * width
        share = 100 * found / found.sum()
        bars = axis.bar(middle, share, 0.9 * width, color=style.PALETTE[number], label=part)
        words = [f"{value:.1f}".removesuffix(".0") for value in share]
        axis.bar_label(bars, words, fontsize="x-small", padding=1)
    axis.set_xticks(range(len(names)), names)
    axis.set_xlabel("spectrum error (%)")
    axis.set_ylabel("spectra (%)")
    axis.legend()
    return figure


def draw_by_energy(context: AnalysisContext, by_channel: Array) -> Figure:
    """Draw the error of each channel above the mean and spread of the set."""
    from xreg.core.analysis import style

    energy, known = context.target.grid, context.result.known
    figure = style.new_figure(4.0)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.2))
    top.plot(energy, by_channel, color=style.PREDICTED)
    top.set_ylabel("spectrum error (%)")
    top.set_ylim(bottom=0)
    mean, spread = known.mean(axis=0), known.std(axis=0)
    bottom.fill_between(energy, mean - spread, mean + spread, color=style.TRUE_FILL, alpha=0.35)
    bottom.plot(energy, mean, color=style.TRUE, label="true, mean ± σ")
    predicted = context.result.predicted.mean(axis=0)
    bottom.plot(energy, predicted, color=style.PREDICTED, ls=(0, (4, 2)), label="predicted, mean")
    bottom.set_ylabel(f"intensity ({context.target.unit})")
    style.energy_axis(bottom, energy)
    bottom.legend()
    style.panel_letters((top, bottom))
    return figure
