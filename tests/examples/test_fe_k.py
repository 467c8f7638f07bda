"""The scripts of the data set fe-k: geometries, potentials and splits."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "fe-k"
MADELUNG = 1.747565  # of rock salt, per ion pair and nearest distance


@pytest.fixture
def script(monkeypatch):
    """Import a script of the folder, and forget it afterwards."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return import_module(name)

    return load


def test_starting_geometries_have_their_coordination_and_distance(script):
    structures = script("structures")
    assert len({c.name for c in structures.COMPOUNDS}) == 16
    for compound in structures.COMPOUNDS:
        atoms = compound.build()
        assert atoms[0].symbol == "Fe", compound.name
        named = np.isin(atoms.get_chemical_symbols(), list(compound.expected))
        named[0] = False
        r = np.sort(atoms.get_distances(0, np.flatnonzero(named), mic=bool(atoms.pbc.any())))
        near, rest = r[: compound.coordination], r[compound.coordination :]
        assert near.mean() == pytest.approx(*compound.expected.values(), abs=0.02), compound.name
        assert rest.min(initial=9.0) > near.max() + 0.3, compound.name


def numerical_force(atoms, index, axis, step=1e-4):
    """Return minus the slope of the energy along one coordinate."""
    start = atoms.get_positions()
    energies = []
    for sign in (1, -1):
        moved = start.copy()
        moved[index, axis] += sign * step
        atoms.set_positions(moved)
        energies.append(atoms.get_potential_energy())
    atoms.set_positions(start)
    return (energies[1] - energies[0]) / (2 * step)


def test_ionic_potential_has_the_madelung_constant_and_forces_that_fit(script):
    structures, potentials = script("structures"), script("potentials")
    atoms = structures.wustite()
    charges = np.where(atoms.numbers == 8, -2.0, 2.0)
    bare = potentials.BornMayer(atoms, charges)
    bare._weights = tuple(0 * w for w in bare._weights)
    atoms.calc = bare
    pair = atoms.get_potential_energy() / (len(atoms) / 2)
    assert -pair * 2.155 / (4 * potentials.COULOMB) == pytest.approx(MADELUNG, rel=2e-5)
    atoms.calc = potentials.BornMayer(atoms, charges)
    atoms.rattle(0.05, seed=1)
    forces = atoms.get_forces()
    assert forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
    for axis in range(3):
        assert numerical_force(atoms, 5, axis) == pytest.approx(forces[5, axis], abs=1e-5)


def test_metal_potential_has_the_cohesive_energy_and_lattice_of_iron(script):
    structures, potentials = script("structures"), script("potentials")
    atoms = structures.iron()
    atoms.calc = potentials.FinnisSinclair(atoms)
    energy = atoms.get_potential_energy()
    assert energy / len(atoms) == pytest.approx(-4.28, abs=1e-3)
    for scale in (0.999, 1.001):
        other = atoms.copy()
        other.set_cell(atoms.cell * scale, scale_atoms=True)
        other.calc = potentials.FinnisSinclair(other)
        assert other.get_potential_energy() > energy
    atoms.rattle(0.05, seed=1)
    assert numerical_force(atoms, 3, 0) == pytest.approx(atoms.get_forces()[3, 0], abs=1e-6)


def test_no_trajectory_and_no_compound_stands_on_both_sides_of_a_split(script):
    join = script("join")
    compounds = np.repeat(["ferrocene", "feo", *join.HELD_OUT, *join.VALIDATED], 12)
    trajectories = np.array([f"{c}-traj{i % 6}" for i, c in enumerate(compounds)])
    ids = np.array([f"s{i}" for i in range(len(compounds))])
    engine = np.where(np.arange(len(ids)) // 6 % 2, "feff", "fdmnes")
    labels = {"compound": compounds, "trajectory": trajectories, "engine": engine}
    splits = join.make_splits(ids, labels)
    for name, group in (
        ("default", trajectories),
        ("engines", trajectories),
        ("compounds", compounds),
    ):
        rows = splits[name].indices(ids)
        parts = [set(group[rows[part]]) for part in ("train", "validation", "test")]
        assert all(parts)
        assert sum(len(p) for p in parts) == len(set.union(*parts))
        engines = set(np.concatenate([engine[rows[p]] for p in rows]))
        assert engines == ({"feff", "fdmnes"} if name == "engines" else {"feff"})
