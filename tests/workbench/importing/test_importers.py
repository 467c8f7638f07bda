"""Import of files found in the wild: each bad entry is named, and refused or set aside."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.cli import main as cli
from xreg.core.errors import ConfigError, DataError, UnknownNameError
from xreg.core.readers.importing.curve import Curve, parse_grid
from xreg.registry.stores.store import open_store
from xreg.workbench.importing.collect import BadEntriesError
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

ENERGY = np.arange(8980.0, 9020.5, 0.5)
# Published with OmniXAS; not part of this repository, found where it lies beside the clone.
REAL = Path(__file__).parents[4] / "shared" / "data" / "cu-k-feff.tar.xz"


def options(**changes: object) -> ImportOptions:
    return ImportOptions.parse({"dataset": {"name": "cu", "version": "1.0.0"}, **changes}, "import")


def load(source: Path, **changes: object):
    return import_dataset(source, options(**changes))


def bad_of(source: Path, **changes: object) -> dict[str, str]:
    """Return why each bad entry is refused, by the last parts of its file name."""
    with pytest.raises(BadEntriesError) as caught:
        load(source, **changes)
    return {
        str(Path(bad.file)).removeprefix(f"{source}/"): bad.reason for bad in caught.value.entries
    }


def without_number(text: str) -> str:
    """Return a table whose first row ends in NaN."""
    head, _, tail = text.partition("\n")
    return f"{head.rpartition(' ')[0]} nan\n{tail}"


def edge(energy: np.ndarray, at: float = 8990.0) -> np.ndarray:
    return 0.5 + np.arctan(energy - at) / np.pi


# FEFF trees -----------------------------------------------------------------------------------


def xmu(energy: np.ndarray = ENERGY, z: int = 29, at: float = 8990.0, skip: str = "") -> str:
    """Return a file as FEFF writes it: photon energy, a shifted energy, k, mu, mu0, chi."""
    header = (
        f"# # comment:                              FEFF 9.9.1  \n"
        f"# # Abs   Z={z} Rmt= 1.247 Rnm= 1.305 K  shell\n"
        "#  -----------------------------------------------------------------------\n"
        "#  omega    e    k    mu    mu0     chi     @#\n"
    )
    mu = edge(energy, at)
    columns = [energy, energy - 8999.4, (energy - at) / 10, mu, mu * 0.9, mu * 0.1]
    rows = "\n".join("  ".join(f"{v:.6g}" if c else f"{v:.3f}" for c, v in enumerate(row))
                     for row in np.transpose(columns))  # fmt: skip
    return header + rows + "\n" + skip


@pytest.fixture
def feff(tmp_path: Path) -> Path:
    """Two materials, three good spectra."""
    root = tmp_path / "tree"
    for material, element in (("mp-1", "Zn"), ("mp-2", "O")):
        (root / material).mkdir(parents=True)
        atoms = bulk("Cu", cubic=True)  # four atoms
        atoms.symbols[0] = element
        write(root / material / "POSCAR", atoms, format="vasp", sort=False)
    for n, (material, site) in enumerate((("mp-1", "001"), ("mp-1", "003"), ("mp-2", "002"))):
        folder = root / material / f"{site}_Cu"
        folder.mkdir()
        (folder / "xmu.dat").write_text(xmu(at=8990.0 + n))
    return root


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


# Pairs of folders -----------------------------------------------------------------------------


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Three molecules, one with atomic numbers, with spectra under headers of three kinds."""
    root = tmp_path / "pairs"
    (root / "xyz").mkdir(parents=True)
    (root / "xanes").mkdir()
    headers = {"a": "", "b": "    Energy    <xanes>\n", "c": "# E mu\n"}
    for n, (name, header) in enumerate(headers.items()):
        symbol = "26" if name == "b" else "Fe"
        other = "8" if name == "b" else "O"
        (root / "xyz" / f"{name}.xyz").write_text(
            f"2\n{name}\n{symbol} 0 0 0\n{other} 0 0 {1.6 + n / 10} 0.1\n"
        )
        rows = "".join(
            f"{e:.2f}  {v:.8f}\n" for e, v in zip(ENERGY, edge(ENERGY, 8990 + n), strict=True)
        )
        (root / "xanes" / f"{name}.txt").write_text(header + rows)
    return root


