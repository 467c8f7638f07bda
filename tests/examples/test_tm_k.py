"""The scripts of the data set tm-k: complexes, what is set aside, order, splits; and tmQM."""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.generate.samples import read_samples
from xreg.workbench.recipes.load import load_one

FOLDER = Path(__file__).parents[2] / "examples" / "tm-k"
NINE = ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn")

TMQM = """\
5
CSD_code = ABCDEF | q = -2 | S = 1 | Stoichiometry = Cl4Ni(2-) | MND = 4
Cl 1.3000 1.3000 1.3000
Ni 0.0000 0.0000 0.0000
Cl 1.3000 -1.3000 -1.3000
Cl -1.3000 1.3000 -1.3000
Cl -1.3000 -1.3000 1.3000

5
CSD_code = GHIJKL | q = 0 | S = 0 | Stoichiometry = Cl4Ti | MND = 4
Ti 0.0000 0.0000 0.0000
Cl 1.2500 1.2500 1.2500
Cl 1.2500 -1.2500 -1.2500
Cl -1.2500 1.2500 -1.2500
Cl -1.2500 -1.2500 1.2500

5
CSD_code = MNOPQR | q = -2 | S = 0 | Stoichiometry = Cl4Pd(2-) | MND = 4
Pd 0.0000 0.0000 0.0000
Cl 2.3000 0.0000 0.0000
Cl -2.3000 0.0000 0.0000
Cl 0.0000 2.3000 0.0000
Cl 0.0000 -2.3000 0.0000

"""


@pytest.fixture
def script(monkeypatch):
    """Import a script of the folder, and forget it and what it imports afterwards."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("ligands", "complexes", "structures", "join"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield import_module
    for name in ("ligands", "complexes", "structures", "join"):
        sys.modules.pop(name, None)


def test_candidates_are_distinct_and_their_charge_fits_their_spin(script):
    complexes = script("complexes")
    assert tuple(complexes.METALS) == NINE
    for metal in NINE:
        found = list(islice(complexes.candidates(metal), 60))
        assert len({c.name for c in found}) == 60
        assert [c.name for c in islice(complexes.candidates(metal), 60)] == [c.name for c in found]
        for one in found:
            numbers = [22 + NINE.index(metal)]
            for part in one.parts:
                numbers += Atoms(list(part.symbols)).numbers.tolist()
            assert (sum(numbers) - one.charge - one.unpaired) % 2 == 0, one.name
            assert one.size == len(numbers) <= complexes.LARGEST


def test_starting_geometries_have_their_donors_near_and_nothing_overlaps(script):
    complexes, structures = script("complexes"), script("structures")
    for metal in NINE:
        for found in islice(complexes.candidates(metal), 2):
            atoms, ligands, donors = complexes.built(found)
            assert atoms.get_chemical_symbols()[0] == metal
            assert len(donors) == found.donors
            assert len(ligands) == len(found.ligands)
            assert complexes.clearance(atoms, ligands) > 1.2, found.name
            to_metal = structures.ratios(atoms)[0]
            assert to_metal[donors].max() < structures.BOUND, found.name


def square(distance=2.0):
    places = [(0, 0, 0), (distance, 0, 0), (0, distance, 0), (-distance, 0, 0), (0, -distance, 0)]
    return Atoms("NiN4", places)


def test_what_has_fallen_apart_is_set_aside_with_the_reason(script):
    structures = script("structures")
    donors = [1, 2, 3, 4]
    structures.check(square(), donors, set())
    far = square()
    far.positions[1] *= 1.5
    with pytest.raises(structures.SetAside, match="a donor has left"):
        structures.check(far, donors, set())
    near = square() + Atoms("O", [(0, 0, 2.1)])
    with pytest.raises(structures.SetAside, match="another atom binds"):
        structures.check(near, donors, set())
    joined = square() + Atoms("OO", [(0, 0, 4.0), (0, 0, 5.2)])
    with pytest.raises(structures.SetAside, match="ligands have joined"):
        structures.check(joined, donors, set())
    with pytest.raises(structures.SetAside, match="a ligand has broken"):
        structures.check(square() + Atoms("OO", [(0, 0, 4.0), (0, 0, 6.0)]), donors, {(5, 6)})
    structures.check(joined, donors, {(5, 6)})


def test_polyhedra_are_named_by_their_angles(script):
    structures, complexes = script("structures"), script("complexes")
    names = {"tetrahedron": "tetrahedral", "square": "square-planar", "octahedron": "octahedral",
             "bipyramid": "trigonal-bipyramidal", "pyramid": "square-pyramidal"}  # fmt: skip
    for kind, name in names.items():
        corners = [np.array(v, float) / np.linalg.norm(v) for v in complexes.POLYHEDRA[kind]]
        atoms = Atoms(["Ni"] + ["N"] * len(corners), [np.zeros(3), *corners])
        assert structures.shape(atoms, list(range(1, len(atoms)))) == name


def test_every_beginning_of_the_order_has_all_metals(script):
    structures = script("structures")
    logs = [
        {"metal": metal, "complex": f"{metal}{k}", "status": "finished" if k != 1 else "set aside"}
        for k in range(6)
        for metal in NINE
    ]
    order = structures.ordered(logs)
    assert len(order) == len(set(order)) == 5 * 9 * 2
    for first in range(0, 90, 9):
        assert {name[:2].rstrip("0123456789") for name, _ in order[first : first + 9]} == set(NINE)
    assert sum(kind for _, kind in order[:54]) == 18


def test_splits_keep_complexes_together_and_have_every_metal(script):
    join = script("join")
    complexes = np.array([f"{m}-{k}" for m in NINE for k in range(8) for _ in range(2)])
    metals = np.array([c.split("-")[0] for c in complexes])
    ids = np.array([f"{c}-{i % 2}" for i, c in enumerate(complexes)])
    split = join.split_by_complex(ids, complexes, metals)
    parts = [split.train, split.validation, split.test]
    owners = [{i.rsplit("-", 1)[0] for i in part} for part in parts]
    assert not owners[0] & owners[1] | owners[0] & owners[2] | owners[1] & owners[2]
    for owner in owners:
        assert {name.split("-")[0] for name in owner} == set(NINE)


def test_a_file_of_tmqm_is_read_with_charge_spin_and_the_metal_as_absorber(tmp_path):
    (tmp_path / "tmQM_X.xyz").write_text(TMQM)
    recipe = load_one(GenerationRecipe, FOLDER / "tmqm.yaml")
    table = read_samples(recipe.samples, tmp_path)
    assert table.samples.ids.tolist() == ["ABCDEF", "GHIJKL", "MNOPQR"]
    assert table.samples.absorbers()[:2].tolist() == [28, 22]
    assert table.samples[0].absorber == 1
    assert table.labels["charge"].tolist() == [-2, 0, -2]
    assert table.labels["spin"].tolist() == [1, 0, 0]
    assert table.labels["coordination"].tolist() == [4, 4, 4]
    assert "no atom is Ti or V or Cr" in table.unfit[2]
    assert list(table.unfit) == [2]
