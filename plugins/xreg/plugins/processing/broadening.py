"""Steps that broaden spectra."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.broadening import arctangent_broadened, gaussian_matrix, lorentzian_matrix
from xreg.core.errors import DataError
from xreg.core.interfaces import Step
from xreg.core.interfaces.step import Curves
from xreg.plugins.processing.plugin import (
    ArctangentConfig,
    GaussianConfig,
    LorentzianConfig,
    WidthConfig,
)

__all__ = ["Arctangent", "Gaussian", "Lorentzian"]


class Lorentzian(Step[LorentzianConfig]):
    """Broadening by one Lorentzian at all energies."""

    name = "lorentzian"
    Config = LorentzianConfig

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        out = np.empty_like(curves.intensity)
        for width, rows in _widths(self.config, curves):
            widths = np.full(len(curves.grid), width)
            out[rows] = (
                curves.intensity[rows] @ lorentzian_matrix(curves.grid, curves.grid, widths).T
            )
        return replace(curves, intensity=out)


class Gaussian(Step[GaussianConfig]):
    """Broadening by one Gaussian at all energies: the resolution of an instrument."""

    name = "gaussian"
    Config = GaussianConfig

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        matrix = gaussian_matrix(curves.grid, curves.grid, self.config.width)
        return replace(curves, intensity=curves.intensity @ matrix.T)


class Arctangent(Step[ArctangentConfig]):
    """Broadening that grows with the energy, as FDMNES has it."""

    name = "arctangent"
    Config = ArctangentConfig

    @property
    def labels(self) -> tuple[str, ...]:
        """The label that holds the Fermi level, if it is one."""
        return (self.config.fermi,) if isinstance(self.config.fermi, str) else ()

    def apply(self, curves: Curves) -> Curves:
        """Return the curves after the step."""
        n = len(curves.ids)
        fermi = (
            np.full(n, self.config.fermi)
            if isinstance(self.config.fermi, float)
            else curves.label(self.config.fermi)
        )
        out = np.empty_like(curves.intensity)
        for hole, rows in _widths(self.config, curves):
            # Samples with one Fermi level on the grid share a matrix.
            levels, which = np.unique((fermi - curves.offset)[rows], return_inverse=True)
            for number, level in enumerate(levels):
                mine = rows[which == number]
                if not curves.grid[0] <= level < curves.grid[-1]:
                    raise DataError(
                        f"the Fermi level of '{curves.ids[mine[0]]}' stands at {level:g} eV on a "
                        f"grid "
                        f"from {curves.grid[0]:g} to {curves.grid[-1]:g} eV."
                    )
                out[mine] = arctangent_broadened(
                    curves.grid,
                    curves.intensity[mine],
                    float(level),
                    hole,
                    self.config.gamma_max,
                    self.config.e_cent,
                    self.config.e_larg,
                    occupied=self.config.occupied,
                )
        return replace(curves, intensity=out)


def _widths(config: WidthConfig, curves: Curves) -> Iterator[tuple[float, NDArray[np.intp]]]:
    if config.width is not None:
        yield config.width, np.arange(len(curves.ids))
    else:
        for edge, rows in curves.edges(config.edge):
            yield edge.width, rows
