"""K-edge engines: what xreg adds to a run of FEFF or FDMNES, and FEFF10 beside published spectra.

``python benchmarks/engines.py overhead`` times the bare programs and the same through xreg.
``python benchmarks/engines.py copper FOLDER RESULTS`` computes some sites of a tree
``<material>/POSCAR``, ``<material>/<site>_Cu/xmu.dat`` (the Cu K spectra published with OmniXAS,
FEFF 9.9.1) and compares; finished ones are kept in RESULTS, so that it may be stopped.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from scipy.optimize import minimize_scalar
from scipy.signal import find_peaks

from xreg.core.cluster import cluster
from xreg.core.errors import SampleError
from xreg.core.samples import Structure, Structures
from xreg.plugins.fdmnes.files import fdmnes_input
from xreg.plugins.fdmnes.generator import Fdmnes
from xreg.plugins.fdmnes.plugin import FDMNES
from xreg.plugins.feff.cards import feff_input
from xreg.plugins.feff.generator import Feff

# Material and site (its number in the POSCAR), few atoms within 9 Å first.
COPPER = {
    "mp-601195": 0, "mp-549487": 2, "mp-8806": 2, "mp-1245564": 1, "mp-614565": 0, "mp-25229": 0,
    "mp-1103519": 4, "mp-562090": 0, "mp-28568": 12, "mp-553303": 1, "mp-1197496": 0,
    "mp-1078646": 2, "mp-1212968": 2,
}  # fmt: skip
PROMINENCE = 0.03


def carbonyl(turn: float = 0.0) -> Atoms:
    """Return Fe(CO)5, stretched a little by ``turn``."""
    axes = [(0, 0, 1), (0, 0, -1), (1, 0, 0), (-0.5, 0.75**0.5, 0), (-0.5, -(0.75**0.5), 0)]
    ends = np.array(axes)
    return Atoms("FeC5O5", np.vstack([np.zeros(3), (1.81 + turn) * ends, (2.96 + turn) * ends]))


def structure(atoms: Atoms, site: int = 0, name: str = "it") -> Structure:
    return Structures.from_atoms([atoms], site, [name])[0]


# Overhead ----------------------------------------------------------------------------------------


def overhead(repeats: int) -> None:
    sample = structure(carbonyl())
    feff = Feff(scf_radius=5.0, fms_radius=6.0, radius=6.0)
    text = feff_input(feff.config, sample, cluster(sample, 6.0, crystal=False), crystal=False)

    def bare_feff(folder: Path) -> None:
        code = "import sys, feff10; feff10.run(open('feff.inp').read(), '.')"
        (folder / "feff.inp").write_text(text)
        _run([sys.executable, "-c", code], folder)

    fdmnes = Fdmnes(scf=False, radius=4.0, range=(-10, 0.5, 40))

    def bare_fdmnes(folder: Path) -> None:
        (folder / "fdmfile.txt").write_text("1\nin.txt\n")
        (folder / "in.txt").write_text(fdmnes_input(fdmnes.config, sample, crystal=False))
        _run([str(FDMNES.find())], folder)

    print("engine  bare (s)  in xreg (s)  difference")
    for name, generator, bare in (("feff", feff, bare_feff), ("fdmnes", fdmnes, bare_fdmnes)):
        generator.generate(sample)  # files read once
        without, within = [], []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as folder:
                without.append(_seconds(lambda bare=bare, f=folder: bare(Path(f))))
            within.append(_seconds(lambda g=generator: g.generate(sample)))
        a, b = statistics.median(without), statistics.median(within)
        print(f"{name:7} {a:8.2f} {b:12.2f} {100 * (b / a - 1):+10.1f} %")


def both_cores(samples: int) -> None:
    """Time a generation with two workers beside the time that its calculations took."""
    feff = {"scf_radius": 5.0, "fms_radius": 6.0, "radius": 6.0}
    frames = [carbonyl(0.005 * i) for i in range(samples)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "s.extxyz", frames)
        (folder / "r.yaml").write_text(
            "dataset: {name: co, version: 1.0.0}\nsamples: {file: s.extxyz, absorber: Fe}\n"
            f"generator: {{name: feff, settings: {feff}}}\nsplit: null\n"
        )
        command = [sys.executable, "-m", "xreg.cli.main", "data", "generate", "r.yaml"]
        two = _seconds(lambda: _run([*command, "--workers", "2", "-o", "two.zarr"], folder))
    generator, one = Feff(**feff), []
    for frame in frames[:3]:
        one.append(_seconds(lambda f=frame: generator.generate(structure(f))))
    ideal = samples * statistics.median(one) / 2
    print(
        f"{samples} spectra, two workers: {two:.1f} s; calculations alone on two cores {ideal:.1f}"
    )


def _run(command: list[str], folder: Path) -> None:
    with (folder / "log").open("w") as log:
        subprocess.run(command, cwd=folder, check=True, stdout=log, stderr=log)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


# FEFF10 beside FEFF 9.9.1 ------------------------------------------------------------------------


def copper(tree: Path, results: Path) -> None:
    results.mkdir(parents=True, exist_ok=True)
    generator = Feff(s02=0.95, time_limit=3 * 3600)
    grid = generator.grids()["raw"]
    print("material  formula  correlation  shift (eV)  aligned  peaks  largest error (eV)")
    for material, site in COPPER.items():
        file = results / f"{material}-{site}.npz"
        atoms = read(tree / material / "POSCAR")
        if not file.exists():
            try:
                spectrum = generator.generate(structure(atoms, site, material))
            except SampleError as error:
                print(error, flush=True)
                continue
            np.savez(file, e=grid, y=spectrum.channels["raw"], **spectrum.labels)
        ours = np.load(file)
        published = np.loadtxt(tree / material / f"{site:03d}_Cu" / "xmu.dat").T
        row = compare(ours["e"] + ours["fermi_energy"], ours["y"], published[0], published[3])
        print(f"{material}  {atoms.get_chemical_formula('metal')}  {row}", flush=True)


def compare(e1: np.ndarray, y1: np.ndarray, e2: np.ndarray, y2: np.ndarray) -> str:
    """Say how alike two spectra are, before and after the shift that makes them most so."""
    grid = np.arange(max(e1[0], e2[0]) + 2, min(e1[-1], e2[-1]) - 2, 0.1)
    known = np.interp(grid, e2, y2)

    def alike(shift: float) -> float:
        return float(np.corrcoef(np.interp(grid - shift, e1, y1), known)[0, 1])

    shift = minimize_scalar(lambda s: -alike(s), bounds=(-1.9, 1.9), method="bounded").x
    aligned = np.interp(grid - shift, e1, y1)
    peaks, _ = find_peaks(known, prominence=PROMINENCE)
    found, _ = find_peaks(aligned, prominence=PROMINENCE / 2)
    errors = [np.abs(grid[found] - grid[peak]).min() if len(found) else np.inf for peak in peaks]
    return (
        f"{alike(0):.4f}  {shift:+.2f}  {alike(shift):.4f}  {len(peaks)}  "
        f"{max(errors, default=0):.2f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    timing = commands.add_parser("overhead")
    timing.add_argument("--repeats", type=int, default=3)
    timing.add_argument("--samples", type=int, default=0, help="of the run on two cores")
    comparison = commands.add_parser("copper")
    comparison.add_argument("tree", type=Path)
    comparison.add_argument("results", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "overhead":
        overhead(arguments.repeats)
        if arguments.samples:
            both_cores(arguments.samples)
    else:
        copper(arguments.tree, arguments.results)
