"""Look at the liquid of ``h2so4-aq`` 2.0.0 before publishing it: structures, fractions, spectra.

Usage::

    python examples/h2so4-aq/check_liquid.py FOLDER [--store STORE.zarr] [--figure check.png]

``FOLDER`` is what ``liquid_trajectories.py`` left. Prints the fractions of protonation states as
they came out beside the published ones, the first peaks of the pair distributions, and for a store
what its spectra are like. Ends with 1 if a check fails.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from ase import Atoms
from ase.io import read

mpl.use("Agg")
import matplotlib.pyplot as plt

# Percentages of SO4 2-, HSO4- and H2SO4 in Table I of Eronen et al. (2024).
PUBLISHED = {
    "1-63": (96.2, 3.8, 0.0),
    "6-54": (71.4, 28.5, 0.1),
    "12-36": (17.2, 79.3, 3.5),
    "20-20": (2.0, 74.8, 23.1),
    "21-7": (0.0, 28.7, 70.8),
    "24-0": (0.0, 0.0, 99.6),
}
BONDED_S = 2.0  # Å, oxygens of an acid
STEP = 0.05  # Å, of the distributions
PEAKS = {  # pair: where its first peak is looked for, and how far it may be from what is known
    ("S", "O"): ((1.2, 2.0), 1.47, 0.08),
    ("O", "H"): ((0.8, 1.25), 1.00, 0.05),
    ("O", "O"): ((2.3, 3.2), 2.65, 0.20),  # of two molecules: 2.8 in water, 2.5 at hydronium
}
LINES = ((2464.4, 1.5), (2476.6, 1.5))  # eV: the O 2s and O 2p bands, and how far they may be off


def distribution(frames: list[Atoms], pair: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return distances in Å and the pair distribution function of two elements."""
    edges = np.arange(0.6, 6.0 + STEP, STEP)
    counts, density = np.zeros(len(edges) - 1), 0.0
    for frame in frames:
        symbols = np.array(frame.get_chemical_symbols())
        first, second = np.flatnonzero(symbols == pair[0]), np.flatnonzero(symbols == pair[1])
        every = frame.get_all_distances(mic=True)
        distances = every[np.ix_(first, second)]
        if pair == ("O", "O"):  # those of one acid stand 2.4 Å apart and hide the others
            bonded = every[np.ix_(first, symbols == "S")] < BONDED_S
            acid = np.where(bonded.any(axis=1), bonded.argmax(axis=1), -1)
            distances = np.where((acid[:, None] == acid) & (acid >= 0), 0.0, distances)
        counts += np.histogram(distances[distances > 0.1], edges)[0] / len(first)
        density += len(second) / frame.get_volume()
    shells = 4 / 3 * np.pi * (edges[1:] ** 3 - edges[:-1] ** 3)
    return (edges[1:] + edges[:-1]) / 2, counts / shells / density


def check_structures(runs: dict[str, list[Atoms]], axes: np.ndarray) -> list[str]:
    """Print and draw fractions and distributions; return what fails."""
    failures = []
    print("percent with 0, 1, 2, 3 H (published 0, 1, 2), and first peaks in Å")
    for composition, published in PUBLISHED.items():
        frames = runs[composition]
        states = np.concatenate([f.arrays["protonation"][f.numbers == 16] for f in frames])
        shares = [100 * float((states == k).mean()) for k in range(4)]
        found = []
        for axis, (pair, (window, known, off)) in zip(axes, PEAKS.items(), strict=True):
            r, g = distribution(frames, pair)
            inside = (r > window[0]) & (r < window[1])
            peak = float(r[inside][g[inside].argmax()])
            found.append(f"{''.join(pair)} {peak:.2f}")
            axis.plot(r, g, lw=1, label=composition.replace("-", ":"))
            axis.set(title="–".join(pair), xlabel="distance (Å)", ylim=(0, 6), xlim=(0.6, 6))
            if abs(peak - known) > off:
                failures.append(f"{composition}: {''.join(pair)} peaks at {peak:.2f} Å")
        print(f"  {composition}: {', '.join(f'{s:.1f}' for s in shares)} {published}, "
              f"{', '.join(found)}, {len(frames)} snapshots, {len(states)} sites")  # fmt: skip
    return failures


def check_spectra(path: Path, axis: plt.Axes) -> list[str]:
    """Print and draw what the spectra are like; return what fails."""
    from xreg.registry.stores.store import open_store

    dataset = open_store(path)
    energy = dataset.spectra["xes"].energy
    values = np.asarray(dataset.spectra["xes"].intensity[:], dtype=float)
    failures = []
    mean = values.mean(axis=0)
    for line, off in LINES:
        near = np.abs(energy - line) < 4
        found = float(energy[near][mean[near].argmax()])
        print(f"band at {found:.2f} eV")
        if abs(found - line) > off:
            failures.append(f"a band lies at {found:.2f} eV, not near {line} eV")
    areas = np.trapezoid(values, energy, axis=1)
    print(f"areas within {100 * np.ptp(areas) / areas.mean():.2f} %")
    attempts = np.asarray(dataset.labels["scf_attempt"])
    print("SCF attempts needed:", dict(zip(*np.unique(attempts, return_counts=True), strict=True)))
    atoms = np.asarray(dataset.labels["computed_atoms"])
    print(f"computed atoms {atoms.min():.0f} to {atoms.max():.0f}, mean {atoms.mean():.1f}")
    compositions = np.asarray(dataset.labels["composition"]).astype(str)
    states = np.asarray(dataset.labels["protonation"])
    coarse = np.asarray(dataset.spectra["xes16"].intensity[:], dtype=float)
    total = ((coarse - coarse.mean(axis=0)) ** 2).sum()
    for name, label in (("composition", compositions), ("protonation", states)):
        between = sum(
            (label == v).sum()
            * ((coarse[label == v].mean(axis=0) - coarse.mean(axis=0)) ** 2).sum()
            for v in np.unique(label)
        )
        print(f"variance of xes16 between the values of {name}: {between / total:.2f} of all")
    for composition in PUBLISHED:
        own = compositions == composition.replace("-", ":")
        if not own.any():
            continue
        axis.plot(
            energy,
            1e3 * values[own].mean(axis=0),
            label=f"{composition.replace('-', ':')} ({own.sum()})",
        )
    axis.set(xlim=(2460, 2485), xlabel="energy (eV)", ylabel="mean xes (10⁻³/eV)")
    axis.legend(fontsize=7)
    return failures


def main() -> None:
    """Check, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    runs = {
        name: [
            f for p in sorted(arguments.folder.glob(f"{name}-[0-9]*.extxyz")) for f in read(p, ":")
        ]
        for name in PUBLISHED
    }
    figure, axes = plt.subplots(1, 4, figsize=(15, 3.6), layout="constrained")
    failures = check_structures(runs, axes[:3])
    axes[2].set_ylim(0, 3.5)
    axes[0].legend(fontsize=7)
    if arguments.store:
        failures += check_spectra(arguments.store, axes[3])
    if arguments.figure:
        figure.savefig(arguments.figure, dpi=110)
    for failure in failures:
        print("FAILS:", failure)
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
