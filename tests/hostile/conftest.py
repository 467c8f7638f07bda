"""A sandbox for what strangers made: all that it may touch is the cache, and it starts nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

# Audit hooks cannot be taken away again, so one stays, and writes to whoever listens now.
PROCESS_EVENTS = {"os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}
_listeners: list[list[str]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event in PROCESS_EVENTS and _listeners:
        line = " ".join(map(str, arguments[1])) if event == "subprocess.Popen" else str(arguments)
        for heard in _listeners:
            heard.append(line)


sys.addaudithook(_hear)


@dataclass
class Sandbox:
    """A user's machine in a folder.

    Attributes
    ----------
    root
        All of it.
    home, cache, work
        The user's home, xreg's cache and the working folder.
    stranger
        Where strangers' registries, stores, models and recipes are built.
    sentinel
        A file that payloads make if they run.
    processes
        Command lines of the processes that this one started.
    """

    root: Path
    processes: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home, self.cache, self.work, self.stranger = (
            self.root / name for name in ("home", "cache", "work", "stranger")
        )
        self.sentinel = self.root / "a-payload-ran"
        for folder in (self.home, self.work, self.stranger):
            folder.mkdir(parents=True)

    def freeze(self) -> None:
        """Take what is there now as what must be there at the end."""
        self.processes.clear()
        self.before = self.snapshot()

    def snapshot(self) -> dict[str, str]:
        """Return what is outside of the cache: hash of each file, target of each link."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            here = Path(folder)
            folders[:] = [name for name in folders if here / name != self.cache]
            for name in folders + files:
                path = here / name
                if path.is_symlink():
                    found[str(path)] = f"-> {os.readlink(path)}"
                elif path.is_file():
                    found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
                else:
                    found[str(path)] = "folder"
        return found

    def check(self, *programs: str) -> None:
        """Assert that nothing changed outside of the cache, and only ``programs`` were started."""
        assert not self.sentinel.exists(), "a stranger's payload ran"
        assert self.snapshot() == self.before
        foreign = [line for line in self.processes if line.split()[0] not in programs]
        assert foreign == []


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A fresh machine of a user; after the test, nothing outside of its cache may have changed.

    Build what a stranger made, call ``sandbox.freeze()``, then do what the user would do.
    """
    box = Sandbox(tmp_path / "machine")
    for name in [n for n in os.environ if n.startswith(("AWS_", "DVC_", "GIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(box.home))
    monkeypatch.setenv("XREG_CACHE", str(box.cache))
    monkeypatch.setenv("XREG_CONFIG", str(box.home / ".config" / "xreg" / "config.yaml"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(box.cache / "dvc"))
    monkeypatch.chdir(box.work)
    _listeners.append(box.processes)
    yield box
    _listeners.remove(box.processes)
    if box.before:
        box.check("git")


def read_list(root: Path) -> list[dict[str, Any]]:
    """Return DVC's list of the files of a registry, out of its remote."""
    md5 = yaml.safe_load((root / "datasets.dvc").read_text())["outs"][0]["md5"]
    return json.loads((root / "dvc-remote" / "files" / "md5" / md5[:2] / md5[2:]).read_text())


def put_object(root: Path, blob: bytes, ending: str = "") -> str:
    """Put an object into a registry's remote, and return its hash."""
    md5 = hashlib.md5(blob, usedforsecurity=False).hexdigest() + ending
    path = root / "dvc-remote" / "files" / "md5" / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(blob)
    return md5


def forge(root: Path, version: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the list of files, and make hashes and catalogue agree with it, as a forger would."""
    items = read_list(root)
    change(items)
    body = yaml.safe_load((root / "datasets.dvc").read_text())
    body["outs"][0]["md5"] = put_object(
        root, json.dumps(items, sort_keys=True).encode(), ending=".dir"
    )
    prefix = f"toy/{version}.zarr/"
    own = sorted(
        (i["relpath"][len(prefix) :], i["md5"])
        for i in items
        if isinstance(i["relpath"], str) and i["relpath"].startswith(prefix)
    )
    text = json.dumps([{"md5": m, "relpath": n} for n, m in own], sort_keys=True)
    md5 = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    body["meta"]["datasets"]["toy"][version]["hash"] = f"{md5}.dir"
    (root / "datasets.dvc").write_text(yaml.safe_dump(body))


@pytest.fixture(scope="session")
def cloned(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published registry as git clones it; to copy a clone takes half the time of another."""
    root = tmp_path_factory.mktemp("cloned") / "registry"
    line = ["git", "clone", "--quiet", "--local", str(published), str(root)]
    subprocess.run(line, check=True)
    return root


@pytest.fixture
def stranger(sandbox: Sandbox, cloned: Path, git: Callable[..., None]) -> Callable[..., Path]:
    """Make a registry of a stranger: ``stranger(change)`` calls ``change(root)`` and commits."""

    def make(change: Callable[[Path], object] | None = None, name: str = "registry") -> Path:
        root = sandbox.stranger / name
        shutil.copytree(cloned, root, symlinks=True)
        if change is not None:
            change(root)
            git(root, "add", "--all", "--force")
            git(root, "commit", "--quiet", "--allow-empty", "-m", "change")
        return root

    return make


@pytest.fixture
def tools() -> SimpleNamespace:
    """The forger's tools: ``read_list``, ``put_object`` and ``forge``."""
    return SimpleNamespace(read_list=read_list, put_object=put_object, forge=forge)


@pytest.fixture
def xreg(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command line in this process; return all that it wrote, checked to steer nothing."""

    def run(*arguments: str, code: int = 0) -> str:
        from xreg.cli.main import main

        capfd.readouterr()
        try:
            main(arguments)
            status: object = 0
        except SystemExit as end:
            status = end.code or 0
        text = "".join(capfd.readouterr())
        assert status == code, text
        assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t"]
        assert "bug in xreg" not in text
        return text

    return run
