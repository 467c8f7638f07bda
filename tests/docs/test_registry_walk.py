"""From nothing to a registry that a colleague pulls from, by what the page says, to the letter.

Real git, real DVC; the git server is a bare folder, or git's own server by HTTP.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from xreg_tests.git_server import served

PAGE = Path(__file__).parents[2] / "docs" / "registries.md"
SECTION = re.compile(r"^## In six commands$(.*?)(?=^## )", re.M | re.S)
SHELL = re.compile(r"^```bash\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r'^```yaml title="([^"]+)"\n(.*?)^```$', re.M | re.S)
THEIRS = "https://example.org/lab.git"  # the server on the page
MOST_COMMANDS = 6
MATERIAL = (
    "xreg data generate warm.yaml -o warm.zarr",
    "xreg run --dataset warm.zarr --descriptor polynomial --emulator ridge -o runs/warm"
    ' --set "analyses={}"',
)


@contextmanager
def in_a_folder(server: Path) -> Iterator[str]:
    yield server.as_uri()


@contextmanager
def by_http(server: Path) -> Iterator[str]:
    subprocess.run(["git", "-C", server, "config", "http.receivepack", "true"], check=True)
    with served(server.parent) as address:
        yield f"{address}/{server.name}"


def person(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be somebody with a computer of their own."""
    home.mkdir()
    for name in ("XREG_CACHE", "XREG_CONFIG", "XREG_PLUGINS", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Path:
    """A dataset and a run, as the page makes them; they come before the six commands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{warm}{os.pathsep}{os.environ['PATH']}")
        person(folder := tmp_path_factory.mktemp("walk") / "made", patch)
        for name, body in FILE.findall(PAGE.read_text(encoding="utf-8")):
            Path(name).write_text(body, encoding="utf-8")
        for line in MATERIAL:
            shell(line)
    return folder


def shell(line: str) -> str:
    done = subprocess.run(
        ["bash", "-c", line], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, f"$ {line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("serving", [in_a_folder, by_http])
def test_six_commands(
    serving: Callable[[Path], Iterator[str]], material: Path, warm: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", os.pathsep.join(
        (str(warm), str(Path(sys.executable).parent), os.environ["PATH"])
    ))  # fmt: skip
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Josiah Carberry")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "josiah@example.org")
    section = SECTION.search(PAGE.read_text(encoding="utf-8"))
    assert section is not None
    ours, theirs = (block.splitlines() for block in SHELL.findall(section[1]))
    assert len(ours) + len(theirs) <= MOST_COMMANDS
    # Its first branch has whatever name git gives it, which need not be the one that is pushed.
    server = tmp_path / "lab.git"
    shell(f"git -c init.defaultBranch=elsewhere init --quiet --bare {server}")
    with serving(server) as url:
        person(tmp_path / "publisher", monkeypatch)
        shutil.copytree(material, ".", dirs_exist_ok=True)
        for line in ours:
            shell(line.replace(THEIRS, url))
        person(tmp_path / "colleague", monkeypatch)
        found = [Path(shell(line.replace(THEIRS, url)).strip()) for line in theirs]
        shutil.rmtree(tmp_path / "publisher")
        dataset, model = found
        assert (dataset / "zarr.json").is_file()
        told = shell(f"xreg evaluate {model} {dataset} -o judged")
        assert "R²" in told
        assert (Path("judged") / "metrics.json").is_file()
        checked = shell(f"xreg registry check {url}")
        assert "a stranger can use everything" in checked
