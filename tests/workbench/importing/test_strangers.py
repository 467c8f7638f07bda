"""Folders as they lie on strangers' disks: litter, several elements, one file in another unit."""

from __future__ import annotations

import os
import tarfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from xreg.core.data.dataset import Dataset
from xreg.core.errors import ConfigError, DataError
from xreg.workbench.importing.collect import BadEntriesError
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

ENERGY = np.arange(7100.0, 7160.5)


def load(source: Path, **changes: object) -> Dataset:
    data = {"dataset": {"name": "fe", "version": "1.0.0"}, **changes}
    return import_dataset(source, ImportOptions.parse(data, "import"))


def refused(source: Path, **changes: object) -> dict[str, str]:
    with pytest.raises(BadEntriesError) as caught:
        load(source, **changes)
    return {Path(one.file).name: one.reason for one in caught.value.entries}


def spectrum(path: Path, scale: float = 1.0, header: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mu = 0.1 + 1 / (1 + np.exp(-(ENERGY - 7120) / 2))
    rows = zip((ENERGY * scale).tolist(), mu.tolist(), strict=True)
    path.write_text(header + "".join(f"{e:.7f} {v:.6f}\n" for e, v in rows))


def structure(path: Path, iron: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atoms = [f"Fe 0 0 {2.6 * i}\n" for i in range(iron)] + ["O 2 0 0\n"]
    path.write_text(f"{len(atoms)}\n\n{''.join(atoms)}")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for name in "abcd":
        structure(tmp_path / "xyz" / f"{name}.xyz")
        spectrum(tmp_path / "sp" / f"{name}.dat")
    return tmp_path


LITTER = ["README", "README.md", "readme.txt", "LICENSE", "Thumbs.db", "desktop.ini", "#c.dat#"]
LITTER += ["b.dat~", "c.dat.bak", "a.png", "a.log", "plot.py", "files.csv"]


def test_what_lies_beside_spectra_is_passed_over_with_the_reason(pairs):
    for name in LITTER:
        (pairs / "sp" / name).write_text("2 3 of this, 1 2 of that\nno table\n")
    for name in ("b.dat~", "c.dat.bak", "README"):  # copies, and tables in what describes others
        spectrum(pairs / "sp" / name)
    (pairs / "sp" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    (pairs / "xyz" / "README").write_text("read me")
    found = load(pairs)
    assert found.samples.ids.tolist() == ["a", "b", "c", "d"]
    passed = {
        Path(one["file"]).name: one["reason"] for one in found.metadata.provenance["passed_over"]
    }
    assert set(passed) == set(LITTER)
    assert passed["README.md"] == "it describes the folder"
    assert passed["b.dat~"] == "it is an editor's copy"
    assert passed["a.png"] == passed["plot.py"] == "it holds no table of numbers"


def test_spectra_without_structures_and_bad_spectra_are_no_litter(pairs):
    spectrum(pairs / "sp" / "e.dat")
    (pairs / "sp" / "a.dat").write_text("no numbers\n")
    spectrum(pairs / "sp" / "b.txt")
    bad = refused(pairs)
    assert bad["e.dat"] == "no structure of that name"
    assert bad["a.dat"] == "it holds no numbers"
    assert bad["b.xyz"] == "'b' is a duplicate: b.xyz, b.dat, b.txt"
    assert set(bad) == {"e.dat", "a.dat", "b.xyz", "b.dat", "b.txt"}


def test_one_spectrum_in_kev_among_others_is_told(pairs):
    spectrum(pairs / "sp" / "c.dat", 1e-3)
    assert refused(pairs)["c.dat"].endswith("look like keV at the K edge of Fe (7112 eV)")
    assert "look like keV" in refused(pairs, grids={"": "7105:7150:1"})["c.dat"]
    spectrum(pairs / "sp" / "c.dat", 1e-3, "# Energy (keV)  mu\n")
    np.testing.assert_allclose(load(pairs).spectra["xas"].energy, ENERGY, rtol=1e-9)


def test_further_atoms_of_the_absorbing_element_are_told(pairs):
    for name in "bc":
        structure(pairs / "xyz" / f"{name}.xyz", iron=2)
    (remark,) = [one["remark"] for one in load(pairs).metadata.provenance["remarks"]]
    assert "first atom is taken: Fe everywhere, though 2 structures have further" in remark
    assert "(first 'b')" in remark
    assert "--sites all" in remark


def xmu(path: Path, z: int, at: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    energy = at + np.arange(-12.0, 49)
    mu = 0.1 + 1 / (1 + np.exp(-(energy - at - 8) / 2))
    rows = zip(energy, energy - at, np.linspace(-1, 2, 61), mu, strict=True)
    path.write_text(
        f"# Abs   Z={z} Rmt= 1.2\n#  omega    e    k    mu    mu0     chi     @#\n"
        + "".join(f"{e:.3f} {r:.3f} {k:.3f} {v:.5E} {v:.5E} 0.0\n" for e, r, k, v in rows)
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two materials of Lightshow's, each with a site of iron and one of cobalt."""
    for material in ("mp-1", "mp-2"):
        folder = tmp_path / "tree" / material / "FEFF-XANES"
        xmu(folder / "000_Fe" / "xmu.dat", 26, 7112.0)
        xmu(folder / "001_Co" / "xmu.dat", 27, 7709.0)
        (folder.parent / "POSCAR").write_text(
            "x\n1\n4.3 0 0\n0 4.3 0\n0 0 4.3\nFe Co\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"
        )
    return tmp_path / "tree"


def test_a_tree_of_several_elements_is_imported_one_by_one(tree):
    with pytest.raises(BadEntriesError) as caught:
        load(tree)
    assert "import one element at a time, with --absorber ELEMENT" in str(caught.value)
    assert "it is of Co, and those before are of Fe" in str(caught.value)
    for element, start in (("Fe", 7100), ("Co", 7697)):
        found = load(tree, absorber=element)
        assert found.spectra["xas"].energy[0] == start
        assert found.metadata.provenance["summary"]["absorbers"] == {element: 2}
        assert found.metadata.provenance["summary"]["passed_over"] == 2


def test_what_an_archive_unpacks_to_is_bounded(tree, tmp_path, monkeypatch):
    packed = tmp_path / "tree.tar.gz"
    with tarfile.open(packed, "w:gz") as file:
        file.add(tree, "tree")
    monkeypatch.setattr("xreg.plugins.feff.trees.LARGEST", 1000)
    with pytest.raises(BadEntriesError) as caught:
        load(packed, absorber="Fe")
    reasons = [bad.reason for bad in caught.value.entries]
    assert any(reason.endswith(" bytes, and 1,000 are read") for reason in reasons), reasons
    monkeypatch.undo()
    monkeypatch.setattr("xreg.plugins.feff.trees.MOST", 5000)
    with pytest.raises(DataError, match="unpacks to more than 5,000 bytes"):
        load(packed, absorber="Fe")


def test_options_that_a_layout_does_not_have_are_refused(tree, tmp_path):
    with pytest.raises(ConfigError, match="the layout 'feff' has no --sites"):
        load(tree, absorber="Fe", sites="all")
    with pytest.raises(ConfigError, match="the layout 'feff' has no --spectra"):
        load(tree, spectra="elsewhere")
    file = tmp_path / "a.npz"
    np.savez(file, spectra_xas=np.eye(3), energy_xas=ENERGY[:3])
    with pytest.raises(ConfigError, match="the layout 'npz' has no --sites"):
        load(file, absorber="Fe", sites="all")


def test_pipes_and_devices_among_files_are_named_and_not_waited_for(pairs):
    os.mkfifo(pairs / "sp" / "e.dat")
    structure(pairs / "xyz" / "e.xyz")
    (pairs / "xyz" / "f.xyz").symlink_to("/dev/zero")
    spectrum(pairs / "sp" / "f.dat")
    bad = refused(pairs)
    assert set(bad) == {"e.dat", "f.xyz"}
    assert all(reason.endswith("(it is a pipe or device, no file)") for reason in bad.values())


@pytest.mark.parametrize("name", ["a\x1b[31m", "a\u202eb", "a\nb", os.fsdecode(b"\xff")])
def test_a_name_that_steers_or_is_no_utf8_is_refused(pairs, name):
    structure(pairs / "xyz" / f"{name}.xyz")
    spectrum(pairs / "sp" / f"{name}.dat")
    (reason,) = refused(pairs).values()
    assert "steers a terminal, or is no UTF-8: rename it" in reason
    found = load(pairs, bad="set-aside")
    assert found.samples.ids.tolist() == ["a", "b", "c", "d"]
    assert str(found.metadata.provenance).isprintable()


def test_accents_that_a_system_writes_apart_are_the_same(pairs):
    structure(pairs / "xyz" / "\u00e9.xyz")
    spectrum(pairs / "sp" / f"{unicodedata.normalize('NFD', chr(0xE9))}.dat")
    assert load(pairs).samples.ids.tolist() == ["a", "b", "c", "d", "\u00e9"]


def test_labels_that_are_too_many_or_have_no_name(pairs):
    head = "Properties=species:S:1:pos:R:3"
    (pairs / "xyz" / "a.xyz").write_text(
        f"2\n{head} {' '.join(f'k{n}=1' for n in range(1001))}\nFe 0 0 0\nO 2 0 0\n"
    )
    assert refused(pairs)["a.dat"] == "it has 1,001 labels, and at most 1,000 are read"
    for name in "abcd":
        (pairs / "xyz" / f"{name}.xyz").write_text(f"2\n{head} \u00e9=1 t=2\nFe 0 0 0\nO 2 0 0\n")
    found = load(pairs)
    assert list(found.labels) == ["t"]
    remarks = [one["remark"] for one in found.metadata.provenance["remarks"]]
    assert any("'\u00e9' is no label: use letters" in remark for remark in remarks)
