"""The scripts of the data set geo2-kb: cells, the choice of sites, and what the recipes say."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase import Atoms
from ase.spacegroup import crystal

from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.recipes.load import load_one

FOLDER = Path(__file__).parents[2] / "examples" / "geo2-kb"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return import_module(name)

    return load


def rutile() -> Atoms:
    """Return rutile GeO2 (a 4.395, c 2.860 Å, u 0.306), 6.28 g/cm³, 72 atoms."""
    cell = crystal(
        ["Ge", "O"],
        [(0, 0, 0), (0.306, 0.306, 0)],
        spacegroup=136,
        cellpar=[4.395] * 2 + [2.86] + [90] * 3,
    ) * (2, 2, 3)
    cell.info["density"] = 6.28
    return cell


def test_a_known_crystal_has_its_distances_and_angles(script):
    row, curves = script("check_structures").quantities(rutile())
    assert row["neighbours"] == 6
    assert row["Ge-O"] == pytest.approx(1.88, abs=0.01)  # two of 1.902 and four of 1.872 Å
    assert row["Ge-O-Ge"] == pytest.approx(120, abs=0.01)  # 99.6 once and 130.2 twice
    assert row["Ge-Ge"] == pytest.approx(3.42, abs=0.05)  # eight; two more stand at 2.86
    grid = script("check_structures").GRID
    assert not curves["Ge-O"][grid < 1.8].any()


def four_frames(pressure: int) -> list[Atoms]:
    frames = [rutile() for _ in range(4)]
    for frame in frames:
        frame.info["pressure"] = pressure
    return frames


def test_rounds_hold_every_pressure_and_no_site_twice(script):
    cells = {(p, run): four_frames(p) for p in (0, 20, 120) for run in (0, 1)}
    sites = script("sites").chosen(cells, 12, 2)
    assert len(sites) == 36
    for start in range(0, 36, 3):
        assert {s.info["pressure"] for s in sites[start : start + 3]} == {0, 20, 120}
    taken = [(s.info["cell"], s.info["absorber"]) for s in sites]
    assert len(set(taken)) == 36
    assert len({s.info["id"] for s in sites}) == 36
    for site in sites:
        assert site.symbols[site.info["absorber"]] == "Ge"
        assert site.info["coordination"] == 6
        assert site.info["nearest"] == pytest.approx(1.872, abs=0.01)


def test_a_cell_that_comes_later_changes_no_site(script):
    cells = {(p, run): four_frames(p) for p in (0, 20) for run in (0, 1)}
    whole = {s.info["id"] for s in script("sites").chosen(cells, 12, 2)}
    del cells[20, 1]
    early = [s.info["id"] for s in script("sites").chosen(cells, 6, 2)]
    assert len(early) == 12
    assert set(early) <= whole


def test_moments_are_compared_after_a_common_shift(script, capsys):
    radii = script("radii")
    recipe = yaml.safe_load((FOLDER / "generate.yaml").read_text(encoding="utf-8"))
    energy = np.arange(-33.75, 0.1, 0.75)

    def spectrum(place: float, width: float, apart: float) -> dict:
        main = np.exp(-(((energy - place) / width) ** 2) / 2)
        satellite = 0.3 * np.exp(-(((energy - place + apart) / 2) ** 2) / 2)
        return {"energy": energy.tolist(), "intensity": (main + satellite).tolist()}

    found = {}
    for number in range(4):
        width, apart = 2.6 + 0.1 * number, 12.2 + 0.2 * number
        found[f"s{number} production"] = spectrum(-9, width, apart)
        found[f"s{number} fms-6"] = spectrum(-9.75, width, apart)  # a step of the mesh lower
        found[f"s{number} scf-4"] = spectrum(-9, width, apart + 0.2)  # all alike
        found[f"s{number} mesh"] = spectrum(-9, 2.6, 12.2)  # nothing of what tells them apart
    radii.report(found, recipe["processing"]["xes"])
    head, moved, shifted, flat = capsys.readouterr().out.splitlines()
    assert head.split()[1:] == [f"{w}.{n}" for w in ("satellite", "main") for n in radii.NAMES]
    assert moved.split()[:2] == ["fms-6", "4"]
    assert moved.split()[2::2] == ["0%"] * 8
    share, common = shifted.split()[2:4]
    assert float(share.rstrip("%")) < 10
    assert -0.21 < float(common.strip("()")) < -0.15
    assert flat.split()[2::2] == ["100%"] * 8


def test_recipes_fit_together():
    generate, run = (
        yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("generate", "run")
    )
    last = generate["processing"]["xes"]["steps"][-1]
    for low, high in run["target"]["moments"].values():
        assert last["first"] < low < high < last["last"]
    counts = run["descriptor"]["counts"].values()
    assert sum(counts) * (sum(counts) - 1) // 2 == 153
    assert run["target"]["channel"] in generate["processing"]


def test_a_cut_site_keeps_its_oxygens_and_gets_a_hydrogen_for_each(script):
    cell = rutile()
    cell.info["absorber"] = 6
    cut = script("check_engine").cut(cell)
    assert cut.symbols.formula.count() == {"Ge": 1, "O": 6, "H": 6}
    assert cut[0].symbol == "Ge"
    assert np.sort(cut.get_distances(0, range(1, 13)))[:6].max() == pytest.approx(1.902, abs=0.01)
    hydrogens = [i for i in range(1, 13) if cut[i].symbol == "H"]
    for hydrogen in hydrogens:
        assert cut.get_distance(hydrogen - 1, hydrogen) == pytest.approx(0.97)


def test_bands_of_two_gaussians(script):
    energy = np.arange(0.0, 50.0, 0.05)
    two = np.exp(-((energy - 18) ** 2) / 2) + 3 * np.exp(-((energy - 30) ** 2) / 2)
    distance, share = script("check_engine").bands(energy, two)
    assert distance == pytest.approx(12, abs=0.01)
    assert share == pytest.approx(0.25, abs=0.01)


def test_the_generation_recipe_is_read():
    recipe = load_one(GenerationRecipe, FOLDER / "generate.yaml")
    assert [step.name for step in recipe.processing["xes"].steps] == ["align", "resample"]
