"""The picture of a calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xreg.core.analysis import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xreg.workbench.calibrate.calibrate import Calibrated

__all__ = ["draw_calibration"]


def draw_calibration(found: Calibrated) -> Figure:
    """Draw mean spectra before and after, and how far each held-out spectrum stood and stands."""
    figure = style.new_figure(2.8)
    spectra, shifts = figure.subplots(1, 2, width_ratios=[3, 2])
    energy = found.model.target.grid
    low, high = np.quantile(found.known, [0.05, 0.95], axis=0)
    spectra.fill_between(energy, low, high, color=style.TRUE, alpha=0.15, lw=0)
    for values, label, line in (
        (found.known, "measured", {"color": style.TRUE}),
        (found.predicted, "predicted", {"color": style.PALETTE[2], "ls": "--"}),
        (found.made, "calibrated", {"color": style.PREDICTED}),
    ):
        spectra.plot(energy, values.mean(axis=0), label=label, **line)
    spectra.set_xlabel(style.energy_label(float(energy[0]), float(energy[-1])))
    spectra.set_ylabel(f"mean intensity ({found.model.target.unit})")
    spectra.legend(fontsize=7)
    before, after = np.abs(found.held.shift_before), np.abs(found.held.shift_after)
    top = 1.08 * max(float(before.max()), float(after.max()), 0.1)
    shifts.plot([0, top], [0, top], color="0.6", lw=0.8)
    shifts.plot(before, after, ".", color=style.PREDICTED, ms=5)
    shifts.set(xlim=(0, top), ylim=(0, top), aspect="equal")
    shifts.set_xlabel("misaligned before (eV)")
    shifts.set_ylabel("after, held out (eV)")
    return figure
