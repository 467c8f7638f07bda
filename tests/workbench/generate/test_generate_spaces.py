"""Generation recipes that draw from parameter spaces, for one ion or many; and bad ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml

from xreg.cli import main as cli
from xreg.core.ions.model import PARAMETERS, spaces
from xreg.core.ions.settings import IonName
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.registry.stores.store import open_store
from xreg.workbench.generate.generate import generate
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.recipes.load import load, load_one

ROOT = Path(__file__).parents[3]
RECIPES = ROOT / "examples" / "l-edges"


def recipe(folder: Path, **changes: object) -> Path:
    content = {
        "dataset": {"name": "ni2", "version": "1.0.0"},
        "samples": {"space": "published", "count": 8, "seed": 3},
        "generator": {"name": "multiplet", "points": 31},
        "split": None,
        "precision": {"xas": 15, "parameters": 23},
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def run(path: Path, output: str = "out.zarr"):
    return open_store(
        generate(
            load_one(GenerationRecipe, path), path.parent, path.parent / output, workers=1
        ).path
    )


def test_a_space_by_name_becomes_a_dataset_whose_spectra_belong_to_its_samples(tmp_path):
    dataset = run(recipe(tmp_path))
    values = np.asarray(dataset.samples.values)
    drawn = spaces()["published"].sample(8, seed=3)
    np.testing.assert_array_equal(values, drawn.values.astype(np.float32))
    assert dataset.samples.ids.tolist() == [f"published-{i}" for i in range(8)]
    assert dataset.samples.names == tuple(PARAMETERS)
    assert dataset.samples.units == tuple(p.unit for p in PARAMETERS.values())
    exact = np.array(
        [s.channels["xas"] for s in Multiplet(points=31).generate_many(dataset.samples)]
    )
    stored = np.asarray(dataset.spectra["xas"].intensity)
    assert stored.dtype == np.float32
    np.testing.assert_allclose(stored, exact, rtol=2**-16)
    origin = dataset.metadata.provenance["samples"]
    assert (origin["count"], origin["method"], origin["seed"]) == (8, "sobol", 3)
    assert origin["ranges"]["T"] == {
        "unit": "K", "distribution": "uniform", "low": 1.0, "high": 1000.0,
    }  # fmt: skip


def test_more_samples_append(tmp_path):
    few = run(recipe(tmp_path), "few.zarr")
    samples = {"space": "published", "count": 13, "seed": 3}
    more = run(recipe(tmp_path, samples=samples), "more.zarr")
    assert np.array_equal(more.samples.values[:8], few.samples.values[:])
    assert np.array_equal(more.spectra["xas"].intensity[:8], few.spectra["xas"].intensity[:])


def test_sets_carry_their_name_and_get_a_split_each(tmp_path):
    sets = {
        "published": {"space": "published", "count": 10},
        "oh": {"space": "oh", "count": 3, "seed": 1},
        "cold": {"space": "c4v", "change": {"T": 10}, "count": 2, "method": "random"},
    }
    split = {"counts": [6, 3, 1], "seed": 2, "within": {"set": "published"}}
    dataset = run(recipe(tmp_path, samples={"sets": sets}, split=split))
    label = dataset.labels["set"]
    assert label.tolist() == ["published"] * 10 + ["oh"] * 3 + ["cold"] * 2
    assert dataset.samples.ids[10] == "oh-0"
    values = np.asarray(dataset.samples.values)
    assert (values[10:, 1:3] == 0).all()
    assert (values[13:, 0] < 0).all()
    assert (values[13:, 5] == 10).all()
    assert sorted(dataset.splits) == ["cold", "default", "oh"]
    default = dataset.splits["default"].indices(dataset.samples.ids)
    assert [len(rows) for rows in default.values()] == [6, 3, 1]
    assert set(label[np.concatenate(list(default.values()))]) == {"published"}
    for name in ("oh", "cold"):
        split = dataset.splits[name]
        assert split.train.tolist() == dataset.splits["default"].train.tolist()
        assert set(split.test) == set(dataset.samples.ids[label == name])


def test_a_space_written_out_and_the_published_sizes(tmp_path):
    given = {**{p: 0 for p in ("Ds", "Dt")}, "Dq": {"unit": "eV", "low": 0, "high": 0.2}}
    given |= {"S1": 0.8, "S2": 0.8, "sigma": {"unit": "eV", "value": 0.1}}
    given |= {"T": {"unit": "K", "distribution": "log-uniform", "low": 1, "high": 1000}}
    given |= {g: {"unit": "eV", "value": 0.4} for g in ("gamma1", "gamma2")}
    given |= {p: {"unit": "eV", "value": 0} for p in ("Ds", "Dt")}
    dataset = run(recipe(tmp_path, samples={"space": given, "count": 5}))
    assert dataset.samples.ids[0] == "sample-0"
    assert len(set(np.asarray(dataset.samples.values)[:, list(given).index("T")])) == 5


def test_the_recipes_of_the_repository_are_those_of_the_published_databases():
    for name, count in (("published", 360_000), ("oh", 20_000), ("c4v", 20_000)):
        recipes = load(GenerationRecipe, RECIPES / f"{name}.yaml")
        ions = [recipe.generator.settings["ion"] for recipe in recipes.values()]
        assert sorted(ions) == sorted(get_args(IonName))
        for key, made in recipes.items():
            ion = made.generator.settings["ion"]
            assert key == ion.lower().removesuffix("+")
            assert made.dataset.name == f"{key}-{name}"
            assert (made.samples.space, made.samples.count) == (name, count)
    made = load(GenerationRecipe, RECIPES / "published.yaml", only=["ni2"])
    assert made["ni2"].split.counts == (320_000, 20_000, 20_000)


def test_one_command_makes_all_datasets_of_a_recipe_and_passes_over_finished_ones(tmp_path, capsys):
    each = {"ni2": {"generator.ion": "Ni2+"}, "ti4": {"generator.ion": "Ti4+"}}
    path = recipe(tmp_path, each=each, dataset={"name": "{each}-db", "version": "1.0.0"})
    out = tmp_path / "out"
    command = ["data", "generate", str(path), "-o", str(out), "--workers", "1"]
    command += ["--set", "samples.count=2"]
    for told in ("2 computed now", "there already"):
        with pytest.raises(SystemExit) as end:
            cli.main(command)
        assert not end.value.code
        assert capsys.readouterr().out.count(told) == 2
    made = {p.name: open_store(p) for p in out.iterdir()}
    assert sorted(made) == ["ni2-db-1.0.0.zarr", "ti4-db-1.0.0.zarr"]
    ions = [d.metadata.provenance["generator"]["settings"]["ion"] for d in made.values()]
    assert sorted(ions) == ["Ni2+", "Ti4+"]
    with pytest.raises(SystemExit):
        cli.main([*command[:3], "--only", "ti4", "-o", str(tmp_path / "one.zarr"), *command[5:]])
    assert open_store(tmp_path / "one.zarr").metadata.name == "ti4-db"


PUBLISHED = {"space": "published", "count": 4}
BAD = {
    "space": ({"samples": {"space": "publishd", "count": 4}},
              "'multiplet' offers no parameter space 'publishd' .did you mean 'published'"),
    "parameter": ({"samples": {**PUBLISHED, "change": {"sigmaa": 1}}}, "did you mean 'sigma'"),
    "turned range": ({"samples": {**PUBLISHED, "change": {"T": [300, 200]}}},
                     r"samples\.change\.T.*low \(300\) must be below high \(200\)"),
    "unit": ({"samples": {**PUBLISHED, "change": {"Dq": {"unit": "meV", "low": 0, "high": 9}}}},
             "'Dq' is given in 'meV'; the space has it in eV"),
    "zero kelvin": ({"samples": {**PUBLISHED, "change": {"T": [0, 300]}}}, "T must be > 0 and"),
    "negative width": ({"samples": {**PUBLISHED, "change": {"gamma1": -0.3}}},
                       r"'gamma1' \(-0.3 eV\): gamma1 must be ≥ 0.02"),
    "no count": ({"samples": {"space": "published"}}, "'samples' needs a count"),
    "two sources": ({"samples": {**PUBLISHED, "file": "x.csv"}}, "one of file, space and"),
    "no source": ({"samples": {}}, "give one of file, space and sets"),
    "method": ({"samples": {**PUBLISHED, "method": "sobel"}}, "did you mean 'sobol'|method"),
    "counts": ({"samples": PUBLISHED, "split": {"counts": [4, 1, 1]}},
               "split.counts 4, 1, 1 add up to 6; there are 4 samples"),
    "counts of groups": ({"split": {"counts": [6, 1, 1], "group": "set"}},
                         "'counts' and 'group' exclude each other"),
    "within": ({"split": {"within": {"set": "oh"}}}, "split.within 'set' is none of the labels"),
    "no such value": ({"samples": {"sets": {"oh": {"space": "oh", "count": 4}}},
                       "split": {"within": {"set": "o"}}}, "no sample has set 'o'"),
    "ion": ({"generator": {"name": "multiplet", "ion": "Cu2+"}}, "Ti2.*Fe6.*Ni4"),
    "space of another": ({"generator": {"name": "quanty", "template": "x = 1\n"}},
                         "'quanty' offers no parameter space 'published'"),
    "missing parameter": ({"samples": {"space": {"Dq": [0, 1]}, "count": 2}},
                          "'Dq' in no unit; generator 'multiplet' takes eV|lacks the parameter"),
    "each": ({"each": {"a": 3}}, "'each' must map names to settings"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_requests_end_in_one_sentence_and_leave_nothing(tmp_path, monkeypatch, capsys, case):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    changes, text = BAD[case]
    path = recipe(tmp_path, **changes)
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "generate", str(path), "-o", "out.zarr", "--allow-code"])
    assert end.value.code == 2
    (sentence,) = [s for s in capsys.readouterr().err.splitlines() if s.startswith("xreg: ")]
    assert re.search(text, sentence), sentence
    assert [p.name for p in tmp_path.iterdir()] == ["recipe.yaml"]


def test_files_among_settings_are_meant_from_the_folder_of_the_recipe(tmp_path):
    (tmp_path / "mine.lua").write_text("x = ${height}")
    for given, meant in (
        ("mine.lua", str(tmp_path / "mine.lua")),
        ("/elsewhere/mine.lua", "/elsewhere/mine.lua"),
        ("x = ${height}\n", "x = ${height}\n"),
        ("", ""),
    ):
        path = recipe(tmp_path, generator={"name": "quanty", "template": given})
        loaded = load_one(GenerationRecipe, path, allow_code=True)
        assert loaded.generator.settings["template"] == meant
    changed = load_one(GenerationRecipe, path, None, ["generator.template=mine.lua"])
    assert changed.generator.settings["template"] == "mine.lua"  # of the working folder


def test_which_datasets_to_make_must_exist(tmp_path, capsys):
    each = {"ni2": {"generator.ion": "Ni2+"}}
    for path, only, text in (
        (recipe(tmp_path, each=each), "ni3", "has no 'ni3' (did you mean 'ni2'?)"),
        (RECIPES / "oh.yaml", "ni9", "has no 'ni9' (did you mean 'ni4'?)"),
    ):
        with pytest.raises(SystemExit) as end:
            cli.main(["data", "generate", str(path), "--only", only])
        assert end.value.code == 2
        assert text in capsys.readouterr().err.replace("\n", " ")
    path = recipe(tmp_path)
    with pytest.raises(SystemExit):
        cli.main(["data", "generate", str(path), "--only", "ni2"])
    assert "has no section 'each'" in capsys.readouterr().err.replace("\n", " ")


def test_a_table_in_other_units_is_refused_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = list(PARAMETERS)
    (tmp_path / "t.csv").write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")
    units = {**{name: p.unit for name, p in PARAMETERS.items()}, "Dq": "meV"}
    path = recipe(tmp_path, samples={"file": "t.csv", "parameters": units})
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "generate", str(path), "-o", "out.zarr"])
    assert end.value.code == 2
    assert "the samples give 'Dq' in meV" in capsys.readouterr().err
    assert not list(tmp_path.glob("out.zarr*"))


def test_spaces_and_parameters_are_shown(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["plugins", "show", "multiplet"])
    assert not end.value.code
    shown = capsys.readouterr().out
    assert "T [K]  temperature; > 0, <= 100000" in shown
    for name in ("published", "oh", "c4v"):
        assert f"space {name}: " in shown
    assert "Dq -0.2 … 0 eV; Ds 0 eV; Dt 0 eV" in shown
