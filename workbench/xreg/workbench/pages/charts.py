"""Curves as SVG, drawn in colours that the page's style sheet sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chart", "Line", "chart"]

WIDTH, HEIGHT = 480, 250
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 10, 44
TICKS = 5
LARGEST = 1e100
"""Beyond this nothing is drawn; sums and squares of a stranger's numbers could overflow."""


@dataclass(frozen=True, eq=False)
class Line:
    """A curve with the class that gives it its colour.

    Attributes
    ----------
    x, y
        (m,) values; a curve is broken where y is not finite.
    style
        Class of the style sheet (``mean``, ``train``).
    spread
        (m,) half the height of the band about it, where it has one.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    style: str
    spread: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in the units of the picture, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """What a template draws: paths and ticks in units of the picture."""

    title: str
    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    across: Sequence[Tick]
    up: Sequence[Tick]
    bands: Sequence[tuple[str, str]]
    lines: Sequence[tuple[str, str]]
    x_title: str
    y_title: str


def chart(title: str, lines: Sequence[Line], x_title: str, y_title: str) -> Chart:
    """Return lines, scaled to a picture.

    Parameters
    ----------
    title
        What a reader who cannot see it is told.
    lines
        At least one, with at least two finite points between them.
    x_title, y_title
        Names of the axes, with units.
    """
    lines = [_drawable(line) for line in lines]
    x = np.concatenate([line.x for line in lines])
    edges = [
        line.y + s * (0 if line.spread is None else line.spread) for line in lines for s in (-1, 1)
    ]
    y = np.concatenate(edges)
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    low, high = (float(y.min()), float(y.max())) if y.size else (0.0, 1.0)
    pad = 0.04 * (high - low) or abs(low) * 0.05 or 1.0
    low, high = low - pad, high + pad
    left, right = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
    span = right - left or 1.0

    def across(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return LEFT + (values - left) / span * (WIDTH - LEFT - RIGHT)

    def up(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return HEIGHT - BOTTOM - (values - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    bands = []
    for line in lines:
        if line.spread is not None:
            good = np.isfinite(line.y) & np.isfinite(line.spread)
            there, back = line.y + line.spread, (line.y - line.spread)[::-1]
            outline = _path(across(line.x[good]), up(there[good]))
            outline += _path(across(line.x[good][::-1]), up(back[good[::-1]])).replace("M", "L", 1)
            bands.append((line.style, outline + "Z"))
    return Chart(
        title,
        WIDTH,
        HEIGHT,
        LEFT,
        WIDTH - RIGHT,
        TOP,
        HEIGHT - BOTTOM,
        [Tick(float(across(np.array(v))), text) for v, text in _ticks(left, right)],
        [Tick(float(up(np.array(v))), text) for v, text in _ticks(low, high)],
        bands,
        [(line.style, _path(across(line.x), up(line.y))) for line in lines],
        x_title,
        y_title,
    )


def _drawable(line: Line) -> Line:
    """Return the line without what no picture can show."""

    def clean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(np.abs(values) <= LARGEST, values, np.nan)

    spread = None if line.spread is None else clean(line.spread)
    return Line(clean(line.x), clean(line.y), line.style, spread)


def _path(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    parts, pen = [], "M"
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if np.isfinite(a) and np.isfinite(b):
            parts.append(f"{pen}{a:.1f} {b:.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(parts)


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return round numbers between two others, and how they are written."""
    from matplotlib.ticker import MaxNLocator

    values = MaxNLocator(TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    inside = [float(v) for v in values if low <= v <= high]
    return [(v, f"{round(v, 12):.6g}".replace("-", "−")) for v in inside]