def test_pairs_are_matched_by_stem(pairs):
    dataset = load(pairs, channels=["xanes"], absorber="Fe")
    assert dataset.samples.ids.tolist() == ["a", "b", "c"]
    assert dataset.samples.numbers.tolist() == [26, 8] * 3
    assert dataset.samples.absorber.tolist() == [0, 0, 0]
    assert dataset.samples[1].positions[1, 2] == pytest.approx(1.7)
    np.testing.assert_allclose(dataset.spectra["xanes"].intensity[2], edge(ENERGY, 8992), atol=1e-8)
    np.testing.assert_allclose(dataset.spectra["xanes"].energy, ENERGY)
    explicit = load(pairs / "xyz", layout="pairs", channels=["xanes"], spectra=str(pairs / "xanes"))
    assert explicit.metadata.provenance["sha256"] == dataset.metadata.provenance["sha256"]


def test_every_bad_pair_is_named(pairs):
    xyz, spectra = pairs / "xyz", pairs / "xanes"
    good = (spectra / "a.txt").read_text()
    atoms = (xyz / "a.xyz").read_text()
    (xyz / "alone.xyz").write_text(atoms)
    (spectra / "widow.txt").write_text(good)
    files = {
        "dup": (atoms, good),
        "none": ("", good),
        "cut": ("3\n\nFe 0 0 0\nO 0 0 1\n", good),
        "odd": ("2\n\nFe 0 0 0\nQq 0 0 1\n", good),
        "nan": ("2\n\nFe 0 0 0\nO 0 0 nan\n", good),
        "noabs": ("1\n\nO 0 0 0\n", good),
        "void": (atoms, ""),
        "words": (atoms, "no numbers here\n"),
        "first": (atoms, good.replace("8980.00", "898O.00", 1)),
        "hole": (atoms, without_number(good)),
        "wide": (atoms, "1 2 3\n2 3 4\n"),
        "thin": (atoms, "1\n2\n"),
        "back": (atoms, "\n".join([*good.splitlines()[:3], good.splitlines()[1]])),
        "short": (atoms, "".join(good.splitlines(keepends=True)[:-5])),
    }
    for name, (structure, table) in files.items():
        (xyz / f"{name}.xyz").write_text(structure)
        (spectra / f"{name}.txt").write_text(table)
    (spectra / "dup.dat").write_text(good)
    expected = {
        "xyz/alone.xyz": "no spectrum of that name",
        "xanes/widow.txt": "no structure of that name",
        "xyz/dup.xyz": "'dup' is a duplicate: dup.xyz, dup.dat, dup.txt",
        "xanes/dup.dat": "is a duplicate",
        "xanes/dup.txt": "is a duplicate",
        "xyz/none.xyz": "it is empty",
        "xyz/cut.xyz": "it announces 3 atoms and has 2 lines",
        "xyz/odd.xyz": "its atom 1 'Qq' is no element",
        "xyz/nan.xyz": "not finite",
        "xyz/noabs.xyz": "it has no absorber: no atom is Fe",
        "xanes/void.txt": "it is empty",
        "xanes/words.txt": "it holds no numbers",
        "xanes/first.txt": "above the rows holds a value that is no number",
        "xanes/hole.txt": "the spectrum is not finite at point 1: line 1 holds 'nan'",
        "xanes/wide.txt": "it has 3 columns without names; say which is the signal",
        "xanes/thin.txt": "it has 1 column where energy and signal are needed",
        "xanes/back.txt": "the energies do not increase from 8981 to 8980.5 eV (line 4)",
        "xanes/short.txt": "the spectrum has 76 points where the first one",
    }
    found = bad_of(pairs, absorber="Fe")
    assert set(found) == set(expected)
    for file, reason in expected.items():
        assert reason in found[file], file
    assert len(load(pairs, absorber="Fe", bad="set-aside")) == 3


def test_the_absorber_may_not_be_guessed(pairs):
    (pairs / "xyz" / "a.xyz").write_text("3\n\nO 0 0 0\nFe 0 0 1\nFe 0 0 2\n")
    assert "2 atoms of Fe (Fe 1, Fe 2): say which" in bad_of(pairs, absorber="Fe")["xyz/a.xyz"]
    assert "5 is none of its 3 atoms" in bad_of(pairs, absorber=5)["xyz/a.xyz"]


def test_folders_that_are_no_pair_are_refused(pairs):
    (pairs / "third").mkdir()
    with pytest.raises(DataError, match="must hold two folders"):
        load(pairs)


# extxyz and npz -------------------------------------------------------------------------------


