"""What commit e23b448 wrote is read by today's code, with the numbers of then.

Each emulator and each decomposer is there once, and two stores, a recipe of a run as written by
hand and as resolved, a recipe of a search and its results. Nothing below ``e23b448/`` is ever
written again.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml

from xreg.core.errors import ConfigError, DataError
from xreg.core.model.model import Model
from xreg.core.yaml_text import load_yaml
from xreg.registry.models import load_model
from xreg.registry.stores.store import open_store
from xreg.workbench.recipes.load import load_one
from xreg.workbench.recipes.sections import AnyRecipe
from xreg.workbench.run.recipe import Recipe, load_recipe, resolve
from xreg.workbench.search.leaderboard import leaderboard
from xreg.workbench.search.recipe import SearchRecipe, open_search

HERE = Path(__file__).parent / "e23b448"
MODELS = sorted(path.name for path in (HERE / "models").iterdir())
TEST = slice(20, 24)


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    with np.load(HERE / "expected.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize("name", MODELS)
def test_model(name: str, expected: dict[str, np.ndarray]) -> None:
    model = load_model(HERE / "models" / name)
    store = "ions" if model.target.channel == "xas" else "water"
    samples = open_store(HERE / f"stores/{store}.zarr").samples[TEST]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the code has changed since is the point
        found = {f"{name}/predicted": model.predict(samples)}
        if f"{name}/spread" in expected:
            found[f"{name}/spread"] = model.predict(samples, return_std=True)[1]
        inputs = model.inputs(samples)
        for label, decomposer in model.decomposers.items():
            found[f"{name}/{label}/scores"] = decomposer.transform(inputs)
            found[f"{name}/{label}/decoded"] = decomposer.predict(inputs)
    assert found.keys() == {key for key in expected if key.startswith(f"{name}/")}
    for key, value in found.items():
        np.testing.assert_allclose(value, expected[key], rtol=2e-5, atol=2e-6, err_msg=key)


def test_each_emulator_and_decomposer_is_there() -> None:
    kept = {
        (kind, name)
        for model in MODELS
        for _, kind, name in Model.steps_in(HERE / "models" / model)
    }
    emulators = [
        "cnn",
        "dnn",
        "gp",
        "graph",
        "lcnn",
        "mlp",
        "ridge",
        "scnn",
        "sdnn",
        "slcnn",
        "stcnn",
        "tcnn",
    ]
    decomposers = ["eca", "ednn", "nnca", "pca", "pls"]
    then = {("emulator", name) for name in emulators}
    then |= {("decomposer", name) for name in decomposers}
    assert then <= kept


@pytest.mark.parametrize(
    ("name", "channel", "values"), [("water", "xes", "positions"), ("ions", "xas", "values")]
)
def test_store(name: str, channel: str, values: str, expected: dict[str, np.ndarray]) -> None:
    dataset = open_store(HERE / f"stores/{name}.zarr")
    spectra = np.asarray(dataset.spectra[channel].intensity[:])
    np.testing.assert_array_equal(spectra, expected[f"{name}/intensity"])
    samples = np.asarray(getattr(dataset.samples, values)[:])
    np.testing.assert_allclose(samples, expected[f"{name}/{values}"], rtol=1e-12)
    assert [len(part) for part in vars(dataset.splits["default"]).values()] == [16, 4, 4]


def test_what_a_run_recorded_is_upgraded() -> None:
    """Nothing in it says of which version it is, but no one fills in so much by hand."""
    recipe = load_recipe(HERE / "recipe.yaml")
    assert recipe.emulator.name == "ridge"
    assert {k: one.name for k, one in recipe.decomposers.items()} == {"pca": "pca", "seen": "eca"}
    assert recipe.decomposers["seen"].settings["starts"] == 25
    assert recipe.analyses is not None
    assert recipe.analyses["reconstruction"].settings == {"label": "", "samples": 500}
    assert (recipe.seed, recipe.bad, recipe.format) == (3, "refuse", 2)
    again = load_recipe(None, recipe.plain())
    assert again == recipe
    assert resolve(recipe).recipe.dataset.hash == "2dc7d37ea6a252d190f48785e0efd293.dir"


@pytest.mark.parametrize(
    ("name", "kind", "new"),
    [
        ("run", Recipe, "'decomposers: {pca: {rank: 2}, seen: {name: eca, rank: 2, threads: 1}}' "
         "and 'analyses: {reconstruction: {}}'"),
        ("search", SearchRecipe, "'families: {internal: {}}'"),
    ],
)  # fmt: skip
def test_what_was_written_by_hand_is_refused_with_the_spelling_of_today(
    name: str, kind: type[AnyRecipe], new: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_one(kind, HERE / f"{name}.yaml")
    assert caught.value.exit_code == 2
    assert f"version 1 of the language; write {new}." in str(caught.value)
    # As told, it is read; and who says of which version it is has it upgraded.
    old = (HERE / f"{name}.yaml").read_text()
    told = yaml.safe_load(old) | {
        k: v for t in new.split("'")[1::2] for k, v in load_yaml(t).items()
    }
    (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(told))
    as_told = load_one(kind, tmp_path / f"{name}.yaml")
    (tmp_path / f"{name}.yaml").write_text(f"format: 1\n{old}")
    assert load_one(kind, tmp_path / f"{name}.yaml") == as_told


def test_a_recipe_of_a_later_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text("format: 3\ndataset: water\nemulator: ridge\n")
    with pytest.raises(DataError, match=r"has format 3; this xreg reads formats up to 2"):
        load_recipe(tmp_path / "new.yaml")


def test_search(tmp_path: Path) -> None:
    text = (HERE / "search.yaml").read_text().replace("stores/", f"{HERE}/stores/")
    (tmp_path / "search.yaml").write_text(f"format: 1\n{text}")
    recipe = load_one(SearchRecipe, tmp_path / "search.yaml")
    assert list(recipe.families) == ["internal"]
    (benchmark,) = leaderboard([HERE / "search"])
    (entry,) = benchmark.entries
    assert (entry.label, entry.model, entry.candidates) == ("internal", "ridge", 322)
    assert entry.score == pytest.approx(0.6743, abs=5e-5)
    assert entry.test == pytest.approx(0.8158, abs=5e-5)
    # A search of today under the same rules is in the same benchmark.
    filled, dataset, _, _ = open_search(recipe)
    assert filled.benchmark(dataset.hash) == benchmark.key


@pytest.mark.parametrize("stated", [3, "2", 0, True])
def test_results_of_a_later_version_are_refused(stated: object, tmp_path: Path) -> None:
    results = json.loads((HERE / "search" / "results.json").read_text())
    results.pop("digest", None)
    (tmp_path / "results.json").write_text(json.dumps({"format": stated, **results}))
    with pytest.raises(DataError, match="format"):
        leaderboard([tmp_path])
