"""Caches that cannot be made, read or written, or that hold what does not belong there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xreg.core.errors import CorruptError, RunError
from xreg.core.files import folder_hash, staging
from xreg.registry import registries
from xreg.registry.datasets import find, open_dataset, pull
from xreg.registry.registries import cache_folder, config_file

SENTENCE = "set XREG_CACHE, or XDG_CACHE_HOME, to a folder that may be written"


@pytest.fixture(autouse=True)
def _said_anew() -> Iterator[None]:
    registries._tell_relative.cache_clear()
    yield
    registries._tell_relative.cache_clear()


@pytest.mark.parametrize("place", ["file/cache", "/dev/null/cache", "/proc/none/cache"])
def test_a_cache_that_cannot_be_made_says_what_to_set(registry, places, monkeypatch, place):
    (places / "file").touch()
    monkeypatch.setenv("XREG_CACHE", str(places / place))
    with pytest.raises(RunError, match=f"the cache folder '.*' cannot be made .*; {SENTENCE}"):
        pull("toy", registry=registry)


def test_a_result_that_cannot_be_made_is_not_called_locked(tmp_path):
    with (
        pytest.raises(RunError, match="the folder '/proc/none' cannot be made"),
        staging(Path("/proc/none/out")),
    ):
        pass


@pytest.mark.parametrize(
    ("variable", "function", "ending"),
    [
        ("XDG_CACHE_HOME", cache_folder, "xreg"),
        ("XDG_CONFIG_HOME", config_file, "xreg/config.yaml"),
    ],
)
@pytest.mark.parametrize("said", ["relative", "~/x", "./x"])
def test_relative_places_are_not_followed_and_told(
    tmp_path, monkeypatch, caplog, variable, function, ending, said
):
    for name in ("XREG_CACHE", "XREG_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, said)
    assert function().is_relative_to(Path.home())
    assert f"{variable} is '{said}', no absolute path, and is not followed." in caplog.text
    caplog.clear()
    monkeypatch.setenv(variable, str(tmp_path / "with a blank\nand a line"))
    assert function() == tmp_path / "with a blank\nand a line" / ending
    assert not caplog.text


@pytest.mark.parametrize(
    ("variable", "function"), [("XREG_CACHE", cache_folder), ("XREG_CONFIG", config_file)]
)
def test_the_home_folder_may_stand_in_our_own_variables(monkeypatch, variable, function):
    monkeypatch.setenv(variable, "~/some/place")
    assert function() == Path.home() / "some" / "place"


def test_a_cache_of_any_name(registry, places, monkeypatch):
    monkeypatch.setenv("XREG_CACHE", str(places / "ein Ort\nmit 'Zeile'"))
    assert len(open_dataset("toy", registry=registry)) == 70


def truncate(path: Path) -> None:
    file = next(p for p in sorted(path.rglob("*")) if p.is_file())
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:5])


def empty(path: Path) -> None:
    file = next(p for p in sorted(path.rglob("*")) if p.is_file())
    file.chmod(0o644)
    file.write_bytes(b"")


def foreign(path: Path) -> None:
    (path / "more").write_text("x")


def half(path: Path) -> None:
    shutil.rmtree(path / "spectra")


def folder_for_file(path: Path) -> None:
    file = next(p for p in sorted(path.rglob("*")) if p.is_file())
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("damage", [truncate, empty, foreign, half, folder_for_file])
def test_a_damaged_entry_is_replaced(registry, places, damage: Callable[[Path], None]):
    path = pull("toy", registry=registry)
    damage(path)
    assert pull("toy", registry=registry) == path
    assert folder_hash(path) == find("toy", registry=registry).entry.hash


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_what_is_no_folder_is_named(registry, places, kind):
    path = pull("toy", registry=registry)
    aside = places / "aside"
    path.rename(aside)
    path.touch() if kind == "file" else path.symlink_to(aside if kind == "link" else "nowhere")
    what = "no folder" if kind == "file" else "a symbolic link"
    with pytest.raises(CorruptError, match=f"is {what}; remove it"):
        pull("toy", registry=registry)


# Rights, which are those of nobody for whoever runs the tests with all of them -------------------


def plain_user() -> list[str]:
    """Return a command in front of which rights count, even for root."""
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may read all, and setpriv (util-linux) is not there to give that up")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*plain_user(), sys.executable, "-m", "xreg.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def locked_up() -> Iterator[Callable[[Path, int], None]]:
    """Change the rights of a place and all below, until the test ends."""
    changed: list[Path] = []

    def change(path: Path, mode: int) -> None:
        changed.append(path)
        path.chmod(mode)

    yield change
    for path in reversed(changed):
        path.chmod(0o755)


def test_a_full_cache_that_is_read_only_serves(registry, places, locked_up):
    path = pull("toy", registry=registry)
    for folder in (places / "cache", *(p for p in (places / "cache").rglob("*") if p.is_dir())):
        locked_up(folder, 0o555)
    done = run("data", "pull", "toy", "-r", registry)
    assert (done.returncode, done.stdout.strip()) == (0, str(path)), done.stderr


def test_an_empty_cache_that_is_read_only_says_what_to_set(registry, places, locked_up):
    (places / "cache").mkdir()
    locked_up(places / "cache", 0o555)
    done = run("data", "pull", "toy", "-r", registry)
    assert done.returncode == 1
    assert SENTENCE in done.stderr
    assert "bug" not in done.stderr


def test_what_may_not_be_read_is_replaced(registry, places, locked_up):
    path = pull("toy", registry=registry)
    file = next(p for p in path.rglob("*") if p.is_file())
    file.chmod(0)
    done = run("data", "pull", "toy", "-r", registry)
    assert done.returncode == 0, done.stderr
    assert folder_hash(path) == find("toy", registry=registry).entry.hash


def test_what_cannot_be_replaced_is_named(registry, places, locked_up):
    path = pull("toy", registry=registry)
    locked_up(path, 0)
    done = run("data", "pull", "toy", "-r", registry)
    assert done.returncode == 1
    assert (
        f"the copy '{path}' is damaged, or may not be read, and cannot be replaced" in done.stderr
    )


def test_what_there_is_is_listed_without_a_cache_that_can_be_read(registry, places, locked_up):
    pull("toy", registry=registry)
    locked_up(places / "cache", 0)
    done = run("data", "list", "-r", registry)
    assert done.returncode == 0, done.stderr
    assert "toy@1.1.0" in done.stdout
    done = run("data", "show", "toy", "-r", registry)
    assert "in the cache: no" in done.stdout
