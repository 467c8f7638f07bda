"""Molecular dynamics of one hot water molecule: the structures of the data set ``h2o``.

Each trajectory starts from the PBE equilibrium geometry with velocities drawn from the
Maxwell–Boltzmann distribution at 10,000 K and runs at constant energy (velocity Verlet) on
PBE/def2-SVP forces. Trajectory ``i`` depends on the seed ``i`` and on nothing else, so a later
run with a larger ``--trajectories`` appends and never changes what is there.

The centre of mass is brought to rest, the rotation is kept: a free molecule at a temperature
rotates, and its centrifugal distortion belongs to the structures that the spectra answer to.
(Spectra of a free molecule do not see its orientation.) ``temperature`` of a frame is
2 E_kin / (6 k_B): six degrees of freedom are left once the translation is gone.

A trajectory with a broken bond (an O–H distance above ``--max-bond``, where a spin-restricted
determinant no longer describes it) or with an unconverged SCF is discarded as a whole, listed
with its reason, and the next seed takes its place.

Usage::

    python examples/h2o/trajectories.py OUT_FOLDER

leaves ``OUT_FOLDER/trajectories.extxyz`` and ``OUT_FOLDER/trajectories.json``; interrupted, it
goes on after the last finished trajectory. Needs ``pip install 'xreg[pyscf]'``.
"""

from __future__ import annotations

import argparse
import json
import time
from io import StringIO
from pathlib import Path
from typing import ClassVar

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.io import read, write
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from pyscf import dft, gto

from xreg.core.files import write_text
from xreg.plugins.pyscf.numint import CachedNumInt

HARTREE, BOHR = units.Hartree, units.Bohr
N_DOF = 6  # nine Cartesian coordinates less the translation


class Discard(Exception):
    """A trajectory that must not be used; the message is the reason."""


