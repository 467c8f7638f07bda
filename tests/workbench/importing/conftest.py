"""A tree as FEFF leaves it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import write

from xreg_tests.imports import xmu


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
