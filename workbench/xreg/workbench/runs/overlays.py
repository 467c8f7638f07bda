"""Figures that lay several results over each other, where the results have their numbers.

Those of L edges follow J. Lüder, arXiv:2107.13149, Figs. 4 and 6 to 9; the covered variance of all
descriptors in one follows E. A. Eronen et al., Phys. Chem. Chem. Phys. 26, 22752 (2024), Fig. 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.splits import PARTS
from xreg.workbench.runs.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Overlay", "overlays"]

Array = NDArray[np.float64]

LINES = ("-", "--", ":")
CHANNELS = ("mean absolute difference", "largest KST", "number of KSTs")
# Intervals of the spectrum error from excellent to outlier, light to dark.
SHADES = ("#1b8a6b", "#7fbf9f", "#c9dfa5", "#f2e394", "#f0b86c", "#d4512d", "#20262e")


@dataclass(frozen=True, eq=False)
class Overlay:
    """One figure of several results.

    Attributes
    ----------
    name
        Of its file.
    title, caption
        Above and below it.
    draw
        Makes it.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]


def overlays(runs: Sequence[RunRecord], labels: Sequence[str]) -> list[Overlay]:
    """Return the figures that at least two results have the numbers for."""
    named = dict(zip(labels, runs, strict=True))
    return [overlay for make in MAKERS if (overlay := make(named)) is not None]


def _found(
    named: Mapping[str, RunRecord], pick: Callable[[Mapping[str, Any]], Any]
) -> dict[str, Any]:
    """Return what the results have of something, by label; nothing where fewer than two have it."""
    found = {label: pick(run.metrics) for label, run in named.items()}
    found = {label: value for label, value in found.items() if value is not None}
    return found if len(found) > 1 else {}


