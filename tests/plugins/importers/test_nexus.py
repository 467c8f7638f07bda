"""HDF5 and NeXus files: NXxas, marked signals, counters; nothing outside of the file is read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from xreg.core.errors import DataError
from xreg.core.readers.importing.log import ImportLog
from xreg.plugins.nexus.importer import NexusImporter
from xreg.plugins.nexus.plugin import NexusImportConfig

ENERGY = np.arange(7000.0, 7300.0, 0.5)
MU = 0.7 + np.arctan((ENERGY - 7112) / 1.5) / np.pi
I0 = 1e5 + ENERGY


def read(path: Path, **settings: object):
    log = ImportLog()
    importer = NexusImporter(NexusImportConfig.parse(settings, "it"))
    return list(importer.entries(path, log)), log


def nxxas(path: Path, mode: str, absorbed: np.ndarray) -> Path:
    """Write the layout of the application definition NXxas."""
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["definition"] = "NXxas"
        entry["title"] = "iron oxide"
        entry["instrument/source/name"] = "a ring"
        entry["instrument/monochromator/energy"] = ENERGY / 1000
        entry["instrument/monochromator/energy"].attrs["units"] = "keV"
        entry["instrument/incoming_beam/data"] = I0
        entry["instrument/absorbed_beam/data"] = absorbed
        entry["sample/name"] = "rust"
        entry["sample/chemical_formula"] = "Fe2O3"
        entry["sample/temperature"] = 77.0
        entry["monitor/data"] = np.full(len(ENERGY), 5.0)
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        data["mode"] = mode
        data["energy"] = h5py.SoftLink("/entry/instrument/monochromator/energy")
        data["absorbed_beam"] = h5py.SoftLink("/entry/instrument/absorbed_beam/data")
    return path


@pytest.mark.parametrize(
    ("mode", "absorbed"),
    [("Transmission", I0 * np.exp(-MU)), ("Fluorescence Yield", I0 * MU)],
)
def test_nxxas(tmp_path: Path, mode: str, absorbed: np.ndarray) -> None:
    path = nxxas(tmp_path / "rust.nxs", mode, absorbed)
    (entry,), log = read(path, absorber="Fe")
    assert NexusImporter.sniff(path, path.read_bytes()[:4096]) == 0.8
    assert not log.bad
    (sample,) = entry.samples
    assert (sample.id, sample.composition, sample.absorber) == ("rust", "Fe2O3", 26)
    np.testing.assert_allclose(entry.curves["xas"].energy, ENERGY)
    np.testing.assert_allclose(entry.curves["xas"].intensity, MU, rtol=1e-9)
    assert entry.labels["temperature"] == 77.0
    assert entry.labels["mode"] == mode
    assert entry.labels["sample.name"] == "rust"
    assert entry.labels["facility.name"] == "a ring"
    assert any("the signal is" in text for text in log.remarks)


def test_processed_nxxas(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        entry = file.create_group("entry")
        entry["energy"], entry["intensity"] = ENERGY, MU
        entry["energy"].attrs["units"] = "eV"
        entry["element/symbol"], entry["absorption_edge/name"] = "Fe", "K"
    (entry,), _ = read(tmp_path / "a.h5")
    assert entry.samples[0].absorber == 26
    assert entry.labels["edge"] == "K"
    np.testing.assert_array_equal(entry.curves["xas"].intensity, MU)


def test_counters_are_asked_for_by_name(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "b.h5", "w") as file:
        for i in (1, 2):
            measurement = file.create_group(f"{i}.1/measurement")
            measurement["energy_enc"], measurement["i0"] = ENERGY, I0
            measurement["itrans"] = I0 * np.exp(-MU * i)
    _, log = read(tmp_path / "b.h5")
    assert "--signal 'ln(i0/itrans)'" in log.bad[0].reason
    entries, log = read(tmp_path / "b.h5", columns={"signal": "ln(i0/itrans)"})
    assert [e.samples[0].id for e in entries] == ["b-1.1", "b-2.1"]
    np.testing.assert_allclose(entries[1].curves["xas"].intensity, 2 * MU, rtol=1e-9)
    (entry,), _ = read(tmp_path / "b.h5", columns={"signal": "ln(i0/itrans)", "scan": "2.1"})
    assert entry.samples[0].id == "b"


def test_nothing_outside_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["mu"] = MU
        file["entry/energy"] = ENERGY
    (tmp_path / "raw.bin").write_bytes(MU.astype("<f8").tobytes())
    with h5py.File(tmp_path / "c.h5", "w") as file:
        data = file.create_group("entry/data")
        data["energy"] = ENERGY
        data["mu"] = h5py.ExternalLink("secret.h5", "/mu")
        layout = h5py.VirtualLayout(shape=MU.shape, dtype="f8")
        layout[:] = h5py.VirtualSource("secret.h5", "mu", shape=MU.shape)
        data.create_virtual_dataset("virtual", layout)
        external = [("raw.bin", 0, MU.nbytes)]
        data.create_dataset("stored", MU.shape, "f8", external=external)
        file["other"] = h5py.ExternalLink("secret.h5", "/entry")
    entries, log = read(tmp_path / "c.h5")
    assert not entries
    told = {str(one.path).rpartition("/")[2]: one.reason for one in log.passed_over}
    assert set(told) == {"mu", "virtual", "stored", "other"}
    assert "another file" in told["mu"]
    assert "another file" in told["stored"]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "d.h5", "w") as file:
        entry = file.create_group("entry")
        entry["energy"], entry["mu"] = ENERGY, MU
        entry["energy"].attrs["units"] = "eV"
        entry["again"] = entry  # a hard link to itself
    (entry,), _ = read(tmp_path / "d.h5")
    np.testing.assert_array_equal(entry.curves["xas"].intensity, MU)


def test_no_hdf5(tmp_path: Path) -> None:
    (tmp_path / "e.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(DataError, match="cannot be read as HDF5"):
        read(tmp_path / "e.h5")
