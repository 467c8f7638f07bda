"""Remotes by HTTP that fail, stall or ask for credentials."""

from __future__ import annotations

import base64
import http.server
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from xreg.core.errors import CorruptError, RunError
from xreg.core.files import folder_hash
from xreg.registry.datasets import find, pull
from xreg_tests.interruption import interrupted_publication, interrupted_pull


def config(root: Path, lines: str, name: str = "far") -> None:
    text = f'[core]\n    remote = {name}\n[remote "{name}"]\n    {lines}\n'
    (root / ".dvc" / "config").write_text(text)


def own_config(home: Path, lines: str, name: str = "mine") -> None:
    """Write the user's own DVC configuration."""
    path = home / ".config" / "dvc" / "config"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'[remote "{name}"]\n    {lines}\n')


# HTTP -------------------------------------------------------------------------------------------


class Web(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; a server's ``fault`` decides what goes wrong with an answer."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        self.server.seen.append(self.headers.get("Authorization"))
        fault = self.server.fault(self)
        path = Path(self.translate_path(self.path))
        if fault == "refuse":
            self.send_error(401)
        elif isinstance(fault, int):
            self.send_error(fault)
        elif not path.is_file():
            self.send_error(404)
        else:
            body = path.read_bytes()
            self.answer(body, fault)

    def answer(self, body: bytes, fault: str | None) -> None:
        if fault == "silence":  # the connection ends without a word
            self.close_connection = True
            return
        sent = body[: len(body) // 2] if fault in ("cut", "short") else body
        if fault == "changed":
            sent = os.urandom(len(body))
        self.send_response(200)
        self.send_header("Content-Length", str(len(sent if fault == "short" else body)))
        self.end_headers()
        self.wfile.write(sent)
        self.close_connection = fault == "cut"


@contextmanager
def serve(folder: Path, fault) -> Iterator[http.server.ThreadingHTTPServer]:
    handler = partial(Web, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.fault, server.asked, server.seen = fault, Counter(), []
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def no_waiting(monkeypatch):
    """Tries follow one another at once, ours and those of DVC's client."""
    monkeypatch.setattr("xreg.registry.retries.FIRST_DELAY", 0.001)
    monkeypatch.setattr("xreg.registry.retries.LONGEST_DELAY", 0.002)
    monkeypatch.setattr("dvc_http.HTTPFileSystem.SESSION_BACKOFF_FACTOR", 0.001)


@pytest.mark.parametrize("kind", [503, 429, "silence", "cut", "short"])
def test_a_server_that_fails_a_third_of_all_answers_delivers(stranger, sandbox, no_waiting, kind):
    root = stranger()
    count = iter(range(10**9))
    lock = threading.Lock()

    def fault(_: object) -> object:
        with lock:
            return kind if next(count) % 3 == 0 else None

    with serve(root / "dvc-remote", fault) as server:
        config(root, f"url = {server.url}")
        sandbox.freeze()
        path = pull("toy@1.1.0", registry=root)
        assert folder_hash(path) == find("toy@1.1.0", registry=root).entry.hash
        assert sum(server.asked.values()) > len(server.asked)  # something was asked for again


@pytest.mark.parametrize(
    ("kind", "error", "reason"),
    [
        (503, RunError, "503"),
        ("changed", RunError, "the way to it is at fault"),
        ("silence", RunError, "failed"),
        (403, RunError, "403"),
    ],
)
def test_a_fault_of_the_transport_is_nobodys_elses(
    stranger, sandbox, no_waiting, kind, error, reason
):
    root = stranger()
    with serve(root / "dvc-remote", lambda _: kind) as server:
        config(root, f"url = {server.url}")
        sandbox.freeze()
        with pytest.raises(error, match=reason) as caught:
            pull("toy@1.0.0", registry=root)
    assert "maintainer" not in str(caught.value)


def test_what_arrived_is_kept(stranger, sandbox, no_waiting):
    root = stranger()
    broken = True
    with serve(root / "dvc-remote", lambda h: 403 if broken and h.path[-1] in "01" else None) as s:
        config(root, f"url = {s.url}")
        sandbox.freeze()
        listing = find("toy@1.0.0", registry=root)
        with pytest.raises(RunError, match="What has arrived is kept"):
            pull("toy@1.0.0", registry=root)
        kept = list((sandbox.cache / "pulling").glob("*/*"))
        assert kept
        broken = False
        s.asked.clear()
        path = pull("toy@1.0.0", registry=root)
        asked = {p.replace("/files/md5/", "").replace("/", "") for p in s.asked}
        assert asked.isdisjoint(p.name for p in kept)
    assert folder_hash(path) == listing.entry.hash
    assert list((sandbox.cache / "pulling").iterdir()) == []


def test_what_was_kept_and_then_changed_is_fetched_again(stranger, sandbox, no_waiting):
    root = stranger()
    broken = True
    with serve(root / "dvc-remote", lambda h: 403 if broken and h.path[-1] in "01" else None) as s:
        config(root, f"url = {s.url}")
        with pytest.raises(RunError):
            pull("toy@1.0.0", registry=root)
        for part in (sandbox.cache / "pulling").glob("*/*"):
            part.write_bytes(b"changed")
        broken = False
        path = pull("toy@1.0.0", registry=root)
    assert folder_hash(path) == find("toy@1.0.0", registry=root).entry.hash


def test_an_answer_without_end_is_cut_off(stranger, sandbox, no_waiting):
    root = stranger()

    class Endless(Web):
        def answer(self, body: bytes, fault: str | None) -> None:
            if body.startswith(b"[{"):
                return super().answer(body, fault)
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
            with suppress(OSError):  # the other side has had enough
                while True:
                    self.wfile.write(bytes(1 << 20))
            self.close_connection = True
            return None

    handler = partial(Endless, directory=str(root / "dvc-remote"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.fault, server.asked, server.seen = lambda _: None, Counter(), []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config(root, f"url = http://127.0.0.1:{server.server_address[1]}")
        with pytest.raises(CorruptError, match="is longer than the"):
            pull("toy@1.0.0", registry=root)
        server.shutdown()


def needs(name: str, word: str):
    wanted = "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()
    return lambda handler: None if handler.headers.get("Authorization") == wanted else "refuse"


def test_the_users_own_credentials_are_used_for_their_place(stranger, sandbox, no_waiting):
    root = stranger()
    with serve(root / "dvc-remote", needs("me", "T0KEN")) as server:
        config(root, f"url = {server.url}")
        own_config(
            sandbox.home,
            f"url = {server.url}\n    auth = basic\n    user = me\n    password = T0KEN",
        )
        sandbox.freeze()
        assert pull("toy@1.0.0", registry=root).is_dir()


def test_netrc_is_used(stranger, sandbox, no_waiting):
    root = stranger()
    (sandbox.home / ".netrc").write_text("machine 127.0.0.1 login me password T0KEN\n")
    with serve(root / "dvc-remote", needs("me", "T0KEN")) as server:
        config(root, f"url = {server.url}")
        sandbox.freeze()
        assert pull("toy@1.0.0", registry=root).is_dir()


def test_a_credential_for_one_server_is_not_sent_to_another_of_that_name(
    stranger, sandbox, no_waiting
):
    root = stranger()
    with serve(root / "dvc-remote", lambda _: None) as server:
        config(root, f"url = {server.url}")
        own_config(
            sandbox.home,
            "url = https://elsewhere.org/x\n    auth = basic\n    user = me\n    password = T0KEN",
            name="far",
        )
        sandbox.freeze()
        pull("toy@1.0.0", registry=root)
        assert set(server.seen) == {None}


def test_a_credential_without_a_server_is_not_sent(stranger, sandbox, no_waiting):
    root = stranger()
    with serve(root / "dvc-remote", lambda _: None) as server:
        config(root, f"url = {server.url}")
        own_config(sandbox.home, "auth = basic\n    user = me\n    password = T0KEN", name="far")
        sandbox.freeze()
        with pytest.raises(RunError, match="may be meant for another server"):
            pull("toy@1.0.0", registry=root)
        assert server.seen == []


def test_a_model_by_http_interrupted(stranger, sandbox, no_waiting, toy_runs, model_about):
    """Published into a folder that a server then offers: HTTP is for reading."""
    root = stranger()
    interrupted_publication(root, toy_runs[0], model_about)
    with serve(root / "dvc-remote", lambda _: None) as server:
        config(root, f"url = {server.url}")
        interrupted_pull(root, "noise@2.0.0")
        assert server.seen
