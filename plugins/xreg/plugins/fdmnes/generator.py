"""The generator ``fdmnes``: one calculation of FDMNES for each site."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from xreg.core.arrays import Array
from xreg.core.data.samples import Structure
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import RunError, SampleError
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.programs.cluster import check_site, cluster
from xreg.core.programs.program import Limits
from xreg.plugins.fdmnes.files import (
    ROUNDING,
    Site,
    energies,
    fdmnes_input,
    read_convoluted,
    read_sites,
    steps,
)
from xreg.plugins.fdmnes.plugin import FDMNES, FdmnesConfig
from xreg.plugins.fdmnes.program import LOG, fdmnes_version, run_fdmnes

__all__ = ["Fdmnes"]

UNCONVERGED = "Calculation has not converged"


class Fdmnes(SpectrumGenerator[FdmnesConfig]):
    """Absorption near an edge by FDMNES.

    The channel ``raw`` is FDMNES' cross section in Mbarn, all states and no broadening; the channel
    ``convoluted`` has the unoccupied ones only, broadened. Energies are those of the setting
    ``range``. Labels, in eV: ``edge_energy``, the tabulated edge, where the energies have their
    zero on an absolute scale; ``fermi_energy``, the photon energy below which states are occupied;
    ``core_energy``, the difference of FDMNES' energy zero and the core level, whose changes from
    sample to sample are chemical shifts.
    """

    name: ClassVar[str] = "fdmnes"
    Config = FdmnesConfig

    def grids(self) -> dict[str, Array]:
        """Return the energies of each channel, (m,) in eV from the edge."""
        return {channel: self._grid for channel in self.config.channels}

    def channel_units(self) -> dict[str, str]:
        """Return FDMNES' unit of cross sections."""
        return {channel: "Mb" for channel in self.config.channels}

    @cached_property
    def _grid(self) -> Array:
        return energies(self.config.range)

    def label_units(self) -> dict[str, str]:
        """Return the energies that come with a spectrum, and whether the potentials converged."""
        flag = {"scf_converged": ""} if self.config.scf else {}
        return {"edge_energy": "eV", "fermi_energy": "eV", "core_energy": "eV", **flag}

    def generate(self, sample: Structure) -> Spectrum:
        """Compute one site in a scratch folder of its own.

        Raises
        ------
        SampleError
            If the structure is bad, or FDMNES refuses it, crashes, reaches a limit, does not
            converge or leaves no spectrum.
        MissingRequirementError
            If there is no FDMNES.
        """
        config = self.config
        crystal = check_site(sample, config.kind, config.absorber, config.edge)
        if crystal and not sample.pbc.all():
            raise SampleError(
                f"sample '{sample.id}' is periodic in some directions only, and a crystal of "
                "FDMNES in all three; add vacuum to its cell."
            )
        # FDMNES looks at every atom; this refuses those that overlap.
        cluster(sample, config.radius if crystal else np.inf, crystal=crystal)
        program, limits = FDMNES.require(), Limits(config.time_limit, config.output_limit)
        with tempfile.TemporaryDirectory(prefix="xreg-fdmnes-") as name:
            folder = Path(name)
            try:
                run_fdmnes(program, fdmnes_input(config, sample, crystal=crystal), folder, limits)
                return self._read(folder)
            except RunError as error:
                raise SampleError(f"sample '{sample.id}': {error}.") from None

    def version(self) -> str:
        """Return ``FDMNES`` and its version."""
        return f"FDMNES {fdmnes_version(FDMNES.require())}"

    def _read(self, folder: Path) -> Spectrum:
        sites = read_sites(folder)
        for site in sites:
            _check_energies(site, energies(steps(self.config)))
        edge, core = sites[0].edge, min(site.core for site in sites)
        weights = np.array([site.multiplicity for site in sites])
        labels = {
            "edge_energy": edge,
            "fermi_energy": edge + float(np.average([s.cut for s in sites], weights=weights)),
            "core_energy": core,
        }
        if self.config.scf:
            labels["scf_converged"] = float(self._converged(folder / LOG))
        channels = {}
        if "raw" in self.config.channels:
            # As FDMNES itself does for the convoluted mean: a deeper core level, a higher edge.
            curves = [self._on_grid(s.energy - s.edge + s.core - core, s.mu) for s in sites]
            channels["raw"] = np.average(curves, axis=0, weights=weights)
        if "convoluted" in self.config.channels:
            energy, mu = read_convoluted(folder)
            channels["convoluted"] = self._on_grid(energy - edge, mu)
        return Spectrum(channels, labels)

    def _converged(self, log: Path) -> bool:
        converged = UNCONVERGED not in log.read_text(errors="replace")
        if not converged and self.config.unconverged == "error":
            raise RunError(
                f"the potentials did not converge in {self.config.scf_iterations} iterations; "
                "raise scf_iterations, lower scf_mixing, or set unconverged to flag"
            )
        return converged

    def _on_grid(self, energy: Array, mu: Array) -> Array:
        """Return a curve on the asked energies, most often the ones it is on."""
        if energy[0] > self._grid[0] + ROUNDING or energy[-1] < self._grid[-1] - ROUNDING:
            raise RunError(
                f"the core levels of equivalent sites differ so much that the mean has only "
                f"{energy[0]:g}…{energy[-1]:g} of the asked energies; use sites 'absorber'"
            )
        return np.interp(self._grid, energy, mu)


def _check_energies(site: Site, wanted: Array) -> None:
    found = site.energy - site.edge
    if len(found) != len(wanted) or np.abs(found - wanted).max() > ROUNDING:
        raise RunError(
            f"FDMNES left {len(found)} energies from {found[0]:g} to {found[-1]:g} eV where it was "
            f"asked for {len(wanted)} from {wanted[0]:g} to {wanted[-1]:g}"
        )
