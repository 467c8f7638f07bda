"""Figures of decompositions: covered variance, scores, what each direction does."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style
from xreg.core.analysis.style import new_figure
from xreg.core.text import with_unit
from xreg.workbench.report.report_data import Colouring, Decomposition, ReportData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["covered_variance", "score_scatter", "spectral_response"]

LEAST_COVERED = -0.5
MOST_DIRECTIONS = 4
MOST_POINTS = 4000
MOST_CATEGORIES = len(style.PALETTE)
SWEEP_COLOURS = "coolwarm"


def covered_variance(report_data: ReportData) -> Figure:
    """Draw covered spectral variance against rank for every decomposer, train and test."""
    figure = new_figure(2.9, style.WIDTH * 0.85)
    axis = figure.subplots()
    rank = 1
    lowest = 0.0
    shown = [part for part in ("train", "test") if part in report_data.parts]
    for colour, found in zip(cycle(style.PALETTE), report_data.decompositions, strict=False):
        for part in shown:
            values = found.covered.get(part)
            if not values:
                continue
            judged = part == shown[-1]
            ranks = np.arange(1, len(values) + 1)
            rank, lowest = max(rank, len(values)), min(lowest, *values)
            axis.plot(
                ranks,
                values,
                "-o" if judged else "--o",
                color=colour,
                lw=1.6 if judged else 1.0,
                ms=5 if judged else 4,
                mfc=colour if judged else "white",
                label=f"{found.label}, {part}",
                zorder=3 if judged else 2,
            )
    ceiling = report_data.emulator_r2(report_data.judged)
    lowest = min(lowest, 0.0 if ceiling is None else ceiling)
    floor = max(lowest - 0.05, LEAST_COVERED) if lowest < 0 else 0.0
    if ceiling is not None:
        axis.axhline(ceiling, color=style.TRUE, lw=0.9, ls=(0, (1, 2)))
        where = ", below this axis" if ceiling < floor else ""
        axis.annotate(
            f"emulator, all features: {style.r2_text(ceiling)}{where}",
            (0.015, max(ceiling, floor)),
            (0, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=8,
        )
    axis.set_xticks(range(1, rank + 1))
    axis.set_xlim(0.75, rank + 0.25)
    axis.set_ylim(floor, 1.06)
    axis.set_xlabel("rank k")
    axis.set_ylabel("covered spectral variance")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def score_scatter(report_data: ReportData, found: Decomposition) -> Figure:
    """Draw the first two scores of every sample, once for each label or feature as colour.

    With one score only, it is drawn against the label itself.
    """
    chosen = list(report_data.colourings.items()) or [("", Colouring(np.zeros(len(found.ids))))]
    n = len(found.ids)
    # Drawn in random order, so that no part of the data always lies on top.
    order = np.random.default_rng(0).permutation(n)[:MOST_POINTS]
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    width = style.WIDTH * (0.55 if columns == 1 else 1)
    figure = new_figure(2.35 * rows + 0.15 if columns > 1 else 3.0, width)
    several = found.scores.shape[1] > 1
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=several).ravel()
    for axis, (name, colouring) in zip(panels, chosen, strict=False):
        title = with_unit(name, colouring.unit)
        if several:
            _coloured(
                figure,
                axis,
                found.scores[order, 0],
                found.scores[order, 1],
                colouring.values[order],
                title,
            )
            axis.set_xlabel("t₁")
            axis.set_ylabel("t₂")
        else:
            values = colouring.values[order]
            axis.plot(
                found.scores[order, 0],
                _places(values),
                ".",
                ms=2.5,
                alpha=0.6,
                color=style.PALETTE[0],
            )
            axis.set_xlabel("t₁")
            axis.set_ylabel(title or "sample")
            if values.dtype.kind in "biu":
                axis.yaxis.get_major_locator().set_params(integer=True)
    if several:
        style.remove_unused_panels(panels, len(chosen), columns)
    else:
        for axis in panels[len(chosen) :]:
            axis.remove()
    return figure


def _coloured(
    figure: Figure, axis: Axes, x: NDArray[Any], y: NDArray[Any], values: NDArray[Any], title: str
) -> None:
    size = float(np.clip(2500 / max(len(x), 1), 2.5, 14))
    axis.set_title(title)
    few = values.dtype.kind in "biu" and len(np.unique(values)) <= MOST_CATEGORIES
    if values.dtype.kind in "biuf" and not few:
        numbers = values.astype(np.float64)
        finite = numbers[np.isfinite(numbers)]
        low, high = np.quantile(finite, (0.01, 0.99)) if len(finite) else (0, 1)
        points = axis.scatter(
            x, y, c=numbers, s=size, lw=0, vmin=low, vmax=high, cmap="viridis", rasterized=True
        )
        if title:
            bar = figure.colorbar(points, ax=axis, pad=0.02, aspect=25, extend="both")
            bar.outline.set_visible(False)
        return
    names, counts = np.unique(values, return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]
    shown = names[np.sort(frequent)]
    for name, colour in zip(shown, style.PALETTE, strict=False):
        member = values == name
        axis.scatter(x[member], y[member], s=size, lw=0, color=colour, label=str(name))
    rest = ~np.isin(values, shown)
    if rest.any():
        label = f"{len(names) - MOST_CATEGORIES} others"
        axis.scatter(x[rest], y[rest], s=size, lw=0, color=style.GUIDE, label=label, zorder=0)
    axis.legend(
        markerscale=2, fontsize=7, handletextpad=0.1, loc="center left", bbox_to_anchor=(1, 0.5)
    )


def _places(values: NDArray[Any]) -> NDArray[Any]:
    return values if values.dtype.kind in "biuf" else values.astype(str)


def spectral_response(report_data: ReportData, found: Decomposition) -> Figure:
    """Draw how the spectrum changes along each direction, the other scores at their median."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    energy = report_data.target.grid
    sweeps = list(found.sweeps)[:MOST_DIRECTIONS]
    columns = len(sweeps) if len(sweeps) <= 3 else 2
    rows = -(-len(sweeps) // columns)
    figure = new_figure(2.6 * rows + 0.1, style.WIDTH * (0.62 if columns == 1 else 1))
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    percent = Normalize(100 * min(found.shares), 100 * max(found.shares))
    for index, (axis, sweep) in enumerate(zip(panels, sweeps, strict=False), 1):
        for share, spectrum in zip(found.shares, sweep.spectra, strict=True):
            axis.plot(
                energy, spectrum, color=colormaps[SWEEP_COLOURS](percent(100 * share)), lw=1.2
            )
        style.energy_axis(axis, energy, most=5, beside=columns > 1)
        axis.set_ylabel(f"intensity ({report_data.target.unit})")
        ends = f"{sweep.stops[0]:.2g} … {sweep.stops[-1]:.2g}".replace("-", "−")
        axis.set_title(f"t{style.subscript(index)} = {ends}")
    style.remove_unused_panels(panels, len(sweeps), columns)
    bar = figure.colorbar(
        ScalarMappable(percent, SWEEP_COLOURS), ax=list(panels[: len(sweeps)]), pad=0.01, aspect=30
    )
    bar.outline.set_visible(False)
    bar.set_label("percentile of the score")
    return figure
