"""Trainings that start from a trained model: better with few samples, and nothing lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError, UnknownNameError, XregError
from xreg.core.metrics import covered_variance
from xreg.core.model.domain import Target
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.plugins.mlp.mlp import MLP
from xreg.plugins.polynomial.polynomial import Polynomial
from xreg.registry.models import find_model
from xreg.registry.plugins import host
from xreg.registry.publishing import publish_model
from xreg.registry.stores.writer import write_store
from xreg.workbench.leaderboards.task import require_anew
from xreg.workbench.recipes.load import load_one
from xreg.workbench.recipes.schema import json_schema
from xreg.workbench.recipes.sections import StartSection
from xreg.workbench.recipes.start import start_model
from xreg.workbench.run.recipe import Recipe, load_recipe
from xreg.workbench.run.run import execute
from xreg.workbench.search.recipe import SearchRecipe
from xreg.workbench.search.search import search

ENERGY = np.linspace(850.0, 860.0, 25)
TARGET = Target("xas", ENERGY)
SETTINGS = {"depth": 2, "width": 32, "epochs": 200, "batch": 20, "early_stopping": False,
            "learning_rate": 3e-3, "loss": "mse", "threads": 1}  # fmt: skip


def spectra(values: np.ndarray, shift: float) -> np.ndarray:
    place = 853 + 2 * values[:, :1] + shift
    return np.exp(-((ENERGY - place) ** 2)) + values[:, 1:] * np.exp(-((ENERGY - 857) ** 2))


def samples(n: int, seed: int, name: str = "set") -> Parameters:
    values = np.random.default_rng(seed).uniform(0, 1, (n, 2))
    return Parameters([f"{name}-{i}" for i in range(n)], values, ("Dq", "S2"), ("eV", ""))


def store(folder: Path, n: int, seed: int, shift: float, name: str, energy: Any = ENERGY) -> Path:
    given = samples(n, seed, name)
    dataset = Dataset(
        given,
        Spectra({"xas": Channel(spectra(given.values, shift), energy)}),
        Metadata(name=name, version="1.0.0"),
    )
    return write_store(dataset, folder / f"{name}.zarr")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("start")


def recipe(data: Path, emulator: dict[str, Any], **more: Any) -> dict[str, Any]:
    counts = more.pop("counts", [12, 0, 38])
    return {
        "dataset": str(data),
        "split": {"counts": counts},
        "emulator": emulator,
        "analyses": {},
        **more,
    }


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    """A run with much data."""
    body = recipe(
        store(folder, 150, 0, 0.0, "much"),
        {"name": "mlp", **SETTINGS},
        descriptor={"name": "polynomial", "degree": 1},
        target={"scaling": "channel"},
        counts=[130, 0, 20],
    )
    return execute(load_recipe(None, body), folder / "much")


@pytest.fixture(scope="module")
def few(folder: Path) -> Path:
    """Data alike, of which there are few."""
    return store(folder, 50, 1, 0.3, "few")


def test_few_samples_are_learned_better_from_a_trained_model(trained: Path) -> None:
    start = Model.load(trained / "model", host().load)
    scores: dict[str, list[float]] = {"anew": [], "started": []}
    for seed in range(5):
        train, test = samples(12, 10 + seed), samples(60, 100 + seed)
        Y = spectra(train.values, 0.3)
        for name, given in (("anew", None), ("started", start)):
            pipeline = Pipeline(
                MLP(**SETTINGS | {"epochs": 60, "seed": seed}), Polynomial(degree=1), start=given
            )
            guess = pipeline.fit(train, Y, TARGET).predict(test)
            scores[name].append(covered_variance(spectra(test.values, 0.3), guess))
    gain = np.subtract(scores["started"], scores["anew"])
    assert gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain))
    assert np.mean(scores["started"]) > 0.95 > np.mean(scores["anew"])


@pytest.fixture(scope="module")
def tuned(trained: Path, few: Path, folder: Path) -> Path:
    start = {"name": "mlp", "start": str(trained), "epochs": 20}
    return execute(load_recipe(None, recipe(few, start)), folder / "tuned")


def test_a_run_takes_what_the_model_has_and_says_so(trained: Path, tuned: Path) -> None:
    run = tuned
    told = load_recipe(run / "recipe.yaml")
    assert told.emulator.settings["width"] == 32
    assert told.emulator.settings["epochs"] == 20
    assert told.descriptor is not None
    assert told.descriptor.settings["degree"] == 1
    assert told.target.scaling == "channel"
    summary = json.loads((run / "summary.json").read_text())
    assert summary["start"]["model"] == str(trained)
    assert told.emulator.start is not None
    assert summary["start"]["hash"] == told.emulator.start.hash
    assert "Training began with the weights of" in summary["remarks"][0]
    old, new = (Model.load(r / "model", host().load) for r in (trained, run))
    for one in ("mean", "scale"):
        kept, taken = (getattr(m.features.scaling.scaler, one) for m in (old, new))
        np.testing.assert_array_equal(kept, taken)
        kept, taken = (getattr(m.target_scaler.scaler, one) for m in (old, new))
        np.testing.assert_array_equal(kept, taken)


def test_the_card_names_the_parent(
    trained: Path, tuned: Path, few: Path, published: Path, tmp_path: Path, git: Any,
    model_about: Any, places: Path,
) -> None:  # fmt: skip
    root = tmp_path / "registry"
    git(tmp_path, "clone", "--quiet", published.as_uri(), str(root))
    parent = publish_model(trained, "much@1.0.0", root, model_about).entry
    assert parent.parent is None
    place = {"path": str(few), "registry": str(root)}
    body = recipe(few, {"name": "mlp", "start": "much", "epochs": 2}) | {"dataset": place}
    run = execute(load_recipe(None, body), tmp_path / "child")
    child = publish_model(run, "few@1.0.0", root, model_about).entry
    assert child.parent is not None
    assert (child.parent.model, child.parent.hash) == ("much@1.0.0", parent.hash)
    assert parent.parity is not None
    assert parent.parity.true == sorted(parent.parity.true)
    assert all(np.less_equal(parent.parity.low, parent.parity.high))
    assert np.abs(np.subtract(parent.parity.median, parent.parity.true)).max() < 0.2
    card = (root / "cards" / "models" / "few" / "1.0.0" / "README.md").read_text()
    assert "began with the weights of `much@1.0.0`" in card
    # Of a model that nobody else has, the name of its run and no place.
    entry = publish_model(tuned, "third@1.0.0", root, model_about).entry
    assert entry.parent is not None
    assert (entry.parent.model, entry.parent.published) == ("much", False)
    folder_of = find_model("third@1.0.0", root).folder.parent
    assert str(trained.parent) not in "".join(
        path.read_text() for path in folder_of.iterdir() if path.suffix in (".json", ".yaml")
    )


def test_samples_that_were_trained_on_are_told(trained: Path) -> None:
    start = start_model(StartSection(model=str(trained)))
    assert start.seen(["few-1", "few-2"]) == ""
    seen = sorted(start.trained_on)[:2]
    assert "on 2 samples of the same id as those that are judged" in start.seen(["few-1", *seen])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no-gradient": ({"emulator": {"name": "ridge"}}, "'ridge' is not trained step by step"),
    "other-emulator": ({"emulator": {"name": "dnn"}}, "'dnn' cannot start from a trained 'mlp'"),
    "width": ({"emulator": {"width": 64}}, "'width: 32', which cannot become 64; leave it out"),
    "ensemble": ({"emulator": {"ensemble": 3}}, "'ensemble: 1', which cannot become 3"),
    "degree": ({"descriptor": {"name": "polynomial", "degree": 2}}, "'degree: 1', not 2"),
    "features": ({"features": {"scaling": "none"}}, "'features.scaling' is none"),
    "targets": ({"target": {"scaling": "global"}}, "'target.scaling' is global"),
    "window": ({"target": {"window": [851, 859]}}, "predicts 25 energies of 850 … 860 eV, and"),
    "hash": ({"emulator": {"start": {"hash": "0" * 32}}}, "has the hash .*, not 000"),
    "nothing": ({"emulator": {"start": {"model": "nobody@1.0.0"}}}, "no model or run 'nobody@1.0"),
    "empty": ({"emulator": {"start": {"model": ""}}}, "no model or run ''|model"),
    "list": ({"emulator": {"start": ["a"]}}, "start"),
    "odd-key": ({"emulator": {"start": {"model": "a", "weights": "b"}}}, "unknown key|weights"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_told(
    case: str, trained: Path, few: Path, tmp_path: Path, places: Path
) -> None:
    change, words = REFUSED[case]
    body = recipe(few, {"name": "mlp", "start": {"model": str(trained)}})
    for key, value in change.items():
        inner = {**body.get(key, {}), **value} if key == "emulator" else value
        if key == "emulator" and isinstance(value.get("start"), dict):
            inner["start"] = {**body["emulator"]["start"], **value["start"]}
        body[key] = inner
    with pytest.raises((ConfigError, DataError, UnknownNameError), match=words):
        execute(load_recipe(None, body), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_list_of_descriptors_stays_that_list(few: Path, tmp_path: Path) -> None:
    listed = [{"name": "polynomial", "degree": 1}, {"name": "polynomial", "degree": 2}]
    body = recipe(few, {"name": "mlp", **SETTINGS, "epochs": 2}, descriptor=listed)
    weighed = {"features": {"weights": {"polynomial-2": 4.0}}}
    first = execute(load_recipe(None, body | weighed), tmp_path / "first")
    del body["descriptor"]
    body["emulator"] = {"name": "mlp", "start": str(first), "epochs": 2}
    run = execute(load_recipe(None, body), tmp_path / "run")
    told = load_recipe(run / "recipe.yaml").descriptors
    assert [(k, one.settings["degree"]) for k, one in told.items()] == [
        ("polynomial", 1),
        ("polynomial-2", 2),
    ]
    old, new = (Model.load(r / "model", host().load) for r in (first, run))
    kept, taken = (m.features.scaling.scaler.scale for m in (old, new))
    np.testing.assert_array_equal(kept, taken)
    again = [{"name": "polynomial"}, "polynomial"]
    assert load_recipe(None, body | {"descriptor": again}).descriptors == told
    for change, words in (
        (
            {"descriptor": listed[:1]},
            "has the descriptor list 'polynomial', 'polynomial', not l",
        ),
        ({"descriptor": listed[0]}, "has the descriptor list .*, not 'polynomial'"),
        ({"descriptor": listed[::-1]}, "with 'degree: 1', not 2"),
        (weighed, "'features.weights' cannot be chosen"),
    ):
        with pytest.raises((ConfigError, DataError), match=words):
            execute(load_recipe(None, body | change), tmp_path / "other")


def test_other_energies_and_channels(trained: Path, tmp_path: Path) -> None:
    other = store(tmp_path, 50, 1, 0.3, "other", ENERGY + 0.1)
    body = recipe(other, {"name": "mlp", "start": str(trained)})
    with pytest.raises(XregError, match=r"25 energies of 850\.1 … 860\.1 eV; bring them"):
        execute(load_recipe(None, body), tmp_path / "run")


def test_the_schema_offers_it() -> None:
    schema = json_schema(Recipe)
    assert "start" in schema["$defs"]["emulator-mlp"]["properties"]
    assert "start" not in schema["$defs"]["descriptor-polynomial"]["properties"]


def test_a_search_starts_from_it(trained: Path, few: Path, tmp_path: Path, places: Path) -> None:
    rates = {"choice": [1e-3, 3e-3]}
    drawn = {"name": "mlp", "start": str(trained), "epochs": 20, "learning_rate": rates}
    alike = {"name": "polynomial", "degree": 1}
    fresh = {"name": "mlp", "space": "defaults", **SETTINGS, "epochs": 20, "learning_rate": rates}
    body = {
        "dataset": str(few),
        "split": {"counts": [12, 4, 34]},
        "folds": {"count": 2},
        "families": {
            "started": {"descriptor": "polynomial", "emulator": drawn},
            "anew": {"descriptor": alike, "emulator": fresh},
        },
        "budget": 60,
        "networks": 2,
        "seeds": 1,
        "sampler": "grid",
    }
    found = search(load_one(SearchRecipe, None, body), tmp_path / "search", workers=1)
    result, anew = sorted(found, key=lambda one: one.label, reverse=True)
    assert result.score is not None
    assert anew.score is not None
    assert result.score > anew.score + 0.2
    assert result.emulator is not None
    assert result.emulator["start"]["model"] == str(trained)
    (recipe_file,) = (tmp_path / "search" / "recipes").glob("*started*.yaml")
    assert load_recipe(recipe_file).emulator.start is not None
    drawn["width"] = {"choice": [16, 32]}
    with pytest.raises(ConfigError, match="'width' cannot be drawn, for the weights"):
        load_one(SearchRecipe, None, body)
    del drawn["width"]
    with pytest.raises(ConfigError, match="family 'started' starts from a trained model"):
        require_anew(load_one(SearchRecipe, None, body))
    body["families"]["started"]["descriptor"] = {"name": "polynomial", "degree": 2}
    with pytest.raises(DataError, match="has descriptor 'polynomial' with 'degree: 1', not 2"):
        search(load_one(SearchRecipe, None, body), tmp_path / "other", workers=1)


def test_a_search_that_judges_decomposers_keeps_it(
    trained: Path, few: Path, tmp_path: Path, places: Path
) -> None:
    """What is judged is what the winner's recipe makes: on features and scalings of the model."""
    body = {
        "dataset": str(few),
        "split": {"counts": [12, 4, 34]},
        "folds": {"count": 2},
        "emulator": {"name": "mlp", "start": str(trained), "epochs": 20},
        "families": {
            "pls": {"descriptor": "polynomial", "decomposer": {"name": "pls", "rank": 1}},
            "judged": {"descriptor": "polynomial"},
        },
        "budget": 60,
        "networks": 1,
        "seeds": 1,
        "sampler": "grid",
    }
    found = search(load_one(SearchRecipe, None, body), tmp_path / "search", workers=1)
    result = next(one for one in found if one.label == "pls")
    assert result.decomposer is not None
    assert "start" not in result.decomposer
    recipes = [load_recipe(file) for file in (tmp_path / "search" / "recipes").glob("*.yaml")]
    assert len(recipes) == 2
    for winner in recipes:
        assert winner.emulator.start is not None
        assert winner.emulator.start.model == str(trained)
        assert winner.emulator.settings["width"] == 32
        assert winner.emulator.settings["epochs"] == 20
        assert winner.target.scaling == "channel"
    winner = next(one for one in recipes if one.decomposers)
    run = execute(winner, tmp_path / "run")
    covered = json.loads((run / "metrics.json").read_text())["decomposers"]["pls"]
    assert covered["test"] == pytest.approx([result.test], rel=1e-9)
    body["families"]["pls"]["descriptor"] = {"name": "polynomial", "degree": 2}  # type: ignore[index]
    with pytest.raises(DataError, match="has descriptor 'polynomial' with 'degree: 1', not 2"):
        search(load_one(SearchRecipe, None, body), tmp_path / "other", workers=1)
