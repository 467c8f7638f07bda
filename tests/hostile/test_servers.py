"""Remotes on servers: S3 by moto, SSH by asyncssh, HTTP that fails, git behind a password."""

from __future__ import annotations

import asyncio
import base64
import http.server
import os
import shutil
import stat
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from xreg.core.errors import CorruptError, RunError
from xreg.core.files import folder_hash
from xreg.registry import registries
from xreg.registry.datasets import find, pull
from xreg.registry.publishing import publish, verify
from xreg.registry.stores.writer import write_store


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
        with pytest.raises(CorruptError, match="damaged"):
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


# S3 ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3_server():
    pytest.importorskip("dvc_s3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server, sandbox, published):
    import boto3

    keys = {"aws_access_key_id": "mine", "aws_secret_access_key": "T0KEN"}
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1", **keys)
    client.create_bucket(Bucket=sandbox.root.parent.name.replace("_", "-").lower())
    name = sandbox.root.parent.name.replace("_", "-").lower()
    source = published / "dvc-remote"
    for path in source.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), name, f"data/{path.relative_to(source).as_posix()}")
    sandbox.processes.clear()
    return name


S3_KEYS = "access_key_id = mine\n    secret_access_key = T0KEN\n    region = us-east-1"


def test_a_bucket_by_the_users_own_configuration(stranger, sandbox, s3_server, bucket):
    root = stranger(lambda r: config(r, f"url = s3://{bucket}/data"))
    own_config(sandbox.home, f"url = s3://{bucket}\n    endpointurl = {s3_server}\n    {S3_KEYS}")
    sandbox.freeze()
    path = pull("toy@1.0.0", registry=root.as_uri())
    assert folder_hash(path) == find("toy@1.0.0", registry=root).entry.hash
    assert [v.problems for v in verify("toy@1.1.0", root)] == [[]]


def test_a_bucket_by_the_environment(stranger, sandbox, s3_server, bucket, monkeypatch):
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "mine"),
        ("AWS_SECRET_ACCESS_KEY", "T0KEN"),
        ("AWS_ENDPOINT_URL", s3_server),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    root = stranger(lambda r: config(r, f"url = s3://{bucket}/data"))
    sandbox.freeze()
    assert pull("toy@1.0.0", registry=root).is_dir()


def test_a_strangers_profile_runs_nothing(stranger, sandbox, s3_server, bucket):
    """The configuration names a profile whose keys a program beside it is to bring."""

    def change(root: Path) -> None:
        config(
            root,
            f"url = s3://{bucket}/data\n    profile = evil\n    credentialpath = keys\n"
            f"    configpath = aws\n    endpointurl = {s3_server}",
        )
        text = f"credential_process = touch {sandbox.sentinel}\n"
        (root / ".dvc" / "keys").write_text(f"[evil]\n{text}[default]\n{text}")
        (root / ".dvc" / "aws").write_text(f"[profile evil]\n{text}[default]\n{text}")

    root = stranger(change)
    own_config(sandbox.home, f"url = s3://{bucket}\n    endpointurl = {s3_server}\n    {S3_KEYS}")
    sandbox.freeze()
    assert pull("toy@1.0.0", registry=root.as_uri()).is_dir()
    assert "AWS_CONFIG_FILE" not in os.environ


def test_publishing_into_a_bucket(stranger, sandbox, s3_server, bucket, toy_dataset):
    store = write_store(toy_dataset(20, version="2.0.0"), sandbox.work / "new.zarr")
    root = stranger(lambda r: config(r, f"url = s3://{bucket}/data"))
    own_config(sandbox.home, f"url = s3://{bucket}\n    endpointurl = {s3_server}\n    {S3_KEYS}")
    assert publish(store, root).entry.version == "2.0.0"
    shutil.rmtree(root / ".dvc" / "cache")
    assert pull("toy@2.0.0", registry=root).is_dir()


# SSH --------------------------------------------------------------------------------------------


