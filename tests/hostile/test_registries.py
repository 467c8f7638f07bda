"""Registries of strangers: what their lists, catalogues and configurations say is data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

from xreg.core.errors import CorruptError, RunError, XregError
from xreg.registry.datasets import open_dataset, pull
from xreg.registry.publishing import publish, verify
from xreg.registry.stores.writer import write_store


def config(text: str):
    """Replace the configuration of a registry."""
    return lambda root: (root / ".dvc" / "config").write_text(text)


def remote(lines: str, name: str = "x") -> str:
    return f'[core]\n    remote = {name}\n[remote "{name}"]\n    {lines}\n'


# Lists of files ---------------------------------------------------------------------------------

PATHS = {
    "absolute after the prefix is cut": "/home/me/x",
    "two levels up": "../../x",
    "up in the middle": "a/../../../x",
    "a dot": "./zarr.json",
    "a folder": "spectra/",
    "a drive": "C:/x",
    "a stream of NTFS": "zarr.json:x",
    "backslashes": "..\\..\\x",
    "a device of Windows": "spectra/nul.txt",
    "an escape sequence": "\x1b[2Jx",
    "a line feed": "x\ny",
    "a null": "x\0",
    "right to left": "x\u202egnp",
    "a long name": "x" * 256,
    "a long path": "/".join(["xxxxxxxxx"] * 120),
    "a trailing dot": "x./y",
    "a trailing space": "x /y",
    "not in normal form": "e\u0301",
    "a lone surrogate": "\ud800",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_leaves_its_folder_or_steers(stranger, tools, sandbox, path):
    def change(root: Path) -> None:
        md5 = tools.put_object(root, b"payload")
        entry = {"md5": md5, "relpath": f"toy/1.0.0.zarr/{PATHS[path]}"}
        tools.forge(root, "1.0.0", lambda items: items.append(entry))

    root = stranger(change)
    sandbox.freeze()
    with pytest.raises(CorruptError, match="unusable entry"):
        pull("toy@1.0.0", registry=root.as_uri())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("zarr.json", "collides"),
        ("ZARR.json", "collides"),
        ("SPECTRA/x", "collides"),
        ("zarr.json/x", "a file and a folder"),
        ("\uff5aarr.json", "collides"),
    ],
)
def test_two_paths_that_some_system_takes_for_one(stranger, tools, sandbox, path, reason):
    def change(root: Path) -> None:
        md5 = tools.put_object(root, b"payload")
        entry = {"md5": md5, "relpath": f"toy/1.0.0.zarr/{path}"}
        tools.forge(root, "1.0.0", lambda items: items.append(entry))

    root = stranger(change)
    sandbox.freeze()
    with pytest.raises(CorruptError, match=reason):
        pull("toy@1.0.0", registry=root)


@pytest.mark.parametrize(
    "blob",
    [b"7", b"[7]", b'[{"relpath": "x"}]', b'{"a": 1}', b"[" * 100_000, b"\xff"],
    ids=["number", "numbers", "no hash", "mapping", "deep", "no text"],
)
def test_a_list_that_is_none(stranger, tools, sandbox, blob):
    def change(root: Path) -> None:
        body = yaml.safe_load((root / "datasets.dvc").read_text())
        body["outs"][0]["md5"] = tools.put_object(root, blob, ".dir")
        (root / "datasets.dvc").write_text(yaml.safe_dump(body))

    root = stranger(change)
    sandbox.freeze()
    with pytest.raises(CorruptError, match="list of files"):
        pull("toy@1.0.0", registry=root)


@pytest.mark.parametrize(
    "md5", ["../../../../home/me/x.dir", "/etc/passwd", "ab", "A" * 32 + ".dir", 7, None, "a" * 32]
)
def test_a_hash_that_is_a_path(stranger, sandbox, md5):
    def change(root: Path) -> None:
        body = yaml.safe_load((root / "datasets.dvc").read_text())
        body["outs"][0]["md5"] = md5
        (root / "datasets.dvc").write_text(yaml.safe_dump(body))

    root = stranger(change)
    sandbox.freeze()
    with pytest.raises(CorruptError, match="does not say which files"):
        pull("toy@1.0.0", registry=root)


# Configurations ---------------------------------------------------------------------------------

PAYLOADS = {
    "s3": "url = s3://bucket/x\n    profile = evil\n    credentialpath = credentials\n"
    "    configpath = aws",
    "ssh": "url = ssh://host/x\n    keyfile = key\n    ask_password = true\n    gss_auth = true",
    "webdav": "url = webdavs://host/x\n    bearer_token_command = touch {sentinel}",
    "http": "url = https://host/x\n    auth = custom\n    custom_auth_header = X\n"
    "    password = y\n    ssl_verify = false\n    method = PUT",
    "gs": "url = gs://bucket/x\n    credentialpath = key.json\n    endpointurl = http://evil",
    "azure": "url = azure://x/y\n    connection_string = z\n    account_name = evil",
}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_of_a_remote_only_its_name_and_url_are_read(stranger, sandbox, kind, caplog):
    from xreg.registry.remotes import read_remote

    text = PAYLOADS[kind].format(sentinel=sandbox.sentinel)
    aws = f"[profile evil]\ncredential_process = touch {sandbox.sentinel}\n"

    def change(root: Path) -> None:
        config(remote(text))(root)
        for name in ("aws", "credentials"):
            (root / ".dvc" / name).write_text(aws)

    root = stranger(change)
    sandbox.freeze()
    found = read_remote(root, cloned=True)
    assert dict(found.settings) == {}
    assert "these are not used: remote." in caplog.text
    for line in text.splitlines()[1:]:
        assert f"remote.{line.split()[0]}" in caplog.text


SECTIONS = {
    "a cache elsewhere": "[cache]\n    dir = {home}/cache\n[core]\n    site_cache_dir = {home}/y\n",
    "Hydra's plugins": "[hydra]\n    enabled = true\n    plugins_path = plugins\n",
    "a machine's script": '[machine "m"]\n    cloud = aws\n    startup_script = {home}/x\n',
    "a database": '[db "d"]\n    url = sqlite:///{home}/x\n',
    "DVC Studio": "[studio]\n    token = x\n    url = http://127.0.0.1:9\n",
}


@pytest.mark.parametrize("section", SECTIONS)
def test_sections_that_are_none_of_a_registrys_business(stranger, sandbox, section, caplog):
    text = SECTIONS[section].format(home=sandbox.home)
    root = stranger(
        lambda root: (root / ".dvc" / "config").write_text(
            (root / ".dvc" / "config").read_text() + text.replace("[core]\n", "")
        )
    )
    sandbox.freeze()
    assert len(open_dataset("toy@1.0.0", registry=root.as_uri())) == 50
    assert "these are not used" in caplog.text


URLS = {
    "another remote": "remote://other/x",
    "a program": "ext::sh -c 'touch x'",
    "an unknown scheme": "xyz://a/b",
    "Google Drive, which opens a browser": "gdrive://x/y",
    "HDFS, which starts Java": "hdfs://x/y",
    "a git repository": "git://x/y",
    "another DVC repository": "dvc://x/y",
    "memory": "memory://x",
    "an option for ssh": "ssh://-oProxyCommand=x/y",
    "a shell's words in a host": "ssh://$(touch x)/y",
    "a credential": "https://user:T0KEN@host/x",
    "a token": "https://host/x?token=T0KEN",
    "no host": "http:///x",
    "a bad port": "http://host:T0KEN/x",
    "a climb": "s3://bucket/../x",
    "a control character": "http://host/\x1b[2J",
    "a folder above the clone": "../../../outside",
    "an absolute folder": "/etc",
    "the user's home": "~/x",
    "a file URL": "file:///etc",
}


@pytest.mark.parametrize("url", URLS)
def test_a_remote_that_is_not_followed(stranger, sandbox, xreg, url):
    root = stranger(config(remote(f"url = {URLS[url]}")))
    sandbox.freeze()
    text = xreg("data", "pull", "toy@1.0.0", "-r", root.as_uri(), code=1)
    assert "its remote 'x' is at" in text
    if "T0KEN" in URLS[url] and ":T0KEN/" not in URLS[url]:
        assert "T0KEN" not in text


def test_the_home_of_a_user_who_is_not_here(stranger, sandbox, xreg):
    """Python knows no such home, and said so in an exception of its own."""
    root = stranger(config(remote("url = ~nosuchuser/x")))
    sandbox.freeze()
    with pytest.raises(CorruptError, match="missing"):
        pull("toy@1.0.0", registry=root.as_uri())
    assert "'~nosuchuser/x' is no folder" in xreg("data", "list", "-r", "~nosuchuser/x", code=2)


@pytest.mark.parametrize(
    "text",
    ["[core", "\xff\xfe", "[core]\nremote = a b", "[core]\nremote = x", "[[[[", remote("jobs = 1")],
    ids=["open", "bytes", "name", "nowhere", "deep", "no url"],
)
def test_a_configuration_that_is_none(stranger, sandbox, text):
    root = stranger(lambda r: (r / ".dvc" / "config").write_bytes(text.encode("latin-1")))
    sandbox.freeze()
    with pytest.raises((CorruptError, RunError), match="registry"):
        pull("toy@1.0.0", registry=root)


def test_a_local_configuration_is_not_read(stranger, sandbox, caplog):
    root = stranger(
        lambda r: (r / ".dvc" / "config.local").write_text(remote("url = /etc", "bundled"))
    )
    sandbox.freeze()
    assert len(open_dataset("toy@1.0.0", registry=root)) == 50
    assert "config.local is not read" in caplog.text


# Links and devices ------------------------------------------------------------------------------


def link_remote(root: Path) -> None:
    shutil.rmtree(root / "dvc-remote")
    (root / "dvc-remote").symlink_to("/etc")


def link_object(root: Path) -> None:
    for path in (root / "dvc-remote").rglob("*"):
        if path.is_file():
            path.unlink()
            path.symlink_to("/etc/hostname")


def link_catalogue(root: Path) -> None:
    (root / "datasets.dvc").rename(root / "other.dvc")
    (root / "datasets.dvc").symlink_to("other.dvc")


def link_dvc(root: Path) -> None:
    (root / ".dvc").rename(root / "other")
    (root / ".dvc").symlink_to("other")


def link_config(root: Path) -> None:
    (root / ".dvc" / "config").rename(root / "config")
    (root / ".dvc" / "config").symlink_to("../config")


LINKS = (link_remote, link_object, link_catalogue, link_dvc, link_config)


@pytest.mark.parametrize("change", LINKS)
@pytest.mark.parametrize("by_url", [False, True])
def test_a_link_is_not_followed(stranger, sandbox, change, by_url):
    root = stranger(change)
    sandbox.freeze()
    with pytest.raises(XregError):
        pull("toy@1.0.0", registry=root.as_uri() if by_url else root)


def test_a_pipe_in_place_of_an_object_does_not_hang(stranger, sandbox):
    root = stranger()
    for path in list((root / "dvc-remote").rglob("*")):
        if path.is_file():
            path.unlink()
            os.mkfifo(path)
    with pytest.raises(CorruptError, match="neither a file nor a folder"):
        pull("toy@1.0.0", registry=root)


@pytest.mark.parametrize("place", ["datasets", ".dvc/cache", ".dvc/tmp", ".gitignore", "cards"])
def test_publishing_follows_no_link(stranger, sandbox, toy_dataset, place, about):
    store = write_store(toy_dataset(20, version="2.0.0"), sandbox.work / "new.zarr")
    (sandbox.home / "target").mkdir()

    def change(root: Path) -> None:
        if (root / place).is_dir():
            shutil.rmtree(root / place)
        (root / place).unlink(missing_ok=True)
        (root / place).symlink_to(sandbox.home / "target")

    root = stranger(change)
    sandbox.freeze()
    with pytest.raises(CorruptError, match="symbolic link"):
        publish(store, root, about)
    assert list((sandbox.home / "target").iterdir()) == []


def test_publishing_into_a_folder_elsewhere_needs_the_users_word(
    stranger, sandbox, toy_dataset, about
):
    store = write_store(toy_dataset(20, version="2.0.0"), sandbox.work / "new.zarr")
    outside = sandbox.root / "outside"
    outside.mkdir()
    root = stranger()
    shutil.copytree(root / "dvc-remote", outside, dirs_exist_ok=True)
    config(remote(f"url = {outside}"))(root)
    with pytest.raises(RunError, match=r"outside of its folder.*dvc remote add --global x"):
        publish(store, root, about)
    own = sandbox.home / ".config" / "dvc" / "config"
    own.parent.mkdir(parents=True)
    own.write_text(f'[remote "mine"]\n    url = {outside}\n')
    assert publish(store, root, about).entry.version == "2.0.0"
    assert [v.problems for v in verify("toy@2.0.0", root)] == [[]]
