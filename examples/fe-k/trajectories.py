"""Molecular dynamics of iron compounds: the structures of the data set ``fe-k``.

Every compound of ``structures.py`` runs trajectories at constant temperature (Langevin), half of
them at the lower and half at the higher temperature, each from the minimum with its own seed.

- Molecules and ions: GFN1-xTB (tblite), ions with implicit water (ALPB). GFN2-xTB was tried first
  and puts donors of high-spin iron 0.2 Å too far (Fe–OH2 2.33 for 2.12 Å); GFN1-xTB comes within
  0.05 Å, except 0.1 Å for Fe(III)–O. What is left matters for an edge, so a constant force along
  each iron–donor bond, which shifts the minimum and leaves the force constants alone, is found
  once for each compound such that the mean distances at the minimum are the experimental ones.
  Hydrogen weighs 3 u: classical distributions of positions do not depend on masses, and longer
  steps become possible.
- Oxides: rigid ions with Born–Mayer repulsion; iron: Finnis–Sinclair (``potentials.py``). Cells are
  those of experiment.

A trajectory in which a donor leaves (or the SCF fails) is discarded as a whole, with its reason,
and the next seed takes its place.

Usage::

    python examples/fe-k/trajectories.py OUT_FOLDER [COMPOUND …]

leaves ``trajectories.extxyz`` (and its two parts, ``molecules.extxyz`` and ``crystals.extxyz``)
and ``trajectories.json`` there; interrupted, it goes on after the last finished trajectory.
Needs ``pip install tblite``.
"""

from __future__ import annotations

import argparse
import json
import time
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.optimize import BFGS
from potentials import BornMayer, FinnisSinclair
from structures import COMPOUNDS, Compound

from xreg.core.files import write_text

HYDROGEN_MASS = 3.0  # u
LEAVES = 0.6  # Å beyond the longest distance at the minimum: the donor has left


class Discard(Exception):
    """A trajectory that must not be used; the message is the reason."""


class GuidedXTB(Calculator):
    """GFN1-xTB with a constant force along each bond from iron (atom 0) to its donors.

    Parameters
    ----------
    compound
        Charge, spin and solvent.
    donors
        Indices of the donors.
    push
        (len(donors),) force on each bond, eV/Å; positive is outwards.
    """

    implemented_properties: ClassVar = ["energy", "forces"]

    def __init__(self, compound: Compound, donors: np.ndarray, push: np.ndarray) -> None:
        from tblite.ase import TBLite

        super().__init__()
        self.donors, self.push = donors, push
        solvent = {"solvation": ("alpb", "water")} if compound.forces == "xtb-water" else {}
        self.xtb = TBLite(
            method="GFN1-xTB",
            charge=compound.charge,
            multiplicity=round(2 * compound.spin) + 1,
            electronic_temperature=1000.0,  # degenerate d orbitals share their electrons
            verbosity=0,
            **solvent,
        )

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Fill ``results`` with energy (eV) and forces (eV/Å)."""
        super().calculate(atoms, properties, system_changes)
        free = self.atoms.copy()
        forces = self.xtb.get_property("forces", free).copy()
        energy = self.xtb.get_property("energy", free)
        bonds = free.positions[self.donors] - free.positions[0]
        lengths = np.linalg.norm(bonds, axis=1)
        pull = (self.push / lengths)[:, None] * bonds
        forces[self.donors] += pull
        forces[0] -= pull.sum(axis=0)
        self.results = {"energy": energy - self.push @ lengths, "forces": forces}


def neighbours(compound: Compound, atoms: Atoms) -> np.ndarray:
    """Return the indices of the donors: the nearest atoms of the expected elements."""
    named = np.isin(atoms.get_chemical_symbols(), list(compound.expected))
    named[0] = False
    indices = np.flatnonzero(named)
    lengths = atoms.get_distances(0, indices, mic=bool(atoms.pbc.any()))
    return indices[np.argsort(lengths, kind="stable")[: compound.coordination]]


def relaxed_molecule(compound: Compound) -> tuple[Atoms, dict]:
    """Return a molecule at its minimum, and its guiding forces and distances.

    The force on the bonds to each element is found by the secant method.
    """
    atoms = compound.build()
    donors = neighbours(compound, atoms)
    symbols = np.array(atoms.get_chemical_symbols())[donors]
    elements = list(compound.expected)
    goal = np.array([compound.expected[e] for e in elements])
    which = np.array([elements.index(s) for s in symbols])

    def minimum(push: np.ndarray) -> np.ndarray:
        atoms.calc = GuidedXTB(compound, donors, push[which])
        BFGS(atoms, logfile=None, maxstep=0.1).run(fmax=0.02, steps=200)
        lengths = atoms.get_distances(0, donors)
        return np.array([lengths[which == k].mean() for k in range(len(elements))])

    push = np.zeros(len(elements))
    free = lengths = minimum(push)
    stiffness = np.full(len(elements), 8.0)  # eV/Å², corrected by every step
    for _ in range(6):
        if np.abs(lengths - goal).max() < 0.003:
            break
        step = stiffness * (goal - lengths)
        before, lengths = lengths, minimum(push + step)
        push = push + step
        moved = lengths - before
        safe = np.where(np.abs(moved) > 1e-4, moved, np.inf)
        change = step / safe
        stiffness = np.where(change > 0.5, np.clip(change, 1.0, 60.0), stiffness)
    log = {
        "guiding_force_eV_per_A": dict(zip(elements, push.round(4).tolist(), strict=True)),
        "free_minimum_A": dict(zip(elements, free.round(4).tolist(), strict=True)),
        "minimum_A": dict(zip(elements, lengths.round(4).tolist(), strict=True)),
        "expected_A": compound.expected,
    }
    return atoms, log


def start(compound: Compound, folder: Path) -> tuple[Atoms, Any]:
    """Return the starting structure and a function that makes its calculator."""
    if compound.forces == "metal":
        atoms = compound.build()
        return atoms, lambda: FinnisSinclair(atoms)
    if compound.forces == "ionic":
        atoms = compound.build()
        return atoms, lambda: BornMayer(atoms, charges(compound, atoms))
    known = folder / f"{compound.name}-minimum.extxyz"
    if not known.exists():
        atoms, log = relaxed_molecule(compound)
        save_json(folder / f"{compound.name}-minimum.json", log)
        atoms.calc = None
        save_frames(known, [atoms])
        print(compound.name, json.dumps(log), flush=True)
    atoms = read(known)
    log = json.loads(known.with_suffix(".json").read_text())
    donors = neighbours(compound, atoms)
    symbols = np.array(atoms.get_chemical_symbols())[donors]
    push = np.array([log["guiding_force_eV_per_A"][s] for s in symbols])
    return atoms, lambda: GuidedXTB(compound, donors, push)


def charges(compound: Compound, atoms: Atoms) -> np.ndarray:
    """Return the formal charges of an oxide; magnetite's irons are told apart by their tags."""
    site = {1: 3.0, 2: 2.5, 0: compound.oxidation}
    iron = np.array([site[tag] for tag in atoms.get_tags()])
    return np.where(atoms.numbers == 8, -2.0, iron)


