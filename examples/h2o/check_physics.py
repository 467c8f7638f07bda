"""Look at the water dataset before publishing it: dynamics, structures and, if given, spectra.

Usage::

    python examples/h2o/check_physics.py FOLDER [--store STORE.zarr] [--figure check.png]

``FOLDER`` is what ``trajectories.py`` left. Prints energy conservation of each trajectory, the
distributions of bond lengths, angle and temperature, how far neighbouring snapshots are apart,
and for a generated store what could be wrong with it: values that are not finite, lines near
an end of the grid, energies that no smooth function of the structure explains (an SCF that
ended in another state). Ends with 1 if a check fails.
"""

from __future__ import annotations

import argparse
import json
from itertools import combinations_with_replacement
from pathlib import Path

import matplotlib as mpl
import numpy as np
from ase import Atoms
from ase.io import read

mpl.use("Agg")
import matplotlib.pyplot as plt

MAX_DRIFT = 20.0  # meV/ps, of the total energy of one trajectory
MAX_RMS = 0.02  # of the total energy's fluctuation, relative to the kinetic energy
EDGE = 0.02  # intensity at an end of the grid, relative to the maximum
OUTLIER = 12.0  # residual in units of its robust spread


def coordinates(frames: list[Atoms]) -> np.ndarray:
    """Return (n, 3): longer and shorter O-H bond in Å, H-O-H angle in degrees."""
    bonds = np.array([frame.get_distances(0, [1, 2]) for frame in frames])
    angles = np.array([frame.get_angle(1, 0, 2) for frame in frames])
    return np.column_stack([bonds.max(axis=1), bonds.min(axis=1), angles])


def describe(name: str, values: np.ndarray, unit: str) -> None:
    """Print mean, spread and quantiles."""
    low, first, median, last, high = np.quantile(values, [0, 0.05, 0.5, 0.95, 1])
    print(
        f"  {name:22s} mean {values.mean():8.3f}  std {values.std():7.3f}  min {low:8.3f}  "
        f"5 % {first:8.3f}  median {median:8.3f}  95 % {last:8.3f}  max {high:8.3f} {unit}"
    )


def check_dynamics(folder: Path) -> list[str]:
    """Print energy conservation; return what fails."""
    log = json.loads((folder / "trajectories.json").read_text())
    print("settings:", json.dumps(log["settings"]))
    failures = []
    finished = [t for t in log["trajectories"] if t["status"] == "finished"]
    print("trajectory  initial Ekin (eV)  max |dE| (meV)  rms dE (meV)  drift (meV/ps)")
    for t in finished:
        print(
            f"  {t['seed']:8d}  {t['initial_kinetic_energy_eV']:17.3f}  "
            f"{t['max_energy_error_meV']:14.2f}  {t['rms_energy_error_meV']:12.2f}  "
            f"{t['drift_meV_per_ps']:14.3f}"
        )
        if abs(t["drift_meV_per_ps"]) > MAX_DRIFT:
            failures.append(f"trajectory {t['seed']} drifts {t['drift_meV_per_ps']:.1f} meV/ps")
        relative = 1e-3 * t["rms_energy_error_meV"] / t["initial_kinetic_energy_eV"]
        if relative > MAX_RMS:
            failures.append(f"trajectory {t['seed']}: energy fluctuates by {100 * relative:.1f} %")
    for t in log["trajectories"]:
        if t["status"] != "finished":
            print(f"  {t['seed']:8d}  discarded: {t['reason']}")
    drift = np.array([t["drift_meV_per_ps"] for t in finished])
    rms = np.array([t["rms_energy_error_meV"] for t in finished])
    print(f"{len(finished)} trajectories: drift {drift.mean():.2f} ± {drift.std():.2f} meV/ps, "
          f"largest {np.abs(drift).max():.2f}; rms fluctuation {np.median(rms):.2f} meV (median), "
          f"largest {rms.max():.2f}")  # fmt: skip
    return failures


def check_structures(frames: list[Atoms]) -> list[str]:
    """Print the distributions; return what fails."""
    internal = coordinates(frames)
    print(f"{len(frames)} snapshots")
    describe("O-H long", internal[:, 0], "Å")
    describe("O-H short", internal[:, 1], "Å")
    describe("H-O-H", internal[:, 2], "degrees")
    describe("temperature", np.array([f.info["temperature_K"] for f in frames]), "K")
    trajectory = np.array([f.info["trajectory"] for f in frames])
    time = np.array([f.info["time_fs"] for f in frames])
    same = np.diff(trajectory) == 0
    scaled = internal / internal.std(axis=0)
    steps = np.linalg.norm(np.diff(scaled, axis=0), axis=1)[same]
    rng = np.random.default_rng(0)
    pairs = rng.permutation(len(scaled))
    apart = np.linalg.norm(scaled - scaled[pairs], axis=1)
    print(
        f"  neighbours are {np.diff(time)[same].mean():g} fs and {np.median(steps):.2f} standard "
        f"deviations apart (median; 5 % under {np.quantile(steps, 0.05):.2f}), any two snapshots "
        f"{np.median(apart):.2f}"
    )
    ids = [f.info["id"] for f in frames]
    return ["ids repeat"] if len(set(ids)) != len(ids) else []


