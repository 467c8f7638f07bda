"""Tasks, rows of their leaderboards, and rows that are computed again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from xreg.cli.main import main
from xreg.core.errors import (
    ConfigError,
    CorruptError,
    DataError,
    MissingRequirementError,
    UnknownNameError,
    XregError,
)
from xreg.core.storage import canonical_json, digest
from xreg.workbench.leaderboards.entry import read_row, rows_of
from xreg.workbench.leaderboards.submit import submit
from xreg.workbench.leaderboards.task import find_task, list_tasks, read_task
from xreg.workbench.leaderboards.verify import verify
from xreg.workbench.search.leaderboard import leaderboard

ROOT = Path(__file__).parents[3]
TASK = {
    "title": "Noise",
    "dataset": {"name": "toy", "version": "1.0.0"},
    "target": {"channel": "xes"},
    "split": {"name": "default"},
    "folds": {"count": 2},
    "budget": 5,
    "seeds": 1,
}
FAMILIES = {
    "internal-ridge": {"descriptor": "internal", "emulator": {"name": "ridge", "alpha": 1.0}},
    "internal-pls": {
        "descriptor": "internal",
        "decomposer": {"name": "pls", "space": "defaults", "rank": 2},
    },
}
SIGNED = "A. Author <a@example.org>"


def write(path: Path, body: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body if isinstance(body, str) else yaml.safe_dump(body), encoding="utf-8")
    return path


Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as end:
            main(list(words))
        told = capsys.readouterr()
        assert end.value.code == code, told.err
        return told.out + told.err

    return call


# Tasks -------------------------------------------------------------------------------------------


def test_the_bundled_tasks_can_be_read() -> None:
    found, damaged = list_tasks(str(ROOT))
    assert damaged == []
    assert [task.name for task in found] == ["cu-k", "h2o-xes", "h2so4-aq", "ni2-l-edge"]
    assert len({task.digest for task in found}) == 4


BAD: dict[str, tuple[Any, str]] = {
    "empty": ("", "YAML|title|needs"),
    "list": ("- a", "no YAML of names"),
    "no-title": ({k: v for k, v in TASK.items() if k != "title"}, "needs a 'title'"),
    "no-budget": ({k: v for k, v in TASK.items() if k != "budget"}, "needs a 'dataset'"),
    "families": ({**TASK, "families": "all"}, "unknown key 'families'"),
    "metric": ({**TASK, "metric": "beauty"}, "unknown metric"),
    "path": ({**TASK, "dataset": {"path": "/etc/x.zarr"}}, "says where its dataset lies"),
    "newest": ({**TASK, "dataset": "toy"}, "exact version"),
    "registry": (
        {**TASK, "dataset": {"name": "toy", "version": "1.0.0", "registry": "/etc"}},
        "says where",
    ),
    "budget": ({**TASK, "budget": -1}, "budget"),
    "huge": ("# " + "x" * 70_000, "more than 64000 bytes"),
    "deep": ("title: " + "[" * 3000, "no YAML of names"),
}


@pytest.mark.parametrize("case", BAD)
def test_no_task(case: str, tmp_path: Path) -> None:
    body, words = BAD[case]
    with pytest.raises(XregError, match=words):
        read_task(write(tmp_path / "tasks" / "bad.yaml", body))


def test_names_that_lead_elsewhere(registry: Path, places: Path) -> None:
    write(registry / "tasks" / "noise.yaml", TASK)
    (registry / "tasks" / "link.yaml").symlink_to(places / "elsewhere.yaml")
    write(places / "elsewhere.yaml", TASK)
    for name in ("../noise", "/etc/passwd", "noise.yaml"):
        with pytest.raises(ConfigError, match="cannot be the name"):
            find_task(name, str(registry))
    with pytest.raises(XregError, match="link"):
        find_task("link", str(registry))
    with pytest.raises(UnknownNameError, match="did you mean 'noise'"):
        find_task("noize", str(registry))


# From a search to a row, and back ----------------------------------------------------------------


def test_a_row_is_searched_submitted_shown_and_verified(
    registry: Path, places: Path, run: Run
) -> None:
    """An emulator and a decomposer; the page's tables read what is submitted."""
    here = ["-r", str(registry)]
    write(registry / "tasks" / "noise.yaml", TASK)
    recipe = write(places / "families.yaml", {"families": FAMILIES})
    folder = places / "search"
    run("search", "--task", "noise", str(recipe), *here, "-o", str(folder), "--workers", "1")
    assert "say --sign-off" in run("leaderboard", "submit", str(folder), *here, code=2)
    told = run("leaderboard", "submit", str(folder), "--sign-off", SIGNED, *here)
    assert told.count("wrote ") == 2
    files = sorted((registry / "leaderboards" / "noise").glob("*.json"))
    assert len(files) == 2
    run("leaderboard", "submit", str(folder), "--sign-off", SIGNED, *here)
    assert sorted((registry / "leaderboards" / "noise").glob("*.json")) == files
    shown = run("leaderboard", "show", "noise", *here)
    assert "internal-ridge" in shown
    assert "xreg 0.1.0; A. Author <a@example.org>" in shown
    told = run("leaderboard", "verify", "noise", "internal-ridge", *here)
    assert "verified to the last digit" in told
    assert "credit: xreg 0.1.0" in told
    assert verify("noise", "internal-pls", str(registry)).same
    # What the site of a registry and `xreg leaderboard` read.
    (benchmark,) = leaderboard(files)
    assert {entry.label for entry in benchmark.entries} == set(FAMILIES)
    assert "internal-pls" in run("leaderboard", *map(str, files))

    _rows_that_lie(registry, files[0])
    # The task changes: what was made for the old one is not submitted to the new one.
    write(registry / "tasks" / "noise.yaml", {**TASK, "seeds": 2})
    with pytest.raises(DataError, match="search again"):
        submit(folder, SIGNED, str(registry))
    assert "(of earlier rules)" in run("leaderboard", "show", "noise", *here)


