"""The generator ``multiplet``: L2,3 absorption spectra of 3d ions by exact diagonalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np
from threadpoolctl import ThreadpoolController

from xreg.core.arrays import Array
from xreg.core.data.samples import Parameters, ParameterSet, Samples
from xreg.core.data.spaces import Parameter, ParameterSpace
from xreg.core.data.spectra import LineList, Spectrum
from xreg.core.errors import ConfigError, SampleError, XregError
from xreg.core.interfaces import Availability, SpectrumGenerator
from xreg.core.ions.broadening import Lines, broaden
from xreg.core.ions.model import PARAMETERS, checked, ion_named, spaces
from xreg.core.ions.window import window
from xreg.plugins.multiplet.plugin import MultipletConfig
from xreg.plugins.multiplet.solver import LARGE, Solver, Sticks

__all__ = ["Multiplet", "window"]

# Share of a stick's strengths along z and across it (x and y together) that each channel sees.
POLARISATION: Mapping[str, tuple[float, float]] = {
    "xas": (1 / 3, 1 / 3),
    "xas_x": (0.0, 1 / 2),
    "xas_y": (0.0, 1 / 2),
    "xas_z": (1.0, 0.0),
}
CPU_BATCH = 32
STICKS = [list(PARAMETERS).index(name) for name in ("Dq", "Ds", "Dt", "S1", "S2", "T")]
GPU_BYTES = 2**31


@lru_cache(maxsize=4)
def _solver(ion: str, device: str) -> Solver:
    """Return an ion's solver; its operators are built once in a process."""
    return Solver(ion_named(ion), None if device == "cpu" else device)


@lru_cache(maxsize=1)
def _threads() -> ThreadpoolController:
    """Return the libraries that have threads; to look for them costs as much as 50 spectra."""
    return ThreadpoolController()


