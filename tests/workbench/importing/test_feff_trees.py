"""Trees of FEFF's folders, loose or packed: samples with labels, every bad entry by name."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from xreg.core.errors import DataError
from xreg_tests.imports import ENERGY, bad_of, edge, load, xmu

# Published with OmniXAS; not part of this repository, found where it lies beside the clone.
REAL = Path(__file__).parents[4] / "shared" / "data" / "cu-k-feff.tar.xz"


def test_a_feff_tree_becomes_samples_with_their_labels(feff):
    dataset = load(feff, grids={"": "8985:9015:0.25"}, split={"group": "material",
                   "fractions": [0.5, 0, 0.5]})  # fmt: skip
    assert dataset.samples.ids.tolist() == ["mp-1-001", "mp-1-003", "mp-2-002"]
    assert dataset.samples.absorber.tolist() == [1, 3, 2]
    assert dataset.samples.absorbers().tolist() == [29, 29, 29]
    assert dataset.samples[0].numbers.tolist() == [30, 29, 29, 29]
    assert dataset.samples.pbc.all()
    assert dataset.labels["material"].tolist() == ["mp-1", "mp-1", "mp-2"]
    assert dataset.labels["site"].tolist() == [1, 3, 2]
    assert dataset.labels["formula"].tolist() == ["Cu3Zn", "Cu3Zn", "Cu3O"]
    assert dataset.labels["fermi_energy"].tolist() == [8990.0, 8991.0, 8992.0]
    channel = dataset.spectra["xas"]
    assert channel.energy[[0, 1, -1]].tolist() == [8985.0, 8985.25, 9015.0]
    for row, at in enumerate((8990.0, 8991.0, 8992.0)):  # mu against omega, not e, mu0 or chi
        reference = np.interp(channel.energy, ENERGY, edge(ENERGY, at))
        np.testing.assert_allclose(channel.intensity[row], reference, atol=1e-6)
    split = dataset.splits["default"]
    assert {len(split.train), len(split.test)} == {1, 2}


def archive(tree: Path, suffix: str) -> Path:
    path = tree.with_name(f"tree{suffix}")
    with tarfile.open(path, f"w:{suffix.rpartition('.')[2]}") as file:
        file.add(tree, "somewhere/else")
    return path


@pytest.mark.parametrize("suffix", [".tar.xz", ".tar.gz"])
def test_an_archive_gives_the_same_dataset_as_its_folder(feff, suffix):
    packed = archive(feff, suffix)
    before = sorted(packed.parent.rglob("*"))
    one, other = load(feff), load(packed)
    assert sorted(packed.parent.rglob("*")) == before
    assert one.metadata.provenance["sha256"] == other.metadata.provenance["sha256"]
    assert np.array_equal(one.spectra["xas"].intensity, other.spectra["xas"].intensity)
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(DataError, match=re.escape(f"{packed.name}' cannot be read")):
        load(packed)


def test_every_bad_entry_of_a_feff_tree_is_named(feff):
    def spoil(material: str, site: str, content: str | None) -> None:
        folder = feff / material / site
        folder.mkdir(parents=True)
        if content is not None:
            (folder / "xmu.dat").write_text(content)

    energies = ENERGY.copy()
    energies[7] = energies[6]
    lines = xmu().splitlines(keepends=True)
    spoil("mp-1", "000_Cu", xmu())
    spoil("mp-1", "002_Cu", xmu(z=30))
    spoil("mp-1", "004_Cu", xmu())
    spoil("mp-1", "cu", xmu())
    spoil("mp-2", "000_Cu", None)
    spoil("mp-2", "001_Cu", "")
    spoil("mp-2", "003_Cu", "".join(lines[:-3]) + "9019.0  20.\n")
    spoil("mp-3", "000_Cu", xmu())
    spoil("mp-4", "000_Cu", xmu(energy=energies))
    spoil("mp-4", "001_Cu", xmu(energy=ENERGY[:40]))
    spoil(
        "mp-4",
        "002_Cu",
        "".join([*lines[:9], re.sub(r"0\.\d+", "nan", lines[9], count=1), *lines[10:]]),
    )
    spoil("mp-4", "003_Cu", "".join(lines[:5]))
    write(feff / "mp-4" / "POSCAR", bulk("Cu", cubic=True), format="vasp")
    (feff / "mp-5").mkdir()
    write(feff / "mp-5" / "POSCAR", bulk("Cu"), format="vasp")
    spoil("mp-6", "000_Cu", xmu())
    (feff / "mp-6" / "POSCAR").write_text("nonsense\n")
    expected = {
        "mp-1/000_Cu/xmu.dat": "site 0 of its POSCAR is Zn, not Cu",
        "mp-1/002_Cu/xmu.dat": "FEFF's absorber is Zn, not Cu",
        "mp-1/004_Cu/xmu.dat": "site 4 is none of the 4 atoms of its POSCAR",
        "mp-1/cu/xmu.dat": "its folder 'cu' is not called <site>_<element>",
        "mp-2/000_Cu/xmu.dat": "there is no xmu.dat",
        "mp-2/001_Cu/xmu.dat": "it is empty",
        "mp-2/003_Cu/xmu.dat": "its line 83 has 2 columns where line 5 has 6",
        "mp-3/000_Cu/xmu.dat": "there is no POSCAR",
        "mp-4/000_Cu/xmu.dat": "the energy 8983 eV occurs twice, in lines 11 and 12",
        "mp-4/001_Cu/xmu.dat": "the spectrum is short: 8980…8999.5 eV does not cover 8985…9015",
        "mp-4/002_Cu/xmu.dat": "not finite",
        "mp-4/003_Cu/xmu.dat": "the spectrum has 1 point",
        "mp-5/POSCAR": "no site with a spectrum is beside it",
        "mp-6/000_Cu/xmu.dat": "its POSCAR cannot be read",
    }
    grids = {"": "8985:9015:0.25"}
    found = {name.removeprefix("tree/"): why for name, why in bad_of(feff, grids=grids).items()}
    assert set(found) == set(expected)
    for file, reason in expected.items():
        assert reason in found[file], file
    dataset = load(feff, grids=grids, bad="set-aside")
    assert dataset.samples.ids.tolist() == ["mp-1-001", "mp-1-003", "mp-2-002"]
    aside = dataset.metadata.provenance["set_aside"]
    assert {entry["file"]: entry["reason"] for entry in aside} == found


def test_the_same_material_twice_is_a_duplicate(feff):
    twin = feff / "again" / "mp-2"
    (twin / "002_Cu").mkdir(parents=True)
    for name in ("POSCAR", "002_Cu/xmu.dat"):
        (twin / name).write_text((feff / "mp-2" / name).read_text())
    (found,) = bad_of(feff, layout="feff").items()
    assert "the sample 'mp-2-002' is a duplicate, it also comes from" in found[1]


def test_end_values_hold_only_as_far_as_asked(feff):
    grids = {"": "8977:9015:0.5"}
    assert len(bad_of(feff, grids=grids, hold_ends=2.9)) == 3
    channel = load(feff, grids=grids, hold_ends=3.0).spectra["xas"]
    first = channel.intensity[:, :7]
    assert np.array_equal(first, np.repeat(first[:, -1:], 7, axis=1))


@pytest.mark.skipif(not REAL.exists(), reason="the real Cu K-edge set is not at hand")
def test_a_part_of_the_real_set(tmp_path):
    from ase.io import read

    with tarfile.open(REAL) as file:
        wanted = []
        for member in file:
            if len(wanted) < 30 and member.isfile() and "/mp-" in member.name:
                wanted.append(member)
                file.extract(member, tmp_path, filter="data")
            elif len(wanted) >= 30:
                break
    root = tmp_path / "cu-k-feff"
    dataset = load(root, grids={"": "8990:9018:0.25"}, bad="set-aside")
    assert len(dataset) >= 8
    assert set(dataset.samples.absorbers().tolist()) == {29}
    # FEFF's absolute scale puts the Cu K edge some eV above the tabulated 8979 eV.
    assert np.all(np.abs(dataset.labels["fermi_energy"] - 8988) < 6)
    i = len(dataset) // 2
    material, site = dataset.labels["material"][i], dataset.labels["site"][i]
    table = np.loadtxt(root / material / f"{site:03d}_Cu" / "xmu.dat")
    reference = np.interp(dataset.spectra["xas"].energy, table[:, 0], table[:, 3])
    np.testing.assert_array_equal(dataset.spectra["xas"].intensity[i], reference)
    np.testing.assert_allclose(table[:, 3] - table[:, 4], table[:, 5], atol=2e-5)  # mu, mu0, chi
    atoms = read(root / material / "POSCAR", format="vasp")
    np.testing.assert_allclose(dataset.samples[i].positions, atoms.positions)
