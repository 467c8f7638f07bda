"""Molecular dynamics of aqueous sulfuric acid at six compositions: the structures of 2.0.0.

Cells, numbers of molecules and the share of each state of protonation are those of Table I of
Eronen, Vladyka, Sahle and Niskanen, Phys. Chem. Chem. Phys. 26, 22752 (2024). Forces are those of
NEP89, a potential for all elements (T. Liang et al., arXiv:2504.21286), by calorine's ``CPUNEP``;
its model file is not part of this repository. Left to itself the potential does not keep the
published protonation, so each run is packed from sulfate, hydrogen sulfate, acid, hydronium and
water in the published shares, relaxed and warmed with springs that act only beyond 1.15 Å on each
O-H bond of the start, then let go: a short run with no springs, then the snapshots. What a site
is labelled with is counted in its snapshot, never taken from the start.

Hydrogens weigh 4 u, so that a step can be 1 fs: which structures occur at a temperature does not
depend on masses.

Usage::

    python examples/h2so4-aq/liquid_trajectories.py OUT --model nep89.txt [--rounds 5]

A round is one run of each composition, ``OUT/<composition>-<round>.extxyz``; what exists is kept.
Needs ``pip install calorine``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator
from ase.io import write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from ase.optimize import FIRE
from calorine.calculators import CPUNEP

# Acids, waters, edge of the cell in Å, and the percentage of SO4 2-, HSO4- and H2SO4.
COMPOSITIONS = {
    "1-63": (1, 63, 12.50, (96.2, 3.8, 0.0)),
    "6-54": (6, 54, 12.66, (71.4, 28.5, 0.1)),
    "12-36": (12, 36, 12.55, (17.2, 79.3, 3.5)),
    "20-20": (20, 20, 12.95, (2.0, 74.8, 23.1)),
    "21-7": (21, 7, 12.58, (0.0, 28.7, 70.8)),
    "24-0": (24, 0, 12.90, (0.0, 0.0, 99.6)),
}
TEMPERATURE, HOT = 300.0, 450.0  # K
STEP = 1.0  # fs
FRICTION = 0.01  # 1/fs
STAGES = {"hot": 300, "held": 500, "free": 200}  # steps before the snapshots
SNAPSHOTS, INTERVAL = 8, 100  # number, and steps between them
BONDED_S, BONDED_H = 2.0, 1.3  # Å: oxygens of an acid, and hydrogens of these
SPRING, REACH = 30.0, 1.15  # eV/Å² and Å, of a held bond


class Held(Calculator):
    """Another calculator and springs on pairs of atoms, which act only beyond a length."""

    implemented_properties = ("energy", "forces")

    def __init__(self, inner: Calculator, pairs: np.ndarray) -> None:
        super().__init__()
        self.inner, self.pairs, self.strength = inner, pairs, SPRING

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        """Fill ``self.results``."""
        super().calculate(atoms, properties, system_changes)
        energy = self.inner.get_potential_energy(atoms)
        forces = self.inner.get_forces(atoms).copy()
        if self.strength:
            edge = atoms.cell[0, 0]
            bond = atoms.positions[self.pairs[:, 1]] - atoms.positions[self.pairs[:, 0]]
            bond -= edge * np.round(bond / edge)
            length = np.linalg.norm(bond, axis=1)
            beyond = np.maximum(length - REACH, 0.0)
            pull = self.strength * (beyond / length)[:, None] * bond
            np.add.at(forces, self.pairs[:, 0], pull)
            np.add.at(forces, self.pairs[:, 1], -pull)
            energy += 0.5 * self.strength * float(beyond @ beyond)
        self.results = {"energy": energy, "forces": forces}


def tetrahedron() -> np.ndarray:
    """Return four unit vectors."""
    return np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]) / np.sqrt(3)


def rotation(rng: np.random.Generator) -> np.ndarray:
    """Return a random rotation matrix."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def acid(hydrogens: int) -> tuple[str, np.ndarray, list[tuple[int, int]]]:
    """Return symbols, positions and O-H bonds of S, four O and the hydrogens on the first."""
    corners = tetrahedron()
    where = [np.zeros(3), *(c * (1.57 if i < hydrogens else 1.46) for i, c in enumerate(corners))]
    for i in range(hydrogens):
        side = np.cross(corners[i], corners[3])
        where.append(1.57 * corners[i] + 0.98 * (0.35 * corners[i] + 0.94 * side))
    return "SOOOO" + "H" * hydrogens, np.array(where), [(1 + i, 5 + i) for i in range(hydrogens)]


def water(protons: int) -> tuple[str, np.ndarray, list[tuple[int, int]]]:
    """Return H2O or H3O+ about its oxygen."""
    hydrogens = 0.98 * tetrahedron()[: 2 + protons]
    bonds = [(0, 1 + i) for i in range(2 + protons)]
    return "O" + "H" * (2 + protons), np.vstack([np.zeros(3), hydrogens]), bonds


