"""Pulls and publications that are killed, meet another, find the disk full: real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from xreg.core.errors import DataError, RunError
from xreg.core.files import folder_hash
from xreg.registry import worktree
from xreg.registry.datasets import find, list_datasets, open_dataset, pull
from xreg.registry.publishing import publish, verify
from xreg.registry.stores.writer import write_store

PREAMBLE = """
import os, pathlib, signal, sys, time
from xreg.registry import datasets
from xreg.registry.dvc import Objects
fetch, rename, done = Objects.fetch, pathlib.Path.rename, []
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
"""
# What the process does to itself, and whether the dataset is then complete.
MOMENTS = {
    "before the first file": ("Objects.fetch = lambda *a: die()", False),
    "in the middle of a file": (
        """
def half(self, md5, target):
    fetch(self, md5, target)
    done.append(target)
    if len(done) > 5 and target.stat().st_size > 100:
        os.truncate(target, 50)
        die()
Objects.fetch = half
""",
        False,
    ),
    "after the last file": ("pathlib.Path.rename = lambda *a: die()", False),
    "after the name is given": ("pathlib.Path.rename = lambda *a: (rename(*a), die())", True),
}


def start(code: str, registry: Path) -> subprocess.Popen[str]:
    call = f"print(datasets.pull('toy', registry={str(registry)!r}))"
    return subprocess.Popen(
        [sys.executable, "-c", f"{PREAMBLE}\n{code}\n{call}"], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_pull_leaves_nothing_that_looks_complete(registry, places, moment):
    code, complete = MOMENTS[moment]
    killed = start(code, registry)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    folder = places / "cache" / "datasets"
    visible = [name for name in os.listdir(folder) if not name.startswith(".")]
    assert len(visible) == complete
    path = pull("toy", registry=registry)
    assert os.listdir(folder) == [path.name]  # and what the killed one left is gone
    assert folder_hash(path) == find("toy", registry=registry).entry.hash
    assert len(open_dataset("toy", registry=registry)) == 70


def test_pulls_at_once_all_succeed(registry, places):
    slow = "Objects.fetch = lambda *a: (time.sleep(0.05), fetch(*a))"
    processes = [start(slow, registry) for _ in range(3)]
    paths = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    (path,) = paths
    assert os.listdir(places / "cache" / "datasets") == [Path(path.strip()).name]
    assert folder_hash(Path(path.strip())) == find("toy", registry=registry).entry.hash


def test_a_full_disk_is_one_sentence_and_leaves_nothing(registry, places, small_disk, monkeypatch):
    monkeypatch.setenv("XREG_CACHE", str(small_disk))
    with pytest.raises(RunError, match=r"pulling toy@1\.1\.0: no space left on the disk"):
        pull("toy", registry=registry)
    assert os.listdir(small_disk / "datasets") == []
    (small_disk / "ballast").unlink()
    assert pull("toy", registry=registry).is_dir()


def test_a_file_that_may_not_grow_is_one_sentence(registry, places):
    code = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))
sys.excepthook = lambda kind, error, trace: print(kind.__name__, error)
"""
    process = start(code, registry)
    text = process.communicate()[0]
    assert text.startswith("RunError pulling toy@1.1.0: no space left on the disk")
    assert os.listdir(places / "cache" / "datasets") == []


def test_a_killed_publication_can_be_repeated(registry, places, toy_dataset, about):
    store = write_store(toy_dataset(20, version="2.0.0"), places / "new.zarr")
    code = f"""
import os, signal
from xreg.registry import dvc, publishing
dvc.push = lambda *a: os.kill(os.getpid(), signal.SIGKILL)  # tracked, but nowhere to be had
publishing.publish({str(store)!r}, {str(registry)!r}, {about!r})
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [f.entry.version for f in list_datasets(registry)] == ["1.0.0", "1.1.0"]
    publish(store, registry, about)
    assert [v.problems for v in verify(registry=registry)] == [[], [], []]


def test_what_a_killed_publication_was_writing_is_not_committed(
    registry, places, toy_dataset, tmp_path, about
):
    """As in one of a thousand kills: half an object in the remote, when another publishes."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".kept.1.tmp").write_text("not ours")
    objects = registry / "dvc-remote" / "files" / "md5"
    (objects / "66").mkdir(exist_ok=True)
    half = objects / "66" / ".852e32881ce0e7c26609fe6830abb2.2494.tmp"
    half.write_bytes(b"half")
    if not (objects / "67").exists():
        (objects / "67").symlink_to(outside)
    publish(write_store(toy_dataset(5, version="3.0.0"), tmp_path / "new.zarr"), registry, about)
    assert not half.exists()
    assert (outside / ".kept.1.tmp").exists()


def test_a_publication_that_git_does_not_know_is_finished(
    registry, places, toy_dataset, about, git
):
    """Killed between the registry's record and the commit: the same command goes on from there."""
    from xreg.registry import worktree
    from xreg.registry.recording import withdraw
    from xreg.registry.versions.entries import DatasetEntry

    git(registry, "config", "user.name", "Nobody")
    git(registry, "config", "user.email", "nobody@example.org")
    store = write_store(toy_dataset(20, version="2.0.0"), places / "new.zarr")
    first = publish(store, registry, about)
    with pytest.raises(DataError, match="published already"):
        publish(store, registry, about)
    other = write_store(toy_dataset(21, version="2.0.0"), places / "other.zarr")
    with pytest.raises(DataError, match="published already"):
        publish(other, registry, about, finish=True)
    for folder in (registry, registry / "cards" / "datasets" / "toy" / "2.0.0"):
        (folder / ".datasets.dvc.4711.tmp").write_text("half")
    again = publish(store, registry, about, finish=True)
    assert not list(registry.rglob(".*.tmp"))
    assert (again.entry, again.paths) == (first.entry, first.paths)
    worktree.commit(registry, again.paths, "data")
    with pytest.raises(DataError, match="published already"):
        publish(store, registry, about, finish=True)
    marked = withdraw(DatasetEntry, "toy@2.0.0", "It is noise.", registry)
    once_more = withdraw(DatasetEntry, "toy@2.0.0", "It is noise.", registry, finish=True)
    assert once_more.entry == marked.entry
    worktree.commit(registry, marked.paths, "mark")
    with pytest.raises(DataError, match="was withdrawn on"):
        withdraw(DatasetEntry, "toy@2.0.0", "It is noise.", registry, finish=True)


def test_what_another_git_has_committed_meanwhile_is_no_error(registry, monkeypatch):
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Toy")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "toy@example.org")
    (registry / "note.txt").write_text("once")
    worktree.commit(registry, ["note.txt"], "first")
    worktree.commit(registry, ["note.txt"], "second")
    told = ["git", "-C", str(registry), "log", "--format=%s", "-1"]
    assert subprocess.check_output(told, text=True) == "first\n"
    with pytest.raises(RunError, match="nowhere"):
        worktree.commit(registry, ["nowhere.txt"], "third")


def test_a_lock_that_a_killed_git_left_is_named(registry, monkeypatch):
    from xreg.registry import worktree

    monkeypatch.setattr(worktree, "PATIENCE", 0.0)
    lock = registry / ".git" / "index.lock"
    lock.touch()
    (registry / "new.txt").touch()
    with pytest.raises(RunError, match=r"if none is, remove '.*index\.lock' and repeat"):
        worktree.commit(registry, ["new.txt"], "more")
