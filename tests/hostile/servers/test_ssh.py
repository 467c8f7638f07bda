"""Remotes by SSH, against asyncssh: the user's keys and known hosts, nothing else."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from xreg.core.errors import RunError
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


def test_a_model_by_ssh_interrupted_both_ways(stranger, sandbox, ssh_server, toy_runs, model_about):
    url = ssh_server.url
    root = stranger(lambda r: config(r, f"url = {url}"))
    own_config(sandbox.home, f"url = {url}\n    user = me\n    password = T0KEN")
    known_hosts(sandbox.home, ssh_server.line)
    interrupted_publication(root, toy_runs[0], model_about)
    interrupted_pull(root, "noise@2.0.0")