def run(
    compound: Compound, seed: int, begin: Atoms, calculator: Any, args: argparse.Namespace
) -> tuple[list[Atoms], dict]:
    """Run one trajectory and return its snapshots and what is known of it."""
    temperature = args.temperatures[seed % 2]
    step_fs = args.time_step
    atoms = begin.copy()
    molecule = not atoms.pbc.any()
    if molecule:
        masses = atoms.get_masses()
        atoms.set_masses(np.where(atoms.numbers == 1, HYDROGEN_MASS, masses))
    atoms.calc = calculator()
    donors = neighbours(compound, atoms)
    limit = atoms.get_distances(0, donors, mic=not molecule).max() + LEAVES
    rng = np.random.RandomState([seed, *compound.name.encode()])
    MaxwellBoltzmannDistribution(atoms, temperature_K=temperature, rng=rng)
    dynamics = Langevin(
        atoms, step_fs * units.fs, temperature_K=temperature,
        friction=args.friction / units.fs, rng=rng,
    )  # fmt: skip
    every, skip = (round(t / step_fs) for t in (args.spacing, args.discard))
    frames: list[Atoms] = []
    kinetic: list[float] = []
    potential: list[float] = []
    began = time.process_time()
    for step in range(1, skip + every * args.snapshots + 1):
        dynamics.run(1)
        if step <= skip:
            continue
        kinetic.append(atoms.get_temperature())
        potential.append(atoms.get_potential_energy())
        if (step - skip) % every:
            continue
        lengths = atoms.get_distances(0, donors, mic=not molecule)
        if lengths.max() > limit:
            raise Discard(f"a donor at {lengths.max():.2f} Å after {step * step_fs:g} fs")
        frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        if molecule:
            frame.positions -= frame.positions[0]
        frame.info = {
            "id": f"{compound.name}-traj{seed}-{len(frames)}",
            "compound": compound.name,
            "oxidation_state": compound.oxidation,
            "coordination": compound.coordination,
            "spin": compound.spin,
            "temperature_K": temperature,
            "trajectory": f"{compound.name}-traj{seed}",
            "time_fs": step * step_fs,
            "absorber": 0,
        }
        frames.append(frame)
    log = {
        "compound": compound.name,
        "seed": seed,
        "status": "finished",
        "temperature_K": temperature,
        "mean_temperature_K": float(np.mean(kinetic)),
        "potential_energy_eV": float(np.mean(potential)),
        "potential_drift_eV_per_ps": 1e3
        * float(np.polyfit(np.arange(len(potential)) * step_fs, potential, 1)[0]),
        "potential_spread_eV": float(np.std(potential)),
        "atoms": len(atoms),
        "cpu_seconds": time.process_time() - began,
        "steps": skip + every * args.snapshots,
    }
    return frames, log


