"""Look at ``fe-k`` before publishing it: dynamics, and if given, spectra of both engines.

Usage::

    python examples/fe-k/check_physics.py FOLDER [--store STORE.zarr] [--figures FOLDER]

``FOLDER`` is what ``trajectories.py`` left. Ends with 1 if a check fails.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from ase import Atoms
from ase.io import read
from numpy.typing import NDArray
from structures import COMPOUNDS

from xreg.core.data.dataset import Dataset
from xreg.plugins.xanes.relative_error import relative_error
from xreg.registry.stores.store import open_store

mpl.use("Agg")
import matplotlib.pyplot as plt

Array = NDArray[np.float64]

MEAN_OFF = 0.06  # Å, of the mean iron-donor distance from experiment
SPREAD = (0.0005, 0.03)  # Å², between which the variance of the distances must lie
DRIFT = 0.1  # eV/ps and atom, of the potential energy
HOTTER = 0.12  # share by which the mean temperature may differ
FLOOR = 0.01  # of the maximum: energies below do not count for the relative error


def donors(frame: Atoms, elements: dict[str, float], coordination: int) -> Array:
    """Return the sorted distances (Å) from iron to its donors."""
    named = np.isin(frame.get_chemical_symbols(), list(elements))
    named[0] = False
    lengths = frame.get_distances(0, np.flatnonzero(named), mic=bool(frame.pbc.any()))
    return np.sort(lengths)[:coordination]


def check_dynamics(folder: Path, frames: list[Atoms]) -> list[str]:
    """Print distances, their variance and temperatures of every compound; return what fails."""
    trajectories = json.loads((folder / "trajectories.json").read_text())["trajectories"]
    failures = []
    print("compound          n   T set  T mean  R mean (expected)   longest  variance (Å²)")
    for compound in COMPOUNDS:
        mine = [f for f in frames if f.info["compound"] == compound.name]
        runs = [t for t in trajectories if t["compound"] == compound.name]
        for run in runs:
            if run["status"] != "finished":
                print(f"  {compound.name} {run['seed']} discarded: {run['reason']}")
            elif abs(run["potential_drift_eV_per_ps"]) / run["atoms"] > DRIFT:
                failures.append(f"{compound.name} {run['seed']} drifts")
        for kelvin in sorted({f.info["temperature_K"] for f in mine}):
            r = np.array(
                [donors(f, compound.expected, compound.coordination)
                 for f in mine if f.info["temperature_K"] == kelvin]
            )  # fmt: skip
            mean = np.mean(
                [t["mean_temperature_K"] for t in runs
                 if t["status"] == "finished" and t["temperature_K"] == kelvin]
            )  # fmt: skip
            goal = np.mean(list(compound.expected.values()))
            print(
                f"{compound.name:16s} {len(r):3d}  {kelvin:5.0f}  {mean:6.0f}  {r.mean():.3f} "
                f"({goal:.3f})       {r.max():.2f}     {r.var():.4f}"
            )
            if abs(r.mean() - goal) > MEAN_OFF:
                failures.append(f"{compound.name}: mean distance {r.mean():.3f} for {goal:.3f} Å")
            if not SPREAD[0] < r.var() < SPREAD[1]:
                failures.append(f"{compound.name}: variance {r.var():.4f} Å²")
            if abs(mean / kelvin - 1) > HOTTER:
                failures.append(f"{compound.name}: {mean:.0f} K for {kelvin:.0f} K")
    return failures


def edge(energy: Array, curves: Array, level: float = 0.5) -> Array:
    """Return where each normalised curve last rises through a level before it reaches one."""
    found = []
    for curve in curves:
        top = int(np.argmax(curve >= 1.0))
        below = np.flatnonzero(curve[:top] < level)[-1]
        pair = slice(below, below + 2)
        found.append(np.interp(level, curve[pair], energy[pair]))
    return np.array(found)


def area(energy: Array, curves: Array, low: float, high: float) -> Array:
    """Return the area of each curve between two energies (eV)."""
    rows = (energy >= low) & (energy <= high)
    return np.asarray(np.trapezoid(curves[:, rows], energy[rows], axis=1))


def check_store(path: Path) -> tuple[list[str], Dataset]:
    """Print edges, pre-edges and white lines of every compound; return what fails."""
    data = open_store(path)
    size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    energy, y = data.spectra["xanes"].energy, np.asarray(data.spectra["xanes"].intensity, float)
    engine, compound = data.label("engine"), data.label("compound")
    print(f"store: {len(data)} samples, {size / 1e6:.2f} MB")
    failures = [] if np.isfinite(y).all() else ["values that are not finite"]
    if y.min() < -0.02:
        failures.append(f"negative intensity {y.min():.3f}")
    print("compound          engine    n  edge (eV)        pre-edge area  white line  at (eV)")
    for c in COMPOUNDS:
        for e in ("feff", "fdmnes"):
            rows = (compound == c.name) & (engine == e)
            if not rows.any():
                continue
            half = edge(energy, y[rows])
            mean = y[rows].mean(axis=0)
            pre = area(energy, y[rows], 7109.0, 7116.0)
            print(
                f"{c.name:16s}  {e:7s} {rows.sum():3d}  {half.mean():.2f} ± {half.std():.2f}  "
                f"{pre.mean():11.2f}  {mean.max():10.2f}  {energy[mean.argmax()]:.1f}"
            )
    return failures, data


def shared(data: Dataset) -> tuple[Array, Array, NDArray[np.str_]]:
    """Return spectra of the sites that both engines have computed, FEFF's first, and compounds."""
    y, engine = np.asarray(data.spectra["xanes"].intensity, float), data.label("engine")
    site = data.label("site")
    row = {(s, e): i for i, (s, e) in enumerate(zip(site, engine, strict=True))}
    both = sorted({s for s in site if (s, "feff") in row and (s, "fdmnes") in row})
    first = [row[s, "feff"] for s in both]
    second = [row[s, "fdmnes"] for s in both]
    return y[first], y[second], data.label("compound")[first]


