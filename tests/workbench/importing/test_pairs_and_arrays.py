"""Pairs of folders, extended xyz and npz: samples with spectra, every bad one by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from xreg.core.errors import DataError
from xreg_tests.imports import ENERGY, arrays, bad_of, edge, load


def without_number(text: str) -> str:
    """Return a table whose first row ends in NaN."""
    head, _, tail = text.partition("\n")
    return f"{head.rpartition(' ')[0]} nan\n{tail}"


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
        ({"ids": np.zeros(3)}, "'ids' holds float64 in 1 axes; it must hold texts or whole number"),
    ):
        with pytest.raises(DataError, match=text):
            load(saved(tmp_path, **changes))
    path = tmp_path / "data.npz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be read as"):
        load(path)
