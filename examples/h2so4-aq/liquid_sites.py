"""Choose the sites of ``h2so4-aq`` 2.0.0 among the snapshots of ``liquid_trajectories.py``.

Sites come in rounds: one of each composition of one trajectory, then the next, so that a beginning
of the list is spread over compositions as the whole is. In a trajectory snapshots take turns and no
sulfur is taken twice before all were.

Usage::

    python examples/h2so4-aq/liquid_sites.py FOLDER OUT.extxyz [--each 8] [--compositions 12-36]

A later call with more trajectories, or more of each, changes nothing of what was chosen before.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write

COMPOSITIONS = ("1-63", "6-54", "12-36", "20-20", "21-7", "24-0")


def chosen(path: Path, number: int, each: int) -> list[Atoms]:
    """Return the sites of one trajectory as periodic frames with their labels."""
    frames = read(path, index=":")
    rng = np.random.default_rng([COMPOSITIONS.index(path.stem.rpartition("-")[0]), number, 7])
    sulfurs = np.flatnonzero(frames[0].numbers == 16)
    order = np.concatenate([rng.permutation(sulfurs) for _ in range(8)]).tolist()
    turns = rng.permutation(len(frames)).tolist()
    pairs: dict[tuple[int, int], None] = {}
    for i, sulfur in enumerate(order):
        pairs[turns[(i + i // len(turns)) % len(turns)], sulfur] = None
    found = []
    for snapshot, sulfur in list(pairs)[:each]:
        frame = frames[snapshot]
        site = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)
        acids, volume = len(sulfurs), frame.get_volume()
        site.info = {
            "id": f"{path.stem}-{snapshot}-{sulfur}",
            "absorber": sulfur,
            "composition": frame.info["composition"].replace("-", ":"),
            "molarity": round(acids / volume / 6.02214076e-4, 2),
            "protonation": int(frame.arrays["protonation"][sulfur]),
            "trajectory": path.stem,
            "snapshot": f"{path.stem}-{snapshot}",
            "time_fs": float(frame.info["time_fs"]),
        }
        found.append(site)
    return found


def main() -> None:
    """Write the sites of all trajectories that there are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=8)
    parser.add_argument("--compositions", nargs="+", default=COMPOSITIONS, choices=COMPOSITIONS)
    arguments = parser.parse_args()
    every = []
    for number in range(100):
        paths = [arguments.folder / f"{name}-{number}.extxyz" for name in arguments.compositions]
        runs = [chosen(path, number, arguments.each) for path in paths if path.exists()]
        every += [(i, number, site) for run in runs for i, site in enumerate(run)]
    # The first of each run first: rounds over runs, whatever was run when.
    every.sort(key=lambda entry: (entry[0] // 8, entry[1], entry[0]))
    there = [site for _, _, site in every]
    write(arguments.out, there, format="extxyz")
    print(len(there), "sites")


if __name__ == "__main__":
    main()