def compare_engines(data: Dataset) -> None:
    """Print how far the engines are apart on the same sites."""
    feff, fdmnes, compounds = shared(data)
    if not len(feff):
        return
    energy = np.asarray(data.spectra["xanes"].energy)

    def say(name: str, a: Array, b: Array) -> None:
        delta = relative_error(a, b, FLOOR)
        explained = 1 - ((a - b) ** 2).sum() / ((a - feff.mean(axis=0)) ** 2).sum()
        r = np.mean([np.corrcoef(p, q)[0, 1] for p, q in zip(a, b, strict=True)])
        shifts = np.arange(-6, 6.01, 0.25)
        best = [
            shifts[np.argmax([np.corrcoef(p, np.interp(energy, energy + s, q))[0, 1]
                              for s in shifts])]
            for p, q in zip(a, b, strict=True)
        ]  # fmt: skip
        q1, median, q3 = np.quantile(delta, [0.25, 0.5, 0.75])
        print(
            f"{name:16s} {len(a):4d} {median:6.1f} ({q1:.1f}…{q3:.1f})  {explained:6.3f}  "
            f"{r:.3f}  {np.mean(best):+.2f} ± {np.std(best):.2f}"
        )

    print("engines on the same sites: n, Δμ median (quartiles) %, R², correlation, best shift (eV)")
    say("all", feff, fdmnes)
    for name in np.unique(compounds):
        say(name, feff[compounds == name], fdmnes[compounds == name])


def draw(data: Dataset, folder: Path) -> None:
    """Draw mean and spread of every compound by engine."""
    energy, y = data.spectra["xanes"].energy, np.asarray(data.spectra["xanes"].intensity, float)
    engine, compound = data.label("engine"), data.label("compound")
    figure, axes = plt.subplots(4, 4, figsize=(16, 12), sharex=True, constrained_layout=True)
    for axis, c in zip(axes.flat, COMPOUNDS, strict=True):
        for e, colour in (("feff", "C0"), ("fdmnes", "C1")):
            mine = y[(compound == c.name) & (engine == e)]
            if len(mine):
                axis.fill_between(energy, *np.quantile(mine, [0.05, 0.95], axis=0), alpha=0.3,
                                  color=colour, lw=0)  # fmt: skip
                axis.plot(energy, mine.mean(axis=0), colour, label=f"{e}, {len(mine)}")
        axis.set_title(c.name, fontsize=9)
        if axis.lines:
            axis.legend(fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("energy (eV)")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "compounds.png", dpi=80)


def main() -> None:
    """Check, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--figures", type=Path)
    args = parser.parse_args()
    frames = read(args.folder / "trajectories.extxyz", ":")
    failures = check_dynamics(args.folder, frames)
    if args.store:
        found, data = check_store(args.store)
        failures += found
        compare_engines(data)
        if args.figures:
            draw(data, args.figures)
    for failure in failures:
        print("FAILED:", failure)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
