"""What is fitted: a measured spectrum, the unknown parameters, shift, scale and background."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.errors import ConfigError, DataError, UnknownNameError, did_you_mean
from xreg.core.measured.spectrum import Measured

__all__ = [
    "SHIFT",
    "Background",
    "BackgroundKind",
    "Problem",
    "narrowed",
    "range_text",
]

Range = tuple[float, float]
BackgroundKind = Literal["none", "constant", "linear", "steps", "linear+steps"]

SHIFT = "shift"
"""What the rigid energy shift is called beside the parameters."""


@dataclass(frozen=True)
class Background:
    """What a measured spectrum has beside its lines: a sum of curves with unknown heights.

    Attributes
    ----------
    kind
        ``constant``; ``linear``, a constant and a slope; ``steps``, a constant and a step at each
        edge; ``linear+steps``; or ``none``.
    edges
        (e,) energies of the steps in eV. Of two, the first is twice as high as the second, as L3
        and L2 have four and two electrons; otherwise all are equal.
    width
        Full width at half maximum of an arctangent step's derivative, in eV.
    """

    kind: BackgroundKind = "linear"
    edges: tuple[float, ...] = ()
    width: float = 1.0

    def columns(self, energy: Array) -> dict[str, Array]:
        """Return each curve (k,) at the energies, of height about one, by name."""
        found = {}
        if self.kind != "none":
            found["constant"] = np.ones_like(energy)
        if self.kind.startswith("linear"):
            found["slope"] = (energy - energy.mean()) / (energy[-1] - energy[0])
        if self.kind.endswith("steps"):
            if not self.edges:
                raise ConfigError(
                    "a background of steps needs the energies of its edges; give each with --edge."
                )
            share = np.array([2.0, 1.0]) if len(self.edges) == 2 else np.ones(len(self.edges))
            turn = np.arctan(2 * (energy[:, None] - np.array(self.edges)) / self.width) / np.pi
            found["steps"] = (turn + 0.5) @ (share / share.sum())
        return found


@dataclass(frozen=True, eq=False)
class Problem:
    """Which parameters make a model's spectrum the measured one.

    The measured intensities are ``scale * s(energy - shift; parameters) + background``. The scale
    and the heights of the background are linear and solved for at every step (variable projection,
    G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)); the d *coordinates* that
    remain, the free parameters and the shift, are counted from 0 to 1 across their ranges.

    Attributes
    ----------
    measured
        The spectrum, within the window that is fitted.
    names, units
        Name and unit of each of p parameters.
    ranges
        (p, 2) smallest and largest value of each; equal for a fixed one.
    shift
        Smallest and largest shift in eV; equal for a fixed one.
    background
        What kind of background there is.
    """

    measured: Measured
    names: tuple[str, ...]
    units: tuple[str, ...]
    ranges: Array
    shift: Range = (0.0, 0.0)
    background: Background = Background()

    def __post_init__(self) -> None:
        if not len(self.labels):
            raise ConfigError("every parameter is fixed; leave at least one free.")
        unknowns = len(self.labels) + 1 + self.curves.shape[1]
        if len(self.measured) < 2 * unknowns:
            raise DataError(
                f"the spectrum has {len(self.measured)} points in the window that is fitted, too "
                f"few for {unknowns} unknowns; give at least {2 * unknowns}."
            )

    @cached_property
    def curves(self) -> Array:
        """(k, q) curves of the background."""
        found = self.background.columns(self.measured.energy)
        return np.array(list(found.values())).reshape(len(found), len(self.measured)).T

    @property
    def curve_names(self) -> tuple[str, ...]:
        """Names of those."""
        return tuple(self.background.columns(self.measured.energy))

    @cached_property
    def weight(self) -> Array:
        """(k,) weight of each point: one over its noise, or one where that is not known."""
        noise = self.measured.noise
        return np.ones(len(self.measured)) if noise is None else 1 / noise

    @cached_property
    def _ends(self) -> Array:
        return np.vstack([self.ranges, self.shift])

    @cached_property
    def _free(self) -> NDArray[np.intp]:
        return np.flatnonzero(self._ends[:, 1] > self._ends[:, 0])

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Names of the d coordinates."""
        return tuple((*self.names, SHIFT)[i] for i in self._free)

    @property
    def label_units(self) -> tuple[str, ...]:
        """Their units."""
        return tuple((*self.units, "eV")[i] for i in self._free)

    @property
    def origin(self) -> Array:
        """(d,) smallest value of each."""
        return np.asarray(self._ends[self._free, 0])

    @property
    def widths(self) -> Array:
        """(d,) width of each range."""
        return np.asarray(np.diff(self._ends[self._free])[:, 0])

    @cached_property
    def spread(self) -> Array:
        """(d, p + 1) what a whole coordinate adds to the parameters and the shift."""
        found = np.zeros((len(self._free), len(self._ends)))
        found[np.arange(len(self._free)), self._free] = self.widths
        return found

    def values(self, x: Any) -> Any:
        """Return (n, p + 1) parameters and shift of (n, d) coordinates, arrays or tensors."""
        start, spread = self._ends[:, 0], self.spread
        if isinstance(x, np.ndarray):
            return start + x @ spread
        import torch

        return torch.as_tensor(start) + x @ torch.as_tensor(spread)


def narrowed(
    names: Sequence[str],
    ranges: Sequence[Range],
    fixed: Mapping[str, float],
    narrower: Mapping[str, Range],
) -> Array:
    """Return (p, 2) ranges with some parameters fixed or kept to a part of theirs.

    Raises
    ------
    UnknownNameError
        If there is no such parameter.
    ConfigError
        If one is named twice, or a value lies outside the range that the model knows.
    """
    found = np.array(ranges, dtype=np.float64)
    if twice := sorted(fixed.keys() & narrower.keys()):
        raise ConfigError(f"'{twice[0]}' is both fixed and given a range; give one.")
    for name, (low, high) in {**{k: (v, v) for k, v in fixed.items()}, **narrower}.items():
        if name not in names:
            raise UnknownNameError(
                f"the model has no parameter '{name}'{did_you_mean(name, names)}."
            )
        known = found[names.index(name)]
        slack = 1e-9 * float(np.abs(known).max())
        if name in narrower and not low < high:
            raise ConfigError(f"the range of '{name}' must ascend, got {low:g}, {high:g}.")
        if low < known[0] - slack or high > known[1] + slack:
            what = f"{low:g}" if low == high else f"{low:g} … {high:g}"
            raise ConfigError(
                f"'{name}' = {what} leaves what the model was trained on, {known[0]:g} … "
                f"{known[1]:g}."
            )
        found[names.index(name)] = low, high
    return found


def range_text(low: float, high: float) -> str:
    """Return a range with as many digits as a hundredth of its width needs."""
    digits = 2 - math.floor(math.log10(high - low)) if high > low else 6
    return f"{round(low, digits) + 0.0:g} … {round(high, digits) + 0.0:g}"
