"""Damaged stores: told in a sentence, never read as numbers."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import zarr

from xreg.core.errors import CorruptError, DataError
from xreg.core.files import files_below
from xreg.registry.stores.store import open_store, validate_store
from xreg.registry.stores.writer import write_store


@pytest.fixture(scope="module")
def written(toy_dataset, tmp_path_factory):
    """A store of several shards a channel; do not change it."""
    return write_store(toy_dataset(), tmp_path_factory.mktemp("store") / "toy.zarr", shard_rows=20)


@pytest.fixture
def store(written, tmp_path):
    """A copy that may be damaged."""
    return Path(shutil.copytree(written, tmp_path / "toy.zarr"))


def rows(dataset, start, stop):
    return {name: c.intensity[start:stop] for name, c in dataset.spectra.items()}


# Damage -----------------------------------------------------------------------------------------


def attributes(store, node, **changes):
    path = store / node / "zarr.json"
    body = json.loads(path.read_text())
    body["attributes"].update(changes)
    path.write_text(json.dumps(body))


XES = "spectra/xes/intensity"


@pytest.mark.parametrize("place", [0, 20, -1, -30])
@pytest.mark.parametrize("array", [XES + "/c/1/0", "samples/structures/numbers/c/1"])
def test_a_changed_byte_is_never_a_number(store, array, place):
    shard = store / array
    content = bytearray(shard.read_bytes())
    content[place] ^= 1
    shard.write_bytes(content)
    with pytest.raises(CorruptError, match=r"is (truncated or )?damaged"):
        validate_store(store)


def overwrite(store, name, change):
    """Change values as somebody with Zarr at hand would, with all checksums right."""
    array = zarr.open_array(store / name, mode="r+", config={"write_empty_chunks": True})
    values = array[:]
    change(values)
    array[:] = values


def assign(index, value):
    return lambda values: values.__setitem__(index, value)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        (XES, assign((33, 2), np.nan), "1 sample.*'trajectory-0/step-0033é'"),
        (XES, assign((slice(3, 5), 0), np.inf), "2 sample"),
        ("spectra/xes/energy", assign(4, 0.0), "must increase strictly"),
        ("spectra/xes/energy", assign(-1, np.inf), "energy grid has a value that is not finite"),
        ("samples/structures/numbers", assign(5, 119), "'trajectory-1/step-0001é' has an atomic"),
        ("samples/structures/positions", assign((149, 0), np.nan), "step-0049é' has a position"),
        ("samples/structures/absorber", assign(9, 3), "absorber index 3 but 3 atoms"),
        ("samples/structures/offsets", assign(50, 149), "has shape"),
        ("samples/structures/cell", assign((2, 0, 0), np.inf), "step-0002é' has a cell"),
        ("samples/ids", assign(0, "trajectory-1/step-0001é"), "occurs more than once"),
        ("labels/temperature", assign(0, np.inf), "label 'temperature' has an infinite value"),
        ("splits/default/train", assign(0, "nobody"), "names the sample 'nobody'"),
    ],
)
def test_wrong_values_are_refused(store, name, change, reason):
    overwrite(store, name, change)
    with pytest.raises(DataError, match=reason):
        open_store(store)


@pytest.mark.parametrize("names", [2, "angle", {"angle": 1}, [2], ["angle", None], True])
@pytest.mark.parametrize("group", ["labels", "spectra", "splits"])
def test_names_that_are_no_list_of_texts_are_told(store, group, names):
    """JSON can hold anything there; ``names: 2`` was a TypeError that blamed xreg."""
    attributes(store, group, names=names)
    with pytest.raises(CorruptError, match=f"the names in '{group}' are no list of texts"):
        open_store(store)


def claim(store, node, rows, **chunks):
    """Let an array claim so many rows, and the shards and chunks that go with them."""
    path = store / node / "zarr.json"
    body = json.loads(path.read_text())
    body["shape"][0] = rows
    if chunks:
        body["chunk_grid"]["configuration"]["chunk_shape"][0] = chunks["shard"]
        body["codecs"][0]["configuration"]["chunk_shape"][0] = chunks["chunk"]
    path.write_text(json.dumps(body))


BILLION = 10**9


@pytest.mark.parametrize(
    ("node", "chunks"),
    [
        ("samples/ids", {}),
        ("labels/temperature", {}),
        ("samples/structures/absorber", {}),
        ("splits/default/train", {}),
        ("samples/ids", {"shard": BILLION, "chunk": BILLION}),
        ("labels/temperature", {"shard": BILLION, "chunk": BILLION}),
        (XES, {"shard": BILLION, "chunk": BILLION}),
        ("samples/structures/positions", {"shard": BILLION, "chunk": BILLION}),
    ],
)
def test_memory_is_not_taken_for_what_an_array_only_claims(store, node, chunks):
    """A bare ``zarr.json`` of some hundred bytes could fill any machine."""
    claim(store, node, BILLION, **chunks)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"claims [\d,]{10,} bytes|lacks a part of its data"):
            open_store(store, validate=False)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024**2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("node", ["samples/ids", XES, "spectra/xes/energy"])
@pytest.mark.parametrize("rows", [2**63, 10**30])
def test_more_rows_than_an_index_can_name_are_told(store, node, rows):
    claim(store, node, rows)
    with pytest.raises(DataError, match=r"claims [\d,]{20,}"):
        open_store(store, validate=False)


def test_an_unwritten_chunk_is_not_taken_for_zero(store):
    array = zarr.open_array(store / XES, mode="r+", config={"write_empty_chunks": False})
    array[0:20] = np.nan  # Zarr drops a chunk that is all fill value
    assert "c/0/0" not in files_below(store / XES)
    with pytest.raises(CorruptError, match="c/0/0 is missing"):
        open_store(store, validate=False)
