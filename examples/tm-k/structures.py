"""Structures of the data set ``tm-k``: minima of complexes, and a snapshot of each at 300 K.

Every candidate of ``complexes.py`` is relaxed with GFN1-xTB (tblite; charged ones in implicit
water, ALPB) and then moves for half a picosecond at 300 K (Langevin, hydrogen of 3 u); the last
snapshot is kept. Set aside with its reason is what does not converge, loses a donor, binds another
atom, or breaks a ligand, at the minimum or in the snapshot. Metals take turns, so that any
beginning of the list is a fair sample.

Usage::

    python examples/tm-k/structures.py FOLDER [--each 25] [--minutes 30] [--known tm-k@1.0.0]

leaves ``structures.extxyz``, of which ``second-engine.extxyz`` is a part, and
``structures.json``; interrupted, it goes on after the last
finished complex. Complexes of a published version are taken over from it. Needs
``pip install tblite``.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.data import covalent_radii
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.optimize import FIRE, LBFGS
from complexes import METALS, Complex, built, candidates
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset
from xreg.core.files import write_text
from xreg.registry.datasets import open_dataset

HYDROGEN_MASS = 3.0  # u
TEMPERATURE, FRICTION, STEP = 300.0, 0.02, 1.5  # K, 1/fs, fs
STEPS = 220
FORCE, MOST_STEPS = 0.05, 250  # eV/Å
# In sums of covalent radii: a donor is nearer than BOUND, no other atom nearer than FREE, or than
# BESIDE if it is bound to a donor (M-O-C has 1.2).
BOUND, FREE, BESIDE = 1.28, 1.22, 1.08
THERMAL = 0.08  # by which a snapshot may pass both
BOND = 1.28  # of the sum of radii: bonds within ligands
LABELS = ("complex", "metal", "oxidation_state", "coordination", "polyhedron", "charge", "spin",
          "geometry")  # fmt: skip
SECOND_ENGINE = 0.2  # of the complexes of each metal


class SetAside(Exception):
    """A complex that must not be used; the message is the reason."""


def calculator(found: Complex) -> Any:
    """Return GFN1-xTB for a complex."""
    from tblite.ase import TBLite

    solvent = {"solvation": ("alpb", "water")} if found.charge else {}
    return TBLite(
        method="GFN1-xTB", charge=found.charge, multiplicity=found.unpaired + 1,
        electronic_temperature=1000.0, max_iterations=150, verbosity=0, **solvent,
    )  # fmt: skip


def bonds(atoms: Atoms) -> set[tuple[int, int]]:
    """Return the bonded pairs among all atoms but the metal."""
    ratio = ratios(atoms)
    close = np.argwhere(np.triu(ratio < BOND, 1))
    return {(int(i), int(j)) for i, j in close if i > 0}


def ratios(atoms: Atoms) -> NDArray[np.float64]:
    """Return all distances as shares of the sum of covalent radii."""
    radii = covalent_radii[atoms.numbers]
    return np.asarray(atoms.get_all_distances() / (radii[:, None] + radii))


def check(
    atoms: Atoms, donors: list[int], ligand_bonds: set[tuple[int, int]], slack: float = 0.0
) -> None:
    """Refuse a structure whose metal has other neighbours than it was given.

    Raises
    ------
    SetAside
        If so, or if a ligand has broken or two have joined.
    """
    to_metal = ratios(atoms)[0]
    symbols = atoms.get_chemical_symbols()
    far = max(donors, key=lambda d: to_metal[d])
    if to_metal[far] > BOUND + slack:
        raise SetAside(f"a donor has left ({symbols[far]})")
    for i in range(1, len(atoms)):
        beside = sum((min(i, d), max(i, d)) in ligand_bonds for d in donors)
        # The carbon of a carboxylate, beside two donors, is near by nature.
        free = (FREE, BESIDE, 0.0)[min(beside, 2)]
        if i not in donors and to_metal[i] < free - slack:
            raise SetAside(f"another atom binds ({symbols[i]})")
    limit = BOND + 2 * slack
    ratio = ratios(atoms)
    if any(ratio[i, j] > limit for i, j in ligand_bonds):
        raise SetAside("a ligand has broken")
    if slack == 0 and bonds(atoms) - ligand_bonds:
        raise SetAside("ligands have joined")


def angles(atoms: Atoms, donors: list[int]) -> NDArray[np.float64]:
    """Return the angles (degrees) between donors at the metal, falling."""
    vectors = atoms.positions[donors] - atoms.positions[0]
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    cosines = (vectors @ vectors.T)[np.triu_indices(len(donors), 1)]
    return np.sort(np.degrees(np.arccos(np.clip(cosines, -1, 1))))[::-1]


def shape(atoms: Atoms, donors: list[int]) -> str:
    """Name the polyhedron of four or five donors by tau4 and tau5, others by their number."""
    n = len(donors)
    found = angles(atoms, donors)
    if n == 4:
        tau = (360 - found[0] - found[1]) / (360 - 2 * 109.5)
        return "tetrahedral" if tau > 0.5 else "square-planar"
    if n == 5:
        return "trigonal-bipyramidal" if (found[0] - found[1]) / 60 > 0.5 else "square-pyramidal"
    return {2: "linear", 3: "trigonal", 6: "octahedral"}.get(n, "half-sandwich")


def frame(found: Complex, atoms: Atoms, donors: list[int], kind: str, polyhedron: str) -> Atoms:
    """Return what is written of a structure."""
    result = Atoms(atoms.numbers, atoms.positions - atoms.positions[0])
    lengths = atoms.get_distances(0, donors)
    result.info = {
        "id": f"{found.name}-{kind}",
        "complex": found.name,
        "metal": found.metal,
        "oxidation_state": found.oxidation,
        "coordination": len(donors),
        "polyhedron": polyhedron,
        "charge": found.charge,
        "spin": found.unpaired / 2,
        "geometry": kind,
        "temperature_K": TEMPERATURE if kind == "thermal" else 0.0,
        "mean_distance_A": round(float(lengths.mean()), 4),
        "absorber": 0,
    }
    return result


def made(found: Complex, log: dict[str, Any]) -> list[Atoms]:
    """Return the minimum of a complex and a snapshot at 300 K.

    Raises
    ------
    SetAside
        If it falls apart or does not converge.
    """
    atoms, _, donors = built(found)
    electrons = int(atoms.numbers.sum()) - found.charge
    if (electrons - found.unpaired) % 2:
        raise SetAside("charge and spin do not fit")
    ligand_bonds = bonds(atoms)
    atoms.rattle(0.02, seed=1)
    atoms.calc = calculator(found)
    FIRE(atoms, logfile=None, maxstep=0.1).run(fmax=0.5, steps=60)
    search = LBFGS(atoms, logfile=None, maxstep=0.08)
    finished = search.run(fmax=FORCE, steps=MOST_STEPS)
    check(atoms, donors, ligand_bonds)
    if not finished:
        raise SetAside(f"no minimum in {MOST_STEPS} steps")
    polyhedron = shape(atoms, donors)
    frames = [frame(found, atoms, donors, "relaxed", polyhedron)]
    log["seconds_minimum"] = round(time.process_time() - log["began"], 1)
    atoms.set_masses(np.where(atoms.numbers == 1, HYDROGEN_MASS, atoms.get_masses()))
    rng = np.random.RandomState([7, *found.name.encode()])
    MaxwellBoltzmannDistribution(atoms, temperature_K=TEMPERATURE, rng=rng)
    dynamics = Langevin(
        atoms, STEP * units.fs, temperature_K=TEMPERATURE, friction=FRICTION / units.fs, rng=rng
    )
    kinetic = []
    for _ in range(STEPS // 10):
        dynamics.run(10)
        kinetic.append(atoms.get_temperature())
    log["temperature_K"] = round(float(np.mean(kinetic[8:])), 1)
    check(atoms, donors, ligand_bonds, THERMAL)
    frames.append(frame(found, atoms, donors, "thermal", polyhedron))
    return frames


def take_over(data: Dataset, origin: str, folder: Path) -> int:
    """Write the complexes of a published version where finished ones stand; return their number.

    A complex is one whose minimum and snapshot by FEFF are both there. What is written before is
    not touched.
    """
    first = data.label("engine") == "feff"
    names, kinds = data.label("complex"), data.label("geometry")
    count = 0
    for name in dict.fromkeys(names[first].tolist()):
        rows = {str(kinds[i]): int(i) for i in np.flatnonzero(first & (names == name))}
        log_file = folder / f"{name}.json"
        if set(rows) != {"relaxed", "thermal"} or log_file.exists():
            continue
        frames = [known_frame(data, rows[kind]) for kind in ("relaxed", "thermal")]
        save_frames(folder / f"{name}.extxyz", frames)
        log = {"complex": name, "metal": frames[0].info["metal"], "atoms": len(frames[0]),
               "status": "finished", "from": origin}  # fmt: skip
        write_text(log_file, json.dumps(log) + "\n")
        count += 1
    return count


def known_frame(data: Dataset, row: int) -> Atoms:
    """Return a published structure as :func:`frame` writes it."""
    sample = data.samples[row]
    atoms = sample.to_atoms()
    labels = {name: data.label(name)[row].item() for name in LABELS}
    atoms.info = {
        "id": f"{labels['complex']}-{labels['geometry']}", **labels,
        "temperature_K": float(data.label("temperature")[row]),
        "mean_distance_A": float(data.label("mean_distance")[row]),
        "absorber": int(sample.absorber),
    }  # fmt: skip
    return atoms


def finish(found: Complex, folder: Path) -> dict[str, Any]:
    """Return what is known of a complex, which is computed if it has not been."""
    log_file = folder / f"{found.name}.json"
    if not log_file.exists():
        log: dict[str, Any] = {"complex": found.name, "metal": found.metal, "atoms": found.size,
                               "began": time.process_time()}  # fmt: skip
        try:
            frames = made(found, log)
            log["status"] = "finished"
            save_frames(folder / f"{found.name}.extxyz", frames)
        except SetAside as reason:
            log |= {"status": "set aside", "reason": str(reason)}
        except RuntimeError as reason:  # tblite's failed SCF
            log |= {"status": "set aside", "reason": "the electrons did not converge",
                    "said": str(reason)[:80]}  # fmt: skip
        log["seconds"] = round(time.process_time() - log.pop("began"), 1)
        write_text(log_file, json.dumps(log) + "\n")
        print(json.dumps(log), flush=True)
    result: dict[str, Any] = json.loads(log_file.read_text())
    return result


def save_frames(path: Path, frames: Any) -> None:
    """Write frames as extended XYZ, whole or not at all."""
    text = StringIO()
    write(text, frames, format="extxyz")
    write_text(path, text.getvalue())


def rounds_of(logs: list[dict[str, Any]]) -> list[list[str]]:
    """Return the finished complexes in rounds of one of each metal."""
    rounds: list[list[str]] = []
    count = dict.fromkeys(METALS, 0)
    for log in logs:
        if log["status"] != "finished":
            continue
        k = count[log["metal"]]
        count[log["metal"]] += 1
        if k == len(rounds):
            rounds.append([])
        rounds[k].append(log["complex"])
    return rounds


def ordered(logs: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return what is to be computed, in its order: a complex, and 0 for its minimum, 1 for 300 K.

    Minima of two rounds come first, then the snapshots of one, and so on: whoever stops early has
    two minima for each snapshot, and of every metal alike.
    """
    rounds = rounds_of(logs)
    order: list[tuple[str, int]] = []
    for k, names in enumerate(rounds):
        order += [(name, 0) for name in names]
        if k % 2:
            order += [(name, 1) for name in rounds[k // 2]]
    return order + [(name, 1) for names in rounds[len(rounds) // 2 :] for name in names]


def for_second_engine(logs: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return what the second engine computes: the first fifth of the rounds, all minima first."""
    rounds = rounds_of(logs)
    rounds = rounds[: math.ceil(SECOND_ENGINE * len(rounds))]
    return [(name, k) for k in (0, 1) for names in rounds for name in names]


def join(folder: Path, logs: list[dict[str, Any]]) -> int:
    """Write all that is finished, and what of it the second engine computes; return the number."""

    def save(name: str, order: list[tuple[str, int]]) -> None:
        frames = [read(folder / "parts" / f"{complex_}.extxyz", k) for complex_, k in order]
        save_frames(folder / name, frames)

    save("structures.extxyz", ordered(logs))
    save("second-engine.extxyz", for_second_engine(logs))
    write_text(folder / "structures.json", json.dumps(logs, indent=1) + "\n")
    return len(ordered(logs))


def main() -> None:
    """Make what is missing, metal by metal in turn, then join."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=25, help="finished complexes of each metal")
    parser.add_argument("--minutes", type=float, default=1e9, help="no new complex after them")
    parser.add_argument("--known", help="published version whose complexes are taken over")
    args = parser.parse_args()
    (args.folder / "parts").mkdir(parents=True, exist_ok=True)
    if args.known:
        taken = take_over(open_dataset(args.known), args.known, args.folder / "parts")
        print(f"{taken} complexes of {args.known}", flush=True)
    began = time.monotonic()
    lists = {metal: candidates(metal) for metal in METALS}
    finished = dict.fromkeys(METALS, 0)
    logs: list[dict[str, Any]] = []
    late = False
    while not late and any(n < args.each for n in finished.values()):
        for metal in METALS:
            before = finished[metal]
            while before == finished[metal] < args.each and not late:
                found = next(lists[metal])
                late = time.monotonic() - began > 60 * args.minutes
                if late and not (args.folder / "parts" / f"{found.name}.json").exists():
                    break
                late = False
                logs.append(finish(found, args.folder / "parts"))
                finished[metal] += logs[-1]["status"] == "finished"
    print(f"{join(args.folder, logs)} structures of {len(logs)} candidates")


if __name__ == "__main__":
    main()
