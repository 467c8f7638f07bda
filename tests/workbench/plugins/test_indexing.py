"""Indexes of plugins: the bundled one, one of one's own, a git URL, and what install would run."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from xreg.cli.main import main
from xreg.core.errors import RunError, UnknownNameError
from xreg.registry.plugins.index import bundled
from xreg.registry.plugins.index.index import open_index
from xreg.workbench.plugins import distributions, indexing
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


@pytest.fixture(scope="module")
def wheel(plugin: Path) -> Path:
    """The plugin as a wheel, as a builder would pack it."""
    project = read_project(plugin)
    folder = plugin.parent / "wheels"
    folder.mkdir()
    info = f"xreg_tidy-{project.version}.dist-info"
    points = "".join(f"{name} = {module}\n" for name, (module, _) in project.modules.items())
    with zipfile.ZipFile(folder / f"xreg_tidy-{project.version}-py3-none-any.whl", "w") as packed:
        for file in project.source.rglob("*.py"):
            packed.write(file, file.relative_to(project.source).as_posix())
        head = f"Metadata-Version: 2.1\nName: xreg-tidy\nVersion: {project.version}\n"
        packed.writestr(f"{info}/METADATA", head)
        packed.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        packed.writestr(f"{info}/entry_points.txt", f"[xreg]\n{points}")
        packed.writestr(f"{info}/RECORD", "")
    return folder


def test_distributions_are_fetched_and_read(
    plugin: Path, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel that declares what its entry says, and one that does not; neither is run."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel))
    index = indexing.new_index(tmp_path / "index")
    file = indexing.write_entry(plugin, index)
    found = open_index(str(index))
    assert distributions.differences(found, found.entries[0]) == []
    body = yaml.safe_load(file.read_text())
    body["api"] = "1.0"
    body["components"][0]["name"] = "neat"
    file.write_text(yaml.safe_dump(body))
    told: list[str] = []
    monkeypatch.setattr("xreg.cli.commands.plugins.index.echo", lambda text, **_: told.append(text))
    with pytest.raises(SystemExit) as end:
        main(["plugins", "index", "check", str(index), "--fetch"])
    assert end.value.code == 1
    words = "\n".join(told)
    assert "not 1.0" in words
    assert "it offers step 'tidy', which is not listed" in words
    assert "it does not offer the step 'neat' that is listed" in words
    body["checked"]["version"] = "7.0.0"
    file.write_text(yaml.safe_dump(body))
    found = open_index(str(index))
    (fault,) = distributions.differences(found, found.entries[0])
    assert "no wheel of xreg-tidy==7.0.0 can be had" in fault


def test_a_repository_is_read_at_its_commit(
    plugin: Path, tmp_path: Path, git: Callable[..., None]
) -> None:
    from xreg.registry import git as registry_git

    source = tmp_path / "source"
    subprocess.run(["cp", "-r", str(plugin), str(source)], check=True)
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "one")):
        git(source, *words)
    commit = subprocess.run(
        ["git", "-C", str(source), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (source / "pyproject.toml").unlink()
    git(source, "commit", "--quiet", "-am", "two")
    registry_git.fetch(source.as_uri(), commit, tmp_path / "then")
    assert read_project(tmp_path / "then").name == "xreg-tidy"
    with pytest.raises(RunError, match="git fetch"):
        registry_git.fetch(source.as_uri(), "0" * 40, tmp_path / "never")
