"""Molecular dynamics of one sulfuric acid in water clusters: the structures of ``h2so4-aq``.

Every trajectory is one H2SO4 with some waters, at constant temperature (Langevin) on GFN2-xTB
forces (Bannwarth, Ehlert and Grimme, J. Chem. Theory Comput. 15, 1652 (2019)) by tblite. The
number of waters, the temperature and the state of the acid at the start (no, one or two protons
handed to waters) follow from the seed, as does everything else: a later run with a larger
``--trajectories`` appends and never changes what is there.

Acids start as what they are to be, and a start is relaxed for some steps with its protons where
they were put. Small clusters take protons back within some tens of femtoseconds and large ones
give them away as fast, so two trajectories of three *hold* their start: a spring that acts only
beyond ``--reach`` keeps each O-H bond of the start together. Every third one has no springs and
shows where protons go by themselves. A soft wall keeps the waters from evaporating.

Usage::

    python examples/h2so4-aq/trajectories.py OUT_FOLDER

leaves ``OUT_FOLDER/trajectories.extxyz`` (snapshots in a shuffled order, so that its beginning is
a fair sample of the whole) and ``OUT_FOLDER/trajectories.json``; interrupted, it goes on after
the last finished trajectory. Needs ``pip install tblite``.
"""

from __future__ import annotations

import argparse
import json
from io import StringIO
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator
from ase.constraints import Hookean
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from ase.optimize import FIRE
from tblite.ase import TBLite

from xreg.core.files import write_text

# Numbers of waters, small ones more often: their spectra cost less, and from about eight on the
# acid gives protons away by itself.
SIZES = (4, 5, 6, 7, 8, 9, 10, 11, 12)
WEIGHTS = (4, 4, 5, 5, 5, 4, 3, 3, 3)
TEMPERATURES = (300.0, 350.0, 400.0, 450.0)  # K
# Protons that leave the acid, in turn, and the least waters around a sulfate ion: three for each
# hydronium ion. The first 45 trajectories had sulfate in only 7 % of their snapshots, for it takes
# protons back even where springs hold the start; later ones begin with it more often, in larger
# clusters, so that it is well represented.
FIRST, LATER = ((0, 1, 1, 2, 1), 6), ((2, 1, 2, 0, 2), 8)
LATER_FROM = 45
BONDED_S, BONDED_H = 2.0, 1.3  # Å: oxygens of the acid, and hydrogens of these
SPRING = 50.0  # eV/Å², of a held bond
WALL = 0.5  # eV/Å², of the confinement


class Confined(Calculator):
    """Another calculator, with a soft wall around an atom: half a parabola beyond a radius.

    Parameters
    ----------
    inner : Calculator
        Gives energy (eV) and forces (eV/Å).
    centre : int
        The atom that the wall goes with.
    radius : float
        Å, where the wall begins.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, inner: Calculator, centre: int, radius: float) -> None:
        super().__init__()
        self.inner, self.centre, self.radius = inner, centre, radius

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        """Fill ``self.results``."""
        super().calculate(atoms, properties, system_changes)
        energy = self.inner.get_potential_energy(atoms)
        forces = self.inner.get_forces(atoms).copy()
        offsets = atoms.positions - atoms.positions[self.centre]
        distance = np.linalg.norm(offsets, axis=1)
        beyond = np.maximum(distance - self.radius, 0.0)
        pull = -WALL * (beyond / np.maximum(distance, 1e-9))[:, None] * offsets
        forces += pull
        forces[self.centre] -= pull.sum(axis=0)
        self.results = {"energy": energy + 0.5 * WALL * float(beyond @ beyond), "forces": forces}


def protonation(atoms: Atoms) -> int:
    """Count the acid's hydrogens: within 1.3 Å of an oxygen within 2.0 Å of the sulfur."""
    numbers, distances = atoms.numbers, atoms.get_all_distances()
    oxygens = np.flatnonzero((numbers == 8) & (distances[0] < BONDED_S))
    return int((distances[np.ix_(oxygens, numbers == 1)] < BONDED_H).any(axis=0).sum())


