"""Errors of L edges in several results: J. Lüder, arXiv:2107.13149, Figs. 6 to 9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.workbench.runs.overlays.overlay import Overlay, Result, at, found_in, look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["channel_correlations", "error_along", "misfit_ratio"]

CHANNELS = ("mean absolute difference", "largest KST", "number of KSTs")


def misfit_ratio(named: Mapping[str, Result]) -> Overlay | None:
    """Put r_MEPD beside the branching ratio."""
    found = found_in(named, lambda metrics: at(metrics, "analyses", "misfit", "r_mepd"))
    if not found:
        return None
    branching = {
        label: ratio
        for label in found
        if (ratio := at(named[label].metrics, "analyses", "misfit", "branching_ratio")) is not None
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


def channel_correlations(named: Mapping[str, Result]) -> Overlay | None:
    """Put the correlations over channels side by side, with their means."""

    def pick(metrics: Mapping[str, Any]) -> Mapping[str, Any] | None:
        rows = at(metrics, "analyses", "misfit", "channels")
        return rows if isinstance(rows, Mapping) and set(CHANNELS) <= set(rows) else None

    found = found_in(named, pick)
    if not found:
        return None
    values = {
        (name, of): np.array([_number(rows[name][of]) for rows in found.values()])
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


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)


def error_along(named: Mapping[str, Result]) -> Overlay | None:
    """Lay the curves of the error along one parameter over each other."""

    def pick(metrics: Mapping[str, Any]) -> Mapping[str, Any] | None:
        found = at(metrics, "analyses", "error-along")
        return found if isinstance(found, Mapping) and found.get("curve") else None

    found = found_in(named, pick)
    if not found or len({(one["parameter"], one["unit"]) for one in found.values()}) > 1:
        return None
    (parameter, unit), *_ = {(one["parameter"], one["unit"]) for one in found.values()}
    with_unit = f"{parameter} ({unit})" if unit else parameter

    def draw() -> Figure:
        from xreg.core.analysis import style

        figure = style.new_figure(3.2)
        left, right = figure.subplots(1, 2)
        for i, (label, one) in enumerate(found.items()):
            colour, line = look(i)
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
