"""Reading in a child process: what comes back, and what its death is told as."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from xreg.core.errors import DataError, UnknownNameError
from xreg.core.readers import isolated as module
from xreg.core.readers.importing.log import ImportLog
from xreg.core.readers.isolated import isolated
from xreg.core.readers.stacks.arrays import open_arrays
from xreg.plugins.nexus.importer import NexusImporter
from xreg.plugins.nexus.plugin import NexusImportConfig

ENERGY = np.arange(7100.0, 7150.0)
# A text of variable length as HDF5 states its type; of another kind, which there is not, libhdf5
# (2.0) looks up a function where there is none.
TEXT, NO_TEXT = b"\x19\x01\x01\x00\x10", b"\x19\xff\x01\x00\x10"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["energy"], entry["mu"] = ENERGY, np.arctan(ENERGY - 7112) + 2
        entry["energy"].attrs["units"] = "eV"
        entry["title"], entry["sample/name"] = "a title", "rust"
    return path


def imported(path: Path) -> list[Any]:
    return list(NexusImporter(NexusImportConfig()).entries(path, ImportLog()))


def test_what_comes_back(tmp_path: Path) -> None:
    numbers = np.arange(1e6)
    np.testing.assert_array_equal(isolated(tmp_path, lambda: numbers), numbers)
    assert isolated(tmp_path, os.getpid) != os.getpid()

    def refuse() -> None:
        raise UnknownNameError("there is no channel 'x'.")

    with pytest.raises(UnknownNameError, match=r"^there is no channel 'x'\.$"):
        isolated(tmp_path, refuse)
    with pytest.raises(ZeroDivisionError):  # a bug stays one
        isolated(tmp_path, lambda: 1 / 0)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_death_is_told(tmp_path: Path, number: signal.Signals) -> None:
    with pytest.raises(DataError, match=f"it is damaged .* died of {number.name}"):
        isolated(tmp_path, lambda: os.kill(os.getpid(), number))
    with pytest.raises(DataError, match="ended the process"):
        isolated(tmp_path, lambda: os._exit(3))


def test_a_loop_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def loop() -> None:
        while True:
            pass

    monkeypatch.setattr(module, "SECONDS", 1)
    with pytest.raises(DataError, match="comes to no end"):
        isolated(tmp_path, loop)


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    child = isolated(tmp_path, os.getpid)
    with pytest.raises(ChildProcessError):  # nobody is left to wait for
        os.waitpid(child, os.WNOHANG)


def test_a_file_that_crashes_libhdf5(path: Path) -> None:
    assert len(imported(path)) == 1
    content = path.read_bytes()
    assert TEXT in content
    path.write_bytes(content.replace(TEXT, NO_TEXT))
    with pytest.raises(DataError, match="it is damaged"):
        imported(path)
    with pytest.raises(DataError):
        open_arrays(path)


def test_a_file_that_libhdf5_does_not_get_through(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"GCOL") + 24] = 0  # length of the first text of the heap
    path.write_bytes(content)
    monkeypatch.setattr(module, "SECONDS", 1)
    with pytest.raises(DataError, match="it is damaged"):
        imported(path)


@pytest.mark.parametrize("kind", ["opaque", "type", "enumeration"])
def test_objects_that_numpy_has_no_word_for(path: Path, kind: str) -> None:
    with h5py.File(path, "a") as file:
        if kind == "opaque":
            file["entry/raw"] = np.void(b"12345")
        elif kind == "type":
            file["entry/type"] = np.dtype("f8")
        else:
            file.create_dataset("entry/e", data=1, dtype=h5py.enum_dtype({"a": 1}, basetype="i"))
    (entry,) = imported(path)
    np.testing.assert_array_equal(entry.curves["xas"].energy, ENERGY)
    assert "entry/mu" in open_arrays(path).arrays


def test_random_damage_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 1)
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(12):
        damaged = bytearray(content)
        for place in rng.integers(len(content), size=8):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        for read in (imported, open_arrays):
            with suppress(DataError):
                read(path)
