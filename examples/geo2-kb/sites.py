"""Choose the sites of ``geo2-kb`` among the cells of ``quench.py``, in an order for computing.

Every site stands for one atom of one run at one pressure and is taken once, in one of the run's
four frames. Each round of the list holds one site of every pressure, its runs in turn, so that any
beginning of it is a fair sample. A cell that is not there yet is passed over and told; when it has
come, its sites are added between the others, of which none changes: computing can begin early.

Usage::

    python examples/geo2-kb/sites.py CELLS_FOLDER sites.extxyz [--rounds 60] [--runs 3]
"""

from __future__ import annotations

import argparse
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
    parser.add_argument("--runs", type=int, default=3, help="runs that take turns")
    arguments = parser.parse_args()
    cells: dict[tuple[int, int], list[Atoms]] = {}
    for file in sorted(arguments.cells.glob("*.extxyz")):
        frames = read(file, ":")
        cells[int(frames[0].info["pressure"]), int(frames[0].info["run"])] = frames
    for pressure in sorted({pressure for pressure, _ in cells}):
        if missing := [run for run in range(arguments.runs) if (pressure, run) not in cells]:
            print(f"{pressure} GPa: no cell yet of the runs {missing}")
    write(arguments.out, chosen(cells, arguments.rounds, arguments.runs), format="extxyz")


def chosen(
    cells: dict[tuple[int, int], list[Atoms]], rounds: int, runs: int, seed: int = 0
) -> list[Atoms]:
    """Return ``rounds`` sites of each pressure, round by round, as far as cells are there."""
    orders = {
        cell: np.random.default_rng([seed, *cell]).permutation(
            np.flatnonzero(frames[0].numbers == 32)
        )
        for cell, frames in cells.items()
    }
    pressures = sorted({pressure for pressure, _ in cells})
    turns = {
        p: [(run, turn) for turn in range(rounds) for run in range(runs) if (p, run) in cells]
        for p in pressures
    }
    sites = []
    for number in range(rounds):
        draws = {}
        for p in pressures:
            run, turn = turns[p][number]
            # By run and turn, not by place in the list: a cell that comes later moves nobody.
            draws[p] = np.random.default_rng([seed, p, runs * turn + run, 1])
        ranks = {p: draws[p].random() for p in pressures}
        for pressure in sorted(pressures, key=ranks.__getitem__):
            run, turn = turns[pressure][number]
            frames = cells[pressure, run]
            frame = int(draws[pressure].integers(len(frames)))
            atom = int(orders[pressure, run][turn])
            atoms = frames[frame].copy()
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
