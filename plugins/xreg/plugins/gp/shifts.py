"""Shifts of training spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xreg.core.emulators.registration import register
from xreg.core.errors import ConfigError

__all__ = ["shifts_of"]


def shifts_of(Y: NDArray[np.float64], reach: int, name: str) -> NDArray[np.int64]:
    """Return by how many channels each spectrum of (n, m) stands above the others.

    Raises
    ------
    ConfigError
        If the spectra have lost their mean; it names the emulator.
    """
    if np.abs(Y.mean(axis=0)).max() < 1e-3 * Y.std():
        raise ConfigError(
            f"emulator {name}: registration needs spectra as they are, but these have lost their "
            "mean; ask for 'scaling: none' of the recipe's target."
        )
    return register(Y, reach)
