"""Look at the sulfuric acid dataset before publishing it: dynamics, structures, spectra.

Usage::

    python examples/h2so4-aq/check_physics.py FOLDER [--store STORE.zarr] [--figure check.png]

``FOLDER`` is what ``trajectories.py`` left. Prints how warm the trajectories are, how the states
of protonation are spread over sizes, starts and temperatures, how far neighbouring snapshots are
apart, and for a generated store where its lines lie, how its spectra differ from state to state,
and what could be wrong with it. Ends with 1 if a check fails.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from ase import Atoms
from ase.io import read

mpl.use("Agg")
import matplotlib.pyplot as plt

MAX_WARM = 0.15  # mean kinetic temperature against the thermostat's, all trajectories together
LEAST_SHARE = {2: 0.2, 1: 0.2, 0: 0.02}  # of snapshots in each state of protonation
LINES = ((2463.5, 1.5), (2475.5, 2.0))  # eV: the O 2s and O 2p bands, and how far they may be off
OUTLIER = 12.0  # of a spectrum's norm, in units of the robust spread


def environment(frame: Atoms) -> np.ndarray:
    """Return sorted S-O distances of the acid and of the waters, and sorted acid H-O ones, in Å."""
    oxygens = np.flatnonzero(frame.numbers == 8)
    distances = frame.get_all_distances()
    near = oxygens[np.argsort(distances[0, oxygens])]
    hydrogens = distances[np.ix_(frame.numbers == 1, near[:4])].min(axis=1)
    return np.concatenate([distances[0, near[:8]], np.sort(hydrogens)[:4]])


def check_dynamics(folder: Path) -> list[str]:
    """Print how warm the trajectories are; return what fails."""
    log = json.loads((folder / "trajectories.json").read_text())
    print("settings:", json.dumps(log["settings"]))
    runs = log["trajectories"]
    failures = []
    ratio = np.array([t["mean_temperature_K"] / t["temperature_K"] for t in runs])
    print(f"{len(runs)} trajectories; kinetic temperature over the thermostat's: mean "
          f"{ratio.mean():.3f}, {ratio.min():.2f} to {ratio.max():.2f}")  # fmt: skip
    if abs(ratio.mean() - 1) > MAX_WARM:
        failures.append(f"trajectories are {ratio.mean():.2f} times as warm as their thermostat")
    for held in (False, True):
        for start in (2, 1, 0):
            states = [s for t in runs if (t["held"], t["start"]) == (held, start)
                      for s in t["protonation"]]  # fmt: skip
            if states:
                shares = [f"{np.mean(np.array(states) == k):.2f}" for k in (0, 1, 2)]
                print(f"  {'held' if held else 'free'}, started with {start} H: {len(states)} "
                      f"snapshots with 0, 1, 2 H: {', '.join(shares)}")  # fmt: skip
    return failures


def check_structures(frames: list[Atoms]) -> list[str]:
    """Print how states, sizes and temperatures are spread; return what fails."""
    failures = []
    label = {k: np.array([f.info[k] for f in frames]) for k in
             ("protonation", "waters", "temperature_K", "trajectory", "time_fs")}  # fmt: skip
    print(f"{len(frames)} snapshots")
    for key in ("waters", "temperature_K"):
        for value in np.unique(label[key]):
            states = label["protonation"][label[key] == value]
            counts = [int((states == k).sum()) for k in (0, 1, 2)]
            print(f"  {key} {value:g}: {len(states)} snapshots with 0, 1, 2 H: {counts}")
    for state, least in LEAST_SHARE.items():
        share = float((label["protonation"] == state).mean())
        print(f"  protonation {state}: {100 * share:.1f} %")
        if share < least:
            failures.append(f"only {100 * share:.1f} % of the snapshots have {state} H")
    if strange := sorted(set(label["protonation"].tolist()) - {0, 1, 2}):
        print(f"  protonation {strange}: {np.isin(label['protonation'], strange).sum()} snapshots")
    around = np.array([environment(f) for f in frames])
    print(f"  S-O bonds {around[:, :4].min():.2f} to {around[:, :4].max():.2f} Å, waters' nearest "
          f"oxygen {around[:, 4].mean():.2f} Å on average")  # fmt: skip
    if around[:, 3].max() > 2.0:
        failures.append(f"{(around[:, 3] > 2.0).sum()} snapshots have a broken S-O bond")
    order = np.lexsort((label["time_fs"], label["trajectory"]))
    same = np.diff(label["trajectory"][order]) == 0
    scaled = around / around.std(axis=0)
    steps = np.linalg.norm(np.diff(scaled[order], axis=0), axis=1)[same]
    apart = np.linalg.norm(
        scaled - scaled[np.random.default_rng(0).permutation(len(scaled))], axis=1
    )
    print(f"  neighbours in time are {np.median(steps):.2f} standard deviations apart, any two "
          f"snapshots {np.median(apart):.2f} (medians)")  # fmt: skip
    if len({f.info["id"] for f in frames}) != len(frames):
        failures.append("ids repeat")
    return failures


def check_store(path: Path, figure: Path | None) -> list[str]:
    """Print what the spectra are like; return what fails."""
    from xreg.registry.stores.store import open_store

    data = open_store(path)
    failures = []
    size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    states = np.asarray(data.labels["protonation"])
    print(f"store: {len(data)} samples, {size / 1e6:.2f} MB")
    xes = data.spectra["xes"]
    energy, intensity = np.asarray(xes.energy), np.asarray(xes.intensity[:], dtype=float)
    if not np.isfinite(intensity).all():
        failures.append("xes has values that are not finite")
    for centre, most in LINES:
        window = np.abs(energy - centre) < 4.0
        place = energy[window][intensity.mean(axis=0)[window].argmax()]
        print(f"  band at {place:.2f} eV")
        if abs(place - centre) > most:
            failures.append(f"the band expected at {centre} eV stands at {place:.2f} eV")
    norm = np.trapezoid(intensity, energy, axis=1)
    spread = 1.4826 * np.median(np.abs(norm - np.median(norm)))
    far = np.flatnonzero(np.abs(norm - np.median(norm)) > OUTLIER * spread)
    print(f"  norm {norm.mean():.4g} ± {norm.std():.2g}; {len(far)} far from the median")
    failures += [f"sample {data.samples.ids[i]} has the norm {norm[i]:.3g}" for i in far[:5]]
    coarse = np.asarray(data.spectra["xes16"].intensity[:], dtype=float)
    lost = 1 - coarse.sum(axis=1) * np.diff(np.asarray(data.spectra["xes16"].energy))[0] / norm
    print(f"  outside the 16 channels: {100 * lost.mean():.1f} % of the intensity")
    mean = coarse.mean(axis=0)
    total = ((coarse - mean) ** 2).sum()
    for state in np.unique(states):
        mine = states == state
        shift = np.linalg.norm(coarse[mine].mean(axis=0) - mean) / np.linalg.norm(mean)
        print(f"  protonation {state}: {mine.sum()} spectra, norm {norm[mine].mean():.4g}, mean "
              f"spectrum off by {100 * shift:.1f} %")  # fmt: skip
    between = sum((states == s).sum() * ((coarse[states == s].mean(axis=0) - mean) ** 2).sum()
                  for s in np.unique(states))  # fmt: skip
    print(f"  the state explains {between / total:.2f} of the variance of xes16")
    if figure:
        fig, axes = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
        for state in np.unique(states):
            axes[0].plot(energy, intensity[states == state].mean(axis=0), label=f"{state} H")
            axes[1].plot(data.spectra["xes16"].energy, coarse[states == state].mean(axis=0) - mean)
        axes[0].set(xlabel="energy (eV)", title="mean spectra by protonation")
        axes[1].set(xlabel="energy (eV)", title="difference from the mean of all, 16 channels")
        axes[0].legend()
        fig.savefig(figure, dpi=90)
    return failures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args()
    frames = read(args.folder / "trajectories.extxyz", ":")
    failures = check_dynamics(args.folder) + check_structures(frames)
    if args.store:
        failures += check_store(args.store, args.figure)
    for failure in failures:
        print("FAILED:", failure)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
