"""What FEFF is asked: its energy mesh, and ``feff.inp``."""

from __future__ import annotations

import numpy as np

from xreg.core.arrays import Array
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.samples import Structure
from xreg.core.errors import SampleError
from xreg.core.programs.cluster import Cluster
from xreg.plugins.feff.plugin import FeffConfig

__all__ = ["UNIT", "energy_mesh", "feff_input"]

UNIT = "µ0 at +50 eV"
"""What FEFF counts mu in: the atomic background so far above the edge."""

K_SQUARED = 3.80998212
"""ħ²/2m in eV Å²."""

EXCHANGES = ("hedin-lundqvist", "dirac-hara", "ground-state", "dirac-hara-hl")

SCREENING = 4.0
"""Radius in Å within which FEFF screens the core hole (SCREEN rfms), where nobody says another."""

SOLID_ABSORBER = 0.01
"""Absorbers for one cell of a crystal: of many like atoms one has a core hole."""


def energy_mesh(config: FeffConfig) -> Array:
    """Return the mesh, (m,) in eV from the Fermi level, which is on it.

    For absorption it is the mesh that FEFF makes for a XANES card: steps of ``vixan`` about the
    Fermi level, and from where they are longer than that, equal steps of the wave number,
    ``xkstep`` above and twice that below. FEFF itself begins less than 4 eV below the Fermi level,
    where a normalisation finds nothing to hold on to; this one goes on to ``below``. For emission
    it has equal steps of ``vixan`` from ``below`` to ``above``: bands of semi-core states far below
    the Fermi level are as sharp as those near it.
    """
    if config.spectrum == "emission":
        first, last = -round(config.below / config.vixan), round(config.above / config.vixan)
        return np.asarray(config.vixan * np.arange(first, last + 1), dtype=np.float64)
    above = _square(config.xkstep, config.xkmax)
    under = -_square(2 * config.xkstep, np.sqrt(config.below / K_SQUARED))
    return np.concatenate(
        [
            _joined(-under, config.vixan)[::-1] * -1,
            [0.0],
            _joined(above, config.vixan),
        ]
    )


def _square(step: float, last: float) -> Array:
    """Return the energies of equal steps of the wave number, the first at one step."""
    count = max(round(last / step), 0)
    return np.asarray(K_SQUARED * (step * np.arange(1, count + 1)) ** 2)


def _joined(energies: Array, step: float) -> Array:
    """Replace those rising energies whose steps are shorter than ``step`` by such steps."""
    far = energies[np.diff(energies, prepend=0.0) >= step]
    near = far[0] - step / 2 if len(far) else np.max(energies, initial=0.0) + step / 2
    return np.concatenate([np.arange(step, near, step), far])


def feff_input(config: FeffConfig, structure: Structure, atoms: Cluster, *, crystal: bool) -> str:
    """Return ``feff.inp`` for one cluster.

    Unique potentials go by element: 0 is the absorber, then one for each element.

    Raises
    ------
    SampleError
        If an element is in the cluster but not within the radius for self-consistency or full
        multiple scattering, where FEFF has to find one atom of each potential.
    """
    elements = sorted(set(atoms.numbers[1:].tolist()))
    potential = {number: i for i, number in enumerate(elements, start=1)}
    begins = {n: float(atoms.distances[1:][atoms.numbers[1:] == n].min()) for n in elements}
    for name, radius in (("scf_radius", config.scf_radius), ("fms_radius", config.fms_radius)):
        for number, nearest in begins.items():
            if nearest > radius > 0:
                raise SampleError(
                    f"sample '{structure.id}': its nearest {SYMBOLS[number]} is {nearest:.2f} Å "
                    f"away, beyond {name} ({radius:g} Å) but within radius; raise the one or lower "
                    "the other."
                )
    single = config.scf_single if config.scf_single is not None else not crystal
    lines = [
        "TITLE xreg",
        f"EDGE {config.edge}",
        f"S02 {config.s02:g}",
        "CONTROL 1 1 1 1 1 1",
        "PRINT 0 0 0 0 0 0",
        f"EXCHANGE {EXCHANGES.index(config.exchange)} {config.exchange_real:g} "
        f"{config.exchange_imag:g} {EXCHANGES.index(config.background_exchange)}",
        f"CORRECTIONS {config.corrections_real:g} {config.corrections_imag:g}",
        f"COREHOLE {config.hole}",
        _kind_of_spectrum(config),
        f"FMS {config.fms_radius:g} {int(single)}",
    ]
    if config.scf_radius:
        lines.append(
            f"SCF {config.scf_radius:g} {int(single)} {config.scf_iterations} "
            f"{config.scf_mixing:g} {config.scf_plain}"
        )
    farthest = max(begins.values(), default=0.0)
    if config.hole == "RPA" and farthest > SCREENING:
        # FEFF has to find one atom of each potential there, too, and else stops.
        lines.append(f"SCREEN rfms {farthest + 0.1:.2f}")
    lines += config.cards
    lines += ["EGRID", "user_grid", *(f"{energy:.8f}" for energy in energy_mesh(config))]
    lines.append("POTENTIALS")
    absorber = int(atoms.numbers[0])
    counted = structure.numbers if crystal else atoms.numbers[1:]
    lines.append(_potential(config, 0, absorber, SOLID_ABSORBER if crystal else 1.0))
    for number, i in potential.items():
        lines.append(_potential(config, i, number, float(np.sum(counted == number))))
    lines.append("ATOMS")
    for i, (number, (x, y, z)) in enumerate(zip(atoms.numbers, atoms.positions, strict=True)):
        lines.append(f"{x:.8f} {y:.8f} {z:.8f} {potential[int(number)] if i else 0}")
    return "\n".join([*lines, "END", ""])


def _kind_of_spectrum(config: FeffConfig) -> str:
    if config.spectrum == "emission":
        return f"XES {-config.below:g} {config.above:g} {config.vixan:g}"
    return f"XANES {config.xkmax:g} {config.xkstep:g} {config.vixan:g}"


def _potential(config: FeffConfig, index: int, number: int, count: float) -> str:
    symbol = SYMBOLS[number]
    scmt, fms = config.lmax.get(symbol, (-1, -1))
    return f"{index} {number} {symbol} {scmt} {fms} {count:g}"
