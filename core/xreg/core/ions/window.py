"""The energies at which an ion's spectrum is computed."""

from __future__ import annotations

from xreg.core.ions.broadening import Grid
from xreg.core.ions.model import ion_named
from xreg.core.ions.settings import ModelConfig

__all__ = ["window"]


def window(config: ModelConfig) -> Grid:
    """Return the energies that the settings ask for."""
    start = ion_named(config.ion).edge - config.before
    return Grid(start, (config.before + config.after) / (config.points - 1), config.points)
