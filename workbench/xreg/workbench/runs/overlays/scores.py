"""Scores of several results, whatever their spectra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.data.splits import PARTS
from xreg.workbench.runs.overlays.overlay import Overlay, Result, at, found_in, judged, look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "covered_variance",
    "cross_validation",
    "outliers_and_largest",
    "spectrum_error",
    "training_time",
]

# Intervals of the spectrum error from excellent to outlier, light to dark.
SHADES = ("#1b8a6b", "#7fbf9f", "#c9dfa5", "#f2e394", "#f0b86c", "#d4512d", "#20262e")


def covered_variance(named: Mapping[str, Result]) -> Overlay | None:
    """Lay covered variance by rank of all results over each other."""

    def pick(metrics: Mapping[str, Any]) -> dict[str, list[float]] | None:
        found = {}
        for label, parts in (metrics.get("decomposers") or {}).items():
            part = next((p for p in ("test", *PARTS) if parts.get(p)), None)
            if part is not None:
                found[label] = parts[part]
        return found or None

    curves = found_in(named, pick)
    if not curves:
        return None
    whole = {label: judged(named[label].metrics).get("r2") for label in curves}

    def draw() -> Figure:
        from xreg.core.analysis import style

        methods = list(dict.fromkeys(method for found in curves.values() for method in found))
        figure = style.new_figure(3.2)
        axes = figure.subplots(1, len(methods), sharey=True, squeeze=False)[0]
        for axis, method in zip(axes, methods, strict=True):
            for i, (label, found) in enumerate(curves.items()):
                if method not in found:
                    continue
                colour, line = look(i)
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


def cross_validation(named: Mapping[str, Result]) -> Overlay | None:
    """Put performance in cross-validation side by side, relative to the best."""
    found = found_in(
        named, lambda metrics: at(metrics, "analyses", "cross-validation", "held_out", "r2")
    )
    if not found:
        return None
    missing = {label: 1 - np.array(one["values"], dtype=float) for label, one in found.items()}
    best = min(missing.values(), key=np.mean).mean()
    relative = {label: 100 * (values / best - 1) for label, values in missing.items()}
    # One repeat has no spread over repeats: a bar of length zero would claim certainty.
    repeated = all(len(values) > 1 for values in relative.values())

    def draw() -> Figure:
        from xreg.core.analysis import style

        figure = style.new_figure(3.0)
        axis = figure.subplots()
        place = np.arange(len(relative))
        means = [-values.mean() for values in relative.values()]
        spreads = [
            values.mean(axis=-1).std() if repeated else values.std() for values in relative.values()
        ]
        axis.bar(place, means, yerr=spreads, color=style.BIAS, ecolor=style.TRUE, capsize=2)
        axis.axhline(0, color=style.GUIDE, lw=0.8)
        axis.set_xticks(place, list(relative), rotation=90 if len(relative) > 5 else 0)
        axis.set_ylabel("performance\nrelative to the best (%)")
        return figure

    return Overlay(
        "cross-validation",
        "Performance in cross-validation",
        "How much larger the squared error of held-out spectra is than that of the best result, "
        "as a loss of performance (C. D. Rankine and T. J. Penfold, J. Chem. Phys. 156, 164102 "
        "(2022), Figs. 3 to 6); bars: standard deviation over the "
        f"{'repeats' if repeated else 'folds'}.",
        draw,
    )


def training_time(named: Mapping[str, Result]) -> Overlay | None:
    """Follow the score of results that differ in their epochs.

    Held-out folds where every result has them, since the test part is not to choose epochs by.
    """
    folds = {
        label: at(run.metrics, "analyses", "cross-validation", "held_out", "r2", "mean")
        for label, run in named.items()
    }
    held_out = None not in folds.values()
    part = "held-out folds" if held_out else "the judged part"
    found: dict[str, tuple[int, float, float]] = {}
    for label, run in named.items():
        epochs = at(run.recipe, "emulator", "epochs")
        score = folds[label] if held_out else judged(run.metrics).get("r2")
        stages = run.summary.get("seconds")
        seconds = [
            float(value)
            for stage, value in (stages if isinstance(stages, Mapping) else {}).items()
            if str(stage).startswith("emulator")
        ]
        if isinstance(epochs, int) and score is not None and seconds:
            found[label] = epochs, sum(seconds), float(score)
    if len({epochs for epochs, _, _ in found.values()}) < 3:
        return None

    def draw() -> Figure:
        from xreg.core.analysis import style

        figure = style.new_figure(2.9)
        left, right = figure.subplots(1, 2, sharey=True)
        rows = np.array(sorted(found.values()))
        for axis, column, name in ((left, 0, "epochs"), (right, 1, "seconds of training")):
            order = np.argsort(rows[:, column])
            axis.plot(rows[order, column], rows[order, 2], ".-", color=style.BIAS)
            style.log_ticks(axis.xaxis)
            axis.set_xlabel(name)
        left.set_ylabel(f"R² of {part}")
        style.panel_letters((left, right))
        return figure

    return Overlay(
        "training-time",
        "Score against training",
        f"R² of {part} against the epochs asked for and the seconds that one training took "
        "on the machine of each run.",
        draw,
    )


def spectrum_error(named: Mapping[str, Result]) -> Overlay | None:
    """Stack the intervals of the spectrum error."""
    counts = found_in(named, lambda metrics: at(judged(metrics), "spectrum_error", "counts"))
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
        axis.set_xlim(max(min(90.0, np.floor(shares[:, 0].min() / 10) * 10 - 5), 0.0), 100)
        axis.set_xlabel("share of the spectra (%)")
        figure.legend(loc="outside upper center", ncols=4)
        return figure

    return Overlay(
        "spectrum-error",
        "Spectrum error",
        "Share of the spectra of each result in seven intervals of the spectrum error; the axis "
        "need not begin at zero.",
        draw,
    )


def outliers_and_largest(named: Mapping[str, Result]) -> Overlay | None:
    """Put numbers of outliers against largest errors."""

    def pick(metrics: Mapping[str, Any]) -> tuple[float, float] | None:
        found = at(metrics, "analyses", "spectrum-error") or {}
        largest, outliers = found.get("largest"), found.get("outliers")
        return None if largest is None or outliers is None else (float(largest), float(outliers))

    found = found_in(named, pick)
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