def save_json(path: Path, content: object) -> None:
    """Write ``content`` as JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def save_frames(path: Path, frames: list[Atoms]) -> None:
    """Write ``frames`` as extended XYZ, whole or not at all."""
    text = StringIO()
    write(text, frames, format="extxyz")
    write_text(path, text.getvalue())


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n", maxsplit=1)[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("out", type=Path, help="folder for the results")
    add("compounds", nargs="*", help="names of compounds; all without one")
    add("--trajectories", type=int, nargs=2, default=[7, 2],
        help="finished trajectories of each molecule, of each crystal")  # fmt: skip
    add("--snapshots", type=int, default=8, help="snapshots kept of each")
    add("--time-step", type=float, default=1.5, help="fs")
    add("--spacing", type=float, default=90.0, help="fs between snapshots")
    add("--discard", type=float, default=450.0, help="fs thrown away at the start")
    add("--friction", type=float, default=0.02, help="1/fs")
    add("--temperatures", type=float, nargs=2, default=[300.0, 400.0], help="K, even and odd seeds")
    return parser.parse_args()


def main() -> None:
    """Run what is missing, then join the finished trajectories."""
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    settings = {
        k: v for k, v in vars(args).items() if k not in ("out", "trajectories", "compounds")
    }
    known = args.out / "settings.json"
    if known.exists() and json.loads(known.read_text()) != settings:
        raise SystemExit(f"{args.out} holds trajectories of other settings: take another folder")
    save_json(known, settings)

    chosen = [c for c in COMPOUNDS if not args.compounds or c.name in args.compounds]
    begins = {c.name: start(c, args.out) for c in chosen}
    logs: dict[str, list[dict]] = {c.name: [] for c in chosen}
    # Seed by seed: whoever stops early has something of every compound.
    while missing := [c for c in chosen if lacking(c, logs[c.name], args)]:
        for compound in missing:
            known = logs[compound.name]
            if len(known) > 3 * max(args.trajectories):
                raise SystemExit(f"{compound.name}: too many discarded trajectories, look at it")
            known.append(finish(compound, len(known), begins[compound.name], args))

    if not args.compounds:
        parts = [
            read(args.out / f"{log['compound']}-traj{log['seed']}.extxyz", ":")
            for known in logs.values()
            for log in known
            if log["status"] == "finished"
        ]
        # The first snapshot of every trajectory, then the second: as above.
        joined = [part[i] for i in range(args.snapshots) for part in parts]
        crystals = [bool(frame.pbc.any()) for frame in joined]
        save_frames(args.out / "trajectories.extxyz", joined)
        for name, kind in (("molecules", False), ("crystals", True)):
            own = [f for f, is_crystal in zip(joined, crystals, strict=True) if is_crystal == kind]
            save_frames(args.out / f"{name}.extxyz", own)
        every = [log for known in logs.values() for log in known]
        save_json(args.out / "trajectories.json", {"settings": settings, "trajectories": every})
        print(f"{len(joined)} snapshots of {len(chosen)} compounds in {args.out}")


def lacking(compound: Compound, known: list[dict], args: argparse.Namespace) -> bool:
    """Whether trajectories of a compound are still missing."""
    wanted = args.trajectories[0 if compound.forces.startswith("xtb") else 1]
    return sum(log["status"] == "finished" for log in known) < wanted


def finish(
    compound: Compound, seed: int, begin: tuple[Atoms, Any], args: argparse.Namespace
) -> dict:
    """Return what is known of a trajectory, which is run if it has not been."""
    stem = args.out / f"{compound.name}-traj{seed}"
    log_file = stem.with_suffix(".json")
    if not log_file.exists():
        try:
            frames, log = run(compound, seed, *begin, args)
            save_frames(stem.with_suffix(".extxyz"), frames)
        except (Discard, RuntimeError) as reason:  # ASE's failed SCF is a RuntimeError
            log = {"compound": compound.name, "seed": seed, "status": "discarded",
                   "reason": str(reason)}  # fmt: skip
        save_json(log_file, log)  # last: it says that the trajectory is done
        print(json.dumps(log), flush=True)
    return json.loads(log_file.read_text())


if __name__ == "__main__":
    main()
