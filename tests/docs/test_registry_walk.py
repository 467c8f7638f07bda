"""From nothing to a registry that a colleague pulls from, by what the page says, to the letter.

Real git, real DVC; the git server is a bare folder, or git's own server by HTTP.
"""

from __future__ import annotations

import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

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


class GitServer(http.server.BaseHTTPRequestHandler):
    """Git's own server, which takes what is pushed."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        variables = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.server.folder),  # type: ignore[attr-defined]
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type") or "",
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol") or "",
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
        }
        line = ["git", "-c", "safe.directory=*", "http-backend"]
        done = subprocess.run(line, input=body, capture_output=True, check=True, env=variables)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [field.split(": ", 1) for field in head.decode().splitlines()]
        status = dict(fields).get("Status", "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET


@contextmanager
def in_a_folder(server: Path) -> Iterator[str]:
    yield server.as_uri()


@contextmanager
def by_http(server: Path) -> Iterator[str]:
    subprocess.run(["git", "-C", server, "config", "http.receivepack", "true"], check=True)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitServer) as host:
        host.folder = server.parent  # type: ignore[attr-defined]
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_address[1]}/{server.name}"
        host.shutdown()


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
