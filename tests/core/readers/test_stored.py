"""Numbers of HDF5 files that were never written are none."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from xreg.core.readers.stacks.arrays import open_arrays
from xreg.core.readers.stored import stored


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "some.h5", "w") as found:
        yield found


def test_what_was_written_is_read_as_it_is(file):
    values = np.arange(35).reshape(5, 7)
    for name, chunks in (("whole", None), ("in chunks", (2, 3))):
        file.create_dataset(name, data=values, chunks=chunks)
        found = stored(file[name])
        np.testing.assert_array_equal(found, values)
        assert found.dtype == values.dtype


def test_chunks_that_were_never_written_are_no_zeros(file):
    broken = file.create_dataset("broken off", (5, 7), "i4", chunks=(2, 3))
    broken[:2, :4] = 1
    found = stored(broken)
    assert (found[:2, :4] == 1).all()
    assert (found[:2, 4:6] == 0).all()  # the rest of a chunk of which a part was written
    assert np.isnan(found[2:]).all()
    assert np.isnan(found[:, 6]).all()


@pytest.mark.parametrize("chunks", [None, (4,)])
def test_a_dataset_without_any_number_is_empty(file, chunks):
    assert np.isnan(stored(file.create_dataset("none", (10,), "f8", chunks=chunks))).all()


def test_rows_of_a_map_that_were_never_measured_are_none(tmp_path):
    with h5py.File(tmp_path / "map.h5", "w") as made:
        made.create_dataset("counts", (4, 3, 50), "f4", chunks=(1, 3, 50))[:2] = 5
    found = open_arrays(tmp_path / "map.h5").arrays["counts"].read()
    assert (found[:2] == 5).all()
    assert np.isnan(found[2:]).all()
