"""Structure back from spectra, asked for by a recipe."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from xreg.core.errors import XregError
from xreg.core.model.pipeline import Pipeline
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute

RECIPE: dict[str, Any] = {
    "descriptor": "internal",
    "emulator": {"name": "mlp", "width": 32, "depth": 2, "epochs": 200, "threads": 1},
    "decomposers": {
        "eca": {"rank": 3, "starts": 2},
        "ednn": {"rank": 2, "starts": 1, "depth": 1, "width": 16, "epochs": 150,
                 "activation": "leaky-relu"},
    },
    "analyses": {
        "reconstruction": {"label": "angle"},
        "inversion": None,
        "separation": {"labels": ["angle"], "ranks": [1, 3]},
    },
}  # fmt: skip


def run(folder: Path, content: dict[str, Any]) -> Path:
    import yaml

    path = folder / "try.yaml"
    path.write_text(yaml.safe_dump(content))
    return execute(load_recipe(path), folder / "run")


@pytest.fixture(scope="module")
def finished(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reconstruction")
    return run(folder, {**RECIPE, "dataset": str(water_store)})


def test_all_three_coordinates_come_back_from_the_spectra(finished: Path) -> None:
    found = json.loads((finished / "metrics.json").read_text())["analyses"]["reconstruction"]
    # The spectra are a function of both bonds and the angle, so nothing is hidden from them.
    assert found["eca"]["without_expansion"] == 0
    assert min(found["eca"]["score_r2"][:2]) > 0.8
    assert found["eca"]["feature_r2"][0] > 0.8


def test_ensembles_are_told_one_by_one(finished: Path) -> None:
    table = next(finished.glob("analyses/reconstruction/*eca*.csv"))
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["ensemble"] for row in rows}) == 3
    angles = [float(r["known mean"]) for r in rows if "°" in r["quantity"]]
    back = [float(r["mean from spectra"]) for r in rows if "°" in r["quantity"]]
    assert angles == sorted(angles)
    assert back == sorted(back)


def test_scores_tell_the_angle(finished: Path) -> None:
    found = json.loads((finished / "metrics.json").read_text())["analyses"]["separation"]
    assert set(found["eca"]["angle"]) == {"1", "3"}
    # Three scores are the three coordinates in other words; two say less.
    assert found["eca"]["angle"]["3"] == pytest.approx(1, abs=1e-6)
    assert set(found["ednn"]["angle"]) == {"1"}
    assert -0.5 < found["ednn"]["angle"]["1"] < 1
    assert list(finished.glob("figures/*separation*.png"))
    assert "adjusted balanced accuracy" in (finished / "report.html").read_text()


def test_the_way_back_through_the_network_is_told_layer_by_layer(finished: Path) -> None:
    found = json.loads((finished / "metrics.json").read_text())["analyses"]["inversion"]
    assert list(found) == ["ednn"]
    assert found["ednn"]["layers"][0] == "encoder 1"
    # Two scores cannot give three features back.
    assert found["ednn"]["from_prediction"][0] > 0.05
    assert (finished / "figures").glob("*inversion*.png")


@pytest.mark.parametrize(
    ("decomposers", "analysis", "words"),
    [
        ({"ednn": {"activation": "silu"}}, "inversion", r"\(elu, leaky-relu, softplus"),
        ({"nnca": {"activation": "tanh"}, "pca": None}, "inversion", "one-to-one activation"),
        ({}, "inversion", "one-to-one activation"),
        ({}, "reconstruction", "'reconstruction' needs a model with a decomposer"),
        ({}, "separation", "'separation' needs a model with a decomposer"),
        ({"pca": None}, {"reconstruction": {"label": "angel"}}, "no label 'angel'.*'angle'"),
        ({"pca": None}, {"separation": {"labels": ["angel"]}}, "no label 'angel'.*'angle'"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_training(
    decomposers: dict[str, Any],
    analysis: Any,
    words: str,
    water_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fit(*_: Any, **__: Any) -> None:
        raise AssertionError("training has begun")

    monkeypatch.setattr(Pipeline, "fit", fit)
    content = {
        "dataset": str(water_store),
        "descriptor": "internal",
        "emulator": "ridge",
        "decomposers": decomposers,
        "analyses": {analysis: None} if isinstance(analysis, str) else analysis,
    }
    with pytest.raises(XregError, match=words):
        run(tmp_path, content)
