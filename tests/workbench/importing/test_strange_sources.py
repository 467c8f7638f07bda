"""Files that beamline users give: packed, cut off, in keV, of two edges, of half a set."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from xreg.core.data.dataset import Dataset
from xreg.core.errors import ConfigError, DataError
from xreg.core.measured.spectrum import read_measured
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.stacks.choice import read_stack_file
from xreg.workbench.importing.collect import BadEntriesError
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions
from xreg.workbench.measured.ranges import kev_hint

ENERGY = np.arange(7000.0, 7900.0, 2.0)
EDGE = 0.5 + np.arctan((ENERGY - 7112) / 1.5) / np.pi
TWO = EDGE + 0.5 + np.arctan((ENERGY - 7709) / 1.5) / np.pi


def load(*sources: Path, **changes: object) -> Dataset:
    told = {"dataset": {"name": "fe", "version": "1.0.0"}, **changes}
    return import_dataset(list(sources), ImportOptions.parse(told, "import"))


def said(dataset: Dataset) -> str:
    return str(dataset.metadata.provenance["remarks"])


def zipped(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (bz2.compress(b"# energy mu\n7000 1\n"), "is packed by bzip2; unpack it"),
        (lzma.compress(b"# energy mu\n7000 1\n"), "is packed by xz; unpack it"),
        (zipped("a.dat", b"7000 1\n"), "is packed by zip; unpack it"),
        (zipped("xl/workbook.xml", b"<x/>"), "is an Excel workbook; save its sheet as CSV"),
    ],
)
def test_what_is_packed_is_named(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        load(tmp_path / "a.dat")


def test_a_table_in_kev_is_refused(tmp_path: Path) -> None:
    energy = np.arange(7.0, 7.2, 0.001)
    rows = "".join(f"{e:.4f};{i / 9}\n" for i, e in enumerate(energy))
    (tmp_path / "a.csv").write_text("energy (eV);foil\n" + rows)
    with pytest.raises(BadEntriesError, match=r"7 … 7\.2 eV, and look like keV"):
        load(tmp_path / "a.csv")
    np.savez(tmp_path / "a.npz", spectra_xas=energy[None] - 7, energy_xas=energy)
    doubts = load(tmp_path / "a.npz").metadata.provenance["summary"]["doubts"]
    assert any("look like keV" in doubt for doubt in doubts)


def test_two_edges_are_told_whatever_the_layout(tmp_path: Path) -> None:
    rows = "".join(f"{e};{mu:.6f}\n" for e, mu in zip(ENERGY, TWO, strict=True))
    (tmp_path / "a.csv").write_text("energy (eV);alloy\n" + rows)
    assert "it rises at 7112 and 7708 eV" in said(load(tmp_path / "a.csv"))
    np.savez(tmp_path / "a.npz", spectra_xas=TWO[None], energy_xas=ENERGY)
    assert "it rises at 7112 and 7708 eV" in said(load(tmp_path / "a.npz"))
    # One edge, and one on a background that rises by as much again.
    both = np.stack([EDGE, EDGE + (ENERGY - 7000) / 60])
    np.savez(tmp_path / "b.npz", spectra_xas=both, energy_xas=ENERGY)
    assert "it rises" not in said(load(tmp_path / "b.npz"))


@pytest.mark.parametrize("lost", ["xanes_test", "xyz_test"])
def test_a_folder_of_a_set_without_its_other_half_is_told(lost: str, tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name in ("xyz", "xanes"):
            if f"{name}_{part}" == lost:
                continue
            folder = tmp_path / "set" / f"{name}_{part}"
            folder.mkdir(parents=True)
            for i in range(2):
                file = folder / f"{part}{i}.{'xyz' if name == 'xyz' else 'txt'}"
                if name == "xyz":
                    write(file, Atoms("FeO", positions=[[0, 0, 0], [0, 0, 1.9 + 0.01 * i]]))
                else:
                    np.savetxt(file, np.c_[ENERGY, EDGE * (1 + i)], header="energy mu")
    with pytest.raises(BadEntriesError, match="no folder of spectra or structures goes with it"):
        load(tmp_path / "set")
    found = load(tmp_path / "set", bad="set-aside")
    assert sorted(found.samples.ids.tolist()) == ["train0", "train1"]
    assert lost.replace("xanes", "x").replace("xyz", "xanes").replace("x_", "xyz_") in str(
        found.metadata.provenance["set_aside"]
    )


def test_one_structure_is_imported_without_a_split(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz", spectra_xas=EDGE[None], energy_xas=ENERGY, numbers=[[26, 8]],
        positions=np.array([[[0, 0, 0], [0, 0, 1.9]]]),
    )  # fmt: skip
    found = load(tmp_path / "a.npz", absorber="Fe", split={})
    assert found.splits == {}
    assert "of 1 sample no split is made" in said(found)
    with pytest.raises(DataError, match="too few to fill the validation part"):
        load(tmp_path / "a.npz", absorber="Fe", split={"fractions": (0.6, 0.2, 0.2)})


def test_what_lies_in_another_file_is_told(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["mu"], other["map"] = EDGE, np.stack([[EDGE, EDGE]])
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        entry = file.create_group("entry")
        entry["energy"], entry["incoming_beam"] = ENERGY, np.ones_like(ENERGY)
        entry["absorbed_beam"] = h5py.ExternalLink("other.h5", "/mu")
    with pytest.raises(BadEntriesError, match=r"\(absorbed_beam: in another file, which is not"):
        load(tmp_path / "a.nxs")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["energy"], file["map"] = ENERGY, h5py.ExternalLink("other.h5", "/map")
    with pytest.raises(DataError, match="map is a link to another file, which is not followed"):
        read_stack_file(tmp_path / "m.h5", SpectrumColumns())


@pytest.mark.parametrize("content", [b"# Athena project file -- x\n", b"\x1f\x8b\x08\x00"])
def test_a_project_is_no_spectrum_to_match(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.prj").write_bytes(content)
    with pytest.raises(DataError, match="make a dataset of it by 'xreg data import'"):
        read_measured(tmp_path / "a.prj")


def test_energies_in_kev_are_named_so_where_a_range_is_missed() -> None:
    energy = np.linspace(7.1, 7.2, 50)
    assert "say --unit keV" in kev_hint(energy, 7080.0, 7220.0)
    assert kev_hint(energy, 8000.0, 9000.0) == ""
    assert kev_hint(1000 * energy, 7080.0, 7220.0) == ""
