"""Remotes in buckets, against moto: the user's own credentials, no stranger's profile."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from xreg.core.files import folder_hash
from xreg.registry.datasets import find, pull
from xreg.registry.publishing import publish, verify
from xreg.registry.stores.writer import write_store
from xreg_tests.interruption import interrupted_publication, interrupted_pull


def config(root: Path, lines: str, name: str = "far") -> None:
    text = f'[core]\n    remote = {name}\n[remote "{name}"]\n    {lines}\n'
    (root / ".dvc" / "config").write_text(text)


def own_config(home: Path, lines: str, name: str = "mine") -> None:
    """Write the user's own DVC configuration."""
    path = home / ".config" / "dvc" / "config"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'[remote "{name}"]\n    {lines}\n')


# S3 ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3_server():
    pytest.importorskip("dvc_s3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def bucket(s3_server, published):
    """A bucket with the objects of a registry; what a test adds goes by the hash of its content."""
    import boto3

    keys = {"aws_access_key_id": "mine", "aws_secret_access_key": "T0KEN"}
    client = boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1", **keys)
    name = "strangers"
    client.create_bucket(Bucket=name)
    source = published / "dvc-remote"
    for path in source.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), name, f"data/{path.relative_to(source).as_posix()}")
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


def test_publishing_into_a_bucket(stranger, sandbox, s3_server, bucket, toy_dataset, about):
    store = write_store(toy_dataset(20, version="2.0.0"), sandbox.work / "new.zarr")
    root = stranger(lambda r: config(r, f"url = s3://{bucket}/data"))
    own_config(sandbox.home, f"url = s3://{bucket}\n    endpointurl = {s3_server}\n    {S3_KEYS}")
    assert publish(store, root, about).entry.version == "2.0.0"
    shutil.rmtree(root / ".dvc" / "cache")
    assert pull("toy@2.0.0", registry=root).is_dir()


def test_a_model_by_a_bucket_interrupted_both_ways(
    stranger, sandbox, s3_server, bucket, toy_runs, model_about
):
    root = stranger(lambda r: config(r, f"url = s3://{bucket}/data"))
    own_config(sandbox.home, f"url = s3://{bucket}\n    endpointurl = {s3_server}\n    {S3_KEYS}")
    interrupted_publication(root, toy_runs[0], model_about)
    interrupted_pull(root, "noise@2.0.0")
