"""Runs that lie on disk: found, compared, repeated to the last digit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import zarr

from xreg.cli.main import main
from xreg.core.errors import DataError
from xreg.workbench.recipes.load import load_one
from xreg.workbench.run.recipe import Recipe
from xreg.workbench.run.run import execute
from xreg.workbench.runs.comparison import compare, write_page
from xreg.workbench.runs.overlays.overlays import overlays
from xreg.workbench.runs.record import Filters, find_runs, flat, read_run
from xreg.workbench.runs.repeat import differences, repeat


@pytest.fixture(scope="module")
def runs(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that differ in one setting and a decomposer."""
    folder = tmp_path_factory.mktemp("results") / "runs"
    for name, alpha, decomposers in (("one", 0.1, {"pca": {"rank": 2}}), ("two", 100.0, {})):
        recipe = load_one(
            Recipe,
            overrides={
                "name": name,
                "dataset": str(water_store),
                "descriptor": {"name": "internal"},
                "emulator": {"name": "ridge", "alpha": alpha},
                "decomposers": decomposers,
            },
        )
        execute(recipe, folder / name)
    return folder


def test_found_by_what_they_are(runs: Path) -> None:
    found, damaged = find_runs([runs])
    assert {run.name for run in found} == {"one", "two"}
    assert damaged == []
    for filters, names in (
        (Filters(dataset="water"), {"one", "two"}),
        (Filters(dataset="water@1.0.0"), {"one", "two"}),
        (Filters(dataset="water@2.0.0"), set()),
        (Filters(uses=("internal", "pca")), {"one"}),
        (Filters(since="2999-01-01"), set()),
        (Filters(least=0.5), {"one", "two"}),
        (Filters(least=1.0), set()),
    ):
        assert {run.name for run in find_runs([runs], filters)[0]} == names


def test_a_damaged_run_hides_no_other(runs: Path, tmp_path: Path) -> None:
    whole = tmp_path / "runs"
    shutil.copytree(runs, whole / "some" / "day")
    (whole / "some" / "day" / "one" / "metrics.json").write_text("{")
    (whole / "loop").symlink_to(whole)
    found, (damaged,) = find_runs([whole])
    assert [run.name for run in found] == ["two"]
    assert "metrics.json' is not JSON" in damaged
    with pytest.raises(DataError, match="there is no folder"):
        find_runs([tmp_path / "nowhere"])


def test_side_by_side(runs: Path, tmp_path: Path) -> None:
    one, two = (read_run(runs / name) for name in ("one", "two"))
    compared = compare([one, two])
    scores = dict(compared.scores)
    assert scores["test.r2"] == [one.metrics["test"]["r2"], two.metrics["test"]["r2"]]
    assert scores["decomposers.pca.test k=2"] == [
        one.metrics["decomposers"]["pca"]["test"][1],
        None,
    ]
    settings = dict(compared.settings)
    assert settings["emulator.alpha"] == ["0.1", "100.0"]
    assert settings["decomposers.pca.rank"] == ["2", "–"]
    assert not any(key.startswith("dataset") for key in settings)
    assert compared.sources == []
    page = write_page(compared, tmp_path / "page.html").read_text(encoding="utf-8")
    laid = len(overlays(compared.runs, compared.labels))
    assert page.count("<figure>") == 2 * len(compared.figures) + laid
    assert page.count("data:image/png;base64,") == laid + sum(
        file is not None for files in compared.figures.values() for file in files
    )
    assert "It has no such figure." in page
    assert 'src="http' not in page
    with pytest.raises(DataError, match="exists already"):
        write_page(compared, tmp_path / "page.html")
    with pytest.raises(DataError, match="2 to 64 runs"):
        compare([one])


def test_repeated_to_the_last_digit(runs: Path, tmp_path: Path) -> None:
    done = repeat(runs / "one", tmp_path / "again")
    assert done.same, done.in_words()
    assert done.compared > 400 * 61 * 2
    assert done.circumstances == []
    assert done.in_words() == f"all {done.compared} numbers came out the same, to the last digit."


def test_what_came_out_otherwise_is_named(runs: Path, tmp_path: Path) -> None:
    """One digit of a score, one prediction, one component's code."""
    shutil.copytree(runs / "one", tmp_path / "other")
    path = tmp_path / "other" / "metrics.json"
    metrics = json.loads(path.read_text())
    metrics["test"]["r2"] *= 1 + 1e-9
    metrics["test"]["new"] = 1.0
    path.write_text(json.dumps(metrics))
    group = zarr.open_group(tmp_path / "other" / "predictions.zarr", mode="r+")
    group["predicted"][3, 5] *= 1.5
    compared, found = differences(read_run(runs / "one"), read_run(tmp_path / "other"))
    assert compared > 400 * 61 * 2
    assert [d.where for d in found] == [
        "test.new",
        f"predictions.zarr/predicted[{3 * 61 + 5}]",
        "test.r2",
    ]
    assert found[1].relative == pytest.approx(1 / 3)
    assert found[2].relative == pytest.approx(1e-9, rel=1e-3)


def test_the_commands(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs.parent)

    def run(*words: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as end:
            main(list(words))
        told = capsys.readouterr()
        assert end.value.code == code, told.err
        return told.out + told.err

    listed = run("runs", "list")
    assert "runs/one  water@1.0.0 xes  internal + ridge + pca" in listed
    assert "runs/one" not in run("runs", "list", "--uses", "soap")
    assert "emulator    ridge (xreg" in run("runs", "show", "runs/one")
    assert "emulator.alpha" in run("runs", "compare", "runs/one", "runs/two")
    assert "is no run" in run("runs", "show", "runs", code=2)
    told = run("run", "runs/one", "--set", "emulator.alpha=2", code=2)
    assert "give its recipe.yaml" in told


def test_leaves() -> None:
    nested = {"a": {"b": [1, 2], "c": {}}, "d": [{"e": None}]}
    assert flat(nested) == {"a.b": [1, 2], "a.c": {}, "d.0.e": None}
    assert flat(nested, lists=True) == {"a.b.0": 1, "a.b.1": 2, "a.c": {}, "d.0.e": None}
