"""What FDMNES reads and writes: its input, and its tables of energies and cross sections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xreg.core.arrays import Array
from xreg.core.data.samples import Structure
from xreg.core.errors import DataError, RunError
from xreg.core.readers.spectra.table import Table, read_table
from xreg.plugins.fdmnes.plugin import FdmnesConfig

__all__ = ["Site", "energies", "fdmnes_input", "read_convoluted", "read_sites", "steps"]

MARGIN = 2.0
"""How far (eV) beyond the asked energies sites are computed whose core levels differ."""

SITE = re.compile(r"^out(_\d+)?\.txt$")
XANES = "<xanes>"
# What the head line of a table holds, by its own words, and which of it is of use.
EDGE, CUT, CORE, MULTIPLICITY = "e_edge", "e_cut", "epsii", "natomsym_f"
ROUNDING = 0.006
"""FDMNES writes energies to 0.01 eV."""


@dataclass(frozen=True, eq=False)
class Site:
    """The cross section of one absorbing atom.

    Attributes
    ----------
    energy
        (m,) energies in eV, the tabulated edge being at ``edge``.
    mu
        (m,) cross section in Mbarn.
    edge, cut, core
        Tabulated energy of the edge, energy below which states are occupied as seen from the edge,
        and difference of Fermi level and core level, in eV.
    multiplicity
        How many atoms are equivalent to it.
    """

    energy: Array
    mu: Array
    edge: float
    cut: float
    core: float
    multiplicity: float


def steps(config: FdmnesConfig) -> tuple[float, ...]:
    """Return the Range of a calculation: that of the settings, wider where sites are averaged."""
    if config.sites == "absorber":
        return config.range
    first, *middle, last = config.range
    low, high = config.range[1], config.range[-2]
    return (
        first - np.ceil(MARGIN / low) * low,
        *middle,
        last + np.ceil(MARGIN / high) * high,
    )


def energies(spans: tuple[float, ...]) -> Array:
    """Return the energies of a Range, (m,) in eV from the edge.

    The end of each span is among them, however long the step before it.
    """
    parts = [np.array([spans[0]])]
    for low, step, high in zip(spans[::2], spans[1::2], spans[2::2], strict=False):
        count = int(np.ceil((high - low) / step - 1e-6))
        parts.append(np.minimum(low + step * np.arange(1, count + 1), high))
    return np.concatenate(parts)


def fdmnes_input(config: FdmnesConfig, structure: Structure, *, crystal: bool) -> str:
    """Return the text of an input file."""
    site = structure.absorber
    blocks: list[tuple[str, str]] = [
        ("Filout", "out"),
        ("Range", " ".join(f"{value:g}" for value in steps(config))),
        ("Radius", f"{config.radius:g}"),
        ("Edge", config.edge),
        ("Energpho", ""),
        ("Absorber", str(site + 1))
        if config.sites == "absorber"
        else ("Z_absorber", str(structure.numbers[site])),
    ]
    if config.method == "multiple-scattering":
        blocks.append(("Green", ""))
    if config.scf:
        blocks += [
            ("SCF", ""),
            ("R_self", f"{config.scf_radius:g}"),
            ("N_self", str(config.scf_iterations)),
        ]
        if config.scf_mixing is not None:
            blocks.append(("P_self", f"{config.scf_mixing:g}"))
    if config.quadrupole:
        blocks.append(("Quadrupole", ""))
    if config.relativity != "none":
        blocks.append(("Relativism" if config.relativity == "scalar" else "Spinorbit", ""))
    blocks += config.keywords.items()
    blocks.append(_atoms(structure, crystal))
    blocks += [
        ("Convolution", ""),
        ("Ecent", f"{config.e_cent:g}"),
        ("Elarg", f"{config.e_larg:g}"),
    ]
    if config.gamma_hole is not None:
        blocks.append(("Gamma_hole", f"{config.gamma_hole:g}"))
    blocks.append(("Gamma_fix", "") if config.gamma_fix else ("Gamma_max", f"{config.gamma_max:g}"))
    blocks.append(("End", ""))
    return "\n".join(f"{keyword}\n{lines}\n" for keyword, lines in blocks)


def _atoms(structure: Structure, crystal: bool) -> tuple[str, str]:
    if crystal:
        atoms = structure.to_atoms()
        cell, places = atoms.cell.cellpar(), atoms.cell.scaled_positions(atoms.positions)
    else:
        cell = (1.0, 1.0, 1.0, 90.0, 90.0, 90.0)
        places = structure.positions - structure.positions[structure.absorber]
    rows = [" ".join(f"{value:.10g}" for value in cell)]
    rows += [
        f"{number} {x:.10f} {y:.10f} {z:.10f}"
        for number, (x, y, z) in zip(structure.numbers, places, strict=True)
    ]
    return "Crystal" if crystal else "Molecule", "\n".join(rows)


def read_sites(folder: Path) -> list[Site]:
    """Read the raw output of each absorbing atom (``out.txt``, or ``out_1.txt`` …).

    Raises
    ------
    RunError
        If there is none, or one is malformed.
    """
    files = sorted(file for file in folder.iterdir() if SITE.match(file.name))
    if not files:
        raise RunError("FDMNES ended without a spectrum (out.txt)")
    return [_read_site(file) for file in files]


def _read_site(file: Path) -> Site:
    table = _table(file)
    try:
        edge, cut, core, multiplicity = (
            float(table.fields[f"fdmnes.{name}"]) for name in (EDGE, CUT, CORE, MULTIPLICITY)
        )
    except (ValueError, KeyError):
        raise RunError(f"FDMNES left a head line in {file.name} that xreg does not know") from None
    energy, mu = _curve(table, file.name)
    return Site(energy, mu, edge, cut, core, multiplicity)


def read_convoluted(folder: Path) -> tuple[Array, Array]:
    """Read energies and cross section of ``out…_conv.txt``, the mean of all sites.

    Raises
    ------
    RunError
        If it is missing or malformed.
    """
    file = next(folder.glob("out*_conv.txt"), None)  # named by some of the widths
    if file is None:
        raise RunError("FDMNES ended without a convoluted spectrum (out_conv.txt)")
    return _curve(_table(file), file.name)


def _table(file: Path) -> Table:
    try:
        return read_table(file.read_bytes())
    except DataError as error:
        raise RunError(f"FDMNES left no table in {file.name}: {error}") from None


def _curve(table: Table, name: str) -> tuple[Array, Array]:
    """Return a spectrum; of energies that occur twice, as FDMNES writes them, the mean is taken."""
    if XANES not in table.names:
        raise RunError(f"FDMNES left no column {XANES} in {name}")
    rows = table.values[:, [0, table.names.index(XANES)]]
    if not np.isfinite(rows).all():
        raise RunError(f"FDMNES left values in {name} that are not finite")
    energy, where, count = np.unique(rows[:, 0], return_inverse=True, return_counts=True)
    if np.any(np.diff(rows[:, 0]) < 0):
        raise RunError(f"FDMNES left energies in {name} that fall")
    if len(energy) < 2 or not rows[:, 1].any():
        raise RunError(f"FDMNES left a spectrum of zeros in {name}")
    return energy, np.bincount(where.ravel(), rows[:, 1]) / count
