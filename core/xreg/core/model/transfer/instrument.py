"""Shift, broadening and scale: what an instrument, or a program, does to all spectra alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xreg.core.arrays import Array
from xreg.core.errors import DataError

__all__ = ["Instrument"]

SIGMAS = 2.3548200450309493  # full width at half maximum of a Gaussian, in standard deviations
WIDTHS = (0.0, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Instrument:
    """A linear map of spectra.

    Attributes
    ----------
    shift
        What is added to the energies, in eV.
    broadening
        Full width at half maximum of a Gaussian, in eV.
    scale
        Factor of the intensity.
    """

    shift: float = 0.0
    broadening: float = 0.0
    scale: float = 1.0

    def matrix(self, energy: Array) -> Array:
        """Return the (m, m) matrix that maps a spectrum on these energies (eV).

        Beyond the ends the end values hold, so that a flat spectrum stays flat.
        """
        return self.scale * _broadened(energy, self.broadening) @ _shifted(energy, self.shift)

    def undo(self, energy: Array, spectra: Array) -> Array:
        """Return (n, m) spectra before shift and scale; a broadening is in them still.

        Raises
        ------
        DataError
            If the scale is zero, after which nothing is left of spectra.
        """
        if self.scale == 0:
            raise DataError("a scale of zero leaves nothing of spectra, and cannot be undone.")
        back = Instrument(-self.shift, scale=1 / self.scale)
        return spectra @ back.matrix(energy).T

    @classmethod
    def fit(cls, energy: Array, predicted: Array, known: Array, reach: float) -> Instrument:
        """Find the map after which predicted spectra are nearest to known ones.

        Parameters
        ----------
        energy
            (m,) energies in eV.
        predicted, known
            (n, m) spectra.
        reach
            Largest shift and broadening, in eV.
        """
        from scipy.optimize import minimize

        def best(point: Array) -> tuple[float, float]:
            shift, width = float(point[0]), abs(float(point[1]))
            if abs(shift) > reach or width > reach:
                return 1e300, 1.0
            made = predicted @ _shifted(energy, shift).T @ _broadened(energy, width).T
            scale = float((made * known).sum() / max((made**2).sum(), 1e-300))
            return float(np.square(scale * made - known).sum()), scale

        shifts = np.linspace(-reach, reach, 17)
        starts = [np.array([s, w]) for s in shifts for w in WIDTHS if w < reach]
        start = min(starts, key=lambda point: best(point)[0])
        found = minimize(
            lambda point: best(point)[0],
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-3, "fatol": 0, "maxiter": 120,
                     "initial_simplex": start + np.array([[0, 0], [0.3, 0], [0, 0.3]])},
        )  # fmt: skip
        shift, width = float(found.x[0]), abs(float(found.x[1]))
        return cls(shift, width, best(found.x)[1])


def _shifted(energy: Array, shift: float) -> Array:
    """Return the matrix of linear interpolation at energies less the shift."""
    at = np.clip(energy - shift, energy[0], energy[-1])
    right = np.clip(np.searchsorted(energy, at, side="right"), 1, len(energy) - 1)
    share = (at - energy[right - 1]) / (energy[right] - energy[right - 1])
    found = np.zeros((len(energy), len(energy)))
    rows = np.arange(len(energy))
    found[rows, right - 1] = 1 - share
    found[rows, right] += share
    return found


def _broadened(energy: Array, width: float) -> Array:
    """Return the matrix of a convolution with a Gaussian, each row of which adds up to one.

    A sum over the energies: of a smooth spectrum on an even grid of at least two steps a width it
    is right to 1e-4 of the height. The exact convolution of straight pieces
    (:func:`xreg.core.data.broadening.gaussian_matrix`) cuts the tops of such lines: at two steps a
    width it is 0.9 % off, though right where this is not, on uneven grids and for narrower widths.
    """
    if width <= 0:
        return np.eye(len(energy))
    sigma = width / SIGMAS
    weights = np.gradient(energy)
    # Spectra go on beyond their ends as they end.
    reach = 4 * sigma
    low = np.arange(energy[0] - weights[0], energy[0] - reach, -weights[0])[::-1]
    high = np.arange(energy[-1] + weights[-1], energy[-1] + reach, weights[-1])
    every = np.concatenate([low, energy, high])
    steps = np.concatenate([np.full(len(low), weights[0]), weights,
                            np.full(len(high), weights[-1])])  # fmt: skip
    kernel = np.exp(-0.5 * ((energy[:, None] - every) / sigma) ** 2) * steps
    kernel /= kernel.sum(axis=1, keepdims=True)
    inner = kernel[:, len(low) : len(low) + len(energy)].copy()
    inner[:, 0] += kernel[:, : len(low)].sum(axis=1)
    inner[:, -1] += kernel[:, len(low) + len(energy) :].sum(axis=1)
    return inner
