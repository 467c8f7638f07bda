"""Generations that are refused: other settings, a store that exists, bad requests, bad files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xreg.cli import main as cli
from xreg.core.errors import ConfigError, DataError, XregError
from xreg.registry.plugins import PluginHost
from xreg.registry.stores.journal import Journal
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.recipes.load import load_one
from xreg_tests.generation import GENERATE, computed, kill_after, recipe, run, tree


def journal(folder: Path, **task: object) -> Journal:
    return Journal(folder / "work", {"name": "toy", **task})


def test_work_of_other_settings_is_refused_and_named(tmp_path):
    with journal(tmp_path, settings={"width": 1}):
        pass
    with pytest.raises(ConfigError, match=r"settings.width: 1 there, 2 now.*delete it or give"):
        journal(tmp_path, settings={"width": 2}).__enter__()


def test_of_long_texts_the_line_that_differs_is_named(tmp_path):
    script = "".join(f"line {i}\n" for i in range(100))
    with journal(tmp_path, settings={"script": script}):
        pass
    changed = script.replace("line 70\n", "line 70 and more\n")
    with pytest.raises(
        ConfigError, match=r"\(settings.script: 'line 70' there, 'line 70 and more'"
    ):
        journal(tmp_path, settings={"script": changed}).__enter__()
    with pytest.raises(ConfigError, match=r"\(settings.script: 'line 99' there, '' now"):
        journal(tmp_path, settings={"script": script[:-8]}).__enter__()


def test_two_at_once_do_not_share_a_work_folder(tmp_path):
    with journal(tmp_path), pytest.raises(ConfigError, match="another 'xreg data generate' works"):
        journal(tmp_path).__enter__()


BAD = {
    "unknown key": ({"smaples": {}}, "unknown key 'smaples' .did you mean 'samples'"),
    "unknown generator": ({"generator": {"name": "tyo"}}, "no generator 'tyo' .did you mean 'toy'"),
    "unknown setting": ({"generator": {"widht": 1}}, "did you mean 'width'"),
    "out of bounds": ({"generator": {"width": -1}}, "width"),
    "not available": ({"generator": {"name": "toy-absent"}}, "'toy' is not on the PATH"),
    "other samples": ({"generator": {"name": "toy-table"}}, "takes parameters; .*holds structures"),
    "no such file": ({"samples": {"file": "no.xyz"}}, "no.xyz' cannot be read"),
    "no such element": ({"samples": {"absorber": "Fe"}},
                        "water.extxyz', frame 0: it has no absorber: no atom is Fe, only H, O"),
    "two such atoms": ({"samples": {"absorber": "H"}}, r"2 atoms of H \(H 1, H 2\): give"),
    "no such atom": ({"samples": {"absorber": 3}}, r"3 is none of its 3 atoms \(from 0; counted"),
    "no such label": ({"samples": {"labels": {"trajektory": None}}}, "did you mean 'trajectory'"),
    "no frames": ({"samples": {"frames": "30:"}}, "has 30 frames; frames '30:' selects none"),
    "dataset name": ({"dataset": {"name": "../x"}}, "dataset.name"),
    "group": ({"split": {"group": "traj"}}, "'traj' is none of the labels .there are: t"),
    "label of both": ({"samples": {"labels": {"longest": {"key": "T"}}}, "split": None},
                      "'longest' comes from the samples and from 'toy'"),
    "repeated ids": ({"samples": {"id": "trajectory"}}, "the id '0' occurs more than once"),
    "executor": (None, "no executor 'proces' .did you mean 'process'"),
    "bits": ({"precision": {"xes": 60}}, "precision.xes"),
    "rounded channel": ({"precision": {"xas": 9}}, "no channel.* .did you mean 'xes'"),
    "name of a label": ({"samples": {"labels": {"a/b": {"key": "T"}}}}, "'a/b' cannot name"),
    "too few groups": ({"split": {"group": "site"}, "samples": {"labels": {"site": None}}},
                       "too few to fill the validation part"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_requests_end_in_one_sentence_and_leave_nothing(toy, capsys, case):
    changes, text = BAD[case]
    path = recipe(toy, **(changes or {}))
    arguments = ["data", "generate", str(path), "-o", "out.zarr"]
    with pytest.raises(SystemExit) as end:
        cli.main(arguments + (["--executor", "proces"] if changes is None else []))
    error = capsys.readouterr().err.strip()
    assert end.value.code == 2
    (sentence,) = [line for line in error.splitlines() if line.startswith("xreg: ")]
    assert re.search(text, sentence), sentence
    assert not (toy / "out.zarr").exists()
    assert not computed(toy)


def test_bad_structure_files_are_named(toy):
    path = recipe(toy)
    text = (toy / "water.extxyz").read_text()
    for broken in ("", text[: len(text) // 2 + 17], text.replace("O ", "Xx ", 1)):
        (toy / "water.extxyz").write_text(broken)
        with pytest.raises(DataError, match=r"water\.extxyz"):
            run(path)
    first = text.splitlines()
    first[2] = "O nan 0 0"
    (toy / "water.extxyz").write_text("\n".join(first) + "\n")
    with pytest.raises(DataError, match=r"water\.extxyz', frame 0: .*not finite"):
        run(path)


def test_bad_tables_are_named(toy):
    samples = {"file": "table.csv", "labels": {}, "id": "", "parameters": {"dq": "eV"}}
    path = recipe(toy, samples=samples, generator={"name": "toy-table"}, split=None, precision={})
    for content, text in (
        ("dq\n0.1\nx\n", "row 1: 'dq' is 'x', no number"),
        ("dq\nnan\n", "row 0: 'dq' is not finite"),
        ("dp\n1\n", r"table.csv', row 0: no 'dq' \(there are: dp\)"),
        ("dq\n", "selects none"),
    ):
        (toy / "table.csv").write_text(content)
        with pytest.raises(DataError, match=text):
            run(path)


def test_a_store_is_never_overwritten(toy):
    path = recipe(toy)
    (toy / "out.zarr").mkdir()
    with pytest.raises(ConfigError, match=r"out\.zarr' exists"):
        run(path)


def test_settings_from_the_command_line_win(toy):
    path = recipe(toy)
    changed = load_one(GenerationRecipe, path, None, ["generator.width=0.7", "samples.frames=:3"])
    assert changed.generator.settings == {"width": 0.7}
    assert changed.samples.frames == ":3"
    with pytest.raises(XregError, match="--set"):
        load_one(GenerationRecipe, path, None, ["generator"])


def test_killed_pyscf_resumes_with_the_same_bytes(tmp_path, monkeypatch):
    pytest.importorskip("pyscf")
    monkeypatch.chdir(tmp_path)
    settings = {
        "channels": ["xps"],
        "basis": "6-31g",
        "grid_for": {"H": [10, 50], "O": [15, 50]},
        "xps_grid": [535.0, 550.0, 0.25],
    }
    changes = {"generator": {"name": "pyscf", **settings}, "split": None,
               "precision": {"xps": 9}}  # fmt: skip
    path = recipe(tmp_path, 8, **changes)
    command = [*GENERATE, str(path), "--workers", "1", "-o", "killed.zarr"]
    kill_after(command, tmp_path / "killed.zarr.partial", 1)
    made = run(path, "killed.zarr")
    assert 1 <= made.computed < 8
    run(path, "straight.zarr")
    assert tree(tmp_path / "killed.zarr") == tree(tmp_path / "straight.zarr")


def test_the_plugin_host_of_a_caller_is_used(toy):
    with pytest.raises(XregError, match="no generator 'toy'"):
        run(recipe(toy), plugins=PluginHost([]))
