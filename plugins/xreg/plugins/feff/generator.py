"""The generator ``feff``: one calculation of FEFF10 for each site."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import ClassVar

import numpy as np

from xreg.core.arrays import Array
from xreg.core.data.samples import Structure
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import DataError, MissingRequirementError, RunError, SampleError
from xreg.core.interfaces import Availability, SpectrumGenerator
from xreg.core.programs.cluster import check_site, cluster
from xreg.core.programs.program import Limits, Report, run_program
from xreg.core.readers.spectra.table import read_table
from xreg.core.text import counted
from xreg.plugins.feff.cards import UNIT, energy_mesh, feff_input
from xreg.plugins.feff.plugin import FeffConfig

__all__ = ["Feff"]

OMEGA, E, K, MU, MU0 = 0, 1, 2, 3, 4
COLUMNS = {"raw": MU, "background": MU0}
MESH_TOLERANCE = 1e-3
CONVERGED = "Convergence reached"
UNCONVERGED = "Convergence not reached"
BANNER = re.compile(r"FEFF version (FEFF \S+)")
SMALLEST = "XANES\nPOTENTIALS\n0 1 H\n1 1 H\nATOMS\n0 0 0 0\n0 0 1 1\nEND\n"
"""An input that FEFF reads without complaint."""
STAGE = re.compile(r"stage '(\w+)' failed")
BAD_COUNTS = "Bad counts found repeatedly"
PROGRESS = re.compile(
    r"point +#|Energy point|^Done|^Image|^Calculating|FMS for a cluster|Unknown|Traceback|^ *\d+%"
)


class Feff(SpectrumGenerator[FeffConfig]):
    """Absorption near an edge, or emission into a core hole, by FEFF10.

    The channel ``raw`` is FEFF's mu on FEFF's own mesh, in eV from the Fermi level, which the
    settings fix and all samples share: nothing is interpolated. The label ``fermi_energy`` is the
    photon energy that lifts the core electron there, so that its sum with the grid is the ``omega``
    of ``xmu.dat``; of an emission spectrum, the photon that the fall from there gives off. mu is in
    units of the atomic background 50 eV above the edge.
    """

    name: ClassVar[str] = "feff"
    Config = FeffConfig

    def grids(self) -> dict[str, Array]:
        """Return the energies of each channel, (m,) in eV from the Fermi level."""
        return {channel: self._mesh for channel in self.config.channels}

    def channel_units(self) -> dict[str, str]:
        """Return the atomic background 50 eV above the edge, which FEFF counts in."""
        return {channel: UNIT for channel in self.config.channels}

    @cached_property
    def _mesh(self) -> Array:
        return energy_mesh(self.config)

    def label_units(self) -> dict[str, str]:
        """Return the Fermi level as a photon energy, whether the potentials converged, and when."""
        flags = {"scf_converged": "", "scf_tries": ""} if self.config.scf_radius else {}
        return {"fermi_energy": "eV", **flags}

    def generate(self, sample: Structure) -> Spectrum:
        """Compute one site in a scratch folder of its own.

        Raises
        ------
        SampleError
            If the structure is bad, or FEFF refuses it, crashes, reaches a limit, does not
            converge or leaves no spectrum.
        """
        config = self.config
        crystal = check_site(sample, config.kind, config.absorber, config.edge)
        atoms = cluster(sample, config.radius, crystal=crystal)
        try:
            for tries, rung in enumerate(self._rungs(), start=1):
                text = feff_input(rung, sample, atoms, crystal=crystal)
                try:
                    spectrum = self._compute(text)
                except NoPotentialsError:
                    if tries > config.scf_retries:
                        raise
                    continue
                if not config.scf_radius:
                    return spectrum
                labels = {**spectrum.labels, "scf_tries": float(tries)}
                if labels["scf_converged"] or tries > config.scf_retries:
                    break
            if not labels["scf_converged"] and config.unconverged == "error":
                raise RunError(
                    f"the potentials did not converge in {config.scf_iterations} iterations, tried "
                    f"{counted(tries, 'time')}; lower scf_mixing, or set unconverged to flag"
                )
        except RunError as error:
            raise SampleError(f"sample '{sample.id}': {error}.") from None
        return Spectrum(spectrum.channels, labels)

    def _rungs(self) -> Iterator[FeffConfig]:
        """Yield the settings to try in turn, each mixing more carefully than the one before."""
        config = self.config
        for tried in range(config.scf_retries + 1 if config.scf_radius else 1):
            yield config.model_copy(
                update={
                    "scf_mixing": config.scf_mixing / 2**tried,
                    "scf_plain": min(100, config.scf_plain * 2**tried),
                }
            )

    def _compute(self, text: str) -> Spectrum:
        with tempfile.TemporaryDirectory(prefix="xreg-feff-") as name:
            folder = Path(name)
            (folder / "feff.inp").write_text(text)
            self._run(folder)
            return self._read(folder)

    def available(self) -> Availability:
        """Say whether the bindings are there."""
        try:
            metadata.version("feff10-rs")
        except metadata.PackageNotFoundError:
            return Availability(False, 'there is no FEFF10 (pip install "xreg[feff]")')
        return Availability(True)

    def version(self) -> str:
        """Return the version that FEFF prints, and that of the package that it comes in."""
        return _version(metadata.version("feff10-rs"))

    def _run(self, folder: Path) -> None:
        limits = Limits(self.config.time_limit, self.config.output_limit)
        report = _run_feff("all" if self.config.cards else "xanes", folder, limits)
        if report.code:
            raise _failure(report)

    def _read(self, folder: Path) -> Spectrum:
        table = read_xmu(folder / "xmu.dat", self._mesh)
        labels = {"fermi_energy": float(np.median(table[:, OMEGA] - self._mesh))}
        if self.config.scf_radius:
            labels["scf_converged"] = float(_converged(folder / "log1.dat"))
        return Spectrum({c: table[:, COLUMNS[c]].copy() for c in self.config.channels}, labels)


def _run_feff(stages: str, folder: Path, limits: Limits) -> Report:
    worker = Path(__file__).with_name("worker.py")
    # -P: the folder of the worker is no place to import from.
    return run_program("FEFF", [sys.executable, "-P", worker, stages], folder, limits)


@lru_cache(maxsize=1)
def _version(package: str) -> str:
    with tempfile.TemporaryDirectory(prefix="xreg-feff-") as name:
        (Path(name) / "feff.inp").write_text(SMALLEST)
        try:
            output = _run_feff("input", Path(name), Limits(60.0, 20.0)).output
        except RunError as error:
            raise MissingRequirementError(f"FEFF10 does not work ({error}).") from None
    if not (found := BANNER.search(output)):
        raise MissingRequirementError(
            "FEFF10 prints no version; install its package anew (pip install "
            "--force-reinstall feff10-rs)."
        )
    return f"{found[1]} (feff10-rs {package})"


def read_xmu(file: Path, mesh: Array) -> Array:
    """Return the (m, 6) table of ``xmu.dat``: omega, e, k, mu, mu0, chi.

    Raises
    ------
    RunError
        If it is missing, cut short, not on the mesh (m,), not finite, or zero.
    """
    try:
        table = read_table(file.read_bytes()).values
    except OSError:
        raise RunError("FEFF ended without a spectrum (xmu.dat)") from None
    except DataError as error:
        raise RunError(f"FEFF left an xmu.dat that is no table: {error}") from None
    if table.shape != (len(mesh), 6):
        raise RunError(f"FEFF left {len(table)} of {len(mesh)} energies in xmu.dat")
    if not np.isfinite(table).all():
        raise RunError("FEFF left a spectrum with values that are not finite")
    if np.abs(np.diff(table[:, OMEGA]) - np.diff(mesh)).max() > MESH_TOLERANCE:
        raise RunError("FEFF left a spectrum on other energies than it was asked for")
    if not (table[:, MU] > 0).any() or np.ptp(table[:, MU]) == 0:
        raise RunError("FEFF left a spectrum of zeros")
    return table


def _converged(log: Path) -> bool:
    text = log.read_text(errors="replace") if log.exists() else ""
    if CONVERGED not in text and UNCONVERGED not in text:
        raise RunError("FEFF does not say whether its potentials converged (log1.dat)")
    return CONVERGED in text


class NoPotentialsError(RunError):
    """FEFF gave up looking for self-consistent potentials."""


def _failure(report: Report) -> RunError:
    """Return why FEFF failed: the stage, and the last thing that it said there."""
    if report.code < 0:
        return RunError(f"FEFF crashed (signal {-report.code})")
    said, _, reason = report.output.partition("FeffError: ")
    if not (stage := STAGE.match(reason)):
        return RunError(f"FEFF refused its input ({' '.join(reason.split())})")
    if BAD_COUNTS in said:
        return NoPotentialsError(
            f"FEFF found no self-consistent potentials ('{BAD_COUNTS}'); change scf_mixing or "
            "scf_radius"
        )
    lines = [line for line in said.splitlines() if line.strip() and not PROGRESS.search(line)]
    last = lines[-1].strip(" :") if lines else "nothing"
    return RunError(f"FEFF failed in its stage '{stage[1]}', having said '{last}'")