class PBEForces(Calculator):
    """PBE/def2-SVP energy (eV) and forces (eV/Å) by PySCF, made for many small steps.

    The forces include the response of the integration grid, so that they are the exact
    derivative of the energy that is integrated and a small grid does not make it drift.
    Each SCF starts from the density extrapolated from the two steps before.

    Parameters
    ----------
    atom_grid : tuple of int
        Radial and angular points of each atom.
    conv_tol : float
        SCF convergence, in Hartree.
    """

    implemented_properties: ClassVar = ["energy", "forces"]

    def __init__(self, atom_grid: tuple[int, int], conv_tol: float) -> None:
        super().__init__()
        self.atom_grid = atom_grid
        self.conv_tol = conv_tol
        # P·S of the last two steps: the product is what carries over to a moved basis.
        self._ps: list[np.ndarray] = []
        self.cycles = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Fill ``self.results``; raise `Discard` where the SCF does not converge."""
        super().calculate(atoms, properties, system_changes)
        mol = gto.M(
            atom=list(zip(atoms.get_chemical_symbols(), atoms.get_positions(), strict=True)),
            basis="def2-svp",
            verbose=0,
        )
        overlap = mol.intor("int1e_ovlp")
        ks = dft.RKS(mol, xc="PBE")
        ks.grids.atom_grid = self.atom_grid
        ks.conv_tol = self.conv_tol
        ks.chkfile = None
        ks._numint = CachedNumInt()
        ks.kernel(dm0=self._guess(overlap))
        self.cycles += ks.cycles
        if not ks.converged:
            ks.kernel()  # from atomic densities
        if not ks.converged:
            raise Discard(f"SCF not converged in {ks.max_cycle} cycles")
        self._ps = [ks.make_rdm1() @ overlap, *self._ps[:1]]
        gradient = ks.nuc_grad_method()
        gradient.grid_response = True
        self.results = {
            "energy": ks.e_tot * HARTREE,
            "forces": -gradient.kernel() * HARTREE / BOHR,
        }

    def _guess(self, overlap: np.ndarray) -> np.ndarray | None:
        """Density matrix extrapolated linearly in P·S, made idempotent once (McWeeny)."""
        if not self._ps:
            return None
        ps = 2 * self._ps[0] - self._ps[1] if len(self._ps) == 2 else self._ps[0]
        p = np.linalg.solve(overlap, ps.T).T / 2
        p = (p + p.T) / 2
        psp = p @ overlap @ p
        return 2 * (3 * psp - 2 * psp @ overlap @ p)


def equilibrium(calculator: PBEForces) -> Atoms:
    """Return the relaxed molecule (largest force 1e-3 eV/Å), oxygen first."""
    atoms = Atoms("OH2", [(0, 0, 0), (0.7575, 0.5871, 0), (-0.7575, 0.5871, 0)])
    atoms.calc = calculator
    BFGS(atoms, logfile=None).run(fmax=1e-3, steps=100)
    return atoms


def run(seed: int, start: Atoms, args: argparse.Namespace) -> tuple[list[Atoms], dict]:
    """Run one trajectory.

    Parameters
    ----------
    seed : int
        Number of the trajectory.
    start : Atoms
        Equilibrium geometry.
    args : argparse.Namespace
        The settings.

    Returns
    -------
    frames : list of Atoms
        The snapshots, with what is known of each in ``info``.
    log : dict
        Energy conservation over all steps and cost.
    """
    atoms = start.copy()
    atoms.calc = PBEForces(tuple(args.grid), args.conv_tol)
    rng = np.random.RandomState(seed)
    MaxwellBoltzmannDistribution(atoms, temperature_K=args.temperature, rng=rng)
    Stationary(atoms, preserve_temperature=False)
    dynamics = VelocityVerlet(atoms, timestep=args.time_step * units.fs)

    every, skip = (round(t / args.time_step) for t in (args.spacing, args.discard))
    frames: list[Atoms] = []
    energies: list[float] = []
    began = time.perf_counter()
    for step in range(skip + every * args.snapshots + 1):
        if step:
            dynamics.run(1)
        bond = atoms.get_distances(0, [1, 2]).max()
        if bond > args.max_bond:
            raise Discard(f"O-H distance {bond:.2f} Å at {step * args.time_step:g} fs")
        kinetic = atoms.get_kinetic_energy()
        energies.append(atoms.get_potential_energy() + kinetic)
        if step > skip and (step - skip) % every == 0:
            frame = Atoms(atoms.get_atomic_numbers(), atoms.get_positions())
            frame.info = {
                "id": f"traj{seed:03d}-step{step:04d}",
                "trajectory": seed,
                "step": step,
                "time_fs": step * args.time_step,
                "total_energy_eV": energies[-1],
                "temperature_K": 2 * kinetic / (N_DOF * units.kB),
                "absorber": 0,
            }
            frames.append(frame)
    times = np.arange(len(energies)) * args.time_step
    deviation = np.array(energies) - energies[0]
    log = {
        "seed": seed,
        "status": "finished",
        "max_energy_error_meV": 1e3 * float(np.abs(deviation).max()),
        "rms_energy_error_meV": 1e3 * float(deviation.std()),
        "drift_meV_per_ps": 1e6 * float(np.polyfit(times, deviation, 1)[0]),
        "initial_kinetic_energy_eV": float(energies[0] - start.get_potential_energy()),
        "scf_cycles_per_step": atoms.calc.cycles / len(energies),
        "seconds_per_step": (time.perf_counter() - began) / len(energies),
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
        description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("out", type=Path, help="folder for the results")
    add("--trajectories", type=int, default=167, help="finished trajectories wanted")
    add("--snapshots", type=int, default=60, help="snapshots kept of each")
    add("--time-step", type=float, default=0.25, help="fs")
    add("--spacing", type=float, default=4.0, help="fs between snapshots")
    add("--discard", type=float, default=20.0, help="fs thrown away at the start")
    add("--temperature", type=float, default=10000.0, help="K, of the initial velocities")
    add("--max-bond", type=float, default=2.0, help="Å, a longer O-H bond counts as broken")
    add("--grid", type=int, nargs=2, default=[30, 110], help="radial, angular points")
    add("--conv-tol", type=float, default=1e-9, help="Hartree, SCF convergence")
    return parser.parse_args()


def main() -> None:
    """Run what is missing, then join the finished trajectories."""
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    settings = {k: v for k, v in vars(args).items() if k not in ("out", "trajectories")}
    known = args.out / "settings.json"
    if known.exists() and json.loads(known.read_text()) != settings:
        raise SystemExit(f"{args.out} holds trajectories of other settings: take another folder")
    save_json(known, settings)

    start = equilibrium(PBEForces(tuple(args.grid), args.conv_tol))
    logs: list[dict] = []
    seed = 0
    while sum(log["status"] == "finished" for log in logs) < args.trajectories:
        log_file = args.out / f"traj{seed:03d}.json"
        if not log_file.exists():
            try:
                frames, log = run(seed, start, args)
                save_frames(args.out / f"traj{seed:03d}.extxyz", frames)
            except Discard as reason:
                log = {"seed": seed, "status": "discarded", "reason": str(reason)}
            save_json(log_file, log)  # last: it says that the trajectory is done
            print(json.dumps(log), flush=True)
        logs.append(json.loads(log_file.read_text()))
        seed += 1

    finished = [log["seed"] for log in logs if log["status"] == "finished"]
    joined = [f for s in finished for f in read(args.out / f"traj{s:03d}.extxyz", ":")]
    save_frames(args.out / "trajectories.extxyz", joined)
    save_json(args.out / "trajectories.json", {"settings": settings, "trajectories": logs})
    print(f"{len(joined)} snapshots of {len(finished)} trajectories in {args.out}")


if __name__ == "__main__":
    main()