class Multiplet(SpectrumGenerator[MultipletConfig]):
    """L2,3 (2p → 3d) absorption of an ion in a tetragonal crystal field.

    The Hamiltonian of 2p⁶3dⁿ and 2p⁵3dⁿ⁺¹ with all Coulomb, exchange and spin–orbit terms and a
    D4h crystal field is diagonalised in full; every thermally populated state absorbs. A sample
    gives ``Dq``, ``Ds``, ``Dt`` (eV), ``S1``, ``S2``, ``T`` (K), ``sigma``, ``gamma1`` and
    ``gamma2`` (eV): see :data:`~xreg.core.ions.model.PARAMETERS`. Intensities are
    ⟨2p|r|3d⟩² per eV. On a CPU a sample's spectrum does not depend on its batch by a bit.
    """

    name: ClassVar[str] = "multiplet"
    Config = MultipletConfig
    accepts: ClassVar[type[Samples]] = Parameters

    def grids(self) -> dict[str, Array]:
        """Return the energies of each channel, (m,) in eV."""
        return {channel: window(self.config).energies for channel in self.config.channels}

    def channel_units(self) -> dict[str, str]:
        """Return the squared radial integral per eV."""
        return {channel: "⟨2p|r|3d⟩²/eV" for channel in self.config.channels}

    def parameters(self) -> Mapping[str, Parameter]:
        """Return the model's parameters."""
        return PARAMETERS

    def spaces(self) -> Mapping[str, ParameterSpace]:
        """Return the published space, ``oh`` and ``c4v``."""
        return spaces()

    def generate(self, sample: ParameterSet) -> Spectrum:
        """Compute one spectrum.

        Raises
        ------
        SampleError
            If a parameter is missing, unknown or out of its physical range.
        """
        (spectrum,) = self._compute([checked(sample)])
        return spectrum

    def generate_many(self, samples: Samples) -> list[Spectrum | XregError]:
        """Compute many spectra; a bad sample gives its error in its place.

        Raises
        ------
        ConfigError
            If the table gives a parameter in another unit than the model's.
        """
        assert isinstance(samples, Parameters)
        self.check(samples)
        results: list[Spectrum | XregError] = []
        good: list[Array] = []
        for sample in samples:
            try:
                good.append(checked(sample))
                results.append(Spectrum({}))
            except SampleError as error:
                results.append(error)
        computed = iter(self._compute(good))
        return [r if isinstance(r, XregError) else next(computed) for r in results]

    def sticks(self, sample: ParameterSet) -> LineList:
        """Return the transitions that :meth:`generate` broadens, those of no strength left out.

        Strengths are weighted by the population of the initial state, in units of ⟨2p|r|3d⟩².
        """
        solver = self._ready()
        with _threads().limit(limits=1):
            sticks = solver.solve(_columns(solver, [checked(sample)]))
        energy, along, across = (
            np.asarray(x.cpu() if hasattr(x, "cpu") else x)[0]
            for x in (sticks.energy, sticks.along, sticks.across)
        )
        order = np.argsort(energy, kind="stable")
        order = order[(along + across)[order] > 0]
        strength = {str(c): _seen(c, along, across)[order] for c in self.config.channels}
        return LineList(energy[order] + solver.ion.origin, strength)

    def available(self) -> Availability:
        """Say whether the device is there."""
        if self.config.device == "cpu":
            return Availability(True)
        import torch

        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        index = int(self.config.device.partition(":")[2] or 0)
        if index < count:
            return Availability(True)
        return Availability(False, f"there is no '{self.config.device}' here; set device to cpu.")

    def version(self) -> str:
        """Return versions of xreg and of the library that diagonalises."""
        library = "numpy" if self.config.device == "cpu" else "torch"
        return f"xreg {version('xreg')} with {library} {version(library)}"

    def _ready(self) -> Solver:
        if not (state := self.available()):
            raise ConfigError(f"generator 'multiplet': {state.reason}")
        return _solver(self.config.ion, self.config.device)

    def _compute(self, rows: list[Array]) -> list[Spectrum]:
        if not rows:
            return []
        solver = self._ready()
        on_cpu = self.config.device == "cpu"
        if on_cpu:
            size = CPU_BATCH if solver.largest < LARGE else 1
        else:
            size = max(1, GPU_BYTES // (64 * solver.largest**2))
        table = np.array(rows)
        # Spectra that differ in widths alone, as many of a fit do, have the same sticks.
        _, first, same = np.unique(table[:, STICKS], axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first)  # as they came, so that like ones stay together
        spectra: dict[int, Spectrum] = {}
        with _threads().limit(limits=1 if on_cpu else None):
            for start in range(0, len(order), size):
                chosen = order[start : start + size]
                sticks = solver.solve(_columns(solver, table[first[chosen]]), on_cpu and size > 1)
                owners = np.flatnonzero(np.isin(same, chosen))
                place = np.argsort(chosen)[np.searchsorted(np.sort(chosen), same[owners])]
                most = CPU_BATCH if on_cpu else size
                for part in range(0, len(owners), most):
                    here = slice(part, part + most)
                    found = self._broadened(solver, sticks.of(place[here]), table[owners[here]])
                    spectra.update(zip(owners[here].tolist(), found, strict=True))
        return [spectra[i] for i in range(len(rows))]

    def _broadened(self, solver: Solver, sticks: Sticks, table: Array) -> list[Spectrum]:
        energy, border = sticks.energy + solver.ion.origin, solver.ion.border
        widths = _columns(solver, table)
        seen = {POLARISATION[channel] for channel in self.config.channels}
        spectra = {}
        for share in seen:
            lines = Lines(energy, share[0] * sticks.along + share[1] * sticks.across, border)
            broadened = broaden(solver.xp, lines, window(self.config), widths)
            spectra[share] = np.asarray(broadened.cpu() if solver.xp is not np else broadened)
        return [
            Spectrum({c: spectra[POLARISATION[c]][i].copy() for c in self.config.channels})
            for i in range(len(table))
        ]


def _columns(solver: Solver, rows: Sequence[Array] | Array) -> dict[str, Any]:
    table = np.array(rows)
    return {name: solver.array(table[:, i].copy()) for i, name in enumerate(PARAMETERS)}


def _seen(channel: str, along: Array, across: Array) -> Array:
    first, second = POLARISATION[channel]
    return first * along + second * across
