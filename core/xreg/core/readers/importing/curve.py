"""A spectrum as a file has it, and the grid that it is brought to."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from xreg.core.arrays import Array
from xreg.core.data.spectra import ARBITRARY, NOISE
from xreg.core.errors import ConfigError, DataError
from xreg.core.readers.spectra.checks import require_signal

__all__ = ["ARBITRARY", "TOLERANCE", "Curve", "parse_grid", "stated_unit"]

ARBITRARY_TOO = re.compile(r"arb(itrary)?\.?[ _]?(u(nits?)?\.?)?", re.IGNORECASE)
MAX_POINTS = 100_000
# A grid point may miss the measured range by the rounding of printed energies.
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Curve:
    """A spectrum as it was found.

    Attributes
    ----------
    energy, intensity
        (m,) each; energies in eV.
    unit
        Unit of the intensities.
    checked
        Whether who read it has refused already what :meth:`check` does.
    """

    energy: Array
    intensity: Array
    unit: str = ARBITRARY
    checked: bool = False

    def check(self, name: str = "") -> None:
        """Raise a :class:`DataError` unless it is a function of the energy, and not one value.

        Noise, whose channel's name ends in ``_noise``, may be the same everywhere.
        """
        if self.checked:
            return
        if self.energy.shape != self.intensity.shape or self.energy.ndim != 1:
            raise DataError(
                f"the spectrum has {self.intensity.size} intensities on {self.energy.size} energies"
            )
        if self.energy.size < 2:
            raise DataError(f"the spectrum has {self.energy.size} point(s)")
        # Energies that rise between finite ends are finite.
        rising = self.energy[1:] > self.energy[:-1]
        ends = math.isfinite(self.energy[0]) and math.isfinite(self.energy[-1])
        if not (ends and rising.all() and np.isfinite(self.intensity).all()):
            self._require_rising()
        if not name.endswith(NOISE):
            require_signal(self.energy, self.intensity)

    def _require_rising(self) -> None:
        finite = np.isfinite(self.energy) & np.isfinite(self.intensity)
        if not finite.all():
            raise DataError(f"the spectrum is not finite at point {int(np.argmin(finite)) + 1}")
        rising = self.energy[1:] > self.energy[:-1]
        if not rising.all():
            i = int(np.argmin(rising))
            raise DataError(
                f"the energies do not increase from {self.energy[i]:g} to {self.energy[i + 1]:g} eV"
            )

    def on(self, grid: Array, hold_ends: float) -> Array:
        """Return intensities on a grid, interpolated linearly.

        Parameters
        ----------
        grid
            (g,) energies in eV.
        hold_ends
            How far beyond the measured range, in eV, the first and last intensity hold.

        Raises
        ------
        DataError
            If the grid reaches further.
        """
        lack = max(self.energy[0] - grid[0], grid[-1] - self.energy[-1])
        if lack > hold_ends + TOLERANCE:
            raise DataError(
                f"the spectrum is short: {self.energy[0]:g}…{self.energy[-1]:g} eV does not cover "
                f"{grid[0]:g}…{grid[-1]:g} eV by {lack:.3g} eV (narrow the grid or hold the ends)"
            )
        return np.interp(grid, self.energy, self.intensity)


def stated_unit(text: str) -> str:
    """Return the unit of intensities that a file states; one spelling for arbitrary units."""
    text = text.strip()
    return ARBITRARY if not text or ARBITRARY_TOO.fullmatch(text) else text


def parse_grid(text: str) -> Array:
    """Return the energies of ``start:stop:step`` in eV, both ends included.

    Raises
    ------
    ConfigError
        If it is none, or has too many points.
    """
    parts = text.split(":")
    try:
        start, stop, step = map(float, parts)
    except ValueError:
        raise ConfigError(
            f"grid '{text}' must be start:stop:step in eV, such as 8983:9018:0.25."
        ) from None
    count = (stop - start) / step if step > 0 else np.nan
    if not (np.isfinite(count) and count + TOLERANCE >= 1 and count < MAX_POINTS):
        raise ConfigError(
            f"grid '{text}' must rise from start to stop in at most {MAX_POINTS} steps."
        )
    steps = np.arange(int(np.floor(count + TOLERANCE)) + 1, dtype=np.float64)
    return start + step * steps
