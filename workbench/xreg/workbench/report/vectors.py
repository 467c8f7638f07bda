"""Figures of directions: basis vectors on the physical axis of the descriptor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style
from xreg.core.analysis.components import AxisBlock, Block, block_names, block_shares, blocks
from xreg.core.analysis.style import new_figure
from xreg.core.interfaces import FeatureLabel
from xreg.workbench.report.report_data import ReportData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["component_vectors"]

# More columns than this are summed up instead of drawn one by one.
MOST_BARS = 30
MOST_DIRECTIONS = 4
MOST_CURVES = 6
MOST_SHARES = 10
MOST_WEIGHTS = 8
FEW_WEIGHTS = 3
LEAST_SHARE = 0.01


def component_vectors(report_data: ReportData, vectors: NDArray[Any]) -> Figure:
    """Draw the (k, d) basis vectors, each on what the descriptor's columns mean.

    Few features are bars, side by side for all vectors. Of many, each vector gets a row: features
    on an axis are curves along it, one a block (an element pair); of others the share of each
    block in the squared length and, unless they are few, the largest weights are shown.
    """
    vectors = vectors[:MOST_DIRECTIONS]
    labels = report_data.features
    if len(labels) <= MOST_BARS and not any(label.axis for label in labels):
        return _all_bars(vectors, labels)
    parts = blocks(labels)
    on_axis = [block for block in parts if isinstance(block, AxisBlock)]
    loose = [block for block in parts if not block.axis]
    panels: list[Any] = []
    for name in dict.fromkeys(block.axis for block in on_axis):
        panels.append(partial(_curves, [block for block in on_axis if block.axis == name], vectors))
    columns = np.concatenate([[], *(block.columns for block in loose)]).astype(np.intp)
    few = 0 < len(columns) <= FEW_WEIGHTS and bool(panels)
    if len(parts) > MOST_CURVES or len(loose) > 1 or few:
        panels.append(partial(_shares, parts, vectors))
    if loose and not few:
        panels.append(partial(_largest, columns, labels))
    figure = new_figure(1.75 * len(vectors) + 0.2)
    grid = figure.subplots(len(vectors), len(panels), squeeze=False)
    for index, (row, vector) in enumerate(zip(grid, vectors, strict=True)):
        for axis, draw in zip(row, panels, strict=True):
            draw(axis, vector, index == len(vectors) - 1)
        title = row[0].get_title(loc="left")
        row[0].set_title(f"v{style.subscript(index + 1)}" + (f": {title}" if title else ""))
    return figure


def _all_bars(vectors: NDArray[Any], labels: Sequence[FeatureLabel]) -> Figure:
    figure = new_figure(0.65 + 0.22 * max(len(labels), 3))
    row = figure.subplots(1, len(vectors), squeeze=False, sharey=True, sharex=True)[0]
    for index, (axis, vector) in enumerate(zip(row, vectors, strict=True), 1):
        _bars(axis, vector, [label.title for label in labels])
        axis.set_xlabel("weight")
        axis.set_title(f"v{style.subscript(index)}")
    row[0].invert_yaxis()
    return figure


def _bars(axis: Axes, weights: NDArray[Any], names: Sequence[str]) -> None:
    colours = [style.PALETTE[0] if weight >= 0 else style.PREDICTED for weight in weights]
    places = np.arange(len(names))
    axis.barh(places, weights, color=colours, height=0.65)
    axis.axvline(0, color=style.TRUE, lw=0.7)
    reach = 1.1 * float(np.abs(weights).max()) or 1.0
    axis.set_xlim(-reach, reach)
    axis.locator_params(axis="x", nbins=4)
    axis.tick_params(axis="y", length=0)
    axis.set_yticks(places, names)


def _curves(
    parts: list[AxisBlock], vectors: NDArray[Any], axis: Axes, vector: NDArray[Any], last: bool
) -> None:
    """Draw a vector along one axis; the blocks that weigh most in all vectors are coloured."""
    weight = np.array([np.square(vectors[:, block.columns]).sum() for block in parts])
    strongest = np.argsort(-weight, kind="stable")[:MOST_CURVES]
    coloured = [i for i in strongest.tolist() if weight[i] >= LEAST_SHARE * weight.sum() > 0]
    axis.axhline(0, color=style.GUIDE, lw=0.7, zorder=0)
    for i, block in enumerate(parts):
        look: dict[str, Any] = {"marker": "o", "ms": 2.5} if len(block.columns) < 12 else {}
        if i in coloured:
            colour = style.PALETTE[coloured.index(i)]
            look |= {"color": colour, "lw": 1.3, "label": block.name}
        else:
            look |= {"color": style.GUIDE, "lw": 0.6, "zorder": 1}
        axis.plot(block.at, vector[block.columns], **look)
    # One scale for all vectors: what is small is seen to be small.
    reach = max(float(np.abs(vectors[:, block.columns]).max()) for block in parts)
    axis.set_ylim(-1.1 * reach or -1, 1.1 * reach or 1)
    axis.set_ylabel("weight")
    axis.tick_params(labelbottom=last)
    if last:
        axis.set_xlabel(parts[0].axis)
        if any(block.name for block in parts):  # below all rows, whose colours are the same
            axis.legend(
                loc="upper center",
                bbox_to_anchor=(0.45, -0.35),
                ncols=2,
                fontsize=7,
                handlelength=1.0,
                columnspacing=1.0,
            )


def _shares(
    parts: list[Block], vectors: NDArray[Any], axis: Axes, vector: NDArray[Any], last: bool
) -> None:
    mean = block_shares(vectors, parts).mean(axis=0)
    order = [i for i in np.argsort(-mean, kind="stable").tolist() if mean[i] >= LEAST_SHARE]
    order = order[:MOST_SHARES]
    share = block_shares(vector[None], parts)[0]
    axis.barh(np.arange(len(order)), 100 * share[order], color=style.PALETTE[0], height=0.65)
    names = block_names(parts)
    axis.set_yticks(np.arange(len(order)), [names[i] for i in order], fontsize=7)
    axis.tick_params(axis="y", length=0)
    axis.set_xlim(0, 100)
    axis.set_ylim(max(len(order), 3) - 0.5, -0.5)
    axis.tick_params(labelbottom=last)
    axis.set_title("share of each block")
    if last:
        axis.set_xlabel("share of |v|² (%)")


def _largest(
    columns: NDArray[np.intp],
    labels: Sequence[FeatureLabel],
    axis: Axes,
    vector: NDArray[Any],
    last: bool,
) -> None:
    top = columns[np.argsort(-np.abs(vector[columns]), kind="stable")[:MOST_WEIGHTS]]
    _bars(axis, vector[top], [labels[column].title for column in top])
    axis.tick_params(axis="y", labelsize=6)
    axis.invert_yaxis()
    axis.set_title(f"largest of {len(columns):,} weights", loc="right")
    if last:
        axis.set_xlabel("weight")