def _at(metrics: Mapping[str, Any], *path: str) -> Any:
    value: Any = metrics
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _judged(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the scores of the test part, or of the part that an evaluation judged."""
    names = [name for name in metrics if name not in ("decomposers", "analyses")]
    return metrics["test"] if "test" in metrics else metrics[names[-1]] if names else {}


def _covered_variance(named: Mapping[str, RunRecord]) -> Overlay | None:
    def pick(metrics: Mapping[str, Any]) -> dict[str, list[float]] | None:
        found = {}
        for label, parts in (metrics.get("decomposers") or {}).items():
            part = next((p for p in ("test", *PARTS) if parts.get(p)), None)
            if part is not None:
                found[label] = parts[part]
        return found or None

    curves = _found(named, pick)
    if not curves:
        return None
    whole = {label: _judged(named[label].metrics).get("r2") for label in curves}

    def draw() -> Figure:
        from xreg.core.analysis import style

        methods = list(dict.fromkeys(method for found in curves.values() for method in found))
        figure = style.new_figure(3.2)
        axes = figure.subplots(1, len(methods), sharey=True, squeeze=False)[0]
        for axis, method in zip(axes, methods, strict=True):
            for i, (label, found) in enumerate(curves.items()):
                if method not in found:
                    continue
                colour, line = _look(i)
                ranks = np.arange(1, len(found[method]) + 1)
                axis.plot(ranks, found[method], line, marker=".", color=colour, label=label)
                if whole[label] is not None:
                    axis.plot(ranks[-1] + 0.5, whole[label], "<", ms=4, color=colour)
            style.count_axis(axis.xaxis)
            axis.set_xlabel("rank k")
            axis.set_title(method)
            axis.grid(axis="y", color=style.GUIDE, alpha=0.4, linewidth=0.5)
        axes[0].set_ylabel("covered variance R²")
        low = min(min(v) for found in curves.values() for v in found.values())
        axes[0].set_ylim(max(low, -0.25) - 0.03, 1.02)
        axes[-1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
        return figure

    return Overlay(
        "covered-variance",
        "Covered variance by rank",
        "Variance of the spectra that the first k directions of each decomposition cover, by "
        "result; triangles: the emulator with all features. Values below −0.25 are cut off.",
        draw,
    )


def _spectrum_error(named: Mapping[str, RunRecord]) -> Overlay | None:
    counts = _found(named, lambda metrics: _at(_judged(metrics), "spectrum_error", "counts"))
    if not counts:
        return None

    def draw() -> Figure:
        from xreg.core.analysis import style

        figure = style.new_figure(1.2 + 0.2 * len(counts))
        axis = figure.subplots()
        names = list(next(iter(counts.values())))
        rows = np.array(
            [[found.get(name, 0) for name in names] for found in counts.values()], float
        )
        shares = 100 * rows / rows.sum(axis=1, keepdims=True)
        place = np.arange(len(counts))[::-1]
        left = np.zeros(len(counts))
        for name, share, colour in zip(names, shares.T, SHADES, strict=False):
            axis.barh(place, share, left=left, color=colour, label=name, height=0.75)
            left += share
        axis.set_yticks(place, list(counts))
        axis.set_xlim(min(90.0, np.floor(shares[:, 0].min() / 10) * 10 - 5), 100)
        axis.set_xlabel("share of the spectra (%)")
        figure.legend(loc="outside upper center", ncols=4)
        return figure

    return Overlay(
        "spectrum-error",
        "Spectrum error",
        "Share of the spectra of each result in seven intervals of the spectrum error; the axis "
        "does not begin at zero.",
        draw,
    )


def _misfit_ratio(named: Mapping[str, RunRecord]) -> Overlay | None:
    found = _found(named, lambda metrics: _at(metrics, "analyses", "misfit", "r_mepd"))
    if not found:
        return None
    branching = {
        label: ratio
        for label in found
        if (ratio := _at(named[label].metrics, "analyses", "misfit", "branching_ratio")) is not None
    }

    def draw() -> Figure:
        from xreg.core.analysis import style

        figure = style.new_figure(3.0)
        left, right = figure.subplots(1, 2)
        place = np.arange(len(found))
        left.bar(place, list(found.values()), color=style.PREDICTED)
        left.axhline(1, color=style.GUIDE, lw=0.8)
        left.set_xticks(place, list(found), rotation=90)
        left.set_ylabel("r_MEPD (L3 over L2)")
        for label, ratio in branching.items():
            right.plot(ratio, found[label], ".", color=style.BIAS)
            right.annotate(label, (ratio, found[label]), xytext=(2, 2), fontsize=6,
                           textcoords="offset points")  # fmt: skip
        style.log_ticks(right.yaxis)
        right.set_xlabel("branching ratio of the mean spectrum")
        right.set_ylabel("r_MEPD")
        style.panel_letters((left, right))
        return figure

    lacks = len(found) - len(branching)
    return Overlay(
        "misfit-ratio",
        "Largest misfits in L3 and L2",
        "(a) Number of spectra whose largest misfit lies in L3 over that in L2. (b) The same "
        "against the branching ratio of the mean spectrum"
        + (f"; {lacks} without a valley between both edges are not in (b)." if lacks else "."),
        draw,
    )


def _channel_correlations(named: Mapping[str, RunRecord]) -> Overlay | None:
    def pick(metrics: Mapping[str, Any]) -> Mapping[str, Any] | None:
        rows = _at(metrics, "analyses", "misfit", "channels")
        return rows if isinstance(rows, Mapping) and set(CHANNELS) <= set(rows) else None

    found = _found(named, pick)
    if not found:
        return None
    values = {
        (name, of): np.array([_nan(rows[name][of]) for rows in found.values()])
        for name in CHANNELS
        for of in ("std", "mean")
    }

    def draw() -> Figure:
        from xreg.core.analysis import style

        figure = style.new_figure(5.4)
        axes = figure.subplots(3, 1, sharex=True)
        place = np.arange(len(found))
        for axis, name in zip(axes, CHANNELS, strict=True):
            for of, colour, line, shift in (
                ("std", style.PREDICTED, "--", -0.2), ("mean", style.BIAS, ":", 0.2),
            ):  # fmt: skip
                rows = values[name, of]
                axis.bar(place + shift, rows, 0.38, color=colour,
                         label={"std": "with σ", "mean": "with μ"}[of])  # fmt: skip
                axis.axhline(np.nanmean(rows), ls=line, color=colour, lw=1)
            axis.set_ylabel("Pearson r")
            axis.set_title(TITLES[name])
        figure.legend(*axes[0].get_legend_handles_labels(), ncols=2, loc="outside upper right")
        axes[-1].set_xticks(place, list(found), rotation=90)
        style.panel_letters(axes)
        return figure

    means = "; ".join(
        f"{TITLES[name]} {np.nanmean(values[name, 'std']):.2f} with σ, "
        f"{np.nanmean(values[name, 'mean']):.2f} with μ"
        for name in CHANNELS
    )
    return Overlay(
        "channel-correlations",
        "What errors go with, energy by energy",
        "Correlation over energies with the standard deviation σ and the mean μ of the true "
        f"spectra; dashed and dotted: means over the results ({means}).",
        draw,
    )


TITLES = {
    "mean absolute difference": "SE_c, the mean absolute difference",
    "largest KST": "largest KST",
    "number of KSTs": "number of KSTs",
}


def _nan(value: Any) -> float:
    return np.nan if value is None else float(value)


def _outliers(named: Mapping[str, RunRecord]) -> Overlay | None:
    def pick(metrics: Mapping[str, Any]) -> tuple[float, float] | None:
        found = _at(metrics, "analyses", "spectrum-error") or {}
        largest, outliers = found.get("largest"), found.get("outliers")
        return None if largest is None or outliers is None else (float(largest), float(outliers))

    found = _found(named, pick)
    if not found:
        return None

    def draw() -> Figure:
        from xreg.core.analysis import style

        figure = style.new_figure(3.2, style.WIDTH * 0.7)
        axis = figure.subplots()
        for label, (largest, outliers) in found.items():
            axis.plot(largest, outliers, ".", color=style.PREDICTED)
            axis.annotate(label, (largest, outliers), xytext=(3, 2), fontsize=7,
                          textcoords="offset points")  # fmt: skip
        axis.set_yscale("symlog", linthresh=1)
        axis.set_ylim(bottom=-0.2)
        axis.set_xlabel("largest spectrum error (%)")
        axis.set_ylabel("outliers (spectra)")
        return figure

    return Overlay(
        "outliers",
        "Outliers",
        "Number of spectra with a spectrum error of 10 % and more against the largest error.",
        draw,
    )


def _error_along(named: Mapping[str, RunRecord]) -> Overlay | None:
    def pick(metrics: Mapping[str, Any]) -> Mapping[str, Any] | None:
        found = _at(metrics, "analyses", "error-along")
        return found if isinstance(found, Mapping) and found.get("curve") else None

    found = _found(named, pick)
    if not found or len({(one["parameter"], one["unit"]) for one in found.values()}) > 1:
        return None
    (parameter, unit), *_ = {(one["parameter"], one["unit"]) for one in found.values()}
    with_unit = f"{parameter} ({unit})" if unit else parameter

    def draw() -> Figure:
        from xreg.core.analysis import style

        figure = style.new_figure(3.2)
        left, right = figure.subplots(1, 2)
        for i, (label, one) in enumerate(found.items()):
            colour, line = _look(i)
            left.plot(one["curve"]["at"], one["curve"]["error"], line, color=colour, label=label)
        left.axhline(10, color=style.GUIDE, lw=0.8)
        style.log_ticks(left.yaxis)
        left.locator_params(axis="x", nbins=5)
        left.set_xlabel(with_unit)
        left.set_ylabel("spectrum error (%)")
        left.legend(ncols=2, fontsize=6)
        place = np.arange(len(found))
        right.bar(place, [one["share_under_limit"] for one in found.values()], color=style.BIAS)
        right.set_xticks(place, list(found), rotation=90)
        right.set_ylabel("spectra under the limit (%)")
        right.set_ylim(0, 100)
        style.panel_letters((left, right))
        return figure

    return Overlay(
        "error-along",
        f"Spectrum error along {parameter}",
        "(a) Mean of the Gaussian process of each result (of the error's logarithm). (b) Share of "
        "all spectra under the limit.",
        draw,
    )


def _look(i: int) -> tuple[str, str]:
    from xreg.core.analysis import style

    return style.PALETTE[i % len(style.PALETTE)], LINES[i // len(style.PALETTE) % len(LINES)]


MAKERS: Sequence[Callable[[Mapping[str, RunRecord]], Overlay | None]] = (
    _covered_variance,
    _spectrum_error,
    _misfit_ratio,
    _channel_correlations,
    _outliers,
    _error_along,
)
