"""Ge Kβ of some sites by another engine: DFT orbitals of a cut Ge(OH)n beside FEFF's cluster.

Usage::

    python examples/geo2-kb/check_engine.py sites.extxyz radii.json [-o engines.png]

takes the sites that ``radii.py`` has computed, cuts the germanium with its oxygens, puts a hydrogen
0.97 Å from each oxygen towards that one's next germanium, and computes its emission from the
orbitals of the ground state (PBE, def2-SVP; generator ``pyscf``). Both engines' Kβ'' and Kβ2 are
compared by their distance and share of intensity; absolute energies and widths are not comparable.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read

from xreg.core.data.moments import moments_of
from xreg.core.data.samples import Structures
from xreg.plugins.pyscf.generator import PySCF

BOND, HYDROGEN = 2.35, 0.97  # Å
HALF = 8.0, 17.0  # eV below and about the main band's maximum that belong to Kβ''
WIDTH = 2.28  # eV, the width of the Ge K hole that FEFF takes
GRID = (10_755.0, 10_815.0, 0.25)  # without relativity; Kβ1,3 lies a hundred eV below


def main() -> None:
    """Print both engines' numbers for each site."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sites", type=Path)
    parser.add_argument("spectra", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("engines.png"))
    arguments = parser.parse_args()
    found = json.loads(arguments.spectra.read_text())
    print("site               n   FEFF: distance, share    PySCF: distance, share")
    curves = []
    for atoms in read(arguments.sites, ":"):
        if (spectrum := found.get(f"{atoms.info['id']} production")) is None:
            continue
        feff = np.array(spectrum["energy"]), np.array(spectrum["intensity"])
        hydroxide = cut(atoms)
        dft = emission(hydroxide)
        numbers = [bands(*feff), bands(*dft)]
        count = int((hydroxide.numbers == 8).sum())
        print(
            f"{atoms.info['id']:18} {count}   "
            + "   ".join(f"{d:6.2f} eV {100 * s:6.1f} %" for d, s in numbers),
            flush=True,
        )
        curves.append((str(atoms.info["id"]), count, feff, dft))
    draw(curves, arguments.out)


def cut(atoms: Atoms) -> Atoms:
    """Return Ge(OH)n about the absorber, which comes first."""
    centre = int(atoms.info["absorber"])
    vectors = atoms.get_distances(centre, range(len(atoms)), mic=True, vector=True)
    r = np.linalg.norm(vectors, axis=1)
    oxygens = np.flatnonzero((atoms.numbers == 8) & (r < BOND))
    germanium = np.flatnonzero((atoms.numbers == 32) & (np.arange(len(atoms)) != centre))
    numbers, places = [32], [np.zeros(3)]
    for oxygen in oxygens:
        to = atoms.get_distances(int(oxygen), germanium, mic=True, vector=True)
        nearest = to[np.linalg.norm(to, axis=1).argmin()]
        numbers += [8, 1]
        places += [vectors[oxygen], vectors[oxygen] + HYDROGEN * nearest / np.linalg.norm(nearest)]
    return Atoms(numbers, places)


def emission(atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Return energy (eV) and emission of a hydroxide by DFT."""
    oxygens = int((atoms.numbers == 8).sum())
    settings = dict(
        channels=("xes",),
        charge=4 - oxygens,
        basis="def2-svp",
        density_fitting=True,
        xes_reference="orbital",
        xes_grid=GRID,
        xes_gaussian=0.5,
        xes_lorentzian=WIDTH,
    )
    generator = PySCF(**settings)
    spectrum = generator.generate(Structures.from_atoms([atoms], 0, ["cut"])[0])
    return generator.grids()["xes"], spectrum.channels["xes"]


def bands(energy: np.ndarray, intensity: np.ndarray) -> tuple[float, float]:
    """Return how far Kβ'' lies below Kβ2 (between means, eV), and its share of both."""
    top = energy[intensity.argmax()]
    below = (energy > top - HALF[1]) & (energy < top - HALF[0])
    above = (energy > top - HALF[0]) & (energy < top + HALF[0])
    means = [moments_of(energy[part], intensity[None, part])[0, 0] for part in (below, above)]
    areas = [np.trapezoid(intensity[part], energy[part]) for part in (below, above)]
    return float(means[1] - means[0]), float(areas[0] / sum(areas))


def draw(curves: list, out: Path) -> None:
    """Draw both engines' spectra, their main maxima at zero."""
    from matplotlib.figure import Figure

    figure = Figure((8, 1.6 * len(curves) + 1), layout="constrained")
    axes = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, count, *spectra) in zip(axes, curves, strict=True):
        for (energy, intensity), label in zip(spectra, ("FEFF", "PySCF, Ge(OH)n"), strict=True):
            axis.plot(energy - energy[intensity.argmax()], intensity / intensity.max(), label=label)
        axis.set(xlim=(-25, 15), title=f"{name}, {count} O", ylabel="intensity")
    axes[0].legend(frameon=False)
    axes[-1].set_xlabel("energy from the maximum (eV)")
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main()
