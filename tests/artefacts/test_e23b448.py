"""What commit e23b448 wrote is read by today's code, with the numbers of then.

Each emulator and each decomposer is there once, and two stores, a recipe of a run as written by
hand and as resolved, a recipe of a search and its results. Nothing below ``e23b448/`` is ever
written again.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from xreg.core.model.model import Model
from xreg.registry.models import load_model
from xreg.registry.stores.store import open_store
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.search.leaderboard import leaderboard
from xreg.workbench.search.recipe import load_search

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


@pytest.mark.parametrize("name", ["run", "recipe"])
def test_recipe_of_a_run(name: str) -> None:
    recipe = load_recipe(HERE / f"{name}.yaml")
    assert recipe.emulator.name == "ridge"
    assert [section.label for section in recipe.decomposers] == ["pca", "seen"]
    assert recipe.seed == 3


def test_search() -> None:
    assert load_search(HERE / "search.yaml", {}, []).families[0].label == "internal"
    (benchmark,) = leaderboard([HERE / "search"])
    (entry,) = benchmark.entries
    assert (entry.label, entry.model, entry.candidates) == ("internal", "ridge", 322)
    assert entry.score == pytest.approx(0.6743, abs=5e-5)
    assert entry.test == pytest.approx(0.8158, abs=5e-5)
