"""Stores: what is written is read back, and what is damaged is noticed before it is used."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters, Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import Split
from xreg.core.errors import CorruptError, DataError, RunError, UnknownNameError
from xreg.core.files import folder_hash
from xreg.registry.stores import layout
from xreg.registry.stores.shards import StoredArray
from xreg.registry.stores.store import ChannelSpec, open_store, validate_store
from xreg.registry.stores.writer import StoreWriter, write_store


@pytest.fixture(scope="module")
def written(toy_dataset, tmp_path_factory):
    """A store of several shards a channel; do not change it."""
    return write_store(toy_dataset(), tmp_path_factory.mktemp("store") / "toy.zarr", shard_rows=20)


@pytest.fixture
def store(written, tmp_path):
    """A copy that may be damaged."""
    return Path(shutil.copytree(written, tmp_path / "toy.zarr"))


def assert_same(stored: Dataset, given: Dataset) -> None:
    assert stored.metadata == given.metadata
    assert type(stored.samples) is type(given.samples)
    np.testing.assert_array_equal(stored.samples.ids, given.samples.ids)
    columns = ("numbers", "positions", "offsets", "absorber", "cell", "pbc")
    if isinstance(given.samples, Parameters):
        columns = ("values", "names", "units")
    for column in columns:
        np.testing.assert_array_equal(
            np.asarray(getattr(stored.samples, column)), np.asarray(getattr(given.samples, column))
        )
    assert list(stored.spectra) == list(given.spectra)
    for name, channel in given.spectra.items():
        np.testing.assert_array_equal(np.asarray(stored.spectra[name].intensity), channel.intensity)
        np.testing.assert_array_equal(stored.spectra[name].energy, channel.energy)
        assert stored.spectra[name].features == channel.features
        assert stored.spectra[name].unit == channel.unit
    assert list(stored.labels) == list(given.labels)
    for name, label in given.labels.items():
        np.testing.assert_array_equal(stored.labels[name], label)
    assert stored.label_units == given.label_units
    assert list(stored.splits) == list(given.splits)
    for name, split in given.splits.items():
        for part in ("train", "validation", "test"):
            np.testing.assert_array_equal(getattr(stored.splits[name], part), getattr(split, part))


@st.composite
def datasets(draw):
    n = draw(st.integers(1, 23))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
    ids = [f"{draw(text)}{i}" for i in range(n)]
    if draw(st.booleans()):
        sizes = rng.integers(1, 6, n)
        total = int(sizes.sum())
        samples = Structures(
            ids,
            rng.integers(1, 119, total),
            rng.normal(size=(total, 3)),
            np.concatenate([[0], np.cumsum(sizes)]),
            rng.integers(0, sizes),
            cell=rng.normal(size=(n, 3, 3)),
            pbc=rng.integers(0, 2, (n, 3)).astype(bool),
        )
    else:
        samples = Parameters(ids, rng.normal(size=(n, 2)), ["Dq", "Δ"], ["eV", ""])
    m = draw(st.integers(1, 5))
    dtype = draw(st.sampled_from(["f4", "f8"]))
    channels = {"xas": Channel(rng.normal(size=(n, m)).astype(dtype), np.sort(rng.random(m)))}
    if draw(st.booleans()):
        names = tuple(f"moment {i}" for i in range(m))
        channels["moments"] = Channel(rng.normal(size=(n, m)), None, names, "eV")
    labels = {
        "energy": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        "count": rng.integers(-5, 5, n),
        "flag": rng.random(n) < 0.5,
        "name": np.array([draw(text) for _ in range(n)]),
    }
    cut = sorted(rng.integers(0, n + 1, 2))
    split = Split(*np.split(rng.permutation(samples.ids), cut))
    metadata = Metadata(
        name="random", version="0.1.0", description=draw(text), provenance={"a": [1]}
    )
    return Dataset(
        samples, Spectra(channels), metadata, labels, {"energy": "eV"}, {"random": split}
    )


@settings(max_examples=6)
@given(datasets(), st.integers(5, 30))
def test_a_dataset_survives_the_store(dataset, shard_rows):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")  # no part of the format is unstable
        path = write_store(dataset, Path(folder, "x.zarr"), shard_rows=shard_rows)
        stored = open_store(path)
        assert_same(stored, dataset)
        # The same bytes again, also from what was stored.
        again = write_store(stored, Path(folder, "y.zarr"), shard_rows=shard_rows)
        assert folder_hash(again) == folder_hash(path) == stored.hash


KEYS = [
    7, -1, slice(None), slice(3, 27), slice(40, 99), slice(30, 10), slice(2, 45, 3), [4, 1, 44],
    np.arange(50) % 7 == 0, np.array([49]),
    (slice(5, 30), slice(2, 9)), (slice(None), [0, 5]), ([1, 30], 2), (..., 3), (9, ...),
]  # fmt: skip


@pytest.mark.parametrize("bits", [None, 11])
def test_an_array_on_disk_is_indexed_like_one_in_memory(toy_dataset, tmp_path, bits):
    dataset = toy_dataset()
    precision = {"xes": bits} if bits else None
    path = write_store(dataset, tmp_path / "x.zarr", shard_rows=20, precision=precision)
    lazy = open_store(path).spectra["xes"].intensity
    memory = zarr.open_array(path / "spectra/xes/intensity", mode="r")[:]  # read by Zarr itself
    if bits is None:
        np.testing.assert_array_equal(memory, dataset.spectra["xes"].intensity)
    for key in KEYS:
        np.testing.assert_array_equal(lazy[key], memory[key], err_msg=str(key))
    assert lazy[np.array([], int)].shape == (0, 30)


def test_large_reads_in_parallel_give_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("xreg.registry.stores.shards.PARALLEL_BYTES", 1000)
    values = np.random.default_rng(0).random((300, 40))
    samples = Parameters([str(i) for i in range(300)], np.zeros((300, 1)), ["x"], [""])
    channels = {name: Channel(values, np.arange(40.0)) for name in ("xes", "xas")}
    dataset = Dataset(samples, Spectra(channels), Metadata(name="large", version="1.0.0"))
    path = write_store(dataset, tmp_path / "x.zarr", shard_rows=30, precision={"xas": 52})
    for channel in open_store(path, validate=False).spectra.values():
        array = pickle.loads(pickle.dumps(channel.intensity))
        np.testing.assert_array_equal(array[17:290], values[17:290])


def test_opening_reads_no_spectrum(written, monkeypatch):
    read, rows = [], StoredArray.rows

    def spy(self, low, high):
        read.append(self.name)
        return rows(self, low, high)

    monkeypatch.setattr(StoredArray, "rows", spy)
    dataset = open_store(written, validate=False, content_hash="known")
    assert "samples/structures/offsets" in read
    assert not [name for name in read if name.endswith(("intensity", "positions", "numbers"))]
    assert dataset.samples[3].positions.shape == (3, 3)
    assert "samples/structures/positions" in read


def test_hash_is_the_one_that_dvc_gives(written):
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.db import HashFileDB
    from dvc_objects.fs.local import LocalFileSystem

    fs = LocalFileSystem()
    odb = HashFileDB(fs, str(written.parent / "odb"), hash_name="md5")
    _, _, tree = build(odb, str(written), fs, "md5", dry_run=True)
    assert open_store(written).hash == tree.hash_info.value


@pytest.mark.parametrize("bits", [4, 11, 23, 30])
def test_precision_bounds_the_error_and_is_recorded(toy_dataset, tmp_path, bits):
    dataset = toy_dataset()
    keep = {"moments": bits, "positions": bits}
    stored = open_store(write_store(dataset, tmp_path / "x.zarr", precision=keep))
    pairs = [
        (stored.spectra["moments"].intensity, dataset.spectra["moments"].intensity),
        (stored.samples.positions, dataset.samples.positions),
    ]
    for array, exact in pairs:
        assert array.attributes["precision_bits"] == bits
        assert array.dtype == (np.float32 if bits <= 23 else np.float64)
        error = np.abs(array[:] / exact - 1).max()
        assert 0.1 * 2.0 ** -(bits + 1) < error <= 2.0 ** -(bits + 1)
    np.testing.assert_array_equal(stored.spectra["xes"].intensity, dataset.spectra["xes"].intensity)


@pytest.mark.parametrize("chunk_bytes", [layout.CHUNK_BYTES, 300])
def test_a_longer_version_repeats_the_full_shards_of_a_shorter_one(
    toy_dataset, tmp_path, monkeypatch, chunk_bytes
):
    """Also of one that was cut into other chunks, as an earlier xreg may have done."""
    keep = {"xes": 11, "positions": 20}
    with monkeypatch.context() as earlier:
        earlier.setattr(layout, "CHUNK_BYTES", chunk_bytes)
        short = write_store(toy_dataset(50), tmp_path / "s.zarr", shard_rows=20, precision=keep)
    long = write_store(toy_dataset(130, version="1.1.0"), tmp_path / "l.zarr", like=short)
    for array in (
        "spectra/xes/intensity/c/{}/0",
        "spectra/moments/features/c/{}/0",
        "samples/structures/positions/c/{}/0",
        "samples/structures/numbers/c/{}",
    ):
        for shard in range(2):
            name = array.format(shard)
            assert (long / name).read_bytes() == (short / name).read_bytes()
        assert (long / array.format(2)).read_bytes() != (short / array.format(2)).read_bytes()
    assert open_store(long).samples.positions.attributes["precision_bits"] == 20


# Writing piece by piece -------------------------------------------------------------------------


def writer(path, dataset, **options) -> StoreWriter:
    specs = {
        name: ChannelSpec(c.energy, c.features, c.unit, c.intensity.dtype.name)
        for name, c in dataset.spectra.items()
    }
    return StoreWriter(path, dataset.metadata, dataset.samples, specs, shard_rows=20, **options)


def rows(dataset, start, stop):
    return {name: c.intensity[start:stop] for name, c in dataset.spectra.items()}


def test_blocks_in_any_order_make_the_same_store(toy_dataset, written, tmp_path):
    dataset = toy_dataset()
    with writer(tmp_path / "toy.zarr", dataset) as store:
        store.write_rows(20, rows(dataset, 20, 50))
        assert not (tmp_path / "toy.zarr").exists()
        store.write_rows(0, rows(dataset, 0, 20))
        path = store.commit(dataset.labels, dataset.label_units, dataset.splits)
    assert folder_hash(path) == folder_hash(written)
    assert os.listdir(tmp_path) == ["toy.zarr"]


@pytest.mark.parametrize(
    ("start", "stop", "reason"),
    [
        (10, 30, "not whole shards of 20"),
        (20, 30, "not whole shards of 20"),
        (40, 50, "rows from 0 on were never written"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(toy_dataset, tmp_path, start, stop, reason):
    dataset = toy_dataset()

    def write():
        with writer(tmp_path / "x.zarr", dataset) as store:
            store.write_rows(start, rows(dataset, start, stop))
            store.commit()

    with pytest.raises(DataError, match=reason):
        write()
    assert os.listdir(tmp_path) == []


def test_what_is_not_finite_is_refused_by_name(toy_dataset, tmp_path):
    dataset = toy_dataset()
    dataset.spectra["xes"].intensity[23, 4] = np.nan
    with pytest.raises(DataError, match=r"channel 'xes': values of 1 sample .*step-0023é'"):
        write_store(dataset, tmp_path / "x.zarr", shard_rows=20)
    dataset = toy_dataset()
    dataset.samples.positions[70] = np.inf
    with pytest.raises(DataError, match="'trajectory-2/step-0023é' has a position that is not"):
        write_store(dataset, tmp_path / "x.zarr", shard_rows=20)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"precision": {"xse": 9}}, UnknownNameError, "did you mean 'xes'"),
        ({"precision": {"xes": 0}}, DataError, "give 1 … 52"),
        ({"shard_rows": 0}, DataError, "shard_rows is 0"),
    ],
)
def test_bad_settings_are_refused(toy_dataset, tmp_path, options, error, reason):
    with pytest.raises(error, match=reason):
        write_store(toy_dataset(), tmp_path / "x.zarr", **options)
    assert os.listdir(tmp_path) == []


def test_a_name_that_leaves_the_store_is_refused(toy_dataset, tmp_path):
    dataset = toy_dataset()
    bad = Dataset(
        dataset.samples, dataset.spectra, dataset.metadata, {"../x": dataset.labels["converged"]}
    )
    with pytest.raises(DataError, match=r"'\.\./x' cannot name a label"):
        write_store(bad, tmp_path / "x.zarr")
    assert os.listdir(tmp_path) == []


def test_a_store_is_never_overwritten(toy_dataset, store):
    before = folder_hash(store)
    with pytest.raises(DataError, match="never overwritten"):
        write_store(toy_dataset(), store)
    assert folder_hash(store) == before


def test_a_killed_writer_leaves_nothing_and_can_be_repeated(toy_dataset, tmp_path):
    path = tmp_path / "toy.zarr"
    code = f"""
