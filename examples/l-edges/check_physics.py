"""Looks at the dataset ni2-xas2p: sum rules, agreement with Quanty, and a picture.

Usage::

    python examples/l-edges/check_physics.py ni2-xas2p.zarr picture.png
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np

from xreg.core.ions.model import ion_named
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.quanty.quanty import Quanty
from xreg.registry.stores.store import open_store

SETS = ("published", "oh", "c4v")
ION = "Ni2+"
# Isotropic strength of 2p -> 3d, in <2p|r|3d>^2: 2/15 for each hole of the 3d shell.
TOTAL = 2 / 15 * (10 - ion_named(ION).electrons)
COMPARED = 3  # spectra of each set that Quanty computes too


def numbers(dataset, intensity, energy, sets):
    area = intensity.sum(axis=1) * (energy[1] - energy[0]) / TOTAL
    end = intensity[:, [0, -1]].max(axis=1) / intensity.max(axis=1)
    engine, program = Multiplet(ion=ION), Quanty(ion=ION)
    for name in SETS:
        rows = np.flatnonzero(sets == name)
        share = area[rows]
        print(f"{name}: area in the window {share.min():.3f} … {share.max():.3f} of the sum rule;")
        print(f"  {np.mean(end[rows] > 0.05):.2%} with more than 5 % of the maximum at an end")
        some = dataset.samples[rows[:COMPARED]]
        sums = [engine.sticks(some[i]).strength["xas"].sum() / TOTAL for i in range(COMPARED)]
        print(f"  strengths of sticks against the sum rule: {np.abs(np.array(sums) - 1).max():.1e}")
        exact, other = (
            np.array([spectrum.channels["xas"] for spectrum in made.generate_many(some)])
            for made in (engine, program)
        )
        top = exact.max(axis=1, keepdims=True)
        print(f"  from Quanty: {np.abs((exact - other) / top).max():.1e} of the maximum")
        print(f"  by rounding: {np.abs((intensity[rows[:COMPARED]] - exact) / top).max():.1e}")


def picture(dataset, intensity, energy, sets, path):
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    first = np.flatnonzero(sets == "published")[:9]
    for i, row in enumerate(first):
        axes[0].plot(energy, intensity[row] / intensity[row].max() + 0.4 * i, lw=0.9)
    axes[0].set(title="nine of the published space", yticks=[])
    border = ion_named(ION).border
    ratio = intensity[:, energy < border].sum(axis=1) / intensity.sum(axis=1)
    for name in SETS:
        mine = sets == name
        low, middle, high = np.percentile(intensity[mine], [5, 50, 95], axis=0)
        (line,) = axes[1].plot(energy, middle, label=name)
        axes[1].fill_between(energy, low, high, color=line.get_color(), alpha=0.15, lw=0)
        axes[2].hist(ratio[mine], 50, density=True, histtype="step")
    axes[1].set(title="median, 5 … 95 %", ylabel="⟨2p|r|3d⟩² per eV")
    axes[1].legend(frameon=False)
    axes[2].set(title="L3 / (L3 + L2)", xlabel="branching ratio", yticks=[])
    for axis in axes[:2]:
        axis.axvline(border, color="0.6", ls=":", lw=0.8)
        axis.set_xlabel("energy (eV)")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    dataset = open_store(arguments.store)
    channel = dataset.spectra["xas"]
    parts = dataset, np.asarray(channel.intensity), channel.energy, dataset.labels["set"]
    numbers(*parts)
    picture(*parts, arguments.picture)
