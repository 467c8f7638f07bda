"""Datasets by version, with real git and real DVC."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from xreg.core.errors import (
    ConfigError,
    CorruptError,
    DataError,
    MissingRequirementError,
    RunError,
    UnknownNameError,
)
from xreg.core.files import file_md5, files_below, folder_hash
from xreg.registry import registries
from xreg.registry.catalogue import Catalogue
from xreg.registry.datasets import find, list_datasets, open_dataset, parse_reference, pull
from xreg.registry.publishing import publish, verify
from xreg.registry.stores.store import open_store
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


def left_in_cache(places: Path) -> list[str]:
    folder = places / "cache" / "datasets"
    return sorted(os.listdir(folder)) if folder.is_dir() else []


SHARD = "spectra/xes/intensity/c/1/0"


# Finding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "error", "reason"),
    [
        ("tyo", UnknownNameError, r"no dataset 'tyo' \(did you mean 'toy'\?\)"),
        ("toy@1.1.1", UnknownNameError, r"no version 1\.1\.1 \(did you mean '1\.1\.0'\?\)"),
        ("../toy", DataError, r"'\.\./toy' is no name of a dataset"),
        ("toy@../1.0.0", DataError, r"'\.\./1\.0\.0' is no version"),
        ("toy@1.0.0\n", DataError, "is no version"),
        ("/etc", DataError, "is no name"),
        ("", DataError, "is no name"),
        ("toy@1", DataError, "versions are like 1.0.0"),
    ],
)
def test_unknown_and_unsafe_names(registry, places, reference, error, reason):
    for action in (find, pull, open_dataset):
        with pytest.raises(error, match=reason):
            action(reference, registry=registry)
    assert left_in_cache(places) == []


def test_a_reference_is_split():
    assert parse_reference("h2o") == ("h2o", None)
    assert parse_reference("h2o@1.2.3") == parse_reference("h2o", "1.2.3") == ("h2o", "1.2.3")
    with pytest.raises(DataError, match="contradict"):
        parse_reference("h2o@1.2.3", "1.2.4")


def test_what_there_is_is_known_without_pulling(registry, places):
    entries = [found.entry for found in list_datasets(registry)]
    assert [entry.reference for entry in entries] == ["toy@1.0.0", "toy@1.1.0"]
    entry = find("toy", registry=registry).entry
    assert entry.version == "1.1.0"
    assert (entry.samples, entry.kind, entry.contents) == (70, "structures", "H, O")
    assert str(entry.channels["xes"]) == "30 points, 520 … 530 eV"
    assert entry.channels["moments"].features == ["mean", "width"]
    assert entry.labels == {"temperature": "K", "trajectory": "", "converged": ""}
    assert sum(entry.splits["default"].values()) == 70
    assert entry.provenance["generator"] == {"name": "noise", "seed": 0}
    assert left_in_cache(places) == []


def test_versions_are_ordered_as_numbers(registry):
    body = yaml.safe_load((registry / "datasets.dvc").read_text())
    versions = body["meta"]["datasets"]["toy"]
    versions["1.10.0"] = versions["1.9.0"] = versions["1.0.0"]
    (registry / "datasets.dvc").write_text(yaml.safe_dump(body))
    assert Catalogue(registry, DatasetEntry).versions("toy") == [
        "1.0.0",
        "1.1.0",
        "1.9.0",
        "1.10.0",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("outs: [", "is no YAML"),
        ("- 1", "is not what DVC writes"),
        ("meta: {datasets: {toy: {1.0.0: {size: 1}}}}", "toy 1.0.0: 'hash' is required"),
        ("meta: {datasets: {toy: {1.0.0: 7}}}", "toy 1.0.0"),
    ],
)
def test_a_malformed_catalogue_is_one_sentence(registry, text, reason):
    (registry / "datasets.dvc").write_text(text)
    with pytest.raises(CorruptError, match=reason):
        find("toy", registry=registry)


# Pulling ----------------------------------------------------------------------------------------


def test_pulled_is_what_was_published(registry, places, toy_dataset):
    before = files_below(registry)
    path = pull("toy@1.0.0", registry=registry)
    assert files_below(registry) == before  # nothing of the registry was touched
    assert left_in_cache(places) == [path.name]
    entry = find("toy@1.0.0", registry=registry).entry
    assert folder_hash(path) == entry.hash
    dataset, exact = open_dataset("toy", "1.0.0", registry), toy_dataset()
    assert dataset.hash == entry.hash == open_store(path).hash
    np.testing.assert_array_equal(dataset.samples.ids, exact.samples.ids)
    np.testing.assert_array_equal(dataset.samples.positions, exact.samples.positions)
    moments = dataset.spectra["moments"].intensity
    assert not isinstance(moments, np.ndarray)
    np.testing.assert_array_equal(moments, exact.spectra["moments"].intensity)
    assert os.stat(path / SHARD).st_mode & 0o777 == 0o444


def test_a_path_is_opened_as_it_is(registry, toy_dataset, tmp_path):
    store = write_store(toy_dataset(), tmp_path / "mine.zarr")
    assert open_dataset(str(store)).metadata.name == "toy"


def test_two_versions_share_the_full_shards(registry):
    root = registry
    tree = json.loads(objects(root)[Catalogue(root, DatasetEntry).folder_hash].read_text())
    md5s = {item["relpath"]: item["md5"] for item in tree}
    for file in ("spectra/xes/intensity/c/0/0", "samples/structures/positions/c/1/0"):
        assert md5s[f"toy/1.0.0.zarr/{file}"] == md5s[f"toy/1.1.0.zarr/{file}"]


def test_a_missing_object_is_named_and_nothing_is_left(registry, places):
    object_of(registry, "toy/1.0.0.zarr", SHARD).unlink()
    with pytest.raises(CorruptError, match=rf"pulling toy@1\.0\.0: {SHARD}: .* is missing from"):
        pull("toy@1.0.0", registry=registry)
    assert left_in_cache(places) == []


def test_a_changed_object_is_named_and_nothing_is_left(registry, places):
    victim = object_of(registry, "toy/1.0.0.zarr", "spectra/xes/intensity/c/2/0")
    content = bytearray(victim.read_bytes())
    content[11] ^= 1  # the same length, so that only the hash can tell
    victim.chmod(0o644)
    victim.write_bytes(content)
    with pytest.raises(CorruptError, match=r"intensity/c/2/0: .* is damaged in the remote"):
        open_dataset("toy@1.0.0", registry=registry)
    assert left_in_cache(places) == []


def rewrite_tree(root: Path, change) -> None:
    """Replace the list of files by one that is consistent in itself, as a forger would."""
    tree = json.loads(objects(root)[Catalogue(root, DatasetEntry).folder_hash].read_text())
    change(tree)
    blob = root / "blob"
    blob.write_text(json.dumps(tree, sort_keys=True))
    md5 = file_md5(blob)
    target = root / "dvc-remote/files/md5" / md5[:2] / f"{md5[2:]}.dir"
    target.parent.mkdir(exist_ok=True)
    blob.rename(target)
    text = (root / "datasets.dvc").read_text()
    (root / "datasets.dvc").write_text(
        text.replace(Catalogue(root, DatasetEntry).folder_hash, f"{md5}.dir")
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tree: tree[0].update(relpath="../../evil"), "unusable entry '../../evil'"),
        (lambda tree: tree[0].update(relpath="/evil"), "unusable entry '/evil'"),
        (lambda tree: tree[0].update(md5="../../../etc/passwd"), "unusable entry"),
        (lambda tree: tree.pop(0), "not those that were published"),
        (lambda tree: tree[3].update(md5=tree[4]["md5"]), "not those that were published"),
    ],
)
def test_a_forged_list_of_files_is_refused(registry, places, change, reason):
    rewrite_tree(registry, change)
    with pytest.raises(CorruptError, match=reason):
        pull("toy@1.0.0", registry=registry)
    assert left_in_cache(places) == []


def test_a_damaged_list_of_files_is_refused(registry, places):
    victim = objects(registry)[Catalogue(registry, DatasetEntry).folder_hash]
    victim.chmod(0o644)
    victim.write_text(victim.read_text().replace("toy", "tox", 1))
    with pytest.raises(CorruptError, match=r"list of files .* is missing or damaged in the remote"):
        pull("toy", registry=registry)
    assert left_in_cache(places) == []


def test_a_damaged_copy_is_noticed_and_mended(registry, places):
    path = pull("toy", registry=registry)
    (path / SHARD).unlink()
    with pytest.raises(CorruptError, match=r"`xreg data pull toy@1\.1\.0` mends it: .* is missing"):
        open_dataset("toy", registry=registry)
    assert pull("toy", registry=registry) == path
    assert folder_hash(path) == find("toy", registry=registry).entry.hash
    assert left_in_cache(places) == [path.name]


@pytest.fixture
def web(registry):
    """The registry with its remote on a web server."""
    handler = partial(Quiet, directory=str(registry / "dvc-remote"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        config = registry / ".dvc" / "config"
        config.write_text(f'[core]\n    remote = web\n[remote "web"]\n    url = {url}\n')
        yield registry
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_remote_on_the_web(web, places):
    path = pull("toy@1.0.0", registry=web)
    assert folder_hash(path) == find("toy@1.0.0", registry=web).entry.hash
    (check,) = verify("toy@1.1.0", web)
    assert check.problems == []
    object_of(web, "toy/1.1.0.zarr", "samples/ids/c/0").unlink()
    with pytest.raises(CorruptError, match=r"samples/ids/c/0: .* missing from the remote 'web'"):
        pull("toy@1.1.0", registry=web)
    assert left_in_cache(places) == [path.name]


@pytest.mark.parametrize(
    ("remote", "error", "reason"),
    [
        ("url = http://127.0.0.1:9", RunError, "reading from the remote 'x' failed"),
        ("url = xyz://a", RunError, "registry .* failed: .*xyz"),
        ("url = s3://b\n    version_aware = true", RunError, "keeps versions by the cloud"),
        ("url = gs://b", MissingRequirementError, "requires 'dvc-gs' to be installed"),
    ],
)
def test_a_remote_that_cannot_be_used(registry, places, remote, error, reason):
    config = registry / ".dvc" / "config"
    config.write_text(f'[core]\n    remote = x\n[remote "x"]\n    {remote}\n')
    with pytest.raises(error, match=reason):
        pull("toy", registry=registry)
    assert left_in_cache(places) == []


# Registries -------------------------------------------------------------------------------------


def test_the_registry_around_the_working_folder(registry, monkeypatch):
    with pytest.raises(UnknownNameError, match="no registry: work inside a clone"):
        find("toy")
    (registry / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(registry / "deep" / "down")
    assert find("toy").registry.location == str(registry)


def test_a_registry_by_url(registry, places, toy_dataset, git, about):
    url = registry.as_uri()
    assert find("toy@1.0.0", registry=url).registry.location == url
    assert len(open_dataset("toy@1.0.0", registry=url)) == 50
    (clone,) = [p for p in (places / "cache/registries").glob("*/*") if p.name[0] != "."]
    count = ["git", "-C", str(clone), "rev-list", "--count", "HEAD"]
    assert subprocess.check_output(count) == b"1\n"  # shallow

    store = write_store(toy_dataset(30, version="2.0.0"), places / "new.zarr")
    publish(store, registry, about)
    git(registry, "add", "--all")
    git(registry, "commit", "--quiet", "-m", "data")
    assert find("toy", registry=url).entry.version == "2.0.0"
    assert len(open_dataset("toy@2.0.0", registry=url)) == 30

    registry.rename(registry.with_name("gone"))  # as good as off line
    assert find("toy@1.1.0", registry=url).entry.version == "1.1.0"
    assert find("toy", registry=url).entry.version == "2.0.0"
    with pytest.raises(RunError, match=r"git ls-remote .* failed"):
        find("toy", registry=(places / "never").as_uri())


def test_registries_of_the_configuration(registry, places):
    registries.add("mine", str(registry))
    registries.add("far", registry.as_uri())
    assert [r.name for r in registries.candidates()] == ["mine", "far"]
    assert find("toy").registry.name == "mine"
    assert find("toy", registry="far").registry.remote
    assert [f.registry.name for f in list_datasets()] == ["mine"] * 2 + ["far"] * 2
    with pytest.raises(ConfigError, match="'mine' is configured already"):
        registries.add("mine", str(registry))
    with pytest.raises(UnknownNameError, match=r"'mien' .* \(did you mean 'mine'\?\)"):
        registries.candidates("mien")
    with pytest.raises(UnknownNameError, match="did you mean 'far'"):
        registries.remove("fra")
    registries.remove("far")
    assert list((places / "cache" / "registries").iterdir()) == []
    assert [r.name for r in registries.configured()] == ["mine"]


@pytest.mark.parametrize(
    ("name", "place", "error", "reason"),
    [
        ("../x", ".", ConfigError, "cannot name a registry"),
        ("x", ".", UnknownNameError, "is no registry"),
        ("x", "nowhere", UnknownNameError, "is no registry"),
        ("x", "file:///nowhere", RunError, "git ls-remote file:///nowhere failed"),
    ],
)
def test_what_is_no_registry_is_not_added(places, name, place, error, reason):
    with pytest.raises(error, match=reason):
        registries.add(name, place)
    assert not (places / "config.yaml").exists()


def test_one_unreachable_registry_does_not_hide_the_others(registry, places, caplog):
    settings = {"registries": {"lost": (places / "lost").as_uri(), "mine": str(registry)}}
    (places / "config.yaml").write_text(yaml.safe_dump(settings))
    assert find("toy").registry.name == "mine"
    assert "registry lost is left out" in caplog.text


@pytest.mark.parametrize("text", ["[", "7", "registries: 3"])
def test_a_malformed_configuration_is_one_sentence(places, text):
    (places / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        registries.candidates()
