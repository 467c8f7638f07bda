"""Density, neighbours, distances and angles of the cells of ``quench.py``, beside the literature.

Usage::

    python examples/geo2-kb/check_structures.py FOLDER [-o geo2-kb-structures.png]

prints a table and draws it with the pair distributions.

Beside it stand: at 0 GPa neutron and X-ray diffraction of the glass (D. L. Price, M.-L. Saboungi
and A. C. Barnes, Phys. Rev. Lett. 81, 3207 (1998): Ge–O 1.73 Å, Ge–Ge 3.16 Å, O–O 2.83 Å,
Ge–O–Ge 132°; density 3.65 g/cm³), and the coordination under pressure of Y. Kono et al., PNAS 113,
3436 (2016): 6 from 22.6 to 37.9 GPa, 7.4 at 91.7 GPa.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.geometry import get_distances
from ase.io import read

BOND = 2.35  # Å: the first minimum of Ge–O at every pressure lies within 0.1 Å of it
GRID = np.arange(1.2, 5.0, 0.05)
MEASURED = {"density": [(0, 3.65)], "neighbours": [(0, 4), (22.6, 6), (37.9, 6), (91.7, 7.4)]}
COLUMNS = ("density", "neighbours", "Ge-O", "O-O", "Ge-Ge", "Ge-O-Ge", "O-Ge-O", "spread")


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("geo2-kb-structures.png"))
    arguments = parser.parse_args()
    cells = defaultdict(list)
    for file in sorted(arguments.folder.glob("*.extxyz")):
        frames = read(file, ":")
        cells[int(frames[0].info["pressure"])].append(frames)
    table, curves = {}, {}
    print("GPa runs " + " ".join(f"{name:>10}" for name in COLUMNS))
    for pressure, runs in sorted(cells.items()):
        found = [quantities(frame) for frames in runs for frame in frames]
        means = [np.mean([q[0][name] for q in found]) for name in COLUMNS[:-1]]
        densities = [np.mean([f.info["density"] for f in frames]) for frames in runs]
        row = dict(zip(COLUMNS, [*means, np.std(densities)], strict=True))
        table[pressure] = row
        curves[pressure] = {pair: np.mean([q[1][pair] for q in found], 0) for pair in found[0][1]}
        print(f"{pressure:3d} {len(runs):4d} " + " ".join(f"{row[n]:10.3f}" for n in COLUMNS))
    draw(table, curves, arguments.out)


def quantities(atoms: Atoms) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Return means over one frame, and g(r) on the grid for each pair of elements."""
    vectors, distances = get_distances(atoms.positions, cell=atoms.cell, pbc=True)
    ge, o = np.flatnonzero(atoms.numbers == 32), np.flatnonzero(atoms.numbers == 8)
    bonded = distances[np.ix_(ge, o)] < BOND
    row = {
        "density": float(atoms.info["density"]),
        "neighbours": float(bonded.sum(1).mean()),
        "Ge-O": float(distances[np.ix_(ge, o)][bonded].mean()),
        "Ge-O-Ge": _angles(vectors, o, ge, bonded.T),
        "O-Ge-O": _angles(vectors, ge, o, bonded),
    }
    volume = atoms.cell.volume
    curves = {}
    for name, one, two in (("Ge-O", ge, o), ("O-O", o, o), ("Ge-Ge", ge, ge)):
        r = distances[np.ix_(one, two)]
        counts, edges = np.histogram(r[r > 0.1], np.append(GRID, GRID[-1] + 0.05))
        shells = 4 / 3 * np.pi * np.diff(edges**3)
        curves[name] = counts * volume / (len(one) * len(two) * shells)
        if name != "Ge-O":
            row[name] = float(edges[:-1][curves[name][:50].argmax()] + 0.025)
    return row, curves


def _angles(
    vectors: np.ndarray, centres: np.ndarray, ends: np.ndarray, bonded: np.ndarray
) -> float:
    found = []
    for centre, row in zip(centres, bonded, strict=True):
        unit = vectors[centre, ends[row]]
        unit = unit / np.linalg.norm(unit, axis=1)[:, None]
        cosines = (unit @ unit.T)[np.triu_indices(len(unit), 1)]
        found.append(np.degrees(np.arccos(np.clip(cosines, -1, 1))))
    return float(np.concatenate(found).mean())


def draw(
    table: dict[int, dict[str, float]], curves: dict[int, dict[str, np.ndarray]], out: Path
) -> None:
    """Draw density, coordination and the three pair distributions."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure((11, 6.5), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    pressures = sorted(table)
    for axis, name, label in (
        (axes[0], "density", "density (g/cm³)"),
        (axes[1], "neighbours", "O around Ge"),
    ):
        axis.plot(pressures, [table[p][name] for p in pressures], "o-", label="these cells")
        axis.plot(*zip(*MEASURED[name], strict=True), "s", mfc="none", label="measured")
        axis.set(xlabel="pressure (GPa)", ylabel=label)
        axis.legend(frameon=False)
    axes[2].plot(pressures, [table[p]["Ge-O-Ge"] for p in pressures], "o-", label="Ge–O–Ge")
    axes[2].plot(pressures, [table[p]["O-Ge-O"] for p in pressures], "o-", label="O–Ge–O")
    axes[2].set(xlabel="pressure (GPa)", ylabel="mean angle (°)")
    axes[2].legend(frameon=False)
    for axis, pair in zip(axes[3:], ("Ge-O", "O-O", "Ge-Ge"), strict=True):
        for pressure in pressures:
            colour = colormaps["viridis"](pressure / max(pressures))
            axis.plot(GRID + 0.025, curves[pressure][pair], c=colour, label=f"{pressure} GPa")
        axis.set(xlabel="r (Å)", ylabel=f"g(r), {pair.replace('-', '–')}")
    axes[3].legend(frameon=False, fontsize="x-small")
    figure.savefig(out, dpi=120)


if __name__ == "__main__":
    main()
