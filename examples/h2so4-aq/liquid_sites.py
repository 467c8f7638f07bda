"""Choose the sites of ``h2so4-aq`` 2.0.0 among the snapshots of ``liquid_trajectories.py``.

Sites come in rounds: one of each composition of one trajectory, then the next, so that a beginning
of the list is spread over compositions as the whole is. In a trajectory snapshots take turns and no
sulfur is taken twice before all were.

Usage::

    python examples/h2so4-aq/liquid_sites.py FOLDER OUT.extxyz [--each 8]

A later call with more trajectories in the folder appends to what is there and changes nothing.
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
    order = np.concatenate([rng.permutation(sulfurs) for _ in range(each)])[:each]
    turns = np.resize(rng.permutation(len(frames)), each)
    found = []
    for snapshot, sulfur in zip(turns.tolist(), order.tolist(), strict=True):
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
    """Append the sites of trajectories that are not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--each", type=int, default=8)
    arguments = parser.parse_args()
    there = read(arguments.out, index=":") if arguments.out.exists() else []
    known = {frame.info["trajectory"] for frame in there}
    for number in range(100):
        new = []
        for composition in COMPOSITIONS:
            path = arguments.folder / f"{composition}-{number}.extxyz"
            if path.exists() and path.stem not in known:
                new.append(chosen(path, number, arguments.each))
        there += [sites[i] for i in range(arguments.each) for sites in new]
    write(arguments.out, there, format="extxyz")
    print(len(there), "sites")


if __name__ == "__main__":
    main()