@pytest.fixture
def ssh_server(sandbox, published):
    pytest.importorskip("dvc_ssh")
    asyncssh = pytest.importorskip("asyncssh")
    folder = sandbox.root / "server"
    shutil.copytree(published / "dvc-remote", folder / "data")
    forwarded: list[str] = []
    passwords: list[str] = []
    key = asyncssh.generate_private_key("ssh-ed25519")

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            passwords.append(password)
            return (username, password) == ("me", "T0KEN")

    class Sftp(asyncssh.SFTPServer):
        def __init__(self, channel):
            if channel.get_agent_path():
                forwarded.append("agent")
            super().__init__(channel, chroot=str(folder))

    loop = asyncio.new_event_loop()
    ready: list[int] = []
    started = threading.Event()

    async def begin() -> None:
        server = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Server, sftp_factory=Sftp,
            server_host_keys=[key],
        )  # fmt: skip
        ready.append(server.sockets[0].getsockname()[1])
        started.set()

    def work() -> None:
        loop.run_until_complete(begin())
        loop.run_forever()

    threading.Thread(target=work, daemon=True).start()
    assert started.wait(10)
    public = key.export_public_key().decode().split()
    line = f"[127.0.0.1]:{ready[0]} {public[0]} {public[1]}\n"
    yield SimpleNamespace(
        url=f"ssh://127.0.0.1:{ready[0]}/data", forwarded=forwarded, passwords=passwords, line=line
    )
    loop.call_soon_threadsafe(loop.stop)


def known_hosts(home: Path, text: str, name: str = "known_hosts") -> None:
    (home / ".ssh").mkdir(mode=0o700, exist_ok=True)
    (home / ".ssh" / name).write_text(text)


def test_a_server_by_ssh(stranger, sandbox, ssh_server):
    url = ssh_server.url
    root = stranger(lambda r: config(r, f"url = {url}\n    keyfile = key\n    ask_password = true"))
    own_config(sandbox.home, f"url = {url}\n    user = me\n    password = T0KEN")
    known_hosts(sandbox.home, ssh_server.line)
    sandbox.freeze()
    path = pull("toy@1.0.0", registry=root.as_uri())
    assert folder_hash(path) == find("toy@1.0.0", registry=root).entry.hash
    assert ssh_server.forwarded == []


def other_key(line: str) -> str:
    import asyncssh

    kind, key = (
        asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()[:2]
    )
    return f"{line.split(maxsplit=1)[0]} {kind} {key}\n"


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(lambda line: None, id="no file"),
        pytest.param(lambda line: "", id="empty"),
        pytest.param(other_key, id="another key"),
        pytest.param(lambda line: line.replace("127.0.0.1", "127.0.0.2"), id="another host"),
        pytest.param(lambda line: f"@revoked {line}", id="revoked"),
    ],
)
def test_a_server_by_ssh_that_is_not_the_known_one_is_refused(stranger, sandbox, ssh_server, known):
    url = ssh_server.url
    root = stranger(lambda r: config(r, f"url = {url}"))
    own_config(sandbox.home, f"url = {url}\n    user = me\n    password = T0KEN")
    if (text := known(ssh_server.line)) is not None:
        known_hosts(sandbox.home, text)
    sandbox.freeze()
    with pytest.raises(RunError, match=r"known_hosts has no such key .* fingerprint"):
        pull("toy@1.0.0", registry=root)
    assert ssh_server.passwords == []


def test_the_users_ssh_configuration_says_where_known_hosts_are(stranger, sandbox, ssh_server):
    url = ssh_server.url
    root = stranger(lambda r: config(r, f"url = {url}"))
    own_config(sandbox.home, f"url = {url}\n    user = me\n    password = T0KEN")
    known_hosts(sandbox.home, ssh_server.line, "elsewhere")
    known_hosts(sandbox.home, "Host *\n    UserKnownHostsFile ~/.ssh/elsewhere\n", "config")
    sandbox.freeze()
    assert pull("toy@1.0.0", registry=root).is_dir()


def test_a_server_by_ssh_asks_nothing_of_the_user(stranger, sandbox, ssh_server, monkeypatch):
    url = ssh_server.url
    asked: list[str] = []
    monkeypatch.setattr("getpass.getpass", lambda *a, **_: asked.append("x") or "guess")
    monkeypatch.setattr("dvc_ssh.client.getpass", lambda *a, **_: asked.append("x") or "guess")
    root = stranger(lambda r: config(r, f"url = {url}\n    ask_password = true"))
    known_hosts(sandbox.home, ssh_server.line)
    sandbox.freeze()
    with pytest.raises(RunError, match="Permission denied"):
        pull("toy@1.0.0", registry=root)
    assert asked == []


# Git --------------------------------------------------------------------------------------------


