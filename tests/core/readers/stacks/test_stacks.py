"""Maps and series in .npz and HDF5 files: found where it is clear, refused where it is not."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from xreg.core.errors import DataError
from xreg.core.measured.stack import read_stack
from xreg.core.readers.spectra.columns import SpectrumColumns

ENERGY = np.linspace(850.0, 860.0, 30)
MAP = np.random.default_rng(0).uniform(1, 2, (3, 4, 30))


def hdf5(path: Path, arrays: dict[str, Any], **attributes: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
        for place, value in attributes.items():
            group, _, key = place.rpartition("__")
            file[group or "/"].attrs[key] = value
    return path


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_a_map_is_read_whichever_axis_is_the_energy(tmp_path, axis, kind):
    stack = np.moveaxis(MAP, 2, axis)
    path = tmp_path / "map.dat"  # content tells, not the name
    if kind == "npz":
        with path.open("wb") as stream:
            np.savez(stream, energy=ENERGY, counts=stack)
    else:
        hdf5(path, {"entry/data/energy": ENERGY, "entry/data/counts": stack})
    found = read_stack(path)
    assert found.shape == (3, 4)
    np.testing.assert_array_equal(found.intensity.reshape(3, 4, 30), MAP)
    np.testing.assert_array_equal(found.energy, ENERGY)
    assert f"along axis {axis}" in found.notes[-1]
    assert found.name(5) == "1, 1"


def test_a_series_falling_energies_and_kev(tmp_path):
    path = hdf5(tmp_path / "s.h5", {"energy": ENERGY[::-1] / 1000, "mu": MAP[0][:, ::-1]})
    with h5py.File(path, "a") as file:
        file["energy"].attrs["units"] = "keV"
    found = read_stack(path)
    assert found.shape == (4,)
    np.testing.assert_allclose(found.energy, ENERGY)
    np.testing.assert_array_equal(found.intensity, MAP[0])
    assert any("fall" in note for note in found.notes)
    assert any("keV" in note for note in found.notes)


def test_what_nexus_marks_goes_first(tmp_path):
    path = hdf5(tmp_path / "n.nxs", {"e/d/energy": ENERGY, "e/d/signal": MAP, "e/d/errors": MAP})
    with h5py.File(path, "a") as file:
        file["e/d"].attrs["signal"] = "signal"
        file["e/d"].attrs["axes"] = ["y", "x", "energy"]
    np.testing.assert_array_equal(read_stack(path).intensity.reshape(3, 4, 30), MAP)
    noisy = read_stack(path, SpectrumColumns(noise="e/d/errors"))
    assert noisy.noise is not None


def test_dead_spectra_are_marked_each_with_its_reason(tmp_path):
    stack = MAP.copy()
    stack[0, 0, 3], stack[0, 1], stack[1, 0], stack[2, 3, 4] = np.nan, 0.0, 7.0, -1e30
    np.savez(tmp_path / "d.npz", energy=ENERGY, counts=stack)
    found = read_stack(tmp_path / "d.npz")
    dead = dict(enumerate(found.dead.tolist()))
    assert {row: why for row, why in dead.items() if why} == {
        0: "not finite", 1: "zero", 4: "constant", 11: "marker"
    }  # fmt: skip
    assert len(found.good) == 8
    assert found.dead_in_words == "1 constant, 1 marker, 1 not finite, 1 zero"
    np.savez(tmp_path / "all.npz", energy=ENERGY, counts=np.zeros((3, 4, 30)))
    with pytest.raises(DataError, match="all 12 spectra are dead"):
        _ = read_stack(tmp_path / "all.npz").good


SQUARE = np.ones((30, 30))


@pytest.mark.parametrize(
    ("arrays", "asked", "message"),
    [
        ({"energy": ENERGY, "a": MAP, "b": MAP}, {}, "several stacks; choose one with --signal: "),
        ({"energy": ENERGY, "b_energy": ENERGY, "a": MAP}, {}, "choose one with --energy: "),
        ({"energy": ENERGY, "a": SQUARE}, {}, r"say which with --signal 'a\[0\]' or "),
        ({"energy": ENERGY, "a": MAP}, {"signal": "c"}, "no array 'c' for the spectra"),
        ({"energy": ENERGY, "a": MAP}, {"energy": "c"}, "no array 'c' for the energies"),
        ({"energy": ENERGY, "a": MAP}, {"signal": "a[0]"}, "axis 0 of a .* is not of the 30"),
        ({"energy": ENERGY, "a": MAP, "n": MAP[0]}, {"signal": "a", "noise": "n"}, "the noise n "),
        ({"energy": ENERGY[:20], "a": MAP}, {}, "holds no stack"),
        ({"a": MAP}, {}, "holds no energies"),
        ({"energy": np.r_[ENERGY[:20], ENERGY[:10]], "a": MAP}, {}, "neither rise nor fall"),
        ({"energy": np.r_[ENERGY[:29], np.nan], "a": MAP}, {}, "an energy is not finite"),
    ],
)
@pytest.mark.parametrize("kind", ["npz", "h5"])
def test_nothing_is_guessed(tmp_path, arrays, asked, message, kind):
    path = tmp_path / f"x.{kind}"
    np.savez(path, **arrays) if kind == "npz" else hdf5(path, arrays)
    with pytest.raises(DataError, match=message):
        read_stack(path, SpectrumColumns(**asked))


def test_the_axis_can_be_said(tmp_path):
    square = np.random.default_rng(1).uniform(1, 2, (30, 30))
    np.savez(tmp_path / "q.npz", energy=ENERGY, a=square)
    found = read_stack(tmp_path / "q.npz", SpectrumColumns(signal="a[0]"))
    np.testing.assert_array_equal(found.intensity, square.T)


def test_links_to_other_files_are_not_followed(tmp_path):
    hdf5(tmp_path / "secret.h5", {"a": MAP})
    path = hdf5(tmp_path / "link.h5", {"energy": ENERGY})
    with h5py.File(path, "a") as file:
        file["a"] = h5py.ExternalLink("secret.h5", "/a")
        layout = h5py.VirtualLayout(shape=MAP.shape, dtype=float)
        layout[...] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "a", shape=MAP.shape)
        file.create_virtual_dataset("v", layout)
    with pytest.raises(DataError, match="holds no stack"):
        read_stack(path)
    with pytest.raises(DataError, match="is a link to another file, which is not followed"):
        read_stack(path, SpectrumColumns(signal="a"))


def test_pickles_and_lies_about_size_are_refused(tmp_path):
    np.savez(tmp_path / "p.npz", energy=ENERGY, a=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="pickled arrays are never read"):
        read_stack(tmp_path / "p.npz")
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**5)}
    )
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("a.npy", head.getvalue())
    with pytest.raises(DataError, match="the file is damaged"):
        read_stack(tmp_path / "huge.npz")
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file["energy"] = ENERGY
        file.create_dataset("a", (10**5, 10**4, 30), "f8", chunks=(10, 10, 30))
    with pytest.raises(DataError, match=r"claims .* bytes of memory"):
        read_stack(tmp_path / "huge.h5")


def test_other_files_are_told_from_stacks(tmp_path):
    (tmp_path / "map.h5").write_text("energy counts\n1 2\n")
    with pytest.raises(DataError, match=r"neither \.npz nor HDF5 by its content"):
        read_stack(tmp_path / "map.h5")
    (tmp_path / "torn.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"x" * 50)
    with pytest.raises(DataError, match="cannot be read as HDF5"):
        read_stack(tmp_path / "torn.h5")
    with pytest.raises(DataError, match=r"cannot be read|neither"):
        read_stack(tmp_path / "none.npz")
