"""Indexes of plugins: the bundled one, one of one's own, a git URL, and what install would run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from xreg.cli.main import main
from xreg.core.errors import RunError, UnknownNameError
from xreg.registry.plugins.index import bundled
from xreg.registry.plugins.index.index import open_index
from xreg.workbench.plugins import indexing
from xreg.workbench.plugins.declaration import read_declaration
from xreg.workbench.plugins.project import read_project
from xreg.workbench.plugins.scaffold import make

ROOT = Path(__file__).parents[3]
OURS = sorted(p.parent for p in ROOT.glob("*/xreg-*/pyproject.toml"))


def test_the_bundled_index_lists_what_lies_here() -> None:
    """Each distribution of examples/ and contrib/, as its own declaration has it."""
    found = bundled()
    assert found.faults == []
    entries = {found.source_folder(entry): entry for entry in found.entries}
    assert sorted(entries) == OURS
    for folder, entry in entries.items():
        project = read_project(folder)
        assert (entry.distribution, entry.checked.version) == (project.name, project.version)
        assert entry.licence == project.table["license"]
        ((_, file),) = project.modules.values()
        declared = read_declaration(file.read_text(encoding="utf-8"), str(file))
        assert entry.api == declared.api
        assert [(one.kind, one.name, list(one.settings)) for one in entry.components] == [
            (one.kind, one.name, [setting.name for setting in one.settings])
            for one in declared.components
        ]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("step", "tidy", tmp_path_factory.mktemp("own") / "xreg-tidy", author="A. Author")


def test_from_a_new_index_to_an_installed_plugin(
    plugin: Path,
    places: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    git: Callable[..., None],
) -> None:
    """The commands that the documentation gives: new, entry, check, search, info, install."""

    def run(*words: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as end:
            main(["plugins", *words])
        told = capfd.readouterr()
        assert end.value.code == code, told.err
        return told.out + told.err

    index = places / "index"
    run("index", "new", str(index))
    assert (index / ".github" / "workflows" / "check.yml").is_file()
    subprocess.run(["cp", "-r", str(plugin), str(index / "tidy")], check=True)
    run("index", "entry", str(index / "tidy"), str(index), "--folder", "tidy")
    body = yaml.safe_load((index / "plugins" / "xreg-tidy.yaml").read_text(encoding="utf-8"))
    assert body["maintainer"] == "A. Author"
    assert body["components"] == [
        {
            "kind": "step",
            "name": "tidy",
            "summary": "subtracts the straight line through the ends of a spectrum",
            "settings": ["width"],
        }
    ]
    assert "1 sound entries, 0 to mend" in run("index", "check", str(index))
    # Others read it by its git URL.
    git(index, "init", "--quiet")
    git(index, "add", "--all")
    git(index, "commit", "--quiet", "-m", "index")
    url = index.as_uri()
    assert "step  tidy  xreg-tidy" in run("search", "straight", "line", "--index", url)
    assert "reviewed    no: nobody but its author" in run("info", "tidy", "--index", url)
    ran: list[list[str]] = []
    monkeypatch.setattr(indexing, "install", ran.append)
    told = run("install", "tidy", "--index", url, "--yes")
    ((python, *words, folder),) = ran
    assert [python, *words] == [sys.executable, "-m", "pip", "install"]
    assert folder.startswith(str(places / "cache"))
    assert (Path(folder) / "pyproject.toml").is_file()
    assert f"this will be run: {python} -m pip install {folder}" in told
    # Without an answer nothing is run.
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115
    assert "say --yes" in run("install", "tidy", "--index", url, code=2)
    assert len(ran) == 1
    # One hostile entry, and CI says so.
    (index / "plugins" / "evil.yaml").write_text("distribution: --pre\n")
    assert "mend" in run("index", "check", str(index), code=1)
    assert "left out of" in run("search", "--index", str(index))


def test_a_plugin_that_does_not_pass_gets_no_entry(plugin: Path, tmp_path: Path) -> None:
    index = indexing.new_index(tmp_path / "index")
    broken = tmp_path / "broken"
    subprocess.run(["cp", "-r", str(plugin), str(broken)], check=True)
    (broken / "LICENSE").unlink()
    (broken / "tests" / "test_tidy.py").unlink()
    with pytest.raises(RunError, match="does not pass its checks"):
        indexing.write_entry(broken, index)
    assert [p.name for p in (index / "plugins").iterdir()] == ["README.md"]
    with pytest.raises(UnknownNameError, match="is no index of plugins"):
        indexing.write_entry(plugin, tmp_path)


def test_a_folder_that_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="xreg plugins index new"):
        open_index(str(tmp_path))


def test_pip_that_fails_is_told() -> None:
    with pytest.raises(RunError, match="exit code 3"):
        indexing.install([sys.executable, "-c", "raise SystemExit(3)"])
