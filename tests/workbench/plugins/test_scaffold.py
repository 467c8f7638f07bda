"""Plugins made from the templates: they pass what they are checked by, as they are made."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from xreg.core.errors import ConfigError, DataError, PluginError, UnknownNameError
from xreg.core.interfaces.kinds import KINDS
from xreg.registry.plugins import PluginHost
from xreg.registry.plugins import folder as own
from xreg.workbench.plugins.check import check
from xreg.workbench.plugins.scaffold import licences, make, make_single


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One distribution of each kind."""
    folder = tmp_path_factory.mktemp("made")
    return [
        make(kind, f"my-{kind}", folder / f"xreg-my-{kind}", author='Åse "A" Øst') for kind in KINDS
    ]


def test_one_of_each_kind_passes_its_own_checks(made: list[Path]) -> None:
    results = check(made)
    told = [(r.name, p.area, p.text) for r in results for p in r.points if p.state == "mend"]
    assert told == []
    done = [[p.text for p in r.points if p.area == "conformance"] for r in results]
    assert [len(texts) for texts in done] == [1] * len(KINDS)
    assert all(f"{kind} 'my-{kind}'" in text for kind, (text,) in zip(KINDS, done, strict=True))


def test_they_are_as_one_would_write_them(made: list[Path]) -> None:
    for folder in made:
        for words in (["check", "--select", "E,F,I,W,UP,B"], ["format", "--check"]):
            command = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout


def test_what_it_says_of_itself(made: list[Path]) -> None:
    table = tomllib.loads((made[0] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert table["authors"] == [{"name": 'Åse "A" Øst'}]
    assert table["license"] == "BSD-3-Clause"
    assert table["entry-points"]["xreg"] == {"my-descriptor": "xreg_my_descriptor.plugin"}
    assert 'Åse "A" Øst' in (made[0] / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("licence", licences())
def test_licences(licence: str, tmp_path: Path) -> None:
    folder = make("step", "x", tmp_path / "x", licence=licence, author="Nobody")
    text = (folder / "LICENSE").read_text(encoding="utf-8")
    assert len(text) > 1000
    assert "{{" not in text
    assert licence in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "name", "error", "words"),
    [
        ("descripter", "x", UnknownNameError, "did you mean 'descriptor'"),
        ("descriptor", "X", ConfigError, "lower-case"),
        ("descriptor", "3d", ConfigError, "begin with a letter"),
        ("descriptor", "../x", ConfigError, "lower-case"),
        ("descriptor", "x\n", ConfigError, "lower-case"),
        ("descriptor", "class", ConfigError, "cannot be the name"),
        ("descriptor", "soap", ConfigError, "is there already"),
    ],
)
def test_refused(kind: str, name: str, error: type[Exception], words: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=words):
        make(kind, name, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    make("step", "x", tmp_path / "x")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(DataError, match="exists already"):
        make("step", "x", tmp_path / "x")
    with pytest.raises(UnknownNameError, match="no licence 'GPL'"):
        make("step", "y", tmp_path / "y", licence="GPL")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("name", ["step", "none", "spectrum", "entry", "config", "exception"])
def test_a_name_that_a_class_has_already(name: str, tmp_path: Path) -> None:
    for kind in ("step", "generator", "importer"):
        folder = make(kind, name, tmp_path / kind)
        (result,) = check([folder], static=True)
        assert result.passed
        text = (folder / "src" / f"xreg_{name}" / "method.py").read_text(encoding="utf-8")
        compile(text, "method.py", "exec")
        assert "class None(" not in text
        assert not any(f"class {c}({c})" in text for c in ("Step", "Importer"))


# One file ----------------------------------------------------------------------------------------


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XREG_PLUGINS", str(tmp_path / "mine"))
    return tmp_path / "mine"


def test_one_file_is_found_and_used_by_other_processes(mine: Path) -> None:
    file = make_single("descriptor", "first-try")
    assert file == mine / "first_try.py"
    script = """
import pickle, sys
from xreg.core.source import source_hash
from xreg.core.testing import clusters
from xreg.registry.plugins import host

component = host().build("descriptor", "first-try", {"cutoff": 3.0})
print(host().get("descriptor", "first-try"), component.fit(clusters()).transform(clusters()).shape)
print(source_hash(type(component)))
sys.stdout.buffer.write(pickle.dumps(component).hex().encode())
"""
    one = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    told, first, pickled = one.stdout.splitlines()
    assert told.startswith("first_try of first_try.py (8, ")
    other = f"import pickle; print(pickle.loads(bytes.fromhex('{pickled}')).name)"
    done = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=True)
    assert done.stdout == "first-try\n"
    # What is computed by other code is noticed.
    file.write_text(file.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    two = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert two.stdout.splitlines()[1] != first


def test_one_file_is_checked(mine: Path) -> None:
    file = make_single("emulator", "first-try")
    (result,) = check([file])
    assert result.passed, result.points
    assert any("checks of" in point.text for point in result.points)


def untrusted(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "relative":
        monkeypatch.chdir(folder.parent)
        monkeypatch.setenv("XREG_PLUGINS", folder.name)
    elif kind == "registry":
        (folder.parent / "datasets.dvc").write_text("outs: []\n")
    elif kind == "writable":
        folder.chmod(0o777)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("relative", "give the whole path"),
        ("registry", "is part of the registry"),
        ("writable", "everybody may write"),
    ],
)
def test_a_folder_that_is_not_the_users_own_is_left_alone(
    kind: str, words: str, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine.mkdir()
    (mine / "evil.py").write_text("raise SystemExit('it ran')\n")
    untrusted(kind, mine, monkeypatch)
    (broken,) = [b for b in PluginHost().broken if b.name == "XREG_PLUGINS"]
    assert words in broken.error
    assert not any("it ran" in b.error for b in PluginHost().broken)
    with pytest.raises(PluginError, match=words):
        make_single("step", "x")


def test_files_of_the_folder_that_are_no_modules(mine: Path) -> None:
    mine.mkdir()
    for name in ("_hidden.py", "notes.txt", "two words.py", ".x.py"):
        (mine / name).write_text("1 / 0\n")
    assert list(own.points()) == []


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "xreg.cli.main", "plugins"]
    environment = {**os.environ, "XREG_PLUGINS": str(tmp_path / "mine")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("new", "step", "tidy")
    assert done.returncode == 0, done.stderr
    assert "next: write your method in xreg-tidy/src/xreg_tidy/method.py" in done.stdout
    pyproject = tmp_path / "xreg-tidy" / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('license = "BSD-3-Clause"\n', ""))
    done = run("check", "--static", "xreg-tidy")
    assert done.returncode == 1
    assert "mend  licence      pyproject.toml states no licence" in done.stdout
    assert '→ write license = "BSD-3-Clause"' in done.stdout
    assert "1 point to mend in xreg-tidy 0.1.0" in done.stderr
