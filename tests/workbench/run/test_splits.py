"""A run over several splits: every score as mean and spread, beside what no model would score."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core.data.samples import Structures
from xreg.core.metrics import covered_variance_interval, mean_variance_interval
from xreg.registry.stores.writer import write_store
from xreg.workbench.notebook.results import RunResult
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute
from xreg.workbench.runs.record import read_run


@pytest.fixture(scope="module")
def done(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = {
        "dataset": {"path": str(water_store), "frames": ":120"},
        "split": {"repeats": 3, "group": "cluster", "clusters": 12, "fractions": [0.6, 0.2, 0.2]},
        "descriptor": "internal",
        "emulator": "ridge",
        "decomposers": {"pca": {"rank": 2}},
        "analyses": {"spectrum-error": None, "peaks": None},
    }
    return execute(load_recipe(None, recipe), tmp_path_factory.mktemp("runs") / "three")


def test_scores_are_means_over_splits_with_their_spread(done: Path) -> None:
    metrics = json.loads((done / "metrics.json").read_text())
    over = metrics["splits"]
    assert over["names"] == ["seed 0", "seed 1", "seed 2"]
    r2 = over["scores"]["test.r2"]
    assert r2["values"][0] == metrics["test"]["r2"]
    assert r2["mean"] == pytest.approx(np.mean(r2["values"]))
    assert r2["spread"] == pytest.approx(np.std(r2["values"], ddof=1)) != 0
    low, high = over["r2_interval"]
    assert low < r2["mean"] < high
    assert over["groups"] <= 12
    for key in ("decomposers.pca.test.1", "analyses.peaks.hit_rate", "test.nulls.nearest.r2"):
        assert len(over["scores"][key]["values"]) == 3, key


def test_the_model_that_is_kept_is_the_first(done: Path) -> None:
    summary = json.loads((done / "summary.json").read_text())
    assert summary["scores"]["test"]["r2_spread"] > 0
    assert "those of the first, 'seed 0'" in summary["remarks"][0]
    assert "The model that is saved" in (done / "report.html").read_text()
    run = read_run(done)
    assert run.score() == summary["scores"]["test"]["r2"]
    assert run.spread() == summary["scores"]["test"]["r2_spread"]
    table = RunResult.read(done).splits
    assert table is not None
    assert "mean" in str(table)


def test_nulls_stand_beside_rates(done: Path) -> None:
    metrics = json.loads((done / "metrics.json").read_text())
    nulls = metrics["test"]["nulls"]
    assert metrics["test"]["r2"] > nulls["nearest"]["r2"] > nulls["mean"]["r2"]
    assert nulls["mean"]["r2"] <= 0 < nulls["nearest"]["r2"]
    assert nulls["random"]["r2"] < -0.3
    rows = metrics["analyses"]["peaks"]["by_tolerance"]
    assert [row["tolerance"] for row in rows] == [0.5, 1.0, 3.0]
    assert all(row["hit_rate"] >= row["nulls"]["random"] for row in rows)
    page = (done / "report.html").read_text()
    assert "What no model would score" in page
    assert "a random training spectrum" in page


def test_an_interval_over_splits_draws_groups_once() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(60, 5))
    guess = true + rng.normal(size=(60, 5)) / 3
    groups = np.array([f"group {i // 3:02d}" for i in range(60)])
    one = covered_variance_interval(true, guess, groups)
    twice = mean_variance_interval([(true, guess, groups)] * 2)
    assert one is not None
    assert twice == pytest.approx(one, abs=1e-12)  # the same test twice is no more certain
    halves = [
        (true[rows], guess[rows], groups[rows])
        for rows in (np.arange(60) < 30, np.arange(60) >= 30)
    ]
    found = mean_variance_interval(halves)
    assert found is not None
    assert found[1] - found[0] == pytest.approx(one[1] - one[0], rel=0.5)


def test_a_look_at_the_lockbox_is_counted_and_told(
    water_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XREG_LOOKS", str(tmp_path / "looks"))
    recipe = {
        "dataset": {"path": str(water_store), "frames": ":80"},
        "split": {"lockbox": 0.25, "opened": True},
        "descriptor": "internal",
        "emulator": "ridge",
        "analyses": {},
    }
    for count, told in ((1, "for the first time here"), (2, "2 times here, with 1 different")):
        folder = execute(load_recipe(None, recipe), tmp_path / f"look-{count}")
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["lockbox"]["count"] == count
        assert told in summary["remarks"][0]
        assert told in (folder / "report.html").read_text()
    closed = recipe | {"split": {"lockbox": 0.25}}
    folder = execute(load_recipe(None, closed), tmp_path / "closed")
    assert json.loads((folder / "summary.json").read_text())["lockbox"] is None


def test_a_fold_with_an_element_of_its_own_judges_what_the_others_know(
    made_water: Any, tmp_path: Path
) -> None:
    water = made_water(60)
    old = water.samples
    numbers = np.array(old.numbers)
    numbers[1 : 3 * 8 : 3] = 9  # the first hydrogen of eight molecules: one formula, one fold
    parts = (old.positions, old.offsets, old.absorber)
    store = write_store(
        replace(water, samples=Structures(old.ids, numbers, *parts)), tmp_path / "fluorine.zarr"
    )
    recipe = {
        "dataset": {"path": str(store)},
        "split": {"fractions": [0.7, 0.1, 0.2]},
        "calibration": {"folds": 2},
        "descriptor": "acsf",
        "emulator": "ridge",
        "analyses": {},
        "bad": "set-aside",
    }
    folder = execute(load_recipe(None, recipe), tmp_path / "folds")
    test = json.loads((folder / "metrics.json").read_text())["test"]
    assert test["coverage"]["all"]["samples"] == test["samples"]
