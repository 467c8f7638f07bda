"""How much weaker the structure of an edge is in fluorescence than in transmission."""

from __future__ import annotations

import numpy as np

from xreg.core.arrays import Array

__all__ = ["DAMPED", "damping"]

DAMPED = 0.9
"""Share of the structure in transmission below which fluorescence counts as damped."""
LEAST = 20  # points on either side of the edge, fewer say nothing
ALIKE = 0.8  # correlation from which both show the same structure


def damping(energy: Array, fluorescence: Array, transmission: Array) -> float | None:
    """Return which share of the structure above the edge is left in fluorescence.

    Self-absorption of a thick, concentrated sample divides by a mean free path that shrinks where
    the absorption rises, so that all structure beside the jump is weaker (C. H. Booth and
    F. Bridges, Phys. Scr. T115, 202 (2005)). Both are scaled to a jump of one by straight lines.

    Parameters
    ----------
    energy
        (k,) increasing energies in eV.
    fluorescence, transmission
        (k,) absorption of the same scan by either.

    Returns
    -------
    float or None
        None where there are too few points, or both do not show the same.
    """
    edge = int(np.argmax(np.gradient(transmission, energy)))
    if min(edge, len(energy) - edge) < LEAST:
        return None
    seen, true = (_structure(energy, signal, edge) for signal in (fluorescence, transmission))
    if not all(np.isfinite(row).all() and np.ptp(row) > 0 for row in (seen, true)):
        return None
    if np.corrcoef(seen, true)[0, 1] < ALIKE:
        return None
    return float(seen @ true / (true @ true))


def _structure(energy: Array, signal: Array, edge: int) -> Array:
    """Return what lies beside a straight line above an edge, in units of the jump."""
    away = energy - energy[edge]
    line = np.polyfit(away[edge:], signal[edge:], 1)
    below = np.polyfit(away[: edge // 2], signal[: edge // 2], 1)
    return np.asarray((signal[edge:] - np.polyval(line, away[edge:])) / (line[1] - below[1]))
