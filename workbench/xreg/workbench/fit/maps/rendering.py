"""Spectra of many parameter sets at the measured energies, each with a shift of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from xreg.workbench.fit.problem import SHIFT, Problem

__all__ = ["Renderer"]

Array = NDArray[np.float64]

NODES = 6
NUDGE = 1e-3  # eV, of the difference that gives the derivative by the shift


class Renderer:
    """A simulator's spectra, read off at other energies by polynomials through six points.

    :class:`~xreg.workbench.fit.misfit.Resample` does the same by splines for one spectrum and
    differentiably; here only neighbours are gathered, all spectra by one sparse product.

    Parameters
    ----------
    problem
        Names and ranges of the unknowns and the measured energies.
    energy
        (m,) energies of the simulator's spectra in eV.
    simulate
        (n, p) parameters to (n, m) spectra.
    step
        Of a range: how far a coordinate is moved for its derivative.
    """

    def __init__(
        self, problem: Problem, energy: Array, simulate: Callable[[Array], Array], step: float
    ) -> None:
        self.problem, self.grid, self.simulate, self.step = problem, energy, simulate, step
        self.shift = problem.labels.index(SHIFT) if SHIFT in problem.labels else None

    def spectra(self, x: Array) -> Array:
        """Return the (n, k) spectra of (n, d) coordinates."""
        values = self.problem.values(x)
        return self._read_off(self.simulate(values[:, :-1])[:, None], values[:, -1])[:, 0]

    def slopes(self, x: Array, *, central: bool = False) -> tuple[Array, Array]:
        """Return (n, k) spectra and their (n, d, k) derivatives by the coordinates.

        One-sided, towards the middle of each range, unless ``central`` ones are asked for.
        """
        n, d = x.shape
        moved = [i for i in range(d) if i != self.shift]
        side = np.where(x < 0.5, self.step, -self.step)
        ahead, behind = x + side, np.clip(x - side, 0, 1)
        points = [x]
        for ends in (ahead, behind) if central else (ahead,):
            for i in moved:
                point = x.copy()
                point[:, i] = ends[:, i]
                points.append(point)
        values = self.problem.values(np.stack(points, axis=1).reshape(-1, d))
        # The shift moves energies alone, so no spectrum is computed for it.
        found = self.simulate(values[:, :-1]).reshape(n, len(points), -1)
        shift = self.problem.values(x)[:, -1]
        read = self._read_off(found, shift)
        result = np.empty((n, d, read.shape[2]))
        first = read[:, 1 : 1 + len(moved)]
        last = read[:, 1 + len(moved) :] if central else read[:, :1]
        length = (ahead - behind if central else side)[:, moved]
        result[:, moved] = (first - last) / length[:, :, None]
        if self.shift is not None:
            width = self.problem.widths[self.shift]
            low, high = (self._read_off(found[:, :1], shift + nudge) for nudge in (-NUDGE, NUDGE))
            result[:, self.shift] = (high - low)[:, 0] * (width / (2 * NUDGE))
        return read[:, 0], result

    def _read_off(self, spectra: Array, shift: Array) -> Array:
        """Return the (n, c, k) intensities at the measured energies of (n, c, m) spectra."""
        n, c, m = spectra.shape
        wanted = self.problem.measured.energy - shift[:, None]
        k = wanted.shape[1]
        first = np.searchsorted(self.grid, wanted) - NODES // 2
        first = np.clip(first, 0, m - NODES)[..., None] + np.arange(NODES)
        nodes = self.grid[first]
        away = wanted[..., None] - nodes
        weight = np.ones_like(nodes)
        for j in range(NODES):
            for i in range(NODES):
                if i != j:
                    weight[..., j] *= away[..., i] / (nodes[..., j] - nodes[..., i])
        # One sparse product for all: column m·row + node for each point.
        columns = (first + m * np.arange(n)[:, None, None]).ravel()
        ends = np.arange(0, n * k * NODES + 1, NODES)
        reader = csr_array((weight.ravel(), columns, ends), shape=(n * k, n * m))
        read = reader @ np.ascontiguousarray(spectra.transpose(0, 2, 1)).reshape(n * m, c)
        return np.ascontiguousarray(read.reshape(n, k, c).transpose(0, 2, 1))
