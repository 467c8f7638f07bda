"""Pictures of what was found of each pixel of a map, or along a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Panel", "draw_panels"]

COLUMNS = 4
DEAD = "#d9dde2"
SHARE = 1.0  # per cent left out at both ends of a colour scale
TITLE = 22  # letters of a line


@dataclass(frozen=True, eq=False)
class Panel:
    """One quantity of n spectra.

    Attributes
    ----------
    title
        What it is, with its unit.
    values
        (n,) numbers, or texts of a few kinds; NaN or empty where there is none.
    std
        (n,) σ, drawn along a series.
    """

    title: str
    values: NDArray[Any]
    std: NDArray[np.float64] | None = None


def draw_panels(
    panels: Sequence[Panel], shape: tuple[int, ...], names: Sequence[str] = ()
) -> Figure:
    """Draw maps beside each other, dead pixels grey; or curves along a series.

    Parameters
    ----------
    panels
        What is drawn, of n spectra each.
    shape
        Height and width of the map, or length of the series.
    names
        Names of the spectra of a series.
    """
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    is_map = len(shape) == 2 and min(shape) > 1
    height = 1.6 * rows + 0.5
    if is_map:  # as tall as the maps are
        height = rows * (0.55 + 1.25 * min(max(shape[0] / shape[1], 0.3), 2.0))
    figure = style.new_figure(height, style.WIDTH)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, panel in zip(axes, panels, strict=False):
        if is_map:
            _map(figure, axis, panel, shape)
        else:
            _curve(axis, panel, names)
        axis.set_title("\n".join(wrap(panel.title, TITLE)), fontsize=8)
    for axis in axes[len(panels) :]:
        axis.remove()
    return figure


def _map(figure: Figure, axis: Axes, panel: Panel, shape: tuple[int, ...]) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import BoundaryNorm, ListedColormap

    numbers, kinds = _numbers(panel.values)
    values = numbers.reshape(shape)
    colours = colormaps["viridis"].copy()
    limits: dict[str, Any] = {}
    if kinds:
        palette = [style.PALETTE[i % len(style.PALETTE)] for i in range(len(kinds))]
        colours = ListedColormap(palette)
        limits["norm"] = BoundaryNorm(np.arange(len(kinds) + 1) - 0.5, len(kinds))
    elif np.isfinite(values).any():
        low, high = np.nanpercentile(values, [SHARE, 100 - SHARE])
        limits = {"vmin": low, "vmax": high}
    colours.set_bad(DEAD)
    image = axis.imshow(
        np.ma.masked_invalid(values), cmap=colours, interpolation="nearest", **limits
    )
    bar = figure.colorbar(image, cax=axis.inset_axes((1.04, 0.0, 0.06, 1.0)))
    bar.ax.tick_params(labelsize=6)
    if kinds:
        bar.set_ticks(list(range(len(kinds))), labels=[kind[:14] for kind in kinds])
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.set_xticks([])
    axis.set_yticks([])


def _curve(axis: Axes, panel: Panel, names: Sequence[str]) -> None:
    numbers, kinds = _numbers(panel.values)
    at = np.arange(1, len(numbers) + 1)
    spread = None if panel.std is None else np.nan_to_num(panel.std)
    axis.errorbar(
        at, numbers, spread, fmt="o-", ms=3, lw=0.8, elinewidth=0.7, color=style.PREDICTED
    )
    if kinds:
        axis.set_yticks(range(len(kinds)), [kind[:14] for kind in kinds])
    style.count_axis(axis.xaxis)
    axis.set_xlabel("spectrum")


def _numbers(values: NDArray[Any]) -> tuple[NDArray[np.float64], list[str]]:
    """Return values to draw, and the kinds that they stand for where they are texts."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64), []
    kinds = sorted({str(value) for value in values.tolist() if value})
    place = {kind: float(i) for i, kind in enumerate(kinds)}
    return np.array([place.get(str(value), np.nan) for value in values.tolist()]), kinds
