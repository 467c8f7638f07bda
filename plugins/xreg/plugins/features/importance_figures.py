"""Figures of feature importance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style
from xreg.core.analysis.components import AxisBlock, blocks
from xreg.core.arrays import Array
from xreg.core.interfaces import FeatureLabel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from xreg.plugins.features.importance import Importance

__all__ = ["by_block", "by_feature"]

DISTANCE = "distance (Å)"
MOST_BARS = 20
MOST_CURVES = 8


def by_feature(
    labels: Sequence[FeatureLabel],
    found: Importance,
    radial: tuple[Array, Array] | None = None,
    marks: NDArray[np.intp] | None = None,
) -> Figure:
    """Draw the importance of single features along their axes; bars for those without one.

    One row for each part of the spectrum, one column for each axis (radius, width). The blocks that
    matter most on an axis are coloured. Above distances stands the radial distribution of atoms,
    and features that are marked have a triangle, as in Rankine & Penfold, Fig. 8.
    """
    parts = blocks(labels)
    on_axis = [block for block in parts if isinstance(block, AxisBlock)]
    axes = list(dict.fromkeys(block.axis for block in on_axis))
    if not axes:
        return _bars([label.title for label in labels], found)
    above = 1 if radial is not None and DISTANCE in axes else 0
    rows = len(found.ranges) + above
    figure = style.new_figure(1.45 * rows + 0.3)
    grid = figure.subplots(rows, len(axes), squeeze=False, sharex="col")
    if above and radial is not None:
        _radial(grid[0], axes.index(DISTANCE), *radial)
        grid = grid[1:]
    for column, name in enumerate(axes):
        curves = [block for block in on_axis if block.axis == name]
        weight = np.array([found.mean[block.columns, 0].clip(0).sum() for block in curves])
        strongest = np.argsort(-weight, kind="stable")[:MOST_CURVES].tolist()
        colours = {index: style.PALETTE[i] for i, index in enumerate(sorted(strongest))}
        for row, part in enumerate(found.ranges):
            axis = grid[row, column]
            for index, block in enumerate(curves):
                _curve(axis, block, found, row, colours.get(index))
                if row == 0 and marks is not None:
                    _marks(axis, block, found, marks)
            axis.axhline(0, color=style.GUIDE, lw=0.7, zorder=0)
            axis.set_title(part if column == 0 else "")
            axis.set_ylabel("loss of R²" if column == 0 else "")
            axis.margins(y=0.1)
        grid[-1, column].set_xlabel(name)
        if len(curves) == 1:
            grid[0, column].set_title(f"{curves[0].name}: {found.ranges[0]}")
        elif column == len(axes) - 1:
            grid[0, column].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
        else:
            grid[0, column].legend(fontsize=6.5, handlelength=1.0, labelspacing=0.2)
    return figure


def _curve(axis: Axes, block: AxisBlock, found: Importance, part: int, colour: str | None) -> None:
    mean, spread = found.mean[block.columns, part], found.spread[block.columns, part]
    look: dict[str, Any] = {"color": style.GUIDE, "lw": 0.6, "zorder": 1}
    if colour is not None:
        axis.fill_between(block.at, mean - spread, mean + spread, color=colour, alpha=0.2)
        look = {"color": colour, "lw": 1.3, "label": block.name}
    if len(block.columns) < 12:
        look |= {"marker": "o", "ms": 2.5}
    axis.plot(block.at, mean, **look)


def _radial(row: Sequence[Axes], column: int, edges: Array, counts: Array) -> None:
    """Draw the distribution above its column; the others of the row stay empty."""
    for place, axis in enumerate(row):
        if place != column:
            axis.set_axis_off()
    row[column].stairs(counts, edges, fill=True, color=style.TRUE_FILL)
    row[column].set_ylabel("atoms")
    row[column].set_title("atoms about the absorber")


def _marks(axis: Axes, block: AxisBlock, found: Importance, marks: NDArray[np.intp]) -> None:
    chosen = np.isin(block.columns, marks)
    heights = found.mean[block.columns, 0]
    axis.plot(block.at[chosen], heights[chosen], "v", ms=4, color=style.TRUE, zorder=3)


def by_block(names: Sequence[str], found: Importance) -> Figure:
    """Draw the importance of whole blocks."""
    return _bars(names, found)


def _bars(names: Sequence[str], found: Importance) -> Figure:
    shown = np.argsort(-found.mean[:, 0], kind="stable")[:MOST_BARS]
    panels_of = len(found.ranges)
    figure = style.new_figure(0.8 + 0.19 * max(len(shown), 4))
    panels = figure.subplots(1, panels_of, sharey=True, squeeze=False)[0]
    places = np.arange(len(shown))
    for part, (axis, name) in enumerate(zip(panels, found.ranges, strict=True)):
        mean, spread = found.mean[shown, part], found.spread[shown, part]
        colours = [style.PALETTE[0] if value >= 0 else style.PREDICTED for value in mean]
        axis.barh(places, mean, color=colours, height=0.65)
        axis.errorbar(mean, places, xerr=spread, fmt="none", ecolor=style.TRUE, elinewidth=0.8)
        axis.axvline(0, color=style.TRUE, lw=0.7)
        axis.locator_params(axis="x", nbins=3)
        axis.tick_params(axis="y", length=0)
        axis.set_title(name, fontsize=8)
        axis.set_xlabel("loss of R²")
    panels[0].set_yticks(places, [names[g] for g in shown], fontsize=7)
    panels[0].set_ylim(len(shown) - 0.4, -0.6)
    return figure
