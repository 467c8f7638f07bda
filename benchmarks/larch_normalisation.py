"""Normalisation by larch, stored for the tests of the step ``edge-step``. Run where larch is.

    pip install xraylarch && python benchmarks/larch_normalisation.py tests/plugins/steps/larch

Made-up spectra, some with noise, on grids as beamlines use them, and what ``find_e0``,
``pre_edge`` and ``energy_align`` of larch make of them.
"""

import json
import sys
from pathlib import Path

import larch
import numpy as np
from larch import Group
from larch.xafs import find_e0, pre_edge
from larch.xafs.pre_edge import energy_align

HBAR2_2M = 3.809982  # eV Å²


def exafs_grid(edge: float, end: float = 12.0, edge_step: float = 0.25) -> np.ndarray:
    """Coarse below the edge, fine across it, equal steps of k above."""
    k = np.arange(np.sqrt(40 / HBAR2_2M), end, 0.05)
    parts = [
        np.arange(edge - 200, edge - 20, 5.0),
        np.arange(edge - 20, edge + 40, edge_step),
        edge + HBAR2_2M * k**2,
    ]
    return np.unique(np.round(np.concatenate(parts), 4))


def spectrum(energy: np.ndarray, edge: float, seed: int, noise: float, tilt: float) -> np.ndarray:
    """Return an edge with a white line and fine structure on a falling background."""
    x = energy - edge
    k = np.sqrt(np.clip(x, 0, None) / HBAR2_2M)
    rise = 0.5 + np.arctan(x / 1.3) / np.pi
    line = 0.45 * np.exp(-(((x - 6) / 4) ** 2))
    fine = 0.15 * np.sin(4.2 * k + seed) * np.exp(-0.02 * k**2) * (x > 12) / (1 + 0.2 * k)
    background = 0.8 * (energy / edge) ** -3 + tilt * x
    random = np.random.default_rng(seed).normal(0, noise, len(energy))
    return background + 1.7 * rise * (1 - 3e-4 * np.clip(x, 0, None)) + line + fine + random


def main() -> None:
    out = Path(sys.argv[1])
    cases = {
        "fe": (exafs_grid(7112), 7112, {}, 0.0, 0.0),
        "fe-noisy": (exafs_grid(7112), 7112, {}, 2e-3, 1e-4),
        "cu-xanes": (np.arange(8900, 9100, 0.5), 8979, {}, 1e-3, 0.0),
        "cu-short": (np.arange(8960, 9005, 0.3), 8979, {}, 0.0, 0.0),
        "s": (exafs_grid(2472, 9, 0.1), 2472, {}, 5e-4, -2e-4),
        "au": (exafs_grid(11919, 14, 0.5), 11919, {}, 1e-3, 0.0),
        "few": (np.arange(7095, 7140, 1.0), 7112, {}, 0.0, 0.0),
        "given": (
            exafs_grid(7112),
            7112,
            {"e0": 7113.5, "pre1": -150, "pre2": -30, "norm1": 80, "norm2": 400, "nnorm": 2},
            1e-3,
            0.0,
        ),
        "victoreen": (exafs_grid(8979), 8979, {"nvict": 2, "nnorm": 1}, 1e-3, 0.0),
        "constant": (exafs_grid(8979), 8979, {"npre": 0, "nnorm": 0}, 0.0, 0.0),
        "cubic": (exafs_grid(7112), 7112, {"nnorm": 3, "norm1": 50}, 0.0, 0.0),
        "step": (exafs_grid(7112), 7112, {"step": 1.5}, 0.0, 0.0),
    }
    stored = {}
    for seed, (name, (energy, edge, settings, noise, tilt)) in enumerate(cases.items()):
        mu = spectrum(energy, edge, seed, noise, tilt)
        group = Group(energy=energy.copy(), mu=mu.copy())
        pre_edge(group, **settings)
        stored |= {
            f"{name}.energy": energy,
            f"{name}.mu": mu,
            f"{name}.norm": group.norm,
            f"{name}.flat": group.flat,
            f"{name}.pre_edge": group.pre_edge,
            f"{name}.post_edge": group.post_edge,
            f"{name}.numbers": [group.e0, group.edge_step, find_e0(energy, mu)],
            f"{name}.settings": json.dumps(settings),
        }
    energy = exafs_grid(7112)
    reference = Group(energy=energy, mu=spectrum(energy, 7112, 1, 0.0, 0.0))
    pre_edge(reference)
    shifts = []
    for i, shift in enumerate((-1.3, 0.0, 0.4, 2.7)):
        moved = Group(energy=energy - shift, mu=reference.mu * (1 + 0.1 * i))
        pre_edge(moved)
        shifts.append(energy_align(moved, reference))
    stored |= {"align.energy": energy, "align.mu": reference.mu, "align.shifts": shifts}
    stored["larch"] = f"larch {larch.__version__}, numpy {np.__version__}"
    np.savez_compressed(out / "pre_edge.npz", **stored)
    print(stored["larch"], shifts)


if __name__ == "__main__":
    main()
