"""The generator ``pyscf``: XES, XAS and XPS of one site of a molecule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np
import pyscf
from pyscf import lib
from pyscf.data.nist import HARTREE2EV
from threadpoolctl import threadpool_limits

from xreg.core.arrays import Array
from xreg.core.data.samples import Samples, Structure
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import ConfigError, SampleError, XregError, did_you_mean
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.readers.numbers import number_of
from xreg.plugins.pyscf.corehole import CoreHoles
from xreg.plugins.pyscf.plugin import DEFAULT_ATTEMPTS, MAX_CHARGE, ChargeLabel, PySCFConfig
from xreg.plugins.pyscf.surroundings import cut
from xreg.plugins.pyscf.transitions import absorption, emission, photoline

__all__ = ["PySCF"]


class PySCF(SpectrumGenerator[PySCFConfig]):
    """Core-level spectra of one atom of a molecule by Kohn–Sham DFT with core holes.

    ``xes`` and ``xas`` are oscillator strengths per eV, ``xps`` a line of unit area. Labels
    are the 1s ionisation energy (with ``xps``), the first core excitation (with ``xas``) and
    the total energy of the ground state (where it is computed), all in eV.

    One thread computes one structure, always: so results repeat bit for bit, and several
    structures at once use several cores better than one structure could.
    """

    name: ClassVar[str] = "pyscf"
    Config = PySCFConfig

    def grids(self) -> dict[str, Array]:
        """Return the energies of each channel, (m,) in eV."""
        grids: dict[str, Array] = {}
        for channel in self.config.channels:
            first, last, step = getattr(self.config, f"{channel}_grid")
            # A last energy that rounding puts a hair beyond the grid belongs to it.
            grids[channel] = first + step * np.arange(int((last - first) / step + 1e-6) + 1)
        return grids

    def channel_units(self) -> dict[str, str]:
        """Return what oscillator strengths and lines of unit area are counted in."""
        return {channel: "1/eV" for channel in self.config.channels}

    def label_units(self) -> dict[str, str]:
        """Return the labels that go with the chosen channels, all in eV."""
        labels = {} if self.config.half_hole_start == "atoms" else {"total_energy": "eV"}
        if "xas" in self.config.channels:
            labels["excitation_energy"] = "eV"
        if "xps" in self.config.channels:
            labels["ionisation_energy"] = "eV"
        if self.config.cut is not None:
            labels |= {"computed_atoms": "", "computed_charge": "e"}
        if self.config.attempts > DEFAULT_ATTEMPTS:
            labels["scf_attempt"] = ""
        return labels

    @property
    def needs_labels(self) -> Sequence[str]:
        """The label that holds the charge, where one does."""
        charge = self.config.charge
        return (charge.label,) if isinstance(charge, ChargeLabel) else ()

    def generate(self, sample: Structure) -> Spectrum:
        """Compute one molecule.

        Parameters
        ----------
        sample : Structure
            A molecule with its absorber; its position and orientation do not matter.

        Returns
        -------
        Spectrum
            The chosen channels on their grids, and the labels.

        Raises
        ------
        SampleError
            If an SCF does not converge, the core hole leaves the atom, or a spectrum would
            lie outside its grid; the message names the step.
        """
        if isinstance(self.config.charge, ChargeLabel):
            raise SampleError(
                f"sample '{sample.id}' comes without labels, and 'charge' is its label "
                f"'{self.config.charge.label}'; have it computed by generate_many."
            )
        return self._generate(sample, self.config.charge)

    def generate_many(self, samples: Samples) -> list[Spectrum | XregError]:
        """Compute many molecules, each with the charge that its label says."""
        if not isinstance(self.config.charge, ChargeLabel):
            return super().generate_many(samples)
        results: list[Spectrum | XregError] = []
        for i in range(len(samples)):
            try:
                results.append(self._generate(samples[i], self._charge_of(samples, i)))
            except SampleError as error:
                results.append(error)
        return results

    def _charge_of(self, samples: Samples, row: int) -> int:
        """Return the charge that a sample's label says."""
        label = cast("ChargeLabel", self.config.charge).label
        if label not in samples.labels:
            raise ConfigError(
                f"generator 'pyscf': the samples have no label '{label}', which 'charge' names"
                f"{did_you_mean(label, samples.labels)}."
            )
        told = samples.labels[label][row]
        charge = number_of(str(told))
        if charge is None or not float(charge).is_integer() or abs(charge) > MAX_CHARGE:
            raise SampleError(
                f"sample '{samples.ids[row]}' has the label '{label}' with '{told}', no charge: a "
                f"whole number of at most {MAX_CHARGE}."
            )
        return int(charge)

    def _generate(self, sample: Structure, charge: int) -> Spectrum:
        with threadpool_limits(1), lib.with_omp_threads(1):
            return self._computed(sample, charge)

    def _computed(self, sample: Structure, charge: int) -> Spectrum:
        config = self.config
        around = None
        if config.cut is not None:
            around = cut(sample, config.cut)
            sample, charge = around.structure, around.charge
        states = CoreHoles(sample, config, charge, around)
        channels, labels = {}, {}
        for channel, grid in self.grids().items():
            lines = {"xes": emission, "xas": absorption, "xps": photoline}[channel](states)
            gaussian: Any = getattr(config, f"{channel}_gaussian")
            if channel == "xas":
                gaussian = gaussian + config.xas_slope * np.maximum(lines.level, 0.0)
                labels["excitation_energy"] = float(lines.energy.min())
            if channel == "xps":
                labels["ionisation_energy"] = float(lines.energy[0])
            leading = lines.energy.max() if channel == "xes" else lines.energy.min()
            if not grid[0] <= leading <= grid[-1]:
                raise SampleError(
                    f"sample '{sample.id}': the leading {channel} line lies at {leading:.1f} eV, "
                    f"outside the grid {grid[0]:g}…{grid[-1]:g} eV; set '{channel}_grid'."
                )
            channels[channel] = lines.broadened(
                grid, gaussian, getattr(config, f"{channel}_lorentzian")
            )
        if "total_energy" in self.label_units():
            labels["total_energy"] = float(states.ground.e_tot * HARTREE2EV)
        labels["computed_atoms"] = float(len(sample.numbers))
        labels["computed_charge"] = float(charge)
        labels["scf_attempt"] = float(states.attempt)
        return Spectrum(channels, {name: labels[name] for name in self.label_units()})

    def version(self) -> str:
        """Return ``PySCF`` and its version."""
        return f"PySCF {pyscf.__version__}"