class Git(http.server.BaseHTTPRequestHandler):
    """Git's own server, behind a password."""

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if needs("me", "T0KEN")(self):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.server.folder),
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
        done = subprocess.run(
            line, input=body, capture_output=True, check=True, env=environment
        ).stdout
        head, _, content = done.partition(b"\r\n\r\n")
        self.send_response(200)
        for field in head.decode().splitlines():
            self.send_header(*field.split(": ", 1))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET


@pytest.fixture
def private(stranger, sandbox, monkeypatch):
    """A registry on a git server that asks for a password; its address without one."""
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    root = stranger()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Git) as server:
        server.folder = root.parent
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{root.name}/.git"
        server.shutdown()


def with_token(url: str) -> str:
    return url.replace("http://", "http://me:T0KEN@")


def holds_token(folder: Path) -> list[str]:
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and (b"T0KEN" in path.read_bytes() or "T0KEN" in path.name)
    ]


def test_a_token_in_a_url_works_and_is_seen_nowhere(private, sandbox, xreg):
    url = with_token(private)
    place = registries.candidates(url)[0]
    assert "T0KEN" not in repr(place) + str(place)
    assert "toy@1.0.0" in xreg("data", "list", "-r", url)
    text = xreg("data", "show", "toy", "-r", url) + xreg("data", "pull", "toy", "-r", url)
    assert "T0KEN" not in text
    assert not [line for line in sandbox.processes if "T0KEN" in line]
    assert holds_token(sandbox.root) == []


def test_a_wrong_token_is_not_told(private, sandbox, xreg):
    url = private.replace("http://", "http://me:WR0NG@")
    text = xreg("data", "list", "-r", url, code=1)
    assert "WR0NG" not in text
    assert "127.0.0.1" in text


def test_a_token_is_not_kept_in_the_configuration(private, sandbox, xreg, caplog):
    text = xreg("registry", "add", "lab", with_token(private)) + caplog.text
    assert "T0KEN" not in text
    assert "credential helper" in text
    place = registries.config_file()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert yaml.safe_load(place.read_text()) == {"registries": {"lab": private}}
    assert "T0KEN" not in xreg("registry", "list")


def test_a_token_in_a_configuration_written_by_hand_is_used_and_not_shown(
    private, sandbox, xreg, caplog
):
    place = registries.config_file()
    place.parent.mkdir(parents=True)
    place.write_text(yaml.safe_dump({"registries": {"lab": with_token(private)}}))
    text = xreg("registry", "list") + xreg("data", "list")
    assert "toy@1.0.0" in text
    assert "T0KEN" not in text
    assert "others may read it" in caplog.text + text


def test_a_token_in_a_recipe_is_not_written_down(private, sandbox):
    from xreg.workbench.recipes.sections import DatasetSection

    section = DatasetSection.model_validate({"name": "toy", "registry": with_token(private)})
    assert section.registry == private
    assert find("toy", registry=section.registry).entry.version == "1.1.0"


def test_a_token_in_a_recipe_is_in_nothing_that_a_run_leaves(private, sandbox, xreg):
    """Report, summary, recipe, log, metrics: none holds it, and the place is named without it."""
    (sandbox.work / "run.yaml").write_text(
        yaml.safe_dump(
            {
                "dataset": {"name": "toy@1.1.0", "registry": with_token(private)},
                "target": {"channel": "xes"},
                "split": {"fractions": [0.6, 0.2, 0.2]},
                "descriptor": "internal",
                "emulator": "ridge",
            }
        )
    )
    (sandbox.work / "run.yaml").chmod(0o600)
    text = xreg("run", "run.yaml", "-o", str(sandbox.cache / "out"))
    assert "T0KEN" not in text
    out = sandbox.cache / "out"
    assert {"report.html", "summary.json", "recipe.yaml", "run.log"} <= {
        path.name for path in out.iterdir()
    }
    assert holds_token(out) == []
    assert private in (out / "recipe.yaml").read_text()


def test_a_git_credential_helper_works(private, sandbox, git):
    (sandbox.home / ".gitconfig").write_text(
        '[credential]\n    helper = "!f() { echo username=me; echo password=T0KEN; }; f"\n'
    )
    sandbox.freeze()
    assert find("toy", registry=private).entry.version == "1.1.0"


def test_netrc_works_for_git(private, sandbox):
    (sandbox.home / ".netrc").write_text("machine 127.0.0.1 login me password T0KEN\n")
    sandbox.freeze()
    assert find("toy", registry=private).entry.version == "1.1.0"
