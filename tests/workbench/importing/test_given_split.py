"""A source that comes with its split: folders or files for training, validation and test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from xreg.core.data.splits import PARTS
from xreg.core.errors import DataError, XregError
from xreg.workbench.importing.imports import import_dataset
from xreg.workbench.importing.options import ImportOptions

ENERGY = np.linspace(7100, 7110, 11)


def molecule(name: str) -> Atoms:
    return Atoms("FeO", [(0, 0, 0), (0, 0, 1.9 + ord(name) / 1e3)])


def frames(path: Path, names: str) -> None:
    """Write one extended xyz file."""
    path.parent.mkdir(exist_ok=True)
    made = [molecule(name) for name in names]
    for atoms, name in zip(made, names, strict=True):
        atoms.info = {"id": name, "xas_energy": ENERGY, "xas": np.exp(-((ENERGY - 7105) ** 2))}
    write(path, made)


def pairs(folder: Path, names: str) -> None:
    """Write a folder of structures and one of spectra."""
    for name in names:
        for side in ("xyz", "spectra"):
            (folder / side).mkdir(parents=True, exist_ok=True)
        write(folder / "xyz" / f"{name}.xyz", molecule(name), format="xyz")
        rows = np.stack([ENERGY, np.exp(-((ENERGY - 7105) ** 2))], axis=1)
        np.savetxt(folder / "spectra" / f"{name}.txt", rows)


def options(**changes: object) -> ImportOptions:
    content = {"dataset": "fe@1.0.0", "split": {"parts": "folder"}, "absorber": "Fe", **changes}
    return ImportOptions.parse(content, "import")


@pytest.mark.parametrize(("make", "ending"), [(frames, ".extxyz"), (pairs, "")])
@pytest.mark.parametrize("validation", ["validation", "val", "Valid"])
def test_the_split_is_that_of_the_folders(
    tmp_path: Path, make: Callable[[Path, str], None], ending: str, validation: str
) -> None:
    source = tmp_path / "source"
    for part, names in (("train", "abcd"), (validation, "ef"), ("test", "gh")):
        make(source / f"{part}{ending}", names)
    (source / "README.txt").write_text("by the authors")
    made = import_dataset(source, options())
    assert [getattr(made.splits["default"], part).tolist() for part in PARTS] == [
        list("abcd"), list("ef"), list("gh")
    ]  # fmt: skip
    assert made.metadata.provenance["split"] == "that of the source"
    assert [one["file"] for one in made.metadata.provenance["passed_over"]] == ["README.txt"]
    assert "folder" not in made.labels


def test_without_being_asked_nothing_is_split_so(tmp_path: Path) -> None:
    frames(tmp_path / "train.extxyz", "abcdefghij")
    made = import_dataset(tmp_path / "train.extxyz", options(split={}))
    assert sum(len(getattr(made.splits["default"], part)) for part in PARTS) == 10


def test_a_sample_in_two_parts_is_bad(tmp_path: Path) -> None:
    frames(tmp_path / "train.extxyz", "abc")
    frames(tmp_path / "test.extxyz", "cd")
    with pytest.raises(XregError, match="the sample 'c' is a duplicate"):
        import_dataset(tmp_path, options())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["train"], "must hold 'train' and 'test'"),
        (["test", "validation"], "must hold 'train' and 'test'"),
        (["train", "val", "valid", "test"], "has two validation parts, val.extxyz and valid"),
    ],
)
def test_what_is_no_split_is_refused(tmp_path: Path, names: list[str], said: str) -> None:
    for name, letter in zip(names, "abcd", strict=False):
        frames(tmp_path / f"{name}.extxyz", letter)
    with pytest.raises(DataError, match=said):
        import_dataset(tmp_path, options())
    frames(tmp_path / "one.extxyz", "abc")
    with pytest.raises(DataError, match="must hold 'train' and 'test'"):
        import_dataset(tmp_path / "one.extxyz", options())
