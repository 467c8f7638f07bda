"""Samples that training says nothing of, and rows that a method may learn from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms

from xreg.core.analysis.context import AnalysisContext
from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import make_split
from xreg.core.model.domain import Target
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.plugins.coulomb.coulomb import Coulomb
from xreg.plugins.mbdf.mbdf import MBDF
from xreg.plugins.ridge.ridge import Ridge
from xreg.registry.datasets import open_dataset
from xreg.registry.plugins import host
from xreg.registry.stores.writer import write_store
from xreg.workbench.evaluate.evaluate import evaluate
from xreg.workbench.evaluate.recipe import Evaluation
from xreg.workbench.predict.predict import predict
from xreg.workbench.run.recipe import Recipe
from xreg.workbench.run.run import execute
from xreg.workbench.search.recipe import SearchRecipe
from xreg.workbench.search.session import Search


def with_strangers(store: Path, parts: dict[str, int], n: int = 120) -> tuple[Any, list[str]]:
    """Return a dataset with sulphur beside some molecules of some parts, and their ids."""
    whole = open_dataset(str(store))
    old = whole.samples[:n]
    assert isinstance(old, Structures)
    split = make_split(old.ids, seed=1)
    rows = split.indices(old.ids)
    channel = whole.spectra["xes"]
    spectra = Spectra({"xes": Channel(np.asarray(channel.intensity[:n]), channel.energy)})
    chosen = {row for part, count in parts.items() for row in rows[part][:count].tolist()}
    atoms = [
        Atoms(s.numbers, s.positions) + (Atoms("S", [[0, 0, 3.0]]) if i in chosen else Atoms())
        for i, s in enumerate(old)
    ]
    samples = Structures.from_atoms(atoms, 0, old.ids.tolist())
    made = Dataset(
        samples=samples, spectra=spectra, metadata=whole.metadata, splits={"default": split}
    )
    return made, sorted(str(old.ids[row]) for row in chosen)


RECIPE: dict[str, Any] = {
    "name": "strangers",
    "target": {"channel": "xes"},
    "emulator": {"name": "ridge"},
    "analyses": {},
}


def run(store: Path, tmp_path: Path, **change: Any) -> tuple[Path, dict[str, Any]]:
    content = {**RECIPE, "dataset": str(store), **change}
    folder = execute(Recipe.parse(content, "recipe"), tmp_path / "run")
    return folder, json.loads((folder / "summary.json").read_text())


@pytest.mark.parametrize("descriptor", ["coulomb", {"name": "wacsf", "composition": True}])
def test_element_that_training_never_saw(
    water_store: Path, tmp_path: Path, descriptor: Any
) -> None:
    """Single samples are left out and named; the run goes on, whatever becomes of bad samples."""
    dataset, strange = with_strangers(water_store, {"validation": 1, "test": 2})
    store = write_store(dataset, tmp_path / "s" / "1.0.0.zarr")
    folder, summary = run(store, tmp_path, descriptor=descriptor)
    assert sorted(entry["id"] for entry in summary["samples"]["set_aside"]) == strange
    said = [r for r in summary["remarks"] if "left out" in r]
    assert len(said) == 2
    test = next(r for r in said if " test samples" in r)
    assert test.startswith("2 of ")
    assert "contains S" in test
    assert "scores are over the rest" in test
    assert "left out" in (folder / "report.html").read_text()
    done = evaluate(
        Evaluation(model=str(folder / "model"), dataset=str(store), part="test", split="default"),
        tmp_path / "e",
    )
    assert any(r.startswith("2 of ") and "contains S" in r for r in done.remarks)
    model = Model.load(folder / "model", host().load)
    found = predict(model, dataset.samples)
    assert sorted(found.refused) == strange
    assert len(found.ids) == len(dataset) - 3


@pytest.mark.parametrize(
    "descriptor",
    [
        "wacsf",
        {"name": "soap", "compression": "mu2", "weights": ["one", "Z"], "n_max": 2, "l_max": 1},
    ],
)
def test_columns_that_do_not_depend_on_elements(
    water_store: Path, tmp_path: Path, descriptor: Any
) -> None:
    """They take any element; trust says that it is new."""
    dataset, strange = with_strangers(water_store, {"test": 2})
    store = write_store(dataset, tmp_path / "s" / "1.0.0.zarr")
    folder, summary = run(store, tmp_path, descriptor=descriptor)
    assert summary["samples"]["set_aside"] == []
    model = Model.load(folder / "model", host().load)
    found = predict(model, dataset.samples)
    assert found.refused == {}
    assert found.assessment is not None
    new = {
        str(name)
        for name, why in zip(found.ids, found.assessment.reasons, strict=True)
        if "contains S, which the model never saw" in why
    }
    assert sorted(new) == strange
    assert set(strange) <= set(found.ids[found.assessment.outside].tolist())
    other = Structures.from_atoms([Atoms("SHH", [[0, 0, 0], [1.3, 0, 0], [0, 1.3, 0]])], 0, ["sh2"])
    with pytest.raises(Exception, match=r"contains S|S as absorber"):
        predict(model, other)


class Spy:
    """Records the ids that a descriptor class was fitted on."""

    def __init__(self, method: type, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[set[str]] = []
        fit = method.fit

        def spied(this: Any, samples: Any, y: Any = None) -> Any:
            self.seen.append(set(samples.ids.tolist()))
            return fit(this, samples, y)

        monkeypatch.setattr(method, "fit", spied)


def test_descriptor_of_a_search_learns_from_training_rows_alone(
    water_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {
        "name": "spied", "dataset": str(water_store), "folds": {"count": 3, "group": "trajectory"},
        "families": {"mbdf": None}, "emulator": {"name": "ridge"}, "budget": 0.1, "networks": 1,
    }  # fmt: skip
    now = Search(tmp_path / "search", SearchRecipe.parse(content, "search"))
    spy = Spy(MBDF, monkeypatch)
    family = now.families[0]
    give, cost = now.inputs(family, {}, now.rows, now.folds)
    ids = now.dataset.samples.ids[now.rows]
    assert spy.seen == [set(ids[fold.train].tolist()) for fold in now.folds]
    assert cost > 0
    for fold in now.folds:
        alone = MBDF().fit(now.dataset.samples[now.rows[fold.train]])
        wanted = alone.transform(now.dataset.samples[now.rows[fold.held]])
        np.testing.assert_array_equal(give(fold)[fold.held], wanted)
    spy.seen.clear()
    now.work()
    result = now.judge_winner(family)
    assert result["test"] is not None
    held = [set(ids[fold.held].tolist()) | set(ids[fold.stop].tolist()) for fold in now.folds]
    test = set(now.dataset.samples.ids[now.test].tolist())
    for rows in spy.seen:
        assert any(not rows & part for part in held) or rows == set(
            now.dataset.samples.ids[now.parts["train"]].tolist()
        )
        assert not rows & test


def test_retraining_learns_from_training_rows_alone(
    water_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, _ = with_strangers(water_store, {"train": 1})
    samples, known = dataset.samples, np.asarray(dataset.spectra["xes"].intensity)
    rows = dataset.splits["default"].indices(samples.ids)
    target = Target("xes", dataset.spectra["xes"].energy)
    fitted = Pipeline(Ridge(), Coulomb()).fit(samples[rows["train"]], known[rows["train"]], target)
    context = AnalysisContext(
        dataset.metadata, target, samples, known, rows, retrainable=True, model=fitted
    )
    spy = Spy(Coulomb, monkeypatch)
    half = rows["train"][1:41]  # without the one that has sulphur
    model = context.refit(half)
    assert spy.seen == [set(samples.ids[half].tolist())]
    alone = Coulomb().fit(samples[half])
    held = rows["test"]
    np.testing.assert_array_equal(model.raw[held], alone.transform(samples[held]))
    assert model.raw.shape[1] < context.described(held).shape[1]
    # What the fold does not know is told, and columns keep their names.
    assert context.known_from(half, rows["train"][:2]).tolist() == [False, True]
    chosen = context.refit(half, columns=np.arange(len(context.features)))
    names = [label.name for label in chosen.labels]
    assert names == [alone.feature_labels[i].name for i in chosen.scaling.kept.columns]
    assert set(names) < {label.name for label in context.features}