def tetrahedron() -> np.ndarray:
    """Return four unit vectors."""
    return np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]) / np.sqrt(3)


def rotation(rng: np.random.Generator) -> np.ndarray:
    """Return a random rotation matrix."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def acid(hydrogens: int) -> list[tuple[str, np.ndarray]]:
    """Return S, four O and the hydrogens on the first of these."""
    corners = tetrahedron()
    atoms = [("S", np.zeros(3))]
    atoms += [("O", c * (1.57 if i < hydrogens else 1.45)) for i, c in enumerate(corners)]
    for i in range(hydrogens):
        side = np.cross(corners[i], corners[3])
        atoms.append(("H", 1.57 * corners[i] + 0.98 * (0.35 * corners[i] + 0.94 * side)))
    return atoms


def water(protons: int) -> list[tuple[str, np.ndarray]]:
    """Return H2O or H3O+ about its oxygen."""
    corners = tetrahedron()[: 2 + protons]
    return [("O", np.zeros(3)), *(("H", 0.98 * c) for c in corners)]


def cluster(waters: int, handed_over: int, rng: np.random.Generator) -> Atoms:
    """Return the acid with its waters around it, packed at random, sulfur first.

    Each water goes to the place among many random ones that is nearest to the sulfur and at
    least 1.55 Å (hydrogens) or 2.4 Å (oxygens) from what is there. The hydronium ions come
    first, and so next to the acid: contact ion pairs.
    """
    placed = acid(2 - handed_over)
    least = {("H", "H"): 1.55, ("O", "O"): 2.5, ("H", "O"): 1.6, ("O", "H"): 1.6}
    for index in range(waters):
        body = water(1 if index < handed_over else 0)
        best, nearest = None, np.inf
        for _ in range(400):
            direction = rng.normal(size=3)
            distance = rng.uniform(3.2, 7.0)
            if distance >= nearest:
                continue
            centre = distance * direction / np.linalg.norm(direction)
            turn = rotation(rng)
            moved = [(s, centre + turn @ p) for s, p in body]
            if all(
                np.linalg.norm(p - q) > least.get((s, t), 2.8) for s, p in moved for t, q in placed
            ):
                best, nearest = moved, distance
        if best is None:
            raise RuntimeError(f"no room for water {index + 1} of {waters}")
        placed += best
    return Atoms([s for s, _ in placed], [p for _, p in placed])


def bonds(atoms: Atoms) -> list[tuple[int, int]]:
    """Return pairs (oxygen, hydrogen) of the start, each hydrogen with its nearest oxygen."""
    oxygens = np.flatnonzero(atoms.numbers == 8)
    distances = atoms.get_all_distances()
    return [
        (int(oxygens[np.argmin(distances[h, oxygens])]), int(h))
        for h in np.flatnonzero(atoms.numbers == 1)
    ]


def run(seed: int, args: argparse.Namespace) -> tuple[list[Atoms], dict]:
    """Run one trajectory.

    Parameters
    ----------
    seed : int
        Number of the trajectory.
    args : argparse.Namespace
        The settings.

    Returns
    -------
    frames : list of Atoms
        The snapshots, with what is known of each in ``info``.
    log : dict
        What the trajectory was like.
    """
    rng = np.random.default_rng(seed)
    turn, least_for_two = FIRST if seed < LATER_FROM else LATER
    handed_over = turn[seed % len(turn)]
    weights = np.where((handed_over < 2) | (np.array(SIZES) >= least_for_two), WEIGHTS, 0)
    waters = int(rng.choice(SIZES, p=weights / weights.sum()))
    temperature = float(TEMPERATURES[seed % len(TEMPERATURES)])
    held = seed % 3 != 2
    atoms = cluster(waters, handed_over, rng)
    springs = [Hookean(o, h, SPRING, rt=args.reach) for o, h in bonds(atoms)]
    # About the radius of the cluster at the density of water, and room to move.
    radius = 3.0 + 1.9 * (waters + 3) ** (1 / 3)
    atoms.calc = Confined(TBLite(method="GFN2-xTB", verbosity=0), 0, radius)
    atoms.set_constraint(springs)
    FIRE(atoms, logfile=None).run(fmax=0.5, steps=args.relax)
    if not held:
        atoms.set_constraint()
    noise = np.random.RandomState(seed)
    MaxwellBoltzmannDistribution(atoms, temperature_K=temperature, rng=noise)
    Stationary(atoms, preserve_temperature=False)
    dynamics = Langevin(
        atoms,
        args.time_step * units.fs,
        temperature_K=temperature,
        friction=args.friction / units.fs,
        rng=noise,
    )
    every = round(args.spacing / args.time_step)
    # Free trajectories of ion pairs are short-lived: what they do from the start counts.
    dynamics.run(round((args.discard if held else args.discard / 4) / args.time_step))
    frames, kinetic = [], []
    for number in range(1, args.snapshots + 1):
        dynamics.run(every)
        kinetic.append(atoms.get_temperature())
        frame = Atoms(atoms.get_atomic_numbers(), atoms.get_positions())
        frame.info = {
            "id": f"traj{seed:03d}-{number:02d}",
            "trajectory": seed,
            "time_fs": number * args.spacing,
            "temperature_K": temperature,
            "waters": waters,
            "protonation": protonation(frame),
            "start": 2 - handed_over,
            "held": int(held),
        }
        frames.append(frame)
    log = {
        "seed": seed,
        "waters": waters,
        "temperature_K": temperature,
        "start": 2 - handed_over,
        "held": held,
        "mean_temperature_K": float(np.mean(kinetic)),
        "protonation": [f.info["protonation"] for f in frames],
    }
    return frames, log


def save_json(path: Path, content: object) -> None:
    """Write ``content`` as JSON, whole or not at all."""
    write_text(path, json.dumps(content) + "\n")


def save_frames(path: Path, frames: list[Atoms]) -> None:
    """Write ``frames`` as extended XYZ, whole or not at all."""
    text = StringIO()
    write(text, frames, format="extxyz")
    write_text(path, text.getvalue())


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("out", type=Path, help="folder for the results")
    add("--trajectories", type=int, default=102, help="trajectories wanted")
    add("--snapshots", type=int, default=20, help="snapshots of each")
    add("--time-step", type=float, default=0.5, help="fs")
    add("--spacing", type=float, default=50.0, help="fs between snapshots")
    add("--discard", type=float, default=200.0, help="fs thrown away at the start")
    add("--friction", type=float, default=0.02, help="1/fs, of the Langevin thermostat")
    add("--relax", type=int, default=60, help="steps of relaxation before the dynamics")
    add("--reach", type=float, default=1.08, help="Å, where the springs of held bonds begin")
    return parser.parse_args()


def main() -> None:
    """Run what is missing, then join the trajectories."""
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    settings = {k: v for k, v in vars(args).items() if k not in ("out", "trajectories")}
    known = args.out / "settings.json"
    if known.exists() and json.loads(known.read_text()) != settings:
        raise SystemExit(f"{args.out} holds trajectories of other settings: take another folder")
    save_json(known, settings)
    logs, joined = [], []
    for seed in range(args.trajectories):
        log_file = args.out / f"traj{seed:03d}.json"
        if not log_file.exists():
            frames, log = run(seed, args)
            save_frames(args.out / f"traj{seed:03d}.extxyz", frames)
            save_json(log_file, log)  # last: it says that the trajectory is done
            print(json.dumps(log), flush=True)
        logs.append(json.loads(log_file.read_text()))
        joined += read(args.out / f"traj{seed:03d}.extxyz", ":")
    order = np.random.default_rng(0).permutation(len(joined))
    save_frames(args.out / "trajectories.extxyz", [joined[i] for i in order])
    save_json(args.out / "trajectories.json", {"settings": settings, "trajectories": logs})
    print(f"{len(joined)} snapshots of {len(logs)} trajectories in {args.out}")


if __name__ == "__main__":
    main()
