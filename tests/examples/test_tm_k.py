"""The scripts of the data set tm-k: complexes, what is set aside, order, splits; and tmQM."""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.registry.datasets import open_dataset
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.generate.samples import read_samples
from xreg.workbench.recipes.load import load_one

REGISTRY = Path(__file__).parents[2]
FOLDER = REGISTRY / "examples" / "tm-k"
SCRIPTS = ("ligands", "complexes", "structures", "join", "two_engines", "check_physics", "study")
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
    for name in SCRIPTS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield import_module
    for name in SCRIPTS:
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


def test_a_later_version_keeps_the_parts_of_an_earlier_one(script):
    join = script("join")
    complexes = np.array([f"{m}-{k}" for m in NINE for k in range(8) for _ in range(2)])
    metals = np.array([c.split("-")[0] for c in complexes])
    ids = np.array([f"{c}-{i % 2}" for i, c in enumerate(complexes)])
    early = np.array([int(c.split("-")[1]) < 6 for c in complexes])
    first = join.split_by_complex(ids[early], complexes[early], metals[early])
    parts = ("train", "validation", "test")
    before = {i.rsplit("-", 1)[0]: p for p in parts for i in getattr(first, p).tolist()}
    later = join.split_by_complex(ids, complexes, metals, before=before)
    for part in parts:
        assert set(getattr(first, part).tolist()) <= set(getattr(later, part).tolist())
    assert len(later.test) == 2 * 2 * 9
    assert sum(len(getattr(later, part)) for part in parts) == len(ids)


def test_the_second_engine_has_the_first_fifth_of_every_metal_minima_first(script):
    structures = script("structures")
    logs = [{"metal": m, "complex": f"{m}{k}", "status": "finished"}
            for k in range(6) for m in NINE]  # fmt: skip
    order = structures.for_second_engine(logs)
    assert order[:9] == [(f"{m}0", 0) for m in NINE]
    assert order[9:18] == [(f"{m}1", 0) for m in NINE]
    assert {kind for _, kind in order[18:]} == {1}
    assert {name[-1] for name, _ in order} == {"0", "1"}


def small_dataset(engines, sites, energy, curves):
    atoms = [square(2.0 + 0.01 * k) for k in range(len(sites))]
    ids = [s if e == "feff" else f"{s}-{e}" for s, e in zip(sites, engines, strict=True)]
    labels = {
        "engine": np.array(engines), "site": np.array(sites), "complex": np.array(sites),
        "metal": np.array(["Ni"] * len(sites)), "geometry": np.array(["relaxed"] * len(sites)),
    }  # fmt: skip
    return Dataset(
        Structures.from_atoms(atoms, [0] * len(sites), ids),
        Spectra({"xanes": Channel(np.array(curves), energy)}),
        Metadata(name="small", version="1.0.0", title="Small", licence="CC0-1.0"),
        labels,
    )


def test_engines_are_compared_on_the_structures_of_both_as_they_are_and_shifted(script):
    two = script("two_engines")
    energy = np.linspace(-15, 60, 226)

    def edge(at):
        return 0.5 + np.arctan(energy - at) / np.pi + 0.8 * np.exp(-((energy - at - 6) ** 2) / 8)

    data = small_dataset(
        ["feff", "feff", "fdmnes", "feff", "fdmnes"], ["a", "b", "b", "c", "c"], energy,
        [edge(1.0), edge(2.0), edge(5.0), edge(3.0), edge(1.5)],
    )  # fmt: skip
    both = two.pairs(data)
    assert data.samples.ids[both.rows].tolist() == ["b", "c"]
    np.testing.assert_allclose(both.first, [edge(2.0), edge(3.0)])
    np.testing.assert_allclose(both.second, [edge(5.0), edge(1.5)])
    np.testing.assert_allclose(both.shifts(), [-3.0, 1.5], atol=0.05)
    mean = both.first.mean(axis=0)
    plain = two.scores(energy, both.first, both.second, mean)
    shifted = two.scores(energy, both.first, both.shifted(both.shifts()), mean)
    assert plain["r2"] < 0 < 0.99 < shifted["r2"]
    assert shifted["delta"] < 0.2 * plain["delta"]
    assert plain["peak"] == pytest.approx((3.0 + 1.5) / 2, abs=0.1)
    assert shifted["peak"] == pytest.approx(0.0, abs=0.1)


def test_raw_spectra_of_both_engines_stand_on_the_energies_of_both(script):
    join = script("join")
    sparse, dense = np.array([0.0, 2.0, 5.0]), np.array([-1.0, 1.0, 2.0, 6.0])
    parts = [
        small_dataset(["feff"], ["a"], sparse, [[0.0, 1.0, 4.0]]),
        small_dataset(["fdmnes"], ["a"], dense, [[1.0, 3.0, 3.5, 5.0]]),
    ]
    channel = join.on_all_energies(parts, "xanes")
    np.testing.assert_allclose(channel.energy, [-1, 0, 1, 2, 5, 6])
    np.testing.assert_allclose(channel.intensity[0], [0, 0, 0.5, 1, 4, 4])
    np.testing.assert_allclose(channel.intensity[1], [1, 2, 3, 3.5, 4.625, 5])
    nearly = small_dataset(["fdmnes"], ["a"], sparse + 1e-14, [[0.0, 2.0, 3.0]])
    assert join.on_all_energies([parts[0], nearly], "xanes").energy.tolist() == sparse.tolist()


def test_published_complexes_are_taken_over_as_they_were_written(script, tmp_path):
    structures = script("structures")
    data = open_dataset("tm-k@1.0.0", registry=REGISTRY)
    assert structures.take_over(data, "tm-k@1.0.0", tmp_path) == 54
    assert structures.take_over(data, "tm-k@1.0.0", tmp_path) == 0  # what is there stays
    name = str(data.label("complex")[0])
    minimum, snapshot = read(tmp_path / f"{name}.extxyz", ":")
    assert minimum.info["id"] == data.samples.ids[0] == f"{name}-relaxed"
    assert snapshot.info["temperature_K"] == 300.0
    np.testing.assert_allclose(minimum.positions, data.samples[0].positions, atol=1e-7)
    complexes = script("complexes")
    found = next(c for c in complexes.candidates("Ti") if c.name == name)
    log = structures.finish(found, tmp_path)  # nothing is computed
    assert log["status"] == "finished"
    assert log["from"] == "tm-k@1.0.0"


def test_copies_and_structures_that_are_not_what_their_names_say_fail_the_check(script):
    check_physics = script("check_physics")
    data = open_dataset("tm-k@1.0.0", registry=REGISTRY).select(np.arange(4))
    labels = {**data.labels, "site": np.asarray(data.samples.ids).astype(str)}
    y = np.asarray(data.spectra["xanes"].intensity, float).copy()

    def dataset(atoms, spectra):
        samples = Structures.from_atoms(atoms, [0] * 4, data.samples.ids.tolist())
        channel = Channel(spectra, data.spectra["xanes"].energy)
        return Dataset(samples, Spectra({"xanes": channel}), data.metadata, labels)

    atoms = [s.to_atoms() for s in data.samples]
    good = dataset(atoms, y)
    assert check_physics.check_structures(good) == check_physics.check_copies(good) == []
    y[2] = y[1]
    torn = [a.copy() for a in atoms]
    torn[0].positions[1] += 3.0
    bad = dataset(torn, y)
    assert any("donor has left" in f for f in check_physics.check_structures(bad))
    assert len(check_physics.check_copies(bad)) == 1


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