def frames() -> list[Atoms]:
    rng = np.random.default_rng(1)
    made = []
    for i in range(4):
        atoms = Atoms("OHH", np.eye(3) + 0.1 * rng.normal(size=(3, 3)))
        atoms.info = {
            "id": f"f{i}",
            "xes": edge(ENERGY, 8990 + i),
            "xes_energy": ENERGY,
            "step": i,
            "run": "r",
        }
        made.append(atoms)
    return made


def test_extxyz_with_spectra_in_the_info(tmp_path):
    path = tmp_path / "f.extxyz"
    write(path, frames())
    dataset = load(path, channels=["xes"], absorber="O")
    assert dataset.samples.ids.tolist() == ["f0", "f1", "f2", "f3"]
    np.testing.assert_allclose(dataset.spectra["xes"].intensity[2], edge(ENERGY, 8992))
    assert dataset.labels["step"].tolist() == [0, 1, 2, 3]
    assert set(dataset.labels) == {"step", "run"}


def test_extxyz_with_spectra_of_every_site_in_the_arrays(tmp_path):
    path = tmp_path / "f.extxyz"
    made = frames()[:2]
    for i, atoms in enumerate(made):
        atoms.info = {}
        atoms.arrays["xes"] = np.array([edge(ENERGY, 8990 + i + 0.1 * site) for site in range(3)])
    write(path, made)
    grids = {"": "8980:9020:0.5"}
    dataset = load(path, channels=["xes"], absorber="H", grids=grids)
    assert dataset.samples.ids.tolist() == ["f-0-1", "f-0-2", "f-1-1", "f-1-2"]
    assert dataset.samples.absorber.tolist() == [1, 2, 1, 2]
    np.testing.assert_allclose(dataset.spectra["xes"].intensity[3], edge(ENERGY, 8991.2), atol=1e-8)
    one = load(path, channels=["xes"], absorber=0, grids=grids)
    assert one.samples.ids.tolist() == ["f-0", "f-1"]


def test_every_bad_frame_is_named(tmp_path):
    path = tmp_path / "f.extxyz"
    made = frames()
    del made[0].info["xes"]
    made[1].info["xes"] = made[1].info["xes"][:-1]
    made[2].numbers[0] = 7
    made[3].info["id"] = "f0"
    made += frames()[:1]
    write(path, made)
    found = bad_of(path, channels=["xes"], absorber="O")
    expected = {
        "f.extxyz, frame 0": "it has no spectrum: 'xes' is neither in its info nor in its arrays",
        "f.extxyz, frame 1": "80 intensities on 81 energies",
        "f.extxyz, frame 2": "it has no absorber: no atom is O",
        "f.extxyz, frame 4": "the sample 'f0' is a duplicate",
    }
    assert set(found) == set(expected)
    for frame, reason in expected.items():
        assert reason in found[frame]
    path.write_text("3\nxyz\nO 0 0\n")
    assert bad_of(path) == {
        "f.extxyz, frame 0": "it announces 3 atoms and has 0 lines of atoms before 'O 0 0'"
    }


def arrays() -> dict[str, np.ndarray]:
    spectra = np.array([edge(ENERGY, 8990 + i) for i in range(3)])
    return {
        "numbers": np.array([[29, 8, 0], [29, 8, 8], [29, 1, 0]]),
        "positions": np.arange(27.0).reshape(3, 3, 3),
        "spectra": spectra,
        "energy": ENERGY,
        "ids": np.array(["a", "b", "c"]),
        "label_charge": np.array([0, 1, 2]),
    }


def saved(tmp_path: Path, **changes: np.ndarray | None) -> Path:
    path = tmp_path / "data.npz"
    content = {**arrays(), **changes}
    np.savez(path, **{name: value for name, value in content.items() if value is not None})
    return path


def test_npz_padded_ragged_or_parameters(tmp_path):
    padded = load(saved(tmp_path))
    assert padded.samples.sizes.tolist() == [2, 3, 2]
    assert padded.samples[2].positions.tolist() == np.arange(18.0, 24.0).reshape(2, 3).tolist()
    assert padded.labels["charge"].tolist() == [0, 1, 2]
    numbers = np.array([29, 8, 29, 8, 8, 29, 1])
    ragged = load(
        saved(tmp_path, numbers=numbers, positions=np.arange(21.0).reshape(7, 3),
              offsets=np.array([0, 2, 5, 7]), absorber=np.array([1, 0, 0]),
              cell=np.tile(9 * np.eye(3), (3, 1, 1)))
    )  # fmt: skip
    assert ragged.samples.absorbers().tolist() == [8, 29, 29]
    assert ragged.samples.pbc.all()
    table = load(
        saved(tmp_path, numbers=None, positions=None, parameters=np.arange(6.0).reshape(3, 2),
              parameter_names=np.array(["dq", "ds"]), parameter_units=np.array(["eV", "eV"]))
    )  # fmt: skip
    assert table.samples.names == ("dq", "ds")
    assert table.samples[1].values == {"dq": 2.0, "ds": 3.0}


