"""Spectra of many parameter sets at the measured energies, each with a shift of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.sparse import csr_array

from xreg.core.arrays import Array
from xreg.workbench.fit.problem import SHIFT, Problem

__all__ = ["Renderer"]

NODES = 6
SHIFT_STEP = 0.08  # eV, between shifts that are tried
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
        # (m - 5, 6) denominators of Lagrange's polynomials through six neighbouring points.
        nodes = np.lib.stride_tricks.sliding_window_view(energy, NODES)
        apart = nodes[:, :, None] - nodes[:, None, :] + np.eye(NODES)
        self.denominators = np.ascontiguousarray(apart.prod(axis=2).T)

    def spectra(self, x: Array) -> Array:
        """Return the (n, k) spectra of (n, d) coordinates."""
        values = self.problem.values(x)
        return self._read_off(self.simulate(values[:, :-1])[:, None], values[:, -1])[:, 0]

    def shifted(self, x: Array) -> Iterator[tuple[Array, Array]]:
        """Yield coordinates with shifts all over their range, and the (n, k) spectra of each."""
        assert self.shift is not None
        found = self.simulate(self.problem.values(x)[:, :-1])[:, None]
        count = int(np.ceil(self.problem.widths[self.shift] / SHIFT_STEP)) + 1
        for place in np.linspace(0, 1, count):
            moved = x.copy()
            moved[:, self.shift] = place
            yield moved, self._read_off(found, self.problem.values(moved)[:, -1])[:, 0]

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
        first = np.clip(np.searchsorted(self.grid, wanted) - NODES // 2, 0, m - NODES)
        away = wanted - self.grid[first + np.arange(NODES)[:, None, None]]
        weight = 1 / self.denominators[:, first]
        before, behind = np.ones_like(wanted), np.ones_like(wanted)
        for j in range(NODES):
            weight[j] *= before
            weight[-1 - j] *= behind
            before *= away[j]
            behind *= away[-1 - j]
        # One sparse product for all: column m·row + node for each point.
        columns = (first + m * np.arange(n)[:, None])[..., None] + np.arange(NODES)
        ends = np.arange(0, n * k * NODES + 1, NODES)
        reader = csr_array(
            (np.moveaxis(weight, 0, -1).ravel(), columns.ravel(), ends), shape=(n * k, n * m)
        )
        read = reader @ np.ascontiguousarray(spectra.transpose(0, 2, 1)).reshape(n * m, c)
        return np.ascontiguousarray(read.reshape(n, k, c).transpose(0, 2, 1))
