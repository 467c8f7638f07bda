"""Runs: what a folder holds, that it repeats, and what bad data, plugins and kills leave."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
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


def test_the_same_recipe_and_the_resolved_one_give_the_same_numbers(
    water_store: Path, workplace: Path
) -> None:
    small = {"name": "mlp", "width": 8, "depth": 1, "epochs": 30, "ensemble": 2}
    made = recipe(
        water_store,
        emulator=small,
        decomposers={"eca": {"rank": 1, "starts": 2, "epochs": 20}},
        target={"window": [523, 531], "points": 20, "scaling": "channel"},
    )
    first, second = execute(made, "one"), execute(made, "two")
    again = execute(load_recipe(first / "recipe.yaml"), "three")
    for other in (second, again):
        assert (first / "metrics.json").read_bytes() == (other / "metrics.json").read_bytes()
        a, b = (read_predictions(folder / "predictions.zarr") for folder in (first, other))
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


def test_runs_of_one_name_get_folders_of_their_own(water_store: Path, workplace: Path) -> None:
    made = recipe(water_store, decomposers={})
    folders = [execute(made) for _ in range(2)]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-try", folders[0].name)
    assert folders[1].name == f"{folders[0].name}-2"
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


def test_a_killed_run_leaves_nothing_finished_and_its_repeat_goes_on(
    water_store: Path, workplace: Path, odd_plugin: Path
) -> None:
    # The second of two blocks of features waits: the run is killed while it does.
    arguments = [
        "run",
        "--dataset",
        str(water_store),
        "--descriptor",
        "odd",
        "--emulator",
        "ridge",
        "--name",
        "try",
    ]
    environment = os.environ | {"PYTHONPATH": str(odd_plugin), "ODD_SLEEP": "60"}
    process = subprocess.Popen(
        [sys.executable, "-m", "xreg.cli.main", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    cache = Path(os.environ["XREG_CACHE"]) / "features"
    deadline = time.monotonic() + 60
    while not list(cache.glob("*/*.npz")):
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    visible = [path for path in (workplace / "runs").iterdir() if not path.name.startswith(".")]
    assert not visible

    main_exit = _exit_code(arguments)
    assert main_exit == 0
    (folder,) = (workplace / "runs").iterdir()  # what the killed run left is gone too
    assert "144 of 400 samples described anew" in (folder / "run.log").read_text()


def _exit_code(arguments: list[str]) -> int:
    try:
        main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_dry_run_prints_a_recipe_that_runs_and_what_it_costs(
    water_store: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        _exit_code(
            [
                "run",
                "--dataset",
                str(water_store),
                "--descriptor",
                "internal",
                "--emulator",
                "ridge",
                "--decomposer",
                "pca",
                "--dry-run",
            ]
        )
        == 0
    )
    printed = capsys.readouterr().out
    assert "320 train, 40 validation, 40 test; 3 features, 61 targets" in printed
    assert "How estimated" in printed
    assert not list(workplace.iterdir())
    (workplace / "dry.yaml").write_text(printed)
    dry = load_recipe(workplace / "dry.yaml")
    assert resolve(dry).recipe == dry


@pytest.mark.parametrize("name", ["", "pair"])
def test_a_recipe_with_several_runs_leaves_a_folder_of_each_and_a_table(
    water_store: Path, workplace: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    whole = Path("runs", name or "two")
    content = {
        "name": name,
        "dataset": str(water_store),
        "descriptor": "internal",
        "emulator": "ridge",
        "decomposers": {"pca": {"rank": 2}},
        "each": {"low": {"target.window": [520, 526]}, "high": {"target.window": [526, 532]}},
    }
    (workplace / "two.yaml").write_text(json.dumps(content))
    assert _exit_code(["run", "two.yaml", "--only", "high"]) == 0
    assert _exit_code(["run", "two.yaml"]) == 0
    assert f"{whole / 'high'}: there already" in capsys.readouterr().out
    with (workplace / whole / "scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(r["run"], r["method"], r["k"]) for r in rows] == [
        (run, *row)
        for run in ("high", "low")
        for row in (("emulator", ""), ("pca", "1"), ("pca", "2"))
    ]
    metrics = json.loads((workplace / whole / "low/metrics.json").read_text())
    assert float(rows[3]["test"]) == metrics["test"]["r2"]
    assert float(rows[5]["train"]) == metrics["decomposers"]["pca"]["train"][1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--emulator", "mpl"], "no emulator 'mpl' (did you mean 'mlp'?)"),
        (["--emulator", "ridge", "--set", "emulator.alfa=1"], "did you mean 'alpha'?"),
        (["--emulator", "ridge", "--descriptor", "internl"], "did you mean 'internal'?"),
        (["--emulator", "ridge", "--executor", "dusk"], "did you mean 'dask'?"),
    ],
)
def test_bad_requests_are_one_sentence_and_exit_2(
    water_store: Path,
    workplace: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert _exit_code(["run", "--dataset", str(water_store), *arguments]) == 2
    printed = capsys.readouterr().err.strip()
    assert said in printed
    assert "\n" not in printed
    assert not list(workplace.iterdir())


def test_a_descriptor_of_structures_refuses_a_table_of_parameters(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    energy = np.linspace(530.0, 540.0, 11)
    np.savez(
        "table.npz",
        parameters=rng.random((20, 2)),
        parameter_names=["10Dq", "Ds"],
        parameter_units=["eV", "eV"],
        spectra=rng.random((20, 11)),
        energy=energy,
    )
    assert _exit_code(["data", "import", "table.npz", "-o", "table.zarr"]) == 0
    capsys.readouterr()
    for more in ([], ["--dry-run"]):
        request = ["--dataset", "table.zarr", "--descriptor", "soap", "--emulator", "ridge"]
        assert _exit_code(["run", *request, *more]) == 2
        printed = capsys.readouterr()
        assert printed.err.strip() == (
            "xreg: descriptor 'soap' takes structures, but the samples are parameters."
        )
    assert sorted(path.name for path in workplace.iterdir()) == ["table.npz", "table.zarr"]


def test_unknown_dataset_and_version(
    registry: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, said in (
        ("toi", "did you mean 'toy'?"),
        ("toy@9.9.9", "no version 9.9.9"),
        ("../x", "is no name of a dataset"),
        ("toy@../1", "is no version of a dataset"),
    ):
        assert (
            _exit_code(
                [
                    "run",
                    "--dataset",
                    name,
                    "--descriptor",
                    "internal",
                    "--emulator",
                    "ridge",
                    "--registry",
                    str(registry),
                ]
            )
            == 2
        )
        assert said in capsys.readouterr().err


def test_xreg_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_code(["schema"]) == 0
    assert "emulator-mlp" in json.loads(capsys.readouterr().out)["$defs"]