def test_bad_rows_and_bad_arrays_of_npz_are_named(tmp_path):
    content = arrays()
    content["spectra"][1, 5] = np.nan
    content["ids"][2] = "a"
    found = bad_of(saved(tmp_path, **content))
    assert "not finite at point 6" in found["data.npz, row 1"]
    assert "'a' is a duplicate" in found["data.npz, row 2"]
    for changes, text in (
        ({"spektra": np.zeros(3)}, "'spektra' is no name .* .did you mean 'spectra'"),
        ({"label_charge": np.zeros(2)}, "'charge' has 2 rows for 3 spectra"),
        ({"positions": np.zeros((3, 2, 3))}, r"'positions' \(3, 2, 3\) must be"),
        ({"energy": None}, "no array 'energy_xas', and no energies were given"),
        ({"spectra": None}, "no array 'spectra_xas'"),
        ({"label_x": np.array([{}, {}, {}])}, "pickled arrays are never read"),
    ):
        with pytest.raises(DataError, match=text):
            load(saved(tmp_path, **changes))
    path = tmp_path / "data.npz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be read as"):
        load(path)


# Grids, tables, and the command ----------------------------------------------------------------


@settings(max_examples=30)
@given(
    start=st.floats(-100, 10000),
    step=st.sampled_from([0.01, 0.1, 0.2, 0.25, 0.3, 1.0, 2.5]),
    n=st.integers(1, 400),
)
def test_a_grid_has_both_ends(start, step, n):
    grid = parse_grid(f"{start!r}:{start + n * step!r}:{step}")
    assert len(grid) == n + 1
    assert grid[0] == start
    np.testing.assert_allclose(grid[-1], start + n * step, atol=1e-6)


@settings(max_examples=30)
@given(st.integers(2, 30), st.integers(0, 2**31))
def test_interpolation_keeps_points_and_invents_nothing(n, seed):
    rng = np.random.default_rng(seed)
    curve = Curve(np.cumsum(rng.uniform(0.1, 1, n)), rng.normal(size=n))
    assert np.array_equal(curve.on(curve.energy, 0), curve.intensity)
    grid = np.linspace(curve.energy[0], curve.energy[-1], 50)
    on = curve.on(grid, 0)
    assert curve.intensity.min() <= on.min()
    assert on.max() <= curve.intensity.max()
    with pytest.raises(DataError, match="short"):
        curve.on(grid + 0.01, 0)


@pytest.mark.parametrize("text", ["", "1:2", "1:2:0", "2:1:1", "1:2:x", "1:nan:1", "0:1e9:1e-3"])
def test_bad_grids_are_refused(text):
    with pytest.raises(ConfigError, match="grid"):
        parse_grid(text)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"channels": ["a", "b"]}, "has one channel"),
        ({"layout": "npz"}, "wants a file"),
        ({"grids": {"xes": "1:2:1"}}, "grid is given for no channel 'xes'"),
        ({"split": {"group": "matrial"}}, "did you mean 'material'"),
    ],
)
def test_options_that_do_not_fit_are_refused(feff, changes, text):
    with pytest.raises((ConfigError, UnknownNameError), match=text):
        load(feff, **changes)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "import", *arguments])
    return end.value.code or 0


def test_the_command_writes_a_store(feff, tmp_path, capsys):
    output = tmp_path / "cu-k.zarr"
    command = [str(feff), "-o", str(output), "--grid", "8985:9015:0.25", "--split-by", "material",
               "--fractions", "0.5", "0", "0.5", "--precision", "xas=12",
               "--licence", "CC0-1.0"]  # fmt: skip
    assert run(*command) == 0
    assert "3 samples" in capsys.readouterr().out
    dataset = open_store(output)
    assert (dataset.metadata.name, dataset.metadata.licence) == ("cu-k", "CC0-1.0")
    assert dataset.spectra["xas"].intensity.dtype == np.float32
    assert run(*command) == 2
    assert "exists already" in capsys.readouterr().err


