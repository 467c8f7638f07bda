"""``xreg run`` as a command: killed and repeated, tried dry, several runs, bad requests."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from xreg.cli.main import main
from xreg.workbench.run.recipe import load_recipe, resolve


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
