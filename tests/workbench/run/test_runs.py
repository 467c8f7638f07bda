"""Runs: what a folder holds, that it repeats, and what bad data, plugins and kills leave."""

from __future__ import annotations

import csv
import errno
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.cli.main import main
from xreg.core.errors import DataError, PluginError, RunError, XregError
from xreg.core.metrics import covered_variance
from xreg.registry.models import load_model
from xreg.workbench.arrays import read_predictions
from xreg.workbench.run.features import Execution, FeatureCache
from xreg.workbench.run.recipe import Recipe, load_recipe, resolve
from xreg.workbench.run.run import execute

PARTS = {"train": 320, "validation": 40, "test": 40}


def recipe(store: Path | str, **changes: Any) -> Recipe:
    content = {
        "name": "try",
        "dataset": str(store),
        "descriptor": "internal",
        "emulator": {"name": "ridge"},
        "decomposers": {"pca": {"rank": 2}},
    }
    return load_recipe(None, content | changes)


@pytest.fixture(scope="module")
def finished(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return execute(recipe(water_store), tmp_path_factory.mktemp("runs") / "first")


def test_a_run_leaves_one_folder_with_everything(finished: Path) -> None:
    assert sorted(path.name for path in finished.iterdir()) == [
        "analyses",
        "components.zarr",
        "features.json",
        "figures",
        "metrics.json",
        "model",
        "predictions.zarr",
        "recipe.yaml",
        "report.html",
        "ro-crate-metadata.json",
        "run.log",
        "splits.npz",
        "summary.json",
    ]
    assert sorted(path.name for path in finished.parent.iterdir()) == ["first"]
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["dataset"]["name"] == "water"
    assert summary["dataset"]["hash"]
    assert {c["name"]: c["distribution"] for c in summary["components"]} == dict.fromkeys(
        ("internal", "ridge", "pca"), "xreg"
    )
    assert {part: summary["samples"][part] for part in PARTS} == PARTS
    assert summary["peak_memory_mib"] > 50
    assert {"dataset", "features", "emulator ridge", "figures"} <= set(summary["seconds"])
    assert summary["platform"]["libraries"]["numpy"] == np.__version__


def test_scores_are_those_of_the_stored_predictions(finished: Path) -> None:
    stored = read_predictions(finished / "predictions.zarr")
    metrics = json.loads((finished / "metrics.json").read_text())
    for part, count in PARTS.items():
        rows = stored["part"] == part
        assert rows.sum() == count == metrics[part]["samples"]
        r2 = covered_variance(stored["known"][rows], stored["predicted"][rows])
        assert metrics[part]["r2"] == pytest.approx(r2, abs=1e-12)
    assert metrics["test"]["r2"] > 0.8
    assert len(stored["energy"]) == stored["predicted"].shape[1] == 61


def test_the_stored_model_and_splits_give_the_stored_predictions(
    finished: Path, water_store: Path
) -> None:
    from xreg.registry.stores.store import open_store

    samples = open_store(water_store).samples
    splits = np.load(finished / "splits.npz")
    rows = np.flatnonzero(np.isin(samples.ids, splits["test"]))
    assert len(rows) == PARTS["test"]
    stored = read_predictions(finished / "predictions.zarr")
    where = {name: row for row, name in enumerate(stored["ids"].tolist())}
    expected = stored["predicted"][[where[name] for name in samples.ids[rows]]]
    np.testing.assert_allclose(load_model(finished).predict(samples[rows]), expected, atol=1e-10)


def test_the_report_holds_every_figure_and_needs_nothing_else(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    figures = sorted(path.stem for path in (finished / "figures").iterdir())
    assert figures == [
        "components_pca",
        "covered_variance",
        "mean_spectra",
        "residuals",
        "response_pca",
        "score_distribution",
        "scores_pca",
        "spectrum-error_by-energy",
        "spectrum-error_intervals",
        "trust_errors",
    ]
    assert page.count("data:image/png;base64,") == len(figures)
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)
    for words in ("Synthetic water", "Made by a test.", "CC0-1.0", "r(O–H) long", "ridge"):
        assert words in page


def test_the_resolved_recipe_gives_the_same_numbers(water_store: Path, workplace: Path) -> None:
    small = {"name": "mlp", "width": 8, "depth": 1, "epochs": 30, "ensemble": 2}
    made = recipe(
        water_store,
        emulator=small,
        decomposers={"eca": {"rank": 1, "starts": 2, "epochs": 20}},
        target={"window": [523, 531], "points": 20, "scaling": "channel"},
    )
    first = execute(made, "one")
    again = execute(load_recipe(first / "recipe.yaml"), "two")
    assert (first / "metrics.json").read_bytes() == (again / "metrics.json").read_bytes()
    a, b = (read_predictions(folder / "predictions.zarr") for folder in (first, again))
    np.testing.assert_array_equal(a["predicted"], b["predicted"])
    np.testing.assert_array_equal(a["std"], b["std"])
    assert (first / "recipe.yaml").read_text() == (again / "recipe.yaml").read_text()
    assert (first / "figures" / "learning_curve.png").exists()


def test_a_second_descriptor_colours_the_scores(water_store: Path, workplace: Path) -> None:
    made = recipe(
        water_store,
        descriptor={"name": "soap", "n_max": 2, "l_max": 1},
        report={"descriptor": "internal"},
    )
    folder = execute(made, "run")
    chosen = load_recipe(folder / "recipe.yaml").report.labels
    assert chosen is not None
    assert {"r(O–H) long", "r(O–H) short", "angle(H–O–H)", "angle"} <= set(chosen)
    with pytest.raises(XregError, match=r"no descriptor 'intern' \(did you mean 'internal'"):
        recipe(water_store, report={"descriptor": "intern"})


def test_runs_of_one_recipe_are_the_same_in_folders_of_their_own(
    water_store: Path, workplace: Path
) -> None:
    made = recipe(water_store, decomposers={})
    folders = [execute(made) for _ in range(2)]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-try", folders[0].name)
    assert folders[1].name == f"{folders[0].name}-2"
    scores, others = ((folder / "metrics.json").read_bytes() for folder in folders)
    assert scores == others
    with pytest.raises(XregError, match="exists already"):
        execute(made, folders[0])
    Path("file").touch()
    with pytest.raises(DataError, match=r"'file/a/b' cannot be made, because '.*/file' is a file"):
        execute(made, "file/a/b")


def test_hooks_are_called_and_a_broken_one_is_only_logged(
    water_store: Path, workplace: Path, odd_plugin: Path
) -> None:
    folder = execute(recipe(water_store, descriptor="odd", decomposers={}), "run")
    log = (folder / "run.log").read_text()
    assert "hook xreg_run_started of plugin odd:odd failed" in log
    assert "a tracker is out of order" in log
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (folder / "tracked").read_text() == f"try {metrics['test']['r2']:.3f}"
    assert re.search(r"<h2>Odd remarks</h2>\s*<p>after \d", (folder / "report.html").read_text())
    summary = json.loads((folder / "summary.json").read_text())
    (used,) = (entry for entry in summary["components"] if entry["name"] == "odd")
    assert len(used.pop("code")) == 64
    assert used == {
        "kind": "descriptor",
        "name": "odd",
        "plugin": "odd",
        "distribution": "odd",
        "version": "3.1",
    }


def test_an_emulator_may_take_samples(water_store: Path, workplace: Path, odd_plugin: Path) -> None:
    folder = execute(recipe(water_store, descriptor=None, emulator="dull", decomposers={}), "run")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["train"]["r2"] == pytest.approx(0, abs=1e-12)


def test_a_plugin_that_returns_a_wrong_shape_is_named(
    water_store: Path, workplace: Path, odd_plugin: Path
) -> None:
    made = recipe(water_store, descriptor={"name": "odd", "fault": "width"})
    with pytest.raises(PluginError, match=r"'odd' returned an array of shape \(256, 4\) for 256"):
        execute(made)
    assert not list((workplace / "runs").iterdir())


@pytest.mark.parametrize("fault", ["nan", "refuse"])
def test_samples_that_cannot_be_described_are_refused_or_set_aside(
    water_store: Path, workplace: Path, odd_plugin: Path, fault: str
) -> None:
    odd = {"name": "odd", "fault": fault}
    with pytest.raises(
        XregError, match=r"traj\d-step000[57].*\(40 such samples; .*set-aside"
    ) as caught:
        execute(recipe(water_store, descriptor=odd))
    assert caught.value.exit_code == 2
    folder = execute(recipe(water_store, descriptor=odd, decomposers={}, bad="set-aside"), "run")
    summary = json.loads((folder / "summary.json").read_text())
    aside = [entry["id"] for entry in summary["samples"]["set_aside"]]
    assert len(aside) == 40
    assert all(name.endswith("7" if fault == "nan" else "5") for name in aside)
    assert sum(summary["samples"][part] for part in PARTS) == 360
    splits = np.load(folder / "splits.npz")
    assert splits["set_aside"].tolist() == aside
    assert not set(aside) & {name for part in PARTS for name in splits[part].tolist()}


def test_tables_name_features_and_labels_with_their_units(
    water_store: Path, workplace: Path
) -> None:
    chosen = {"importance": None, "feature-selection": None}
    folder = execute(recipe(water_store, analyses=chosen), "run")
    page = (folder / "report.html").read_text()
    tables = page.partition("rank correlation (Spearman) with")[2]
    for name in ("r(O–H) long (Å)", "angle(H–O–H) (°)", "angle (°)"):
        assert f"<tr><th>{name}</th>" in tables
    with (folder / "analyses/importance/features.csv").open(newline="") as stream:
        assert "angle(H–O–H) (°)" in [row[0] for row in csv.reader(stream)]
    found = json.loads((folder / "metrics.json").read_text())["analyses"]
    assert "angle(H–O–H)" in found["feature-selection"]["forward"]["order"]


def test_rows_that_no_atom_fills_are_told(
    water_store: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--descriptor", "coulomb", "--emulator", "ridge", "--out", "run"]
    flags += ["--set", "descriptor.counts={H: 8, O: 1}"]
    with pytest.raises(SystemExit) as end:
        main(["run", "--dataset", str(water_store), *flags])
    assert not end.value.code
    told = "coulomb: training samples have as few as 2 H for 8 rows"
    assert f"note: {told}" in capsys.readouterr().err
    summary = json.loads(Path("run/summary.json").read_text())
    assert summary["remarks"][0].partition(";")[0] == told
    assert told in Path("run/run.log").read_text()
    assert told in Path("run/report.html").read_text()


def test_spectra_that_are_not_finite_are_refused_or_set_aside(
    workplace: Path, spoilt_store: Path
) -> None:
    with pytest.raises(XregError, match=r"of 2 samples.*first 'traj3-step0003'.*: set-aside"):
        execute(recipe(spoilt_store))
    folder = execute(recipe(spoilt_store, decomposers={}, bad="set-aside"), "run")
    aside = json.loads((folder / "summary.json").read_text())["samples"]["set_aside"]
    assert [entry["id"] for entry in aside] == ["traj3-step0003", "traj3-step0011"]
    assert "traj3-step0003" in (folder / "report.html").read_text()
    assert "set aside: traj3-step0011: channel 'xes'" in (folder / "run.log").read_text()


def test_a_channel_that_is_not_used_may_have_holes(workplace: Path, spoilt_store: Path) -> None:
    folder = execute(recipe(spoilt_store, target={"channel": "xas"}, decomposers={}), "run")
    assert not json.loads((folder / "summary.json").read_text())["samples"]["set_aside"]


def test_target_features_are_reported_as_such(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, made_water: Callable[..., Any]
) -> None:
    from dataclasses import replace

    from xreg.core.data.spectra import Channel, Spectra

    dataset = made_water(400)
    lines = np.asarray(dataset.spectra["xes"].intensity)
    moments = np.stack([lines.sum(axis=1), lines @ np.arange(61.0)], axis=1)
    channel = Channel(moments, None, ("area", "first moment"))
    dataset = replace(dataset, spectra=Spectra({"moments": channel}))
    monkeypatch.setattr("xreg.registry.datasets.open_dataset", lambda *_, **__: dataset)
    folder = execute(recipe("water"), "run")
    scores = json.loads((folder / "metrics.json").read_text())["test"]
    assert "sample_r2" not in scores
    assert list(scores["targets"]) == ["area", "first moment"]
    assert {path.stem for path in (folder / "figures").iterdir()} == {
        "parity",
        "covered_variance",
        "scores_pca",
        "components_pca",
    }


def test_a_component_that_fails_is_exit_1_and_leaves_its_log(
    water_store: Path, workplace: Path, odd_plugin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(
            [
                "run",
                "--dataset",
                str(water_store),
                "--emulator",
                "dull",
                "--name",
                "try",
                "--set",
                "emulator.fail=true",
            ]
        )
    assert end.value.code == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "stage 'emulator dull' with ValueError: the matrix is singular; its log is" in said
    (left,) = (workplace / "runs").iterdir()
    assert left.name.endswith("-try.failed.log")
    assert "Traceback" in left.read_text()


def test_a_full_disk_is_said_and_leaves_nothing(
    water_store: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("xreg.core.model.model.Model.save", full)
    with pytest.raises(RunError, match=r"run '.*try': no space left on the disk"):
        execute(recipe(water_store))
    assert not list((workplace / "runs").iterdir())


def test_several_processes_build_the_same_features(
    water_store: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = resolve(recipe(water_store))
    samples, descriptor = resolved.dataset.samples, resolved.pipeline.descriptor
    assert descriptor is not None
    descriptor.fit(samples)
    monkeypatch.setattr("xreg.workbench.run.features.WORTHWHILE_SECONDS", -1.0)
    for workers in (1, 2):
        cache = FeatureCache(
            samples, "", Execution(workers=workers, features=workplace / str(workers))
        )
        features = cache(descriptor, samples[::-1])
        assert cache.computed == 400
        np.testing.assert_array_equal(features, descriptor.transform(samples)[::-1])
    (folder,) = (workplace / "2").iterdir()
    block = sorted(folder.iterdir())[1]
    block.write_bytes(block.read_bytes()[:-20])  # a damaged block is made again
    again = FeatureCache(samples, "", Execution(features=workplace / "2"))
    np.testing.assert_array_equal(again(descriptor, samples[::-1]), features)
    assert again.computed == 144


def test_a_misspelt_label_is_refused_before_training(water_store: Path, workplace: Path) -> None:
    with pytest.raises(XregError, match=r"report\.labels names 'angel'.*did you mean 'angle'"):
        execute(recipe(water_store, report={"labels": ["angel"]}))