def states(composition: str, number: int) -> list[int]:
    """Return the hydrogens that each acid of a run starts with.

    The shares times the acids of all runs so far, rounded, less what earlier runs had: each run is
    as near to the published shares as it can be, and all together are nearer still.
    """
    acids, _, _, shares = COMPOSITIONS[composition]
    ends = np.cumsum(shares) / np.sum(shares)
    until = [np.round(ends * acids * n).astype(int) for n in (number, number + 1)]
    counts = np.diff(np.concatenate([[0], until[1]])) - np.diff(np.concatenate([[0], until[0]]))
    return [state for state, count in enumerate(counts) for _ in range(count)]


def pack(composition: str, number: int, rng: np.random.Generator) -> tuple[Atoms, np.ndarray]:
    """Place the molecules at random in the cell, and return them with their O-H bonds."""
    _, waters, edge, _ = COMPOSITIONS[composition]
    acids = states(composition, number)
    protons = sum(2 - state for state in acids)
    bodies = [acid(state) for state in acids]
    bodies += [water(1 if i < protons else 0) for i in range(waters)]
    scale = 1.0
    while True:
        placed = _attempt(bodies, edge, scale, rng)
        if placed is not None:
            break
        scale *= 0.97
    symbols, positions, bonds = placed
    cell = Atoms(symbols, positions, cell=[edge] * 3, pbc=True)
    masses = cell.get_masses()
    masses[cell.numbers == 1] = 4.0
    cell.set_masses(masses)
    cell.info["packed"] = scale
    return cell, bonds


def _attempt(bodies, edge, scale, rng):
    """Insert bodies one by one; None if one finds no place."""
    radius = {"S": 1.9, "O": 1.3, "H": 0.75}  # Å; sums are the least distances
    where, size, symbols, bonds = np.zeros((0, 3)), np.zeros(0), "", []
    for names, shape, pairs in bodies:
        own = np.array([radius[s] for s in names]) * scale
        for _ in range(3000):
            trial = shape @ rotation(rng).T + rng.random(3) * edge
            gap = trial[:, None] - where
            gap -= edge * np.round(gap / edge)
            if len(where) == 0 or (np.linalg.norm(gap, axis=2) > own[:, None] + size).all():
                break
        else:
            return None
        bonds += [(len(where) + i, len(where) + j) for i, j in pairs]
        where, size = np.vstack([where, trial]), np.concatenate([size, own])
        symbols += names
    return symbols, where, np.array(bonds)


def protonation(atoms: Atoms) -> dict[int, int]:
    """Count the hydrogens of each sulfur: within 1.3 Å of oxygens within 2.0 Å of it."""
    distances = atoms.get_all_distances(mic=True)
    hydrogen = atoms.numbers == 1
    found = {}
    for sulfur in np.flatnonzero(atoms.numbers == 16):
        oxygens = np.flatnonzero((atoms.numbers == 8) & (distances[sulfur] < BONDED_S))
        if len(oxygens) != 4:
            raise RuntimeError(f"sulfur {sulfur} has {len(oxygens)} oxygens")
        near = distances[np.ix_(oxygens, hydrogen)] < BONDED_H
        found[int(sulfur)] = int(near.any(axis=0).sum())
    return found


def run(composition: str, number: int, model: str, out: Path) -> None:
    """Run one trajectory and write its snapshots."""
    rng = np.random.default_rng([sorted(COMPOSITIONS).index(composition), number, 20])
    atoms, bonds = pack(composition, number, rng)
    held = Held(CPUNEP(model), bonds)
    atoms.calc = held
    FIRE(atoms, logfile=None, maxstep=0.05).run(fmax=1.0, steps=150)
    temperatures: list[float] = []

    def advance(steps: int, temperature: float) -> None:
        Langevin(
            atoms, STEP * units.fs, temperature_K=temperature, friction=FRICTION / units.fs, rng=rng
        ).run(steps)

    MaxwellBoltzmannDistribution(atoms, temperature_K=HOT, rng=rng)
    Stationary(atoms)
    advance(STAGES["hot"], HOT)
    advance(STAGES["held"], TEMPERATURE)
    start = protonation(atoms)
    held.strength = 0.0
    held.reset()
    advance(STAGES["free"], TEMPERATURE)
    frames = []
    for index in range(SNAPSHOTS):
        if index:
            advance(INTERVAL, TEMPERATURE)
        found = protonation(atoms)
        temperatures.append(atoms.get_temperature())
        frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
        frame.wrap()
        frame.info = {
            "composition": composition,
            "trajectory": f"{composition}-{number}",
            "snapshot": index,
            "time_fs": (STAGES["free"] + index * INTERVAL) * STEP,
        }
        per_atom = np.full(len(atoms), -1)
        per_atom[list(found)] = list(found.values())
        frame.arrays["protonation"] = per_atom
        frames.append(frame)
        counts = np.bincount(list(found.values()), minlength=4)
        print(composition, number, index, counts, f"{temperatures[-1]:.0f} K", flush=True)
    del start
    path = out / f"{composition}-{number}.extxyz"
    write(path.with_suffix(".part.extxyz"), frames, format="extxyz")
    path.with_suffix(".part.extxyz").rename(path)


def main() -> None:
    """Run the rounds that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.first, arguments.rounds):
        for composition in COMPOSITIONS:
            if not (arguments.out / f"{composition}-{number}.extxyz").exists():
                run(composition, number, arguments.model, arguments.out)


if __name__ == "__main__":
    main()
