"""Saved state: what is read is what was written, or a sentence says what is wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from xreg.core import storage
from xreg.core.errors import CorruptError

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
some_arrays = st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@pytest.fixture
def saved(tmp_path):
    storage.write(tmp_path / "s", {"kind": "toy", "μ": 1.5}, {"x": np.arange(6.0).reshape(2, 3)})
    return tmp_path / "s"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values, array=some_arrays)
def test_round_trip(tmp_path, value, array):
    storage.write(tmp_path, {"value": value}, {"array": array})
    meta, found = storage.read(tmp_path)
    assert meta["value"] == value
    assert found["array"].dtype == array.dtype
    assert found["array"].shape == array.shape
    np.testing.assert_array_equal(found["array"], array)


def test_any_memory_layout_is_kept_in_meaning(tmp_path):
    array = np.arange(12.0).reshape(3, 4)
    views = {"t": array.T, "step": array[::-1, ::2], "fortran": np.asfortranarray(array)}
    storage.write(tmp_path, {}, views)
    _, found = storage.read(tmp_path)
    for name, view in views.items():
        np.testing.assert_array_equal(found[name], view)


def test_the_same_state_gives_the_same_bytes(tmp_path):
    for place in ("a", "b"):
        storage.write(tmp_path / place, {"b": 1, "a": 2}, {"y": np.ones(2), "x": np.zeros(3)})
    for name in (storage.META, storage.ARRAYS):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("name", [storage.META, storage.ARRAYS])
def test_every_changed_byte_is_noticed(saved, name):
    path = saved / name
    good = path.read_bytes()
    for at in range(0, len(good), max(1, len(good) // 40)):
        if name == storage.META and good[at : at + 1].isspace():
            continue  # the layout of the JSON text carries nothing
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(CorruptError, match=r"component\.json|arrays\.safetensors|format"):
            storage.read(saved)
    path.write_bytes(good)
    storage.read(saved)


@pytest.mark.parametrize("name", [storage.META, storage.ARRAYS])
def test_truncated_and_missing_files_are_named(saved, name):
    path = saved / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CorruptError, match=name):
        storage.read(saved)
    path.unlink()
    with pytest.raises(CorruptError, match=rf"{name} is missing"):
        storage.read(saved)


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "\udcff"])
def test_json_that_is_no_component_is_refused(saved, text):
    (saved / storage.META).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CorruptError, match="damaged"):
        storage.read(saved)


def test_a_newer_format_is_refused_by_number(saved):
    body = json.loads((saved / storage.META).read_text())
    body.pop("digest")
    body["format"] = 99
    body["digest"] = storage.digest(storage.canonical_json(body))
    (saved / storage.META).write_text(json.dumps(body))
    with pytest.raises(CorruptError, match="format 99; this xreg reads format 1"):
        storage.read(saved)


def test_a_pickle_is_never_opened(saved):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    (saved / storage.ARRAYS).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CorruptError):
        storage.read(saved)
