"""A run as an RO-Crate, read by the library of its makers; which code and data it comes from."""

from __future__ import annotations

import json
from pathlib import Path

from rocrate.rocrate import ROCrate

from xreg.core.files import files_below


def test_a_run_is_a_crate(toy_runs: list[Path]) -> None:
    run = toy_runs[0]
    crate = ROCrate(run)
    root = crate.root_dataset
    summary = json.loads((run / "summary.json").read_text())
    assert root["datePublished"] == summary["finished"]
    parts = {part.id for part in root["hasPart"]}
    top = {p.name + "/" * p.is_dir() for p in run.iterdir()} - {"ro-crate-metadata.json"}
    assert parts == top
    (action,) = root["mentions"]
    assert action.type == "CreateAction"
    assert {one.id for one in action["object"]} == {"recipe.yaml", "#dataset-toy-1.1.0"}
    assert {one["name"] for one in action["instrument"]} == {"xreg"}
    assert crate.get("#dataset-toy-1.1.0")["identifier"] == summary["dataset"]["hash"]


def test_a_run_says_which_code_and_which_registry(toy_runs: list[Path], published: Path) -> None:
    summary = json.loads((toy_runs[0] / "summary.json").read_text())
    origin = summary["dataset"]["origin"]
    assert origin["location"] == str(published)
    assert len(origin["commit"]) == 40
    assert summary["packages"]["numpy"]
    assert len(summary["packages"]) > 50
    for state in summary["repositories"].values():
        assert len(state["commit"]) == 40
        assert isinstance(state["dirty"], bool)
    assert all(len(one["code"]) == 64 for one in summary["components"])


def test_no_file_of_a_run_is_left_out(toy_runs: list[Path]) -> None:
    body = json.loads((toy_runs[0] / "ro-crate-metadata.json").read_text())
    named = {one["@id"] for one in body["@graph"]}
    for file in files_below(toy_runs[0]):
        top = file.partition("/")[0] + "/" * ("/" in file)
        assert top in named or top == "ro-crate-metadata.json"