def smooth_residual(internal: np.ndarray, values: np.ndarray, degree: int = 6) -> np.ndarray:
    """Residual of a polynomial in the symmetric coordinates r1 + r2, (r1 - r2)² and angle."""
    symmetric = np.column_stack(
        [internal[:, 0] + internal[:, 1], (internal[:, 0] - internal[:, 1]) ** 2, internal[:, 2]]
    )
    z = (symmetric - symmetric.mean(axis=0)) / symmetric.std(axis=0)
    terms = [np.ones(len(z))]
    for order in range(1, degree + 1):
        terms += [z[:, c].prod(axis=1) for c in combinations_with_replacement(range(3), order)]
    design = np.column_stack([t / np.abs(t).max() for t in terms])
    fit, *_ = np.linalg.lstsq(design, values, rcond=1e-10)
    return values - design @ fit


def check_store(frames: list[Atoms], path: Path) -> tuple[list[str], object]:
    """Print what the spectra are like; return what fails, and the dataset."""
    from xreg.registry.stores.store import open_store

    data = open_store(path)
    failures = []
    known = {f.info["id"]: f for f in frames}
    missing = [i for i in known if i not in set(data.samples.ids.tolist())]
    if missing:
        failures.append(f"{len(missing)} snapshots are not in the store, first {missing[0]}")
    internal = coordinates([known[i] for i in data.samples.ids.tolist()])
    size = sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    print(f"store: {len(data)} samples, {size / 1e6:.2f} MB")
    for name, channel in data.spectra.items():
        intensity, energy = np.asarray(channel.intensity, dtype=float), channel.energy
        if not np.isfinite(intensity).all():
            failures.append(f"{name} has values that are not finite")
            continue
        area = np.trapezoid(intensity, energy, axis=1)
        print(f"  {name}: {intensity.shape[1]} points, {energy[0]:g}…{energy[-1]:g} eV")
        describe("area", area, "")
        describe("centre", (intensity * energy).sum(1) / intensity.sum(1), "eV")
        # The absorption goes on beyond its grid; every other end should have come to rest.
        ends = [0] if name == "xas" else [0, -1]
        edge = intensity[:, ends].max() / intensity.max()
        print(f"  largest intensity at an end of the grid: {100 * edge:.2f} % of the maximum")
        if edge > EDGE:
            failures.append(f"{name} is cut off by its grid")
        if intensity.min() < 0:
            failures.append(f"{name} has negative intensities")
    for name in ("ionisation_energy", "excitation_energy", "total_energy"):
        if name in data.labels:
            values = np.asarray(data.labels[name], dtype=float)
            describe(name, values, "eV")
            residual = smooth_residual(internal, values)
            spread = 1.4826 * np.median(np.abs(residual)) + 1e-12
            bad = np.flatnonzero(np.abs(residual) > OUTLIER * spread)
            print(f"    smooth to {1e3 * spread:.1f} meV; {len(bad)} snapshots beyond {OUTLIER:g} "
                  "times that")  # fmt: skip
            for i in bad[np.argsort(-np.abs(residual[bad]))][:8]:
                print(f"    {data.samples.ids[i]}: {1e3 * residual[i]:+.0f} meV at "
                      f"{internal[i].round(2)}")  # fmt: skip
    return failures, data


def draw(folder: Path, frames: list[Atoms], data: object, target: Path) -> None:
    """Draw structures, energies and mean spectra."""
    internal = coordinates(frames)
    figure, axes = plt.subplots(2, 3, figsize=(15, 8), constrained_layout=True)
    axes[0, 0].hist(internal[:, :2], bins=50, stacked=True, label=["longer", "shorter"])
    axes[0, 0].set(xlabel="O–H (Å)", ylabel="snapshots")
    axes[0, 0].legend()
    axes[0, 1].scatter(internal[:, 1], internal[:, 0], c=internal[:, 2], s=5, cmap="viridis")
    axes[0, 1].set(xlabel="shorter O–H (Å)", ylabel="longer O–H (Å)", title="colour: H–O–H")
    trajectory = np.array([f.info["trajectory"] for f in frames])
    energy = np.array([f.info["total_energy_eV"] for f in frames])
    time = np.array([f.info["time_fs"] for f in frames])
    for i in np.unique(trajectory):
        mine = trajectory == i
        axes[0, 2].plot(time[mine], 1e3 * (energy[mine] - energy[mine].mean()), lw=0.8)
    axes[0, 2].set(xlabel="time (fs)", ylabel="total energy − mean (meV)")
    if data is None:
        axes[1, 0].hist(internal[:, 2], bins=50)
        axes[1, 0].set(xlabel="H–O–H (degrees)", ylabel="snapshots")
        kinetic = np.array([f.info["temperature_K"] for f in frames])
        axes[1, 1].hist(kinetic, bins=50)
        axes[1, 1].set(xlabel="2 Ekin / 6 kB (K)", ylabel="snapshots")
        axes[1, 2].axis("off")
    else:
        for axis, (name, channel) in zip(axes[1], data.spectra.items(), strict=False):
            y = np.asarray(channel.intensity)
            for low, high in ((0.0, 1.0), (0.1, 0.9), (0.25, 0.75)):
                band = np.quantile(y, [low, high], axis=0)
                axis.fill_between(channel.energy, *band, color="C0", alpha=0.2, lw=0)
            axis.plot(channel.energy, y.mean(axis=0), "k")
            axis.plot(channel.energy, y[:: max(len(y) // 5, 1)][:5].T, lw=0.7)
            axis.set(xlabel="energy (eV)", title=name)
    figure.savefig(target, dpi=90)
    print(f"figure: {target}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args()
    frames = read(args.folder / "trajectories.extxyz", ":")
    failures = check_dynamics(args.folder) + check_structures(frames)
    data = None
    if args.store:
        found, data = check_store(frames, args.store)
        failures += found
    if args.figure:
        draw(args.folder, frames, data, args.figure)
    for failure in failures:
        print("FAILED:", failure)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
