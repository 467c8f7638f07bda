"""From sticks to spectra: Lorentzians of two widths, then a Gaussian, on an even grid.

Thousands of sticks on hundreds of channels would cost more than the diagonalisation. So sticks are
spread over a fine periodic grid with centred B-splines of degree 7 and convolved there: the kernel
is a Lorentzian sampled on the grid, a Gaussian, and division by the spline's own transform, which
makes the spreading an interpolation of the kernel (the idea of smooth particle-mesh Ewald,
U. Essmann et al., J. Chem. Phys. 103, 8577 (1995)). The grid is so fine that the interpolation
errs by about 1e-8 of a stick's height, and so long that no tail comes round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import comb, factorial, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

__all__ = ["Grid", "Lines", "broaden"]

Array = Any  # numpy.ndarray or torch.Tensor

DEGREE = 7
# Grid points in the narrower Lorentzian's full width, and how many σ the Gaussian reaches.
POINTS_IN_WIDTH = 12
GAUSSIAN_REACH = 8.0
# Lengths of the fine grid come from a ladder, so that samples can be worked on together.
RUNG = 512
# Sticks that are left out, relative to a spectrum's strongest: all together show nowhere.
NEGLIGIBLE = 1e-13


@dataclass(frozen=True)
class Grid:
    """Channels ``start``, ``start + step``, … (eV), ``count`` of them."""

    start: float
    step: float
    count: int

    @property
    def energies(self) -> NDArray[np.float64]:
        """(count,) the energies in eV."""
        return np.linspace(self.start, self.stop, self.count)

    @property
    def stop(self) -> float:
        """The last energy."""
        return self.start + self.step * (self.count - 1)


@dataclass(frozen=True, eq=False)
class Lines:
    """Sticks of B spectra, and the energy at which their width changes.

    Attributes
    ----------
    energy, strength
        (B, s) position in eV and area of each stick.
    border
        Sticks below it have the width ``gamma1``, others ``gamma2``.
    """

    energy: Array
    strength: Array
    border: float


@lru_cache(maxsize=1)
def _spline() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the B-spline's polynomials and its values at the integers.

    The first, (8, 8), times powers (1, u, …, u⁷) gives the weights of the grid points −3 … 4 for a
    stick at 0 ≤ u < 1; the second, (4,), holds its values at 0 … 3.
    """
    n = DEGREE + 1

    def spline(x: float) -> float:
        terms = [(-1) ** j * comb(n, j) * max(0.0, x - j) ** DEGREE for j in range(n + 1)]
        return float(sum(terms) / factorial(DEGREE))

    # On each unit interval a polynomial, found from its values at 8 points.
    points = (1 - np.cos(pi * (np.arange(n) + 0.5) / n)) / 2
    values = np.array([[spline(u + n - 1 - k) for u in points] for k in range(n)])
    powers = np.linalg.solve(np.vander(points, n, increasing=True), values.T).T
    return powers, np.array([spline(n / 2 + j) for j in range(n // 2)])


def broaden(xp: Any, lines: Lines, grid: Grid, widths: Mapping[str, Array]) -> Array:
    """Return the (B, count) spectra.

    Parameters
    ----------
    xp
        ``numpy``, or ``torch`` for tensors on any device.
    lines
        The sticks.
    grid
        The channels.
    widths
        (B,) Gaussian standard deviation ``sigma`` and Lorentzian full widths at half maximum
        ``gamma1`` and ``gamma2``, in eV.
    """
    kept = lines.strength > NEGLIGIBLE * xp.amax(lines.strength, -1)[:, None]
    far = xp.maximum(abs(lines.energy - grid.start), abs(lines.energy - grid.stop)) * kept
    reach = xp.amax(far, -1) + GAUSSIAN_REACH * widths["sigma"]
    finer = xp.ceil(POINTS_IN_WIDTH * grid.step / xp.minimum(widths["gamma1"], widths["gamma2"]))
    rungs = xp.ceil(2 * reach * finer / (grid.step * RUNG))

    # Each sample gets the fine grid that it needs, whatever else is in its batch.
    groups: dict[tuple[int, int], list[int]] = {}
    for row, (m, n) in enumerate(zip(finer.tolist(), rungs.tolist(), strict=True)):
        groups.setdefault((int(m), int(n)), []).append(row)
    parts, order = [], []
    for (m, n), rows in groups.items():
        fine = _FineGrid(xp, grid.step / m, next_fast_len(n * RUNG, real=True))
        own = {name: values[rows] for name, values in widths.items()}
        row, stick = xp.where(kept[rows])
        energy, strength = lines.energy[rows][row, stick], lines.strength[rows][row, stick]
        wide = energy >= lines.border
        spread = fine.spread(energy - grid.start, strength, 2 * row + wide, 2 * len(rows))
        spectra = fine.convolve(spread.reshape(len(rows), 2, -1), own)
        parts.append(spectra[:, : (grid.count - 1) * m + 1 : m])
        order += rows
    return xp.concatenate(parts, 0)[np.argsort(order)]


@dataclass(frozen=True)
class _FineGrid:
    """A periodic grid of ``size`` points, ``step`` (eV) apart, from the first channel on."""

    xp: Any
    step: float
    size: int

    def spread(self, energy: Array, strength: Array, row: Array, rows: int) -> Array:
        """Return the (rows, size) sums of splines in place of sticks at ``energy`` in ``row``."""
        xp = self.xp
        position = energy / self.step
        below = xp.floor(position)
        u = position - below
        polynomials, _ = _spline()
        *rest, last = (self._like(column[:, None], u) for column in polynomials.T)
        weights = last * xp.ones_like(u)
        for column in reversed(rest):  # Horner's rule
            weights *= u
            weights += column
        weights *= strength
        # The spline of a stick just below the end reaches beyond; those points are wrapped last.
        width = self.size + DEGREE + 1
        first = row * width + _integers(below % self.size)
        points = first + _integers(self._like(np.arange(DEGREE + 1.0)[:, None], u))
        spread = xp.bincount(points.reshape(-1), weights.reshape(-1), minlength=rows * width)
        spread = spread.reshape(rows, width)
        spread[:, : DEGREE + 1] += spread[:, self.size :]
        return xp.roll(spread[:, : self.size], -(DEGREE // 2), -1)

    def convolve(self, spread: Array, widths: Mapping[str, Array]) -> Array:
        """Return (B, size) spectra of (B, 2, size) sticks of the two widths."""
        xp = self.xp
        counts = np.minimum(np.arange(self.size), self.size - np.arange(self.size))
        distance = self._like(self.step * counts, spread)
        half = xp.stack([widths["gamma1"], widths["gamma2"]], -1)[..., None] / 2
        lorentzian = half / pi / (distance**2 + half**2)
        product = (xp.fft.rfft(spread) * xp.fft.rfft(lorentzian).real).sum(1)
        frequency, response = (self._like(x, spread) for x in _response(self.size))
        sigma = widths["sigma"][:, None] / self.step
        return xp.fft.irfft(product * xp.exp(-0.5 * (frequency * sigma) ** 2) / response, self.size)

    def _like(self, values: NDArray[np.float64], model: Array) -> Array:
        return values if self.xp is np else self.xp.as_tensor(values, device=model.device)


def _integers(values: Array) -> Array:
    return values.astype(np.int64) if isinstance(values, np.ndarray) else values.long()


@lru_cache(maxsize=32)
def _response(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the angular frequencies of a grid, and the transform of the spline's values on it."""
    frequency = 2 * pi * np.arange(size // 2 + 1) / size
    _, values = _spline()
    waves = [np.cos(j * frequency) for j in range(len(values))]
    return frequency, 2 * sum(v * w for v, w in zip(values, waves, strict=True)) - values[0]
