"""HDF5 files of many hands: what a file marks, links, stores or lacks is followed or told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.specimens import Specimen, Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import DataError
from xreg.core.readers.importing.log import ImportLog
from xreg.plugins.nexus import contents
from xreg.plugins.nexus.importer import NexusImporter
from xreg.plugins.nexus.plugin import NexusImportConfig
from xreg.registry.plugins import host

ENERGY = np.arange(7100.0, 7130.0, 0.5)
MU = 0.7 + np.arctan((ENERGY - 7112) / 1.5) / np.pi
I0 = 1e5 + ENERGY
SECONDS = np.arange(len(ENERGY)) * 0.1


def read(path: Path, **settings: object):
    log = ImportLog()
    importer = NexusImporter(NexusImportConfig.parse(settings, "it"))
    return list(importer.entries(path, log)), log


def group(parent: h5py.Group, name: str, kind: str, **attributes: object) -> h5py.Group:
    found = parent.create_group(name)
    found.attrs["NX_class"] = kind
    for key, value in attributes.items():
        found.attrs[key] = value
    return found


def column(place: h5py.Group, name: str, values: object, **attributes: object) -> None:
    place[name] = values
    for key, value in attributes.items():
        place[name].attrs[key] = value


def one(path: Path, fill: Callable[[h5py.Group], None]) -> Path:
    """Write a file of one entry with energies in an NXdata, filled further."""
    with h5py.File(path, "w") as file:
        data = group(group(file, "entry", "NXentry"), "data", "NXdata", axes="energy")
        column(data, "energy", ENERGY, units="eV")
        fill(data)
    return path


def refused(path: Path, **settings: object) -> str:
    entries, log = read(path, **settings)
    assert not entries
    (bad,) = log.bad
    return bad.reason


def require_mu(path: Path, **settings: object) -> ImportLog:
    (entry,), log = read(path, **settings)
    np.testing.assert_allclose(entry.curves["xas"].energy, ENERGY, rtol=1e-9)
    np.testing.assert_allclose(entry.curves["xas"].intensity, MU, rtol=1e-9)
    return log


@pytest.mark.parametrize("mark", [1, "1", np.int8(1), np.array([1]), np.bytes_("1")])
def test_the_signal_as_files_before_2014_mark_it(tmp_path: Path, mark: object) -> None:
    def fill(data: h5py.Group) -> None:
        column(data, "fluo", SECONDS + 1)
        column(data, "b", MU, signal=mark)

    log = require_mu(one(tmp_path / "a.h5", fill))
    assert "the signal is b" in log.remarks


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (MU.astype("S12"), "60 texts"),
        (np.stack([MU, MU]), "2 × 60 numbers"),
        (np.array(MU, [("v", "f8")]), "60 rows of several values"),
        (MU.astype("c16"), "60 complex numbers"),
        (MU > 0.5, "60 truth values"),
        (MU[:0], "0 numbers"),
        (MU[:-1], "not as long as its energies"),
    ],
)
def test_a_marked_signal_that_is_none_is_not_replaced(
    tmp_path: Path, values: np.ndarray, what: str
) -> None:
    def fill(data: h5py.Group) -> None:
        data.attrs["signal"] = "b"
        column(data, "b", values)
        column(data, "c", SECONDS + 1)

    path = one(tmp_path / "a.h5", fill)
    assert f"its signal data/b is no column of numbers ({what})" in refused(path)
    (entry,), _ = read(path, columns={"signal": "c"})
    np.testing.assert_array_equal(entry.curves["xas"].intensity, SECONDS + 1)


def test_a_marked_signal_that_is_not_there(tmp_path: Path) -> None:
    def fill(data: h5py.Group) -> None:
        data.attrs["signal"] = "b"
        column(data, "c", SECONDS + 1)

    assert "marked as the signal, and not there" in refused(one(tmp_path / "a.h5", fill))


def test_times_are_no_signal(tmp_path: Path) -> None:
    path = one(tmp_path / "a.h5", lambda data: column(data, "elapsed_time", SECONDS + 1))
    assert "say which is the signal" in refused(path)


@pytest.mark.parametrize("lacks", ["incoming_beam", "absorbed_beam", "mode"])
def test_nxxas_that_lacks_a_part(tmp_path: Path, lacks: str) -> None:
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        entry = group(file, "entry", "NXentry")
        column(entry, "instrument/monochromator/energy", ENERGY, units="eV")
        entry["instrument/incoming_beam/data"] = I0
        entry["instrument/absorbed_beam/data"] = I0 * np.exp(-MU)
        group(entry, "data", "NXdata")["mode"] = "Transmission"
        assert require_mu_of(file) is None
        del entry["data/mode" if lacks == "mode" else f"instrument/{lacks}"]
    told = refused(tmp_path / "a.nxs")
    assert "--signal" in told
    assert "no mode" in told if lacks == "mode" else f"no {lacks}" in told


def require_mu_of(file: h5py.File) -> None:
    file.flush()
    require_mu(Path(file.filename))


@pytest.mark.parametrize(
    ("unit", "factor"), [("keV", 1e-3), ("J", 1.602176634e-19), (b"eV", 1), (["keV"], 1e-3)]
)
def test_units_of_energies(tmp_path: Path, unit: object, factor: float) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        entry = group(file, "entry", "NXentry")
        column(entry, "energy", ENERGY * factor, units=unit)
        entry["mu"] = MU
    require_mu(tmp_path / "a.h5")


def test_energies_that_several_entries_share(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        column(group(file, "shared", "NXcollection"), "energy", ENERGY, units="eV")
        for i in (1, 2):
            data = group(group(file, f"e{i}", "NXentry"), "data", "NXdata", signal="mu")
            data["energy"] = h5py.SoftLink("/shared/link" if i == 2 else "/shared/energy")
            data["mu"] = MU * i
        file["shared/link"] = h5py.SoftLink("energy")  # a link that names a link
    entries, _ = read(tmp_path / "a.h5")
    assert [entry.samples[0].id for entry in entries] == ["a-e1", "a-e2"]
    for i, entry in enumerate(entries, 1):
        np.testing.assert_array_equal(entry.curves["xas"].energy, ENERGY)
        np.testing.assert_array_equal(entry.curves["xas"].intensity, MU * i)


def test_soft_links_that_lead_out_of_the_file_or_in_a_circle(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["mu"] = MU

    def fill(data: h5py.Group) -> None:
        root = data.file
        root["out"] = h5py.ExternalLink("secret.h5", "/")
        data["a"] = h5py.SoftLink("/out/mu")
        data["b"] = h5py.SoftLink("/entry/data/b")
        data["c"] = h5py.SoftLink("/entry/data/d")
        data["d"] = h5py.SoftLink("/entry/data/c")
        data["e"] = h5py.SoftLink("/")

    entries, log = read(one(tmp_path / "a.h5", fill))
    assert not entries
    assert "no two columns of numbers" in log.bad[0].reason


def test_an_entry_of_two_names_is_one(tmp_path: Path) -> None:
    path = one(tmp_path / "a.h5", lambda data: column(data, "mu", MU))
    with h5py.File(path, "r+") as file:
        file["again"] = file["entry"]
    log = require_mu(path)
    (told,) = [str(passed) for passed in log.passed_over]
    assert "it is the entry again by another name" in told or "entry by another name" in told


@pytest.mark.parametrize(
    "fill",
    [
        lambda data: column(data, "mu", np.round(MU * 1e4).astype("i4"), scale_factor=1e-4),
        lambda data: column(data, "mu", MU - 1, add_offset=1.0),
        lambda data: (data.attrs.update({"signal": "mu"}), column(data, "mu", MU),
                      column(data, "scaling_factor", 2.0)),
        lambda data: (column(data, "mu", MU), column(data, "mu_offset", 0.5)),
    ],
)  # fmt: skip
def test_numbers_that_are_to_be_scaled_are_not_taken_as_they_are(
    tmp_path: Path, fill: Callable[[h5py.Group], None]
) -> None:
    assert "to be scaled by" in refused(one(tmp_path / "a.h5", fill))


def test_scales_that_change_nothing(tmp_path: Path) -> None:
    fill = lambda data: column(data, "mu", MU, scale_factor=1.0, add_offset=0)  # noqa: E731
    require_mu(one(tmp_path / "a.h5", fill))


def test_what_is_no_column_is_told(tmp_path: Path) -> None:
    def fill(data: h5py.Group) -> None:
        column(data, "mu", MU)
        column(data, "mca", np.ones((len(MU), 8)))
        column(data, "empty", np.zeros(0))

    log = require_mu(one(tmp_path / "a.h5", fill))
    (told,) = [text for text in log.remarks if "left out" in text]
    assert "data/mca (60 × 8 numbers)" in told
    assert "data/empty (0 numbers)" in told


def test_a_stack_alone_is_named(tmp_path: Path) -> None:
    path = one(tmp_path / "a.h5", lambda data: column(data, "mu", np.stack([MU, MU])))
    assert "data/mu (2 × 60 numbers)" in refused(path)


def test_nan_among_energies(tmp_path: Path) -> None:
    def fill(data: h5py.Group) -> None:
        data["energy"][7] = np.nan
        column(data, "mu", MU)

    assert "not finite at point 8" in refused(one(tmp_path / "a.h5", fill))


@pytest.mark.parametrize(
    "symbol", ["Fe", b"Fe", np.array([b"Fe"]), np.array(["Fe"], object), np.bytes_("fe")]
)
def test_texts_in_all_their_forms(tmp_path: Path, symbol: object) -> None:
    def fill(data: h5py.Group) -> None:
        column(data, "mu", MU)
        data.parent["element"] = symbol
        data.parent["title"] = "Eisen – α".encode()

    (entry,), _ = read(one(tmp_path / "a.h5", fill))
    assert entry.samples[0].absorber == 26
    assert entry.labels["title"] == "Eisen – α"


def test_what_a_file_claims_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks that were never written take no room in the file, and all of it in memory."""

    def fill(data: h5py.Group) -> None:
        column(data, "mu", MU)
        for i in range(5):
            data.create_dataset(f"c{i}", (1000,), "f8", chunks=(1000,), fillvalue=1.5)

    path = one(tmp_path / "a.h5", fill)
    require_mu(path)
    monkeypatch.setattr(contents, "MOST_NUMBERS", 4000)
    assert "more than 4000 numbers" in refused(path)


