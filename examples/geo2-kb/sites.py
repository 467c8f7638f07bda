"""Choose the sites of ``geo2-kb`` among the cells of ``quench.py``, in an order for computing.

Every site stands for one atom of one run at one pressure and is taken once, in one of the run's
four frames. Each round of the list holds one site of every pressure, runs in turn, so that any
beginning of it is a fair sample.

Usage::

    python examples/geo2-kb/sites.py CELLS_FOLDER sites.extxyz [--rounds 60]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write

BOND = 2.35  # Å; as in check_structures.py


def main() -> None:
    """Write one frame for each site."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rounds", type=int, default=60, help="sites of each pressure")
    arguments = parser.parse_args()
    runs: dict[int, list[list[Atoms]]] = defaultdict(list)
    for file in sorted(arguments.cells.glob("*.extxyz")):
        frames = read(file, ":")
        runs[int(frames[0].info["pressure"])].append(frames)
    write(arguments.out, chosen(runs, arguments.rounds), format="extxyz")


def chosen(runs: dict[int, list[list[Atoms]]], rounds: int, seed: int = 0) -> list[Atoms]:
    """Return ``rounds`` sites of each pressure, round by round."""
    draw = np.random.default_rng(seed)
    orders = {
        (pressure, run): draw.permutation(np.flatnonzero(frames[0].numbers == 32))
        for pressure, cells in sorted(runs.items())
        for run, frames in enumerate(cells)
    }
    sites = []
    for number in range(rounds):
        for pressure in draw.permutation(sorted(runs)).tolist():
            run = number % len(runs[pressure])
            frame = int(draw.integers(len(runs[pressure][run])))
            atom = int(orders[pressure, run][number // len(runs[pressure])])
            atoms = runs[pressure][run][frame].copy()
            oxygens = np.flatnonzero(atoms.numbers == 8)
            distances = atoms.get_distances(atom, oxygens, mic=True)
            atoms.info = {
                "id": f"geo2-{pressure:03d}-{run}-{frame}-{atom:03d}",
                "absorber": atom,
                "pressure": pressure,
                "cell": f"{pressure:03d}-{run}",
                "density": atoms.info["density"],
                "coordination": int((distances < BOND).sum()),
                "nearest": round(float(np.sort(distances)[:4].mean()), 4),
            }
            sites.append(atoms)
    return sites


if __name__ == "__main__":
    main()
