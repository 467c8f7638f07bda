"""Datasets published and verified, with real git and real DVC."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from xreg.core.errors import (
    ConfigError,
    CorruptError,
    DataError,
    RunError,
    UnknownNameError,
)
from xreg.core.files import folder_hash
from xreg.registry.catalogue import Catalogue
from xreg.registry.datasets import cached, list_datasets, pull
from xreg.registry.publishing import publish, verify
from xreg.registry.stores.writer import write_store
from xreg.registry.versions.entries import DatasetEntry

pytestmark = pytest.mark.usefixtures("places")


def objects(root: Path) -> dict[str, Path]:
    """Every object of the registry's remote by its hash."""
    return {p.parent.name + p.name: p for p in (root / "dvc-remote").rglob("*") if p.is_file()}


def object_of(root: Path, name: str, file: str) -> Path:
    """The remote's object of one file of a dataset."""
    tree = json.loads(objects(root)[Catalogue(root, DatasetEntry).folder_hash].read_text())
    (md5,) = [item["md5"] for item in tree if item["relpath"] == f"{name}/{file}"]
    return objects(root)[md5]


pytestmark = pytest.mark.usefixtures("places")
SHARD = "spectra/xes/intensity/c/1/0"


# Publishing -------------------------------------------------------------------------------------


def test_published_is_read_only(registry, toy_dataset, tmp_path, about):
    before = (registry / "datasets.dvc").read_bytes()
    store = write_store(toy_dataset(20), tmp_path / "other.zarr")
    with pytest.raises(DataError, match=r"toy@1\.0\.0 is published already"):
        publish(store, registry, about)
    assert (registry / "datasets.dvc").read_bytes() == before
    assert not (registry / "datasets").exists()


def test_publishing_beside_versions_that_are_not_on_disk(registry, toy_dataset, tmp_path, about):
    store = write_store(toy_dataset(20, version="2.0.0"), tmp_path / "new.zarr")
    done = publish(store, registry, about)
    assert done.paths == ["datasets.dvc", ".gitignore", "cards/datasets/toy/2.0.0", "dvc-remote"]
    assert [f.entry.version for f in list_datasets(registry)] == ["1.0.0", "1.1.0", "2.0.0"]
    assert [v.problems for v in verify(registry=registry)] == [[], [], []]
    status = ["git", "-C", str(registry), "status", "--porcelain"]
    changed = subprocess.check_output(status, text=True).split("\n")
    assert {line[3:].split("/")[0] for line in changed if line} == {
        "cards",
        "datasets.dvc",
        "dvc-remote",
    }


def test_a_damaged_store_is_not_published(registry, toy_dataset, tmp_path, about):
    store = write_store(toy_dataset(50, version="2.0.0"), tmp_path / "new.zarr", shard_rows=20)
    (store / SHARD).unlink()
    before = (registry / "datasets.dvc").read_bytes()
    with pytest.raises(CorruptError, match="is missing"):
        publish(store, registry, about)
    assert (registry / "datasets.dvc").read_bytes() == before
    assert not (registry / "datasets").exists()


def test_a_push_that_fails_publishes_nothing_and_can_be_repeated(
    registry, toy_dataset, tmp_path, about
):
    store = write_store(toy_dataset(20, version="2.0.0"), tmp_path / "new.zarr")
    before = (registry / "datasets.dvc").read_bytes()
    shutil.move(registry / "dvc-remote", tmp_path / "aside")
    (registry / "dvc-remote").write_text("in the way")
    with pytest.raises(RunError):
        publish(store, registry, about)
    assert (registry / "datasets.dvc").read_bytes() == before
    (registry / "dvc-remote").unlink()
    shutil.move(tmp_path / "aside", registry / "dvc-remote")
    assert publish(store, registry, about).entry.version == "2.0.0"
    assert [v.problems for v in verify("toy@2.0.0", registry)] == [[]]


def test_what_stands_in_the_way_is_not_overwritten(registry, toy_dataset, tmp_path, about):
    store = write_store(toy_dataset(20, version="2.0.0"), tmp_path / "new.zarr")
    other = registry / "datasets" / "toy" / "2.0.0.zarr"
    write_store(toy_dataset(10, version="2.0.0"), other)
    kept = folder_hash(other)
    with pytest.raises(DataError, match="exists, is not published and differs"):
        publish(store, registry, about)
    assert folder_hash(other) == kept
    assert publish(other, registry, about).entry.samples == 10  # in place


@pytest.mark.parametrize(
    ("place", "error", "reason"),
    [
        (None, UnknownNameError, "no registry around the working folder"),
        ("file:///x", ConfigError, "clone it, publish in the clone"),
        (".", UnknownNameError, "is no registry"),
    ],
)
def test_where_nothing_can_be_published(toy_dataset, tmp_path, place, error, reason, about):
    store = write_store(toy_dataset(20), tmp_path / "new.zarr")
    with pytest.raises(error, match=reason):
        publish(store, place, about)


def test_dvc_itself_reads_what_is_published(registry):
    from dvc.repo import Repo

    with Repo(str(registry)) as repo:
        repo.pull()
        assert repo.status() == {}
    for (name, version), entry in Catalogue(registry, DatasetEntry).entries.items():
        assert folder_hash(registry / "datasets" / name / f"{version}.zarr") == entry.hash


# Verifying --------------------------------------------------------------------------------------


def test_every_damage_is_listed(registry):
    assert [v.problems for v in verify(registry=registry)] == [[], []]
    path = pull("toy@1.0.0", registry=registry)
    object_of(registry, "toy/1.1.0.zarr", "zarr.json").unlink()
    os.truncate(path / SHARD, 5)
    (path / "samples/ids/c/0").unlink()
    (path / "note").write_text("x")
    first, second = verify(registry=registry)
    assert first.copies == ["the remote 'bundled'", "the cache"]
    assert first.problems == [
        "samples/ids/c/0 is missing in the cache",
        f"{SHARD} is damaged in the cache",
        "note is foreign in the cache",
    ]
    assert second.problems == ["zarr.json is missing in the remote 'bundled'"]
    assert [v.found.entry.version for v in verify("toy@1.1.0", registry)] == ["1.1.0"]
    with pytest.raises(UnknownNameError):
        list(verify("nothing", registry))
    assert cached(first.found.entry) == path