import os, signal
from conftest import toy
from xreg.registry.stores import writer as stores
stores.flush = lambda folder: os.kill(os.getpid(), signal.SIGKILL)  # complete, but for its name
stores.write_store(toy(), {str(path)!r}, shard_rows=20)
"""
    tests = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{tests / 'helpers'}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not path.exists()
    assert os.listdir(tmp_path) == [".toy.zarr.tmp"]
    write_store(toy_dataset(), path, shard_rows=20)
    assert os.listdir(tmp_path) == ["toy.zarr"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(toy_dataset, small_disk):
    with pytest.raises(RunError, match=r"writing toy\.zarr: no space left on the disk"):
        write_store(toy_dataset(1000), small_disk / "toy.zarr", shard_rows=20)
    assert os.listdir(small_disk) == ["ballast"]


# Damage -----------------------------------------------------------------------------------------


def attributes(store, node, **changes):
    path = store / node / "zarr.json"
    body = json.loads(path.read_text())
    body["attributes"].update(changes)
    path.write_text(json.dumps(body))


def listed(path):
    path.write_text(json.dumps({**json.loads(path.read_text()), "attributes": []}))


def cut(path, keep):
    os.truncate(path, keep(path.stat().st_size))


XES = "spectra/xes/intensity"


DAMAGES = {
    "missing shard": (lambda s: (s / XES / "c/1/0").unlink(), r"xes/intensity/c/1/0 is missing"),
    "missing ids": (lambda s: (s / "samples/ids/c/0").unlink(), r"samples/ids/c/0 is missing"),
    "truncated shard": (lambda s: cut(s / XES / "c/2/0", lambda n: n - 7), "c/2/0 is truncated"),
    "half a shard": (lambda s: cut(s / XES / "c/0/0", lambda n: n // 2), "c/0/0 is truncated"),
    "empty shard": (lambda s: cut(s / XES / "c/0/0", lambda n: 0), "c/0/0 is truncated"),
    "missing array": (lambda s: shutil.rmtree(s / XES), r"intensity/zarr.json is missing"),
    "missing label": (lambda s: shutil.rmtree(s / "labels/converged"), "labels/converged/zarr"),
    "foreign file": (lambda s: (s / "note.txt").write_text("x"), "note.txt does not belong"),
    "foreign shard": (
        lambda s: shutil.copy(s / XES / "c/0/0", s / XES / "c/9"),
        "c/9 does not belong to the store",
    ),
    "no json": (lambda s: (s / "labels/zarr.json").write_text("{"), "labels/zarr.json cannot be"),
    "a list of attributes": (
        lambda s: listed(s / "labels/converged/zarr.json"),
        "labels/converged/zarr.json cannot be read",
    ),
    "newer schema": (lambda s: attributes(s, "", schema=2), "schema 2; this xreg reads schema 1"),
    "no schema": (lambda s: attributes(s, "", schema=None), "has schema None"),
    "bad version": (lambda s: attributes(s, "", version="../2"), "'version' must match pattern"),
    "unknown attribute": (lambda s: attributes(s, "", licnce="x"), "did you mean 'licence'"),
    "unknown kind": (lambda s: attributes(s, "samples", kind="x"), "unknown kind 'x'"),
    "not a store": (lambda s: (s / "zarr.json").unlink(), "is no store"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed_on_opening(store, damage):
    harm, reason = DAMAGES[damage]
    harm(store)
    with pytest.raises(CorruptError, match=reason) as caught:
        open_store(store, validate=False, content_hash="known")
    assert str(store) in str(caught.value)
    with pytest.raises(CorruptError):
        validate_store(store)
