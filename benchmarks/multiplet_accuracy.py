"""Generator ``multiplet`` against Quanty and edrixs, for every ion.

Random parameter sets of the published space, the isotropic spectrum and light polarised along x, y
and z, on absolute energies that nothing shifts. Quanty and edrixs are left out where they are not
installed. Run by hand::

    python benchmarks/multiplet_accuracy.py --sets 5        # about fifteen minutes
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before any BLAS is loaded

import argparse
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import get_args

import numpy as np
from scipy.special import wofz
from threadpoolctl import threadpool_limits

from by_edrixs import levels
from xreg.core.data.samples import ParameterSet
from xreg.core.ions.model import BOLTZMANN, ion_named, spaces
from xreg.core.ions.settings import IonName
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.quanty.plugin import QUANTY
from xreg.plugins.quanty.quanty import Quanty

CHANNELS = ("xas", "xas_x", "xas_y", "xas_z")
VISIBLE = 1e-6  # lines of less than this share of all strength have no energy worth comparing

Channels = Mapping[str, np.ndarray]


def deviation(found: Channels, wanted: Channels) -> float:
    """Return the largest deviation of any channel, relative to that channel's maximum."""
    return max(float(abs(found[c] - wanted[c]).max() / wanted[c].max()) for c in CHANNELS)


def by_quanty(generator: Multiplet, sample: ParameterSet) -> tuple[float, float]:
    spectra = Quanty(ion=generator.config.ion, channels=CHANNELS).generate(sample).channels
    return deviation(generator.generate(sample).channels, spectra), np.nan


def by_edrixs(generator: Multiplet, sample: ParameterSet) -> tuple[float, float]:
    """Return the deviation of the spectra, and of the energies of visible lines in eV.

    edrixs' lines get their Voigt profiles one by one, from the Faddeeva function.
    """
    ion, v = ion_named(generator.config.ion), sample.values
    below, above, dipole = levels(ion, v)
    weight = np.exp(-(below - below.min()) / (BOLTZMANN * v["T"]))
    strength = 0.4 * np.abs(dipole) ** 2 * weight / weight.sum()  # edrixs' own normalisation
    energy = above[:, None] - below + ion.origin
    grid = generator.grids()["xas"]
    scale = v["sigma"] * np.sqrt(2)
    total = np.zeros((3, len(grid)))
    for side, gamma in ((energy < ion.border, v["gamma1"]), (energy >= ion.border, v["gamma2"])):
        keep = side & (strength.sum(0) > 1e-13)
        z = (grid[:, None] - energy[keep] + 0.5j * gamma) / scale
        total += strength[:, keep] @ wofz(z).real.T / (scale * np.sqrt(np.pi))
    spectra = dict(zip(CHANNELS, (total.mean(0), *total), strict=True))

    lines = generator.sticks(sample)
    own = lines.energy[lines.strength["xas"] > 0]
    theirs = energy[strength.sum(0) > VISIBLE * strength.sum()]
    after = np.clip(np.searchsorted(own, theirs), 1, len(own) - 1)
    apart = np.minimum(abs(own[after] - theirs), abs(own[after - 1] - theirs))
    return deviation(generator.generate(sample).channels, spectra), float(apart.max())


def main(sets: int, ions: Sequence[str]) -> None:
    space = spaces()["published"]
    programs: dict[str, Callable[[Multiplet, ParameterSet], tuple[float, float]]] = {}
    if QUANTY.find() is not None:
        programs["Quanty"] = by_quanty
    if importlib.util.find_spec("edrixs") is not None:
        programs["edrixs"] = by_edrixs
    print("| ion | d electrons | " + " | ".join(programs) + " | lines of edrixs (eV) |")
    print("|---|---:|" + "---:|" * (len(programs) + 1))
    for ion in ions:
        generator = Multiplet(ion=ion, channels=CHANNELS)
        samples = space.sample(sets, method="random", seed=100 + get_args(IonName).index(ion))
        found = {
            name: np.max([compare(generator, sample) for sample in samples], axis=0)
            for name, compare in programs.items()
        }
        cells = [f"{spectra:.0e}" for spectra, _ in found.values()]
        lines = f"{found['edrixs'][1]:.0e}" if "edrixs" in found else "–"
        print(f"| {ion} | {ion_named(ion).electrons} | {' | '.join(cells)} | {lines} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Deviations from Quanty and edrixs.")
    parser.add_argument("--sets", type=int, default=5, help="random parameter sets for each ion")
    parser.add_argument("--ions", nargs="+", default=get_args(IonName), metavar="ION")
    chosen = parser.parse_args()
    with threadpool_limits(1):
        main(chosen.sets, chosen.ions)
