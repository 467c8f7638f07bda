"""The step that takes glitches out of measured spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.core.interfaces import Step
from xreg.core.interfaces.step import Curves
from xreg.core.measured.normalisation import find_e0
from xreg.plugins.processing.plugin import DeglitchConfig

__all__ = ["Deglitch"]

# Median absolute deviations of a normal distribution are 0.67 standard deviations.
NORMAL = 1.4826
FEWEST = 8


class Deglitch(Step[DeglitchConfig]):
    """Points in given windows, or far off their neighbours, replaced by a line between the others.

    A point is far off where it differs from the line between its neighbours by so many robust
    standard deviations of all such differences; points near the edge are never judged. The label
    ``<channel>.glitches`` tells how many points of each spectrum were replaced.
    """

    name = "deglitch"
    Config = DeglitchConfig

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        out = curves.intensity.copy()
        counts = np.zeros(len(curves.ids))
        for i, name in enumerate(curves.ids.tolist()):
            energy = curves.grid + curves.offset[i]
            bad = np.zeros(len(energy), dtype=bool)
            for low, high in self.config.windows:
                bad |= (energy >= low) & (energy <= high)
            if self.config.threshold is not None:
                bad |= self._far(energy, out[i], self.config.threshold)
            if not bad.any():
                continue
            if bad[0] or bad[-1]:
                raise DataError(
                    f"sample '{name}' has a glitch at the end of its energies; narrow the windows, "
                    "or cut it off with a resample step."
                )
            if bad.mean() > self.config.most:
                raise DataError(
                    f"sample '{name}' would lose {bad.sum()} of {len(bad)} points; raise the "
                    "threshold, or leave it out."
                )
            out[i, bad] = np.interp(energy[bad], energy[~bad], out[i, ~bad])
            counts[i] = bad.sum()
        found = {"glitches": (counts, "")}
        return replace(curves, intensity=out, found={**curves.found, **found})

    def _far(self, energy: Array, values: Array, threshold: float) -> NDArray[np.bool_]:
        if len(energy) < FEWEST:
            raise DataError(f"{len(energy)} points are too few to find glitches")
        low, high = self.config.keep
        e0 = find_e0(energy, values)
        judged = (energy < e0 + low) | (energy > e0 + high)
        judged[[0, -1]] = False
        # What a line between the neighbours leaves is small where a spectrum is smooth.
        left, right = energy[1:-1] - energy[:-2], energy[2:] - energy[1:-1]
        middle = (values[:-2] * right + values[2:] * left) / (left + right)
        off = np.zeros(len(energy))
        off[1:-1] = values[1:-1] - middle
        if not judged.any():
            return judged
        scale = NORMAL * float(np.median(np.abs(off[judged] - np.median(off[judged]))))
        if scale == 0:
            return np.zeros(len(energy), dtype=bool)
        far = judged & (np.abs(off) > threshold * scale)
        # The neighbours of a glitch are off too, to the other side and half as far: the worst of
        # a run is the glitch.
        worst = np.zeros(len(energy), dtype=bool)
        for i in np.flatnonzero(far).tolist():
            around = slice(max(i - 1, 0), i + 2)
            worst[i] = abs(off[i]) >= np.abs(off[around]).max()
        return worst