def test_own_energies_in_another_unit_are_refused(tmp_path: Path) -> None:
    samples = Specimens.of([Specimen(f"s{i}", "Fe", 26) for i in range(3)])
    spectra = Spectra({"xas": Channel(np.stack([MU, MU * 2, MU + 1]), ENERGY)})
    metadata = Metadata(name="x", version="1.0.0", title="t")
    path = tmp_path / "own.nxs"
    host().build("exporter", "nexus", {}).write(Dataset(samples, spectra, metadata), path)
    with h5py.File(path, "r+") as file:
        file["entry_0/xas/energy"].attrs["units"] = "keV"
        file["entry_1"].attrs["NX_class"] = "NXcollection"
    entries, log = read(path)
    assert [entry.samples[0].id for entry in entries] == ["s2"]
    assert "in 'keV', and xreg writes eV" in log.bad[0].reason
    assert "entry_1: it is no NXentry" in str(log.passed_over[0])


def test_no_file_of_hdf5_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(DataError, match="HDF5"):
        read(tmp_path / "a.h5")


@pytest.mark.parametrize("first", [0, 1])
def test_a_scan_that_was_broken_off_does_not_go_on_as_zeros(tmp_path, first):
    def fill(data: h5py.Group) -> None:
        signal = data.create_dataset("mu", (len(ENERGY),), "f8", chunks=(20,))
        signal[20 * first : 20 * first + 40] = MU[20 * first : 20 * first + 40]
        data.attrs["signal"] = "mu"

    assert "the spectrum is not finite at point" in refused(one(tmp_path / "it.h5", fill))


def test_a_text_that_claims_gigabytes_is_not_unpacked(tmp_path):
    path = one(tmp_path / "it.h5", lambda data: column(data, "mu", MU))
    with h5py.File(path, "a") as file:
        file["entry"].create_dataset("title", (1,), "S2000000", chunks=(1,), compression="gzip")
    assert "title is a text of 2,000,000 bytes, more than 1,000,000" in refused(path)
