"""Steps that move energies or bring spectra onto another grid."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.core.interfaces import Step
from xreg.core.interfaces.step import Curves
from xreg.plugins.processing.plugin import (
    AlignConfig,
    CoarsenConfig,
    ResampleConfig,
    ShiftConfig,
)

__all__ = ["Align", "Coarsen", "Resample", "Shift"]

ITERATIONS, SETTLED = 1000, 1e-7
"""How often the middle of a band is looked for anew, and how little (eV) it then moves."""


class Shift(Step[ShiftConfig]):
    """Energies moved as a whole."""

    name = "shift"
    Config = ShiftConfig

    @property
    def labels(self) -> tuple[str, ...]:
        """The label whose value is added, if any."""
        return (self.config.label,) if self.config.label else ()

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        moved = curves.label(self.config.label) if self.config.label else 0.0
        return replace(curves, offset=curves.offset + moved + self.config.by)


class Align(Step[AlignConfig]):
    """Energies moved so that the edge, or a band, stands at a given place."""

    name = "align"
    Config = AlignConfig

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        if self.config.to is not None:
            goals = [(self.config.to, np.arange(len(curves.ids)))]
        else:
            goals = [(edge.energy, rows) for edge, rows in curves.edges(self.config.edge)]
        offset = curves.offset.copy()
        for goal, rows in goals:
            if self.config.each:
                found = [
                    _edge(
                        self.config,
                        curves.grid,
                        curves.intensity[i],
                        f"sample '{curves.ids[i]}'",
                        curves.offset[i],
                    )
                    for i in rows
                ]
                offset[rows] = goal - np.array(found)
                continue
            middle = curves.offset[rows].mean()
            mean = np.mean(
                [np.interp(curves.grid + middle, curves.grid + curves.offset[i],
                curves.intensity[i])
                 for i in rows], axis=0,
            )  # fmt: skip
            offset[rows] += (
                goal - middle - _edge(self.config, curves.grid, mean, "the mean spectrum", middle)
            )
        return replace(curves, offset=offset)


def _edge(config: AlignConfig, grid: Array, curve: Array, whose: str, offset: float) -> float:
    """Return where on the grid the edge or band of a curve is, in eV."""
    low = -np.inf if config.after is None else config.after - offset
    if config.by == "band":
        return _band(grid, curve, config.reach, low, whose)
    if config.by == "steepest":
        slope = np.diff(curve) / np.diff(grid)
        middles = (grid[1:] + grid[:-1]) / 2
        if not (slope[middles > low] > 0).any():
            raise DataError(f"{whose} does not rise where its edge is looked for.")
        return _vertex(middles, slope, int(np.argmax(np.where(middles > low, slope, -np.inf))))
    level = curve[-max(len(curve) // 4, 1) :].mean() / 2
    rising = np.flatnonzero((curve[:-1] < level) & (curve[1:] >= level) & (grid[1:] > low))
    if level <= 0 or not rising.size:
        raise DataError(f"{whose} does not rise through half of its height.")
    i = int(rising[0])
    return float(np.interp(level, curve[i : i + 2], grid[i : i + 2]))


def _band(grid: Array, curve: Array, reach: float, low: float, whose: str) -> float:
    """Return the mean energy of what lies within ``reach`` of it, in eV."""
    if not (grid > low).any():
        raise DataError(f"{whose} has no energies where its band is looked for.")
    middle = float(grid[np.argmax(np.where(grid > low, curve, -np.inf))])
    steps = np.linspace(-reach, reach, 401)
    for _ in range(ITERATIONS):
        if middle - reach < grid[0] or middle + reach > grid[-1]:
            raise DataError(f"{whose} has a band that reaches beyond its energies; lower 'reach'.")
        values = np.interp(middle + steps, grid, curve)
        if (total := np.trapezoid(values, steps)) <= 0:
            raise DataError(f"{whose} has no band within {reach:g} eV of its maximum.")
        move = float(np.trapezoid(values * steps, steps) / total)
        middle += move
        if abs(move) < SETTLED:
            return middle
    raise DataError(f"{whose} has no band that stands still; change 'reach'.")


def _vertex(x: Array, y: Array, i: int) -> float:
    """Return where the parabola through a maximum and its two neighbours has its own."""
    if not 0 < i < len(x) - 1:
        return float(x[i])
    a, b, _ = np.polyfit(x[i - 1 : i + 2] - x[i], y[i - 1 : i + 2], 2)
    return float(x[i] - b / (2 * a)) if a < 0 else float(x[i])


class Resample(Step[ResampleConfig]):
    """Spectra brought onto one grid."""

    name = "resample"
    Config = ResampleConfig

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        from scipy.interpolate import PchipInterpolator

        target = self.config.about + np.linspace(
            self.config.first, self.config.last, self.config.points
        )
        starts, ends = curves.grid[0] + curves.offset, curves.grid[-1] + curves.offset
        beyond = np.maximum(starts - target[0], target[-1] - ends) - self.config.hold_ends
        if (beyond > 1e-6).any():
            i = int(np.argmax(beyond))
            raise DataError(
                f"sample '{curves.ids[i]}' has energies {starts[i]:.6g}…{ends[i]:.6g} eV, which "
                f"do not "
                f"reach {target[0]:.6g}…{target[-1]:.6g} eV; narrow the window or set hold_ends."
            )
        out = np.empty((len(curves.ids), self.config.points))
        for i, values in enumerate(curves.intensity):
            # Monotonic between points: a sharp line does not ring.
            curve = PchipInterpolator(curves.grid, values)
            out[i] = curve(np.clip(target - curves.offset[i], curves.grid[0], curves.grid[-1]))
        return replace(curves, grid=target, offset=np.zeros(len(out)), intensity=out)


class Coarsen(Step[CoarsenConfig]):
    """Spectra as the means over a few wide channels."""

    name = "coarsen"
    Config = CoarsenConfig

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        edges = np.linspace(self.config.first, self.config.last, self.config.channels + 1)
        means = [
            curves.window_means(curves.intensity, window) for window in pairwise(edges.tolist())
        ]
        intensity = np.stack(means, axis=1)
        middles = (edges[1:] + edges[:-1]) / 2
        return replace(curves, grid=middles, offset=np.zeros(len(intensity)), intensity=intensity)