def _rows_that_lie(registry: Path, file: Path) -> None:
    """A changed score, one with its hash mended, one of another task, one too large."""
    whole = file.read_text(encoding="utf-8")
    body = json.loads(whole)
    higher = json.loads(whole)
    higher["families"][0]["score"] = 0.99
    file.write_text(json.dumps(higher), encoding="utf-8")
    with pytest.raises(CorruptError, match="was changed after"):
        read_row(file)
    del higher["digest"]
    higher["digest"] = digest(canonical_json(higher))
    file.write_text(json.dumps(higher), encoding="utf-8")
    with pytest.raises(CorruptError, match=r"states R² 0\.99\d*, its scores give"):
        read_row(file)
    higher["scores"] = [[0.99, 0.99]]
    del higher["digest"]
    higher["digest"] = digest(canonical_json(higher))
    file.write_text(json.dumps(higher), encoding="utf-8")
    with pytest.raises(CorruptError, match="was renamed or changed"):
        read_row(file)
    steering = {**body, "signed_off_by": "\x1b[2Jme"}
    del steering["digest"]
    steering["digest"] = digest(canonical_json(steering))
    file.write_text(json.dumps(steering), encoding="utf-8")
    with pytest.raises(CorruptError, match="signed_off_by"):
        read_row(file)
    file.write_text(" " * 2_000_000, encoding="utf-8")
    with pytest.raises(DataError, match="at most 1,000,000 are read"):
        read_row(file)
    task = find_task("noise", str(registry))
    assert task.registry is not None
    rows, faults = rows_of(task.registry, "noise")
    assert (len(rows), len(faults)) == (1, 1)
    # One that is whole but boasts: only computing it again tells.
    boast = json.loads(whole)
    boast["families"][0]["score"] = 0.99
    boast["scores"] = [[0.99, 0.99]]
    boast.pop("digest")
    name = boast["families"][0]["label"]
    boast_name = f"{name}-{digest(canonical_json(boast))[:12]}"
    boast["digest"] = digest(canonical_json(boast))
    file.unlink()
    file.with_name(f"{boast_name}.json").write_text(json.dumps(boast), encoding="utf-8")
    done = verify("noise", boast_name, str(registry))
    assert not done.within
    assert "not verified" in done.in_words()
    file.with_name(f"{boast_name}.json").unlink()
    # One by a plugin that is not here.
    del boast["digest"]
    boast["sources"][0] |= {"name": "secret", "distribution": "xreg-secret"}
    boast["families"][0]["descriptor"]["name"] = "secret"
    secret = f"{name}-{digest(canonical_json(boast))[:12]}"
    boast["digest"] = digest(canonical_json(boast))
    file.with_name(f"{secret}.json").write_text(json.dumps(boast), encoding="utf-8")
    with pytest.raises(MissingRequirementError, match="xreg plugins install xreg-secret"):
        verify("noise", secret, str(registry))
    file.with_name(f"{secret}.json").unlink()
    file.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--budget", "9"], "the task 'noise' says the budget"),
        (["--dataset", "toy"], "the task 'noise' says the dataset"),
        (["--set", "folds.count=3"], "the task 'noise' says 'folds.count'"),
    ],
)
def test_flags_that_ask_for_other_rules(
    words: list[str], told: str, registry: Path, places: Path, run: Run
) -> None:
    write(registry / "tasks" / "noise.yaml", TASK)
    out = places / "search"
    assert told in run("search", "--task", "noise", "-r", str(registry), "-o", str(out), *words,
                       code=2)  # fmt: skip
    assert not out.exists()


def test_a_recipe_of_other_rules(registry: Path, places: Path, run: Run) -> None:
    write(registry / "tasks" / "noise.yaml", TASK)
    same = write(places / "same.yaml", {"families": FAMILIES, "budget": 5, "dataset": "toy@1.0.0"})
    here = ["search", "--task", "noise", "-r", str(registry), "--dry-run"]
    assert "budget: 5" in run(*here, str(same))
    other = write(places / "other.yaml", {"families": FAMILIES, "budget": 50})
    assert "budget is 50.0, not 5.0; leave budget to the task" in run(*here, str(other), code=2)


def test_a_search_without_a_task_is_not_submitted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no search for a task"):
        submit(tmp_path, SIGNED)
