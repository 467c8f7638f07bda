"""The script of the data set h2so4-aq: starts, labels and the wall."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tblite")

from ase import Atoms
from ase.calculators.lj import LennardJones

FOLDER = Path(__file__).parents[2] / "examples" / "h2so4-aq"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "trajectories", raising=False)
    yield import_module("trajectories")
    sys.modules.pop("trajectories", None)


@pytest.mark.parametrize("handed_over", [0, 1, 2])
@pytest.mark.parametrize("waters", [6, 12])
def test_starts_are_what_they_are_called(script, waters, handed_over):
    atoms = script.cluster(waters, handed_over, np.random.default_rng(waters))
    assert atoms.symbols.formula.count() == {"S": 1, "O": 4 + waters, "H": 2 + 2 * waters}
    assert atoms.symbols[0] == "S"
    assert script.protonation(atoms) == 2 - handed_over
    bonds = script.bonds(atoms)
    lengths = [atoms.get_distance(o, h) for o, h in bonds]
    assert max(lengths) < 1.05
    held = np.bincount([o for o, _ in bonds], minlength=len(atoms))[atoms.numbers == 8]
    assert (held == 3).sum() == handed_over
    distances = atoms.get_all_distances()
    oxygens = np.flatnonzero(atoms.numbers == 8)
    assert (np.sort(distances[0, oxygens])[4:] >= 2.8).all()  # waters stand outside the acid


def test_protonation_counts_a_shared_proton_as_the_acids(script):
    bisulfate = Atoms("SOH", [(0, 0, 0), (1.6, 0, 0), (2.89, 0, 0)])
    assert script.protonation(bisulfate) == 1
    bisulfate.positions[2, 0] = 2.91
    assert script.protonation(bisulfate) == 0
    # An oxygen beyond 2 Å of the sulfur is no longer the acid's.
    bisulfate.positions[1:, 0] = 2.01, 2.9
    assert script.protonation(bisulfate) == 0


def test_the_wall_pulls_back_by_its_energy(script):
    atoms = Atoms("SOO", [(0.1, 0.2, 0.0), (3.0, 1.0, 0.5), (6.0, -3.0, 2.0)])
    atoms.calc = script.Confined(LennardJones(epsilon=0.0), 0, 5.0)
    forces = atoms.get_forces()
    assert np.abs(forces[1]).max() == 0
    assert np.abs(forces.sum(axis=0)).max() < 1e-12
    for i in (0, 2):
        for axis in range(3):
            energies = []
            for step in (1e-4, -1e-4):
                moved = atoms.copy()
                moved.positions[i, axis] += step
                moved.calc = script.Confined(LennardJones(epsilon=0.0), 0, 5.0)
                energies.append(moved.get_potential_energy())
            assert forces[i, axis] == pytest.approx(-(energies[0] - energies[1]) / 2e-4, abs=1e-6)
