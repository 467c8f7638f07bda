"""How far a model's spectra are from a measured one, whatever their scale and background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np
import torch
from scipy.interpolate import BSpline, make_interp_spline
from torch import Tensor

from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.workbench.fit.problem import Problem

__all__ = ["Misfit", "Resample", "Simulator"]

DEGREE = 5
RANK = 1e-12  # singular values below that share of the largest are rounding
TINY = 1e-300
FLAT = 1e-9  # share of a spectrum that rounding leaves beside a background


@dataclass(frozen=True, eq=False)
class Simulator:
    """What computes spectra of parameters: a network, or an exact engine.

    Attributes
    ----------
    energy
        (m,) energies of its spectra in eV.
    spectra
        (n, p) parameters to (n, m) spectra, tensors in double precision; a network's function is
        differentiable.
    """

    energy: Array
    spectra: Callable[[Tensor], Tensor]


class Resample:
    """Spectra on a grid, shifted and read off at other energies by quintic splines.

    A spline's B-spline coefficients are a matrix product with its values, and its polynomial in
    an interval is a sum over six of them; so all is differentiable in the spectra and the shifts.

    Parameters
    ----------
    grid
        (m,) energies of the spectra in eV.
    energy
        (k,) energies at which they are wanted; with every shift inside the grid.
    """

    def __init__(self, grid: Array, energy: Array) -> None:
        spline = make_interp_spline(grid, np.eye(len(grid)), k=DEGREE)
        self.coefficients = torch.as_tensor(np.ascontiguousarray(spline.c.T))
        # The six B-splines that are not zero between grid[i] and grid[i + 1].
        last = np.clip(
            np.searchsorted(spline.t, grid[:-1], side="right") - 1, DEGREE, len(grid) - 1
        )
        number = last - DEGREE + np.arange(DEGREE + 1)[:, None]
        self.number = torch.as_tensor(number)
        # (6, 6, m - 1): what each of them adds to the coefficient of each power of u.
        basis = BSpline(spline.t, np.eye(len(grid)), DEGREE)
        intervals = np.arange(len(grid) - 1)
        self.powers = torch.as_tensor(
            np.array(
                [
                    basis(grid[:-1], nu=power)[intervals, number] / factorial(power)
                    for power in range(DEGREE + 1)
                ]
            )
        )
        self.grid, self.energy = torch.as_tensor(grid), torch.as_tensor(energy)

    def __call__(self, spectra: Tensor, shift: Tensor) -> Tensor:
        """Return (n, k) intensities at ``energy - shift`` of (n, m) spectra and (n,) shifts."""
        wanted = self.energy - shift[:, None]
        interval = torch.searchsorted(self.grid, wanted.detach(), right=True) - 1
        interval = interval.clamp(0, len(self.grid) - 2)
        u = wanted - self.grid[interval]
        near = (spectra @ self.coefficients)[:, self.number]  # (n, 6, m - 1)
        total = torch.zeros_like(u)
        for weights in reversed(self.powers):  # Horner's rule
            total = total * u + (near * weights).sum(1).gather(1, interval)
        return total


class Misfit:
    """Residuals of simulated spectra after the best scale and background."""

    def __init__(self, problem: Problem, simulator: Simulator) -> None:
        self.problem, self.simulator = problem, simulator
        self.resample = Resample(simulator.energy, problem.measured.energy)
        self.weight = torch.as_tensor(problem.weight)
        self.curves = torch.as_tensor(problem.curves) * self.weight[:, None]
        self.known = torch.as_tensor(problem.measured.intensity) * self.weight
        left, size, right = torch.linalg.svd(self.curves, full_matrices=False)
        real = size > RANK * size[:1]  # curves may be the same, as edges outside the window are
        self.basis = left[:, real]
        self.heights = (right[real].T / size[real]).T  # of the curves, by those of the basis
        self.bare = self._less_background(self.known)
        if float(self.bare.norm()) <= FLAT * float(self.known.norm()):
            raise DataError(
                "the spectrum is flat: its background alone describes it, so there is nothing to "
                "fit; look at the column of intensities."
            )

    def _less_background(self, rows: Tensor) -> Tensor:
        return rows - (rows @ self.basis) @ self.basis.T

    def spectra(self, x: Tensor) -> Tensor:
        """Return the (n, k) weighted spectra of (n, d) coordinates at the measured energies."""
        values = self.problem.values(x)
        return self.resample(self.simulator.spectra(values[:, :-1]), values[:, -1]) * self.weight

    def alignment(self, x: Tensor) -> Tensor:
        """Return (n,) cosines between simulated and measured spectra, background apart.

        Differentiable; 1 for a perfect fit, negative where lines point down that should point up.
        """
        own = self._less_background(self.spectra(x))
        length = own.square().sum(1) * self.bare.square().sum()
        return (own @ self.bare) / length.clamp_min(TINY).sqrt()

    def relative(self, x: Tensor) -> Tensor:
        """Return (n,) the share of the measured spectrum, background apart, that is not met.

        Differentiable; a negative scale counts as no spectrum at all.
        """
        return 1 - self.alignment(x).relu() ** 2

    def residuals(self, x: Array) -> tuple[Array, Array]:
        """Return (n, k) weighted residuals and (n, 1 + q) scales and heights of the background."""
        with torch.no_grad():
            spectra = self.spectra(torch.as_tensor(x))
            # Least squares in two steps, the background first (G. Golub, V. Pereyra, SIAM J.
            # Numer. Anal. 10, 413 (1973)): a third of the time of one for each spectrum.
            own = self._less_background(spectra)
            scale = (own @ self.bare) / own.square().sum(1).clamp_min(TINY)
            rest = self.bare - scale[:, None] * own
            heights = (self.known - scale[:, None] * spectra) @ self.basis @ self.heights
        return rest.numpy(), torch.cat([scale[:, None], heights], dim=1).numpy()
