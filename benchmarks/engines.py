"""K-edge engines: what xreg adds to a run of FEFF or FDMNES, and FEFF10 beside published spectra.

``python benchmarks/engines.py overhead`` times the bare programs and the same through xreg.
``python benchmarks/engines.py copper FOLDER RESULTS`` computes some sites of a tree
``<material>/POSCAR``, ``<material>/<site>_Cu/xmu.dat`` (the Cu K spectra published with OmniXAS,
FEFF 9.9.1), compares and draws; finished ones are kept in RESULTS, so that it may be stopped.
``python benchmarks/engines.py sites FOLDER`` prints which sites: those cheapest to compute of
different chemistry.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from ase.neighborlist import neighbor_list
from scipy.optimize import minimize_scalar
from scipy.signal import find_peaks

from xreg.core.data.samples import Structure, Structures
from xreg.core.errors import SampleError
from xreg.core.programs.cluster import cluster
from xreg.plugins.fdmnes.files import fdmnes_input
from xreg.plugins.fdmnes.generator import Fdmnes
from xreg.plugins.fdmnes.plugin import FDMNES
from xreg.plugins.feff.cards import feff_input
from xreg.plugins.feff.generator import Feff

# Material and site (its number in the POSCAR), what ``sites`` prints.
COPPER = {
    "mp-622628": 1, "mp-1212968": 2, "mp-1213297": 2, "mp-1213871": 2, "mp-1211660": 2,
    "mp-1213110": 0, "mp-1203472": 8, "mp-601195": 0, "mp-1212085": 4, "mp-561179": 8,
    "mp-1080538": 0, "mp-541037": 2,
}  # fmt: skip
LARGEST_CELL = 60
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
            f"generator: {dict(name='feff', **feff)}\nsplit: null\n"
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


def sites(tree: Path, count: int = 12) -> dict[str, int]:
    """Return the site with the fewest atoms within 9 Å of each of some chemical systems.

    Fewest atoms first, and of as many the smaller cell; every element but copper and oxygen occurs
    at most twice.
    """
    near: dict[frozenset[int], tuple[int, int, str, int]] = {}
    for folder in sorted(path for path in tree.iterdir() if path.is_dir()):
        atoms = read(folder / "POSCAR")
        if len(atoms) > LARGEST_CELL:
            continue
        around = np.bincount(neighbor_list("i", atoms, 9.0), minlength=len(atoms))
        system = frozenset(atoms.numbers.tolist())
        for file in folder.glob("*_Cu"):
            site = int(file.name.split("_")[0])
            found = (int(around[site]), len(atoms), folder.name, site)
            near[system] = min(near.get(system, found), found)
    chosen, seen = {}, Counter[int]()
    for system, (*_, material, site) in sorted(near.items(), key=lambda item: item[1]):
        others = system - {8, 29}
        if len(chosen) < count and all(seen[number] < 2 for number in others):
            chosen[material] = site
            seen.update(others)
    return chosen


def copper(tree: Path, results: Path, finished: bool) -> None:
    results.mkdir(parents=True, exist_ok=True)
    generator = Feff(s02=0.95, time_limit=3 * 3600)
    grid, curves = generator.grids()["raw"], {}
    print("material  formula  correlation  shift (eV)  aligned  rms  peaks  errors (eV)  cpu (s)")
    for material, site in COPPER.items():
        file = results / f"{material}-{site}.npz"
        atoms = read(tree / material / "POSCAR")
        if not file.exists():
            if finished:
                continue
            before = _children()
            try:
                spectrum = generator.generate(structure(atoms, site, material))
            except SampleError as error:
                print(error, flush=True)
                continue
            labels = {**spectrum.labels, "seconds": _children() - before}
            np.savez(file, e=grid, y=spectrum.channels["raw"], **labels)
        ours = np.load(file)
        published = np.loadtxt(tree / material / f"{site:03d}_Cu" / "xmu.dat").T
        pair = (ours["e"] + ours["fermi_energy"], ours["y"], published[0], published[3])
        formula = atoms.get_chemical_formula("metal", empirical=True)
        curves[f"{formula} ({material})"] = pair
        print(f"{material}  {formula}  {compare(*pair)}  {ours['seconds']:.0f}", flush=True)
    draw(curves, results / "copper.png")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def draw(curves: dict[str, tuple[np.ndarray, ...]], file: Path) -> None:
    from matplotlib.figure import Figure

    rows = -(-len(curves) // 3)
    figure = Figure((9, 0.7 + 2.1 * rows), layout="constrained")
    axes = figure.subplots(rows, 3, sharex=True, squeeze=False).flat
    for axis in axes[len(curves) :]:
        axis.remove()
    for axis, (name, (e1, y1, e2, y2)) in zip(axes, curves.items(), strict=False):
        axis.plot(e2, y2, color="black", lw=1.6, label="published, FEFF 9.9.1")
        axis.plot(e1, y1, color="tab:red", lw=1.2, ls="--", label="feff, FEFF10")
        axis.set_title(name, fontsize=9)
        axis.set_xlim(8980, 9045)
    axis = figure.axes[0]
    axis.legend(fontsize=7, frameon=False)
    figure.supxlabel("energy (eV)")
    figure.supylabel("absorption (atomic background = 1)")
    figure.savefig(file, dpi=110)


def compare(e1: np.ndarray, y1: np.ndarray, e2: np.ndarray, y2: np.ndarray) -> str:
    """Say how alike two spectra are, before and after the shift that makes them most so."""
    grid = np.arange(max(e1[0], e2[0]) + 2, min(e1[-1], e2[-1]) - 2, 0.1)
    known = np.interp(grid, e2, y2)

    def alike(shift: float) -> float:
        return float(np.corrcoef(np.interp(grid - shift, e1, y1), known)[0, 1])

    shift = minimize_scalar(lambda s: -alike(s), bounds=(-1.9, 1.9), method="bounded").x
    aligned = np.interp(grid - shift, e1, y1)
    rms = np.sqrt(np.mean(np.square(aligned - known)))
    peaks, _ = find_peaks(known, prominence=PROMINENCE)
    found, _ = find_peaks(aligned, prominence=PROMINENCE / 2)
    errors = [np.abs(grid[found] - grid[peak]).min() if len(found) else np.inf for peak in peaks]
    return (
        f"{alike(0):.4f}  {shift:+.2f}  {alike(shift):.4f}  {rms:.3f}  {len(peaks)}  "
        f"{', '.join(f'{error:.1f}' for error in errors)}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    timing = commands.add_parser("overhead")
    timing.add_argument("--repeats", type=int, default=3)
    timing.add_argument("--samples", type=int, default=0, help="of the run on two cores")
    commands.add_parser("sites").add_argument("tree", type=Path)
    comparison = commands.add_parser("copper")
    comparison.add_argument("tree", type=Path)
    comparison.add_argument("results", type=Path)
    comparison.add_argument("--finished", action="store_true", help="compare, compute nothing")
    arguments = parser.parse_args()
    if arguments.command == "overhead":
        overhead(arguments.repeats)
        if arguments.samples:
            both_cores(arguments.samples)
    elif arguments.command == "sites":
        print(sites(arguments.tree))
    else:
        copper(arguments.tree, arguments.results, arguments.finished)
