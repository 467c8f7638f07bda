"""How far two engines are apart on the same structures of ``tm-k``, as they are and moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset
from xreg.plugins.xanes.peaks import match_peaks, peak_scores
from xreg.plugins.xanes.relative_error import relative_error

Array = NDArray[np.float64]

ENGINES = ("feff", "fdmnes")
FLOOR = 0.01  # of the maximum: energies below do not count for the relative error
SHIFTS = np.round(np.arange(-10.0, 10.05, 0.1), 1)  # eV


@dataclass(frozen=True, eq=False)
class Pairs:
    """Spectra of the structures that both engines have computed.

    Attributes
    ----------
    energy
        (m,) energies in eV.
    first, second
        (n, m) spectra by the first and the second engine.
    rows
        (n,) rows of the first in the dataset.
    """

    energy: Array
    first: Array
    second: Array
    rows: NDArray[np.intp]

    def shifts(self) -> Array:
        """Return the shift (eV) of each second spectrum that brings it nearest to the first."""
        errors = [((moved(self.energy, self.second, s) - self.first) ** 2).sum(axis=1)
                  for s in SHIFTS]  # fmt: skip
        return np.asarray(SHIFTS[np.argmin(errors, axis=0)])

    def shifted(self, shifts: Array) -> Array:
        """Return each second spectrum moved by a shift of its own."""
        return np.concatenate(
            [moved(self.energy, y[None], s) for y, s in zip(self.second, shifts, strict=True)]
        )

    def select(self, rows: NDArray[np.bool_]) -> Pairs:
        """Return some of them."""
        return Pairs(self.energy, self.first[rows], self.second[rows], self.rows[rows])


def moved(energy: Array, curves: Array, shift: float) -> Array:
    """Return curves moved up by a shift (eV); beyond the ends the end values go on."""
    return np.array([np.interp(energy - shift, energy, curve) for curve in curves])


def pairs(data: Dataset) -> Pairs:
    """Return what both engines have computed."""
    y = np.asarray(data.spectra["xanes"].intensity, float)
    keys = zip(data.label("site").tolist(), data.label("engine").tolist(), strict=True)
    row = {key: i for i, key in enumerate(keys)}
    both = [site for site, engine in row if engine == ENGINES[1] and (site, ENGINES[0]) in row]
    first, second = (np.array([row[site, e] for site in both], int) for e in ENGINES)
    return Pairs(np.asarray(data.spectra["xanes"].energy, float), y[first], y[second], first)


def scores(energy: Array, known: Array, guess: Array, mean: Array) -> dict[str, float]:
    """Return R² against a mean spectrum, quartiles of Δμ, and how well peaks are found.

    Parameters
    ----------
    energy
        (m,) energies in eV.
    known, guess
        (n, m) spectra.
    mean
        (m,) the spectrum whose R² is zero.
    """
    found = peak_scores(match_peaks(energy, known, guess))
    low, middle, high = np.quantile(relative_error(known, guess, FLOOR), [0.25, 0.5, 0.75])
    return {
        "r2": 1 - float(((guess - known) ** 2).sum() / ((known - mean) ** 2).sum()),
        "delta": float(middle), "delta_q1": float(low), "delta_q3": float(high),
        "peak": found["energy"]["mean_error"], "hits": found["hit_rate"],
        "false": found["false_rate"],
    }  # fmt: skip
