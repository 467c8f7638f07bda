"""A list of descriptors: blocks side by side, weighed, cached, saved and predicted one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core.analysis.weights import learn_weights
from xreg.core.errors import XregError
from xreg.core.interfaces.blocks import block_scales
from xreg.core.model.model import Model
from xreg.registry.plugins import host
from xreg.workbench.predict.predict import predict, write_prediction
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute

LIST = ["internal", {"name": "coulomb"}, "internal"]


def run(store: Path, out: Path, **more: Any) -> Path:
    recipe = {
        "dataset": {"path": str(store), "frames": ":150"},
        "split": {"fractions": [0.6, 0.2, 0.2]},
        "descriptor": LIST,
        "emulator": "gp-features",
        "analyses": {},
    }
    return execute(load_recipe(None, recipe | more), out)


@pytest.fixture(scope="module")
def done(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    more = {"features": {"weights": "learn"}, "decomposers": {"pca": {"rank": 2}}}
    return run(water_store, tmp_path_factory.mktemp("runs") / "list", **more)


def test_blocks_are_saved_one_by_one_and_predict_as_they_did(
    done: Path, made_water: Any, tmp_path: Path
) -> None:
    assert sorted(p.name for p in (done / "model" / "descriptor").iterdir()) == [
        "coulomb",
        "internal",
        "internal-2",
    ]
    model = Model.load(done / "model", host().load)
    labels = model.feature_labels
    assert labels[0].name.startswith("internal: ")
    assert [label.source for label in labels][-1] == "internal-2"
    assert not model.changes()
    samples = made_water(150).samples[:5]
    prediction = predict(model, samples)
    assert set(prediction.intervals) == {0.68, 0.95}
    write_prediction(tmp_path / "p.csv", prediction)
    head = (tmp_path / "p.intervals.csv").read_text().splitlines()[0]
    assert "traj0-step0000 ±68 %" in head
    names = {c["name"] for c in json.loads((done / "summary.json").read_text())["components"]}
    assert {"internal", "coulomb", "gp-features", "pca"} <= names
    metrics = json.loads((done / "metrics.json").read_text())
    assert metrics["test"]["r2"] > 0.9
    held = metrics["test"]["coverage"]["all"]
    assert 0.5 < held["within_68"] < 0.95
    assert held["within_68"] < held["within_95"]


def test_weights_that_are_given_count_and_learned_ones_are_told(
    done: Path, water_store: Path, tmp_path: Path
) -> None:
    remarks = json.loads((done / "summary.json").read_text())["remarks"]
    assert any(remark.startswith("Blocks of features weigh internal ") for remark in remarks)
    weights = {"coulomb": 0, "internal-2": 0}
    folder = run(water_store, tmp_path / "one", emulator="ridge", features={"weights": weights})
    alone = run(water_store, tmp_path / "alone", emulator="ridge", descriptor="internal")
    scores = [json.loads((f / "metrics.json").read_text())["test"]["r2"] for f in (folder, alone)]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)  # the penalty aside


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"features": {"weights": {"coulom": 1}}}, "did you mean 'coulomb'?"),
        ({"descriptor": "internal", "features": {"weights": "learn"}}, "are of several"),
        ({"descriptor": ["internal", "polynomial"]}, "take samples of one kind"),
        ({"descriptor": ["internl"]}, "did you mean 'internal'?"),
    ],
)
def test_lists_that_make_no_sense_are_refused(
    water_store: Path, tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(XregError) as caught:
        run(water_store, tmp_path / "no", **more)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_blocks_count_by_their_weight_not_by_their_width() -> None:
    found = block_scales(["a", "b", "b", "b"], np.array([True, True, True, False]), {"b": 3.0})
    assert found[0] ** 2 * 1 == pytest.approx(0.25 * 3)
    assert found[1] ** 2 * 2 == pytest.approx(0.75 * 3)
    assert block_scales(["", ""], np.ones(2, bool), {}).tolist() == [1, 1]


def test_a_block_of_noise_loses_its_weight() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    Y = np.stack([np.sin(x[:, 0]), x[:, 1]], axis=1)
    blocks = {"noise": rng.normal(size=(120, 5)), "signal": x}
    weights, score = learn_weights(blocks, Y, np.arange(120) // 2)
    assert weights["signal"] == 1
    assert weights["noise"] <= 0.1
    assert score > 0.9
