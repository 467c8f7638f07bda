"""The references nearest to a measured spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.measured.spectrum import Measured
from xreg.workbench.match.library import Comparison
from xreg.workbench.match.refinement import refined

__all__ = ["Match", "nearest"]

# So many times as many references as are listed are refined, as the order may change by it.
SPARE = 2


@dataclass(frozen=True, eq=False)
class Match:
    """One reference beside a measured spectrum.

    Attributes
    ----------
    row
        Row of the reference in the library.
    misfit
        What is left, as a share of the spectrum's standard deviation.
    shift, width
        Energy shift of the measured spectrum against the library, and full width at half maximum
        of the Gaussian that the reference is broadened with; both in eV.
    scale, offset
        What the reference is multiplied by, and what is added.
    curve
        (k',) the reference so changed, at the measured energies that are compared.
    """

    row: int
    misfit: float
    shift: float
    width: float
    scale: float
    offset: float
    curve: Array


def nearest(
    comparison: Comparison,
    measured: Measured,
    misfit: Array,
    place: NDArray[np.intp],
    count: int,
) -> list[Match]:
    """Return the nearest references, nearest first, shift and broadening refined.

    ``misfit`` and ``place``, (n,) each, are what :meth:`Comparison.misfits` gives for the spectrum.
    """
    order = np.argsort(misfit, kind="stable")[: SPARE * count]
    found = [_refined(comparison, measured, int(row), int(place[row])) for row in order]
    return sorted(found, key=lambda match: match.misfit)[:count]


def _refined(comparison: Comparison, measured: Measured, row: int, place: int) -> Match:
    """Return a reference at the best shift and broadening near those of an index."""
    shift, width = refined(
        comparison,
        lambda shift, width: _at(comparison, measured, row, shift, width).misfit,
        comparison.settings_at(place),
    )
    return _at(comparison, measured, row, shift, width)


def _at(comparison: Comparison, measured: Measured, row: int, shift: float, width: float) -> Match:
    """Return a reference with the best scale and offset at a shift and broadening."""
    curve = comparison.references_at(np.array([row]), shift, width)[0]
    y = measured.intensity[comparison.inside]
    noise = None if measured.noise is None else measured.noise[comparison.inside]
    weight = np.ones(len(y)) if noise is None else (np.median(noise) / noise) ** 2
    weight = weight / weight.sum()
    y_mean, mean = float(weight @ y), float(weight @ curve)
    scale, offset = 1.0, 0.0
    if comparison.scale:
        x, z = (curve - mean, y - y_mean) if comparison.offset else (curve, y)
        scale = max(float(weight @ (x * z)) / max(float(weight @ x**2), 1e-300), 0.0)
    if comparison.offset:
        offset = y_mean - scale * mean
    drawn = scale * curve + offset
    spread = float(weight @ (y - y_mean) ** 2)
    misfit = float(np.sqrt(weight @ (y - drawn) ** 2 / spread))
    return Match(row, misfit, shift, width, scale, offset, drawn)