def test_the_command_lists_bad_entries_and_leaves_nothing(feff, tmp_path, capsys):
    (feff / "mp-1" / "001_Cu" / "xmu.dat").write_text("")
    (feff / "mp-2" / "000_Cu").mkdir()
    output = tmp_path / "cu.zarr"
    assert run(str(feff), "-o", str(output)) == 2
    err = capsys.readouterr().err
    assert "bad: mp-1/001_Cu/xmu.dat: it is empty" in err
    assert "bad: mp-2/000_Cu/xmu.dat: there is no xmu.dat" in err
    assert "xreg: 2 of 4 entries cannot be imported, first mp-1/001_Cu/xmu.dat: it is empty" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tree"]
    assert (
        run(str(feff), "-o", str(output), "--bad", "set-aside", "--fractions", "1", "0", "0") == 0
    )
    assert "set aside: mp-1/001_Cu/xmu.dat: it is empty" in capsys.readouterr().err
    assert len(open_store(output)) == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nowhere", "-o", "x.zarr"], "'nowhere' does not exist"),
        (["."], "a dataset needs a name"),
        ([".", "-o", "x.zarr"], "looks like no known layout"),
        ([".", "-o", "x.zarr", "--layout", "fef"], "layout"),
        ([".", "--name", "../x"], "dataset.name"),
        ([".", "-o", "x.zarr", "--grid", "1:2"], "must be start:stop:step"),
        ([".", "-o", "x.zarr", "--precision", "xas"], "write CHANNEL=bits"),
        ([".", "-o", "x.zarr", "--bad", "drop"], "bad"),
    ],
)
def test_bad_requests_end_in_one_sentence(tmp_path, monkeypatch, capsys, arguments, text):
    monkeypatch.chdir(tmp_path)
    if "--grid" in arguments:
        arguments = ["--layout", "feff", *arguments]
    assert run(*arguments) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("xreg: ")
    assert text in last
    assert not list(tmp_path.iterdir())


def test_an_unknown_source_says_who_was_asked(tmp_path):
    (tmp_path / "notes.dat").write_text("no spectra\n")
    with pytest.raises(ConfigError, match=r"asked were .*extxyz.*, feff.*, npz, .*pairs") as caught:
        load(tmp_path / "notes.dat")
    assert "--layout" in str(caught.value)
    with pytest.raises(UnknownNameError, match=r"--layout ffef: no importer 'ffef'.*'feff'"):
        load(tmp_path / "notes.dat", layout="ffef")


def test_a_source_is_known_by_its_content_too(tmp_path):
    atoms = Atoms("CuO", positions=[[0, 0, 0], [0, 0, 2]])
    atoms.info |= {"xas": edge(ENERGY), "xas_energy": ENERGY}
    write(tmp_path / "frames.out", atoms, format="extxyz")
    assert load(tmp_path / "frames.out").metadata.provenance["layout"] == "extxyz"
    np.savez(tmp_path / "a.npz", numbers=[[29]], positions=[[[0.0, 0, 0]]], spectra=[edge(ENERGY)],
             energy=ENERGY)  # fmt: skip
    (tmp_path / "a.npz").rename(tmp_path / "arrays")
    assert load(tmp_path / "arrays").metadata.provenance["layout"] == "npz"


def test_an_importer_that_fails_at_a_glance_hurts_no_other(tmp_path, monkeypatch):
    def crash(path: Path, head: bytes) -> float:
        raise OSError("no luck")

    monkeypatch.setattr("xreg.plugins.npz.importer.NpzImporter.sniff", crash)
    atoms = Atoms("CuO", positions=[[0, 0, 0], [0, 0, 2]])
    atoms.info |= {"xas": edge(ENERGY), "xas_energy": ENERGY}
    write(tmp_path / "a.extxyz", atoms)
    remarks = load(tmp_path / "a.extxyz").metadata.provenance["remarks"]
    assert any("'npz' failed to look at it (OSError: no luck)" in r["remark"] for r in remarks)


def test_two_importers_as_sure_are_both_named(tmp_path, monkeypatch):
    monkeypatch.setattr("xreg.plugins.npz.importer.NpzImporter.sniff", lambda path, head: 0.95)
    write(tmp_path / "a.extxyz", Atoms("CuO", positions=[[0, 0, 0], [0, 0, 2]], info={"a": 1}))
    with pytest.raises(ConfigError, match="like extxyz and like npz; name one"):
        load(tmp_path / "a.extxyz")
