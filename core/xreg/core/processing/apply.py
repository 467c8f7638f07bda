"""From raw spectra to those of a dataset, step by step; each step is pure and repeatable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.edges import Edge, edge_of
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.samples import Samples, Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError, UnknownNameError, did_you_mean
from xreg.core.processing.broadening import arctangent_width, gaussian_matrix, lorentzian_matrix
from xreg.core.processing.steps import (
    Align,
    Arctangent,
    Coarsen,
    Gaussian,
    Lorentzian,
    Normalise,
    ProcessedChannel,
    Resample,
    Shift,
)

__all__ = ["Curves", "apply_steps", "process"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curves:
    """Spectra of n samples on one grid, each displaced by its own offset.

    Attributes
    ----------
    grid
        (m,) energies in eV, rising.
    offset
        (n,) what is added to the grid for each sample, in eV.
    intensity
        (n, m) intensities.
    ids
        (n,) names of the samples, for messages.
    labels
        (n,) values of each label.
    absorbers
        (n,) atomic number of each absorber; None where the samples are no structures.
    """

    grid: Array
    offset: Array
    intensity: Array
    ids: NDArray[np.str_]
    labels: Mapping[str, NDArray[Any]]
    absorbers: NDArray[np.int32] | None = None

    def label(self, name: str) -> Array:
        """Return the values of a label, which must be numbers."""
        if name not in self.labels:
            raise UnknownNameError(f"no label '{name}'{did_you_mean(name, self.labels)}.")
        try:
            values = np.asarray(self.labels[name], dtype=np.float64)
        except ValueError:
            raise DataError(f"the label '{name}' holds text, no energies.") from None
        if not np.isfinite(values).all():
            raise DataError(f"the label '{name}' holds values that are not finite.")
        return values

    def edges(self, name: str) -> list[tuple[Edge, NDArray[np.intp]]]:
        """Return the tabulated edge of each absorbing element and the rows of its samples."""
        if self.absorbers is None:
            raise DataError("samples without structures have no absorber: give width or energy.")
        found = []
        for number in np.unique(self.absorbers):
            try:
                edge = edge_of(SYMBOLS[number], name)
            except DataError as error:
                raise ConfigError(f"{error}.") from None
            found.append((edge, np.flatnonzero(self.absorbers == number)))
        return found


def process(
    spectra: Spectra,
    recipe: Mapping[str, ProcessedChannel],
    samples: Samples,
    labels: Mapping[str, NDArray[Any]],
) -> Spectra:
    """Return the channels that a recipe makes, in its order; one may be made from an earlier one.

    Raises
    ------
    ConfigError, DataError
        If a step cannot be done; the message names the channel, the step and the sample.
    """
    absorbers = samples.absorbers() if isinstance(samples, Structures) else None
    made: dict[str, Channel] = {}
    for name, spec in recipe.items():
        source = made[spec.source] if spec.source in made else spectra[spec.source]
        if source.energy is None:
            raise ConfigError(f"channel '{spec.source}' has target features and no energies.")
        intensity = np.asarray(source.intensity[:], dtype=np.float64)
        grid = np.asarray(source.energy, dtype=np.float64)
        curves = Curves(grid, np.zeros(len(samples)), intensity, samples.ids, labels, absorbers)
        curves = apply_steps(curves, spec.steps, f"channel '{name}'")
        made[name] = Channel(curves.intensity, curves.grid + curves.offset[0], (), source.unit)
    return Spectra(made)


def apply_steps(curves: Curves, steps: Iterable[Any], where: str = "processing") -> Curves:
    """Return the curves after some steps, all on one grid.

    Raises
    ------
    ConfigError, DataError
        If a step cannot be done, or the energies of samples still differ in the end.
    """
    for number, step in enumerate(steps, start=1):
        try:
            curves = _apply(step, curves)
        except (ConfigError, DataError, UnknownNameError) as error:
            raise type(error)(f"{where}, step {number} ({step.step}): {error}") from None
    if np.ptp(curves.offset) != 0:
        raise ConfigError(f"{where}: samples have energies of their own; end with a resample step.")
    return curves


@singledispatch
def _apply(step: Any, curves: Curves) -> Curves:
    raise TypeError(f"{type(step).__name__} is no step")


@_apply.register
def _lorentzian(step: Lorentzian, curves: Curves) -> Curves:
    out = np.empty_like(curves.intensity)
    for width, rows in _widths(step, curves):
        widths = np.full(len(curves.grid), width)
        out[rows] = curves.intensity[rows] @ lorentzian_matrix(curves.grid, curves.grid, widths).T
    return replace(curves, intensity=out)


@_apply.register
def _gaussian(step: Gaussian, curves: Curves) -> Curves:
    matrix = gaussian_matrix(curves.grid, curves.grid, step.width)
    return replace(curves, intensity=curves.intensity @ matrix.T)


@_apply.register
def _arctangent(step: Arctangent, curves: Curves) -> Curves:
    n = len(curves.ids)
    fermi = np.full(n, step.fermi) if isinstance(step.fermi, float) else curves.label(step.fermi)
    out = np.empty_like(curves.intensity)
    for hole, rows in _widths(step, curves):
        # Samples with one Fermi level on the grid share a matrix.
        levels, which = np.unique((fermi - curves.offset)[rows], return_inverse=True)
        for number, level in enumerate(levels):
            mine = rows[which == number]
            if not curves.grid[0] <= level < curves.grid[-1]:
                raise DataError(
                    f"the Fermi level of '{curves.ids[mine[0]]}' stands at {level:g} eV on a grid "
                    f"from {curves.grid[0]:g} to {curves.grid[-1]:g} eV."
                )
            widths = arctangent_width(
                curves.grid - level, hole, step.gamma_max, step.e_cent, step.e_larg
            )
            nodes = np.unique(np.append(curves.grid, level))
            nodes = nodes if step.occupied else nodes[nodes >= level]
            matrix = lorentzian_matrix(nodes, curves.grid, widths, below=step.occupied)
            for i in mine:
                out[i] = matrix @ np.interp(nodes, curves.grid, curves.intensity[i])
    return replace(curves, intensity=out)


def _widths(
    step: Lorentzian | Arctangent, curves: Curves
) -> Iterator[tuple[float, NDArray[np.intp]]]:
    if step.width is not None:
        yield step.width, np.arange(len(curves.ids))
    else:
        for edge, rows in curves.edges(step.edge):
            yield edge.width, rows


@_apply.register
def _shift(step: Shift, curves: Curves) -> Curves:
    moved = curves.label(step.label) if step.label else 0.0
    return replace(curves, offset=curves.offset + moved + step.by)


@_apply.register
def _align(step: Align, curves: Curves) -> Curves:
    if step.to is not None:
        goals = [(step.to, np.arange(len(curves.ids)))]
    else:
        goals = [(edge.energy, rows) for edge, rows in curves.edges(step.edge)]
    offset = curves.offset.copy()
    for goal, rows in goals:
        if step.each:
            found = [
                _edge(
                    step,
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
            [np.interp(curves.grid + middle, curves.grid + curves.offset[i], curves.intensity[i])
             for i in rows], axis=0,
        )  # fmt: skip
        offset[rows] += goal - middle - _edge(step, curves.grid, mean, "the mean spectrum", middle)
    return replace(curves, offset=offset)


def _edge(step: Align, grid: Array, curve: Array, whose: str, offset: float) -> float:
    """Return where on the grid the edge of a curve is, in eV."""
    low = -np.inf if step.after is None else step.after - offset
    if step.by == "steepest":
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


def _vertex(x: Array, y: Array, i: int) -> float:
    """Return where the parabola through a maximum and its two neighbours has its own."""
    if not 0 < i < len(x) - 1:
        return float(x[i])
    a, b, _ = np.polyfit(x[i - 1 : i + 2] - x[i], y[i - 1 : i + 2], 2)
    return float(x[i] - b / (2 * a)) if a < 0 else float(x[i])


@_apply.register
def _normalise(step: Normalise, curves: Curves) -> Curves:
    values = curves.intensity
    if step.pre is not None:
        values = values - _window_means(curves, values, step.pre)[:, None]
    if step.by == "edge-jump":
        assert step.post is not None
        scale = _window_means(curves, values, step.post)
    elif step.by == "maximum":
        scale = values.max(axis=1)
    else:
        scale = np.asarray(np.trapezoid(values, curves.grid, axis=1) / np.ptp(curves.grid))
    if not step.each:
        scale = np.full_like(scale, scale.mean())
    if (bad := np.flatnonzero(scale <= 0)).size:
        raise DataError(f"sample '{curves.ids[bad[0]]}' has a {step.by} of {scale[bad[0]]:.3g}.")
    return replace(curves, intensity=values / scale[:, None])


def _window_means(curves: Curves, values: Array, window: Sequence[float]) -> Array:
    """Return the mean of each curve over a window, (n,): its integral by its length."""
    low, high = window[0] - curves.offset, window[1] - curves.offset
    outside = np.flatnonzero((low < curves.grid[0] - 1e-9) | (high > curves.grid[-1] + 1e-9))
    if outside.size:
        i = outside[0]
        raise DataError(
            f"the window {window[0]:g}…{window[1]:g} eV leaves the energies of sample "
            f"'{curves.ids[i]}', {curves.grid[0] + curves.offset[i]:.6g}…"
            f"{curves.grid[-1] + curves.offset[i]:.6g} eV."
        )
    means = np.empty(len(values))
    for i, curve in enumerate(values):
        inside = curves.grid[(curves.grid > low[i]) & (curves.grid < high[i])]
        nodes = np.concatenate([[low[i]], inside, [high[i]]])
        means[i] = np.trapezoid(np.interp(nodes, curves.grid, curve), nodes) / (high[i] - low[i])
    return means


@_apply.register
def _resample(step: Resample, curves: Curves) -> Curves:
    from scipy.interpolate import PchipInterpolator

    target = step.about + np.linspace(step.first, step.last, step.points)
    starts, ends = curves.grid[0] + curves.offset, curves.grid[-1] + curves.offset
    beyond = np.maximum(starts - target[0], target[-1] - ends) - step.hold_ends
    if (beyond > 1e-6).any():
        i = int(np.argmax(beyond))
        raise DataError(
            f"sample '{curves.ids[i]}' has energies {starts[i]:.6g}…{ends[i]:.6g} eV, which do not "
            f"reach {target[0]:.6g}…{target[-1]:.6g} eV; narrow the window or set hold_ends."
        )
    out = np.empty((len(curves.ids), step.points))
    for i, values in enumerate(curves.intensity):
        # Monotonic between points: a sharp line does not ring.
        curve = PchipInterpolator(curves.grid, values)
        out[i] = curve(np.clip(target - curves.offset[i], curves.grid[0], curves.grid[-1]))
    return replace(curves, grid=target, offset=np.zeros(len(out)), intensity=out)


@_apply.register
def _coarsen(step: Coarsen, curves: Curves) -> Curves:
    edges = np.linspace(step.first, step.last, step.channels + 1)
    means = [_window_means(curves, curves.intensity, window) for window in pairwise(edges.tolist())]
    intensity = np.stack(means, axis=1)
    middles = (edges[1:] + edges[:-1]) / 2
    return replace(curves, grid=middles, offset=np.zeros(len(intensity)), intensity=intensity)
