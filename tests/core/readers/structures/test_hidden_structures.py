"""What a file of structures says beside its atoms, and was passed over without a word."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.errors import DataError
from xreg.core.readers.structures import Frame, parse_frames

ATOMS = "Fe 0 0 0\nO 2 0 0\nO -2 0 0\n"
EXTENDED = 'Lattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3 '
CIF = """data_x
_cell_length_a 5
_cell_length_b 5
_cell_length_c 5
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P 1'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Fe1 0 0 0
O1 .4 0 0
"""


def one(text: str, name: str) -> Frame:
    (found,) = parse_frames(text.encode(), name)
    return found


def pdb(cell: str, group: str = "P 1") -> Frame:
    lengths = "".join(f"{length:9.3f}" for length in map(float, cell.split()))
    rows = [f"CRYST1{lengths}  90.00  90.00  90.00 {group:<11}   1"]
    for n, (symbol, x) in enumerate((("FE", 0.0), ("O", 2.0)), 1):
        rows.append(
            f"HETATM{n:5d} {symbol:<4} LIG A   1    {x:8.3f}{0:8.3f}{0:8.3f}{1:6.2f}{0:6.2f}"
            f"          {symbol:>2}"
        )
    return one("\n".join(rows) + "\n", "a.pdb")


@pytest.mark.parametrize("lengths", ["10 10 10", "100 10 100", "11 11 11"])
def test_a_cell_of_round_lengths_is_one(lengths: str) -> None:
    found = pdb(lengths)
    np.testing.assert_allclose(
        found.cell, np.diag([float(one) for one in lengths.split()]), atol=1e-9
    )
    assert found.pbc.all()
    assert not found.notes
    assert "repeated by the space group 'P 21 21 21'" in pdb(lengths, "P 21 21 21").problem


@pytest.mark.parametrize("lengths", ["1 1 1", "0 0 0"])
def test_lengths_that_stand_for_no_cell(lengths: str) -> None:
    found = pdb(lengths)
    assert not found.cell.any()
    assert found.notes == ("its CRYST1 is that of a structure without a cell",)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("_cell_subsystems_number 2\n", "is modulated (_cell_subsystems_number)"),
        ("loop_\n_atom_site_displace_Fourier_id\n1\n", "(_atom_site_displace_fourier_id)"),
        ("loop_\n_atom_site_moment_Fourier_id\n1\n", "(_atom_site_moment_fourier_id)"),
    ],
)
def test_modulations_without_their_dimension(more: str, words: str) -> None:
    assert words in one(CIF + more, "a.cif").problem


def test_moments_are_told() -> None:
    more = "loop_\n_atom_site_moment.label\n_atom_site_moment.crystalaxis_z\nFe1 3.5\n"
    found = one(CIF + more, "a.cif")
    assert not found.problem
    assert found.notes == ("its magnetic moments are not read",)


@pytest.mark.parametrize(("x", "fits"), [("2.0", True), ("2.01", True), ("1.0", False)])
def test_places_of_a_cif_that_are_told_twice(x: str, fits: bool) -> None:
    axes = "".join(f"_atom_site_Cartn_{axis}\n" for axis in "xyz")
    text = CIF.replace("fract_z\n", f"fract_z\n{axes}").replace("0 0 0\n", "0 0 0 0 0 0\n")
    found = one(text.replace(".4 0 0\n", f".4 0 0 {x} 0 0\n"), "a.cif")
    assert not found.problem if fits else "its sites O1 lie elsewhere by Cartn_x" in found.problem


@pytest.mark.parametrize("word", ["positions", "x_centroid"])
def test_units_of_ipi(word: str) -> None:
    head = f"# CELL(abcABC): 9.0 9.0 9.0 90 90 90 Step: 3 Bead: 0 cell{{atomic_unit}} {word}"
    assert "from Bohr to Å" in one(f"3\n{head}{{atomic_unit}}\n{ATOMS}", "a.xyz").problem
    found = one(f"3\n{head}{{angstrom}}\n{ATOMS}", "a.xyz")
    assert found.info == {"Step": 3, "Bead": 0}
    assert any("'CELL' of its comment line is not read as a cell" in note for note in found.notes)


@pytest.mark.parametrize(
    ("comment", "name", "values"),
    [
        ("dipole = 0.1 -0.2 3e-1 energy = -5", "dipole", [0.1, -0.2, 0.3]),
        ("cell=9 9 9 90 90 90", "cell", [9, 9, 9, 90, 90, 90]),
        ("Cell: 9.0, 9.0, 9.0, 90, 90, 90", "Cell", [9, 9, 9, 90, 90, 90]),
    ],
)
def test_a_list_without_brackets_is_no_number(comment: str, name: str, values: list[float]) -> None:
    found = one(f"3\n{comment}\n{ATOMS}", "a.xyz")
    np.testing.assert_allclose(found.info[name], values)
    assert any(f"'{name}' of its comment line is read as a list" in note for note in found.notes)
    assert found.info.get("energy", -5) == -5


@pytest.mark.parametrize("comment", ["i = 0, time = 0.5, E = -17.1", "charge: 0, spin: 1"])
def test_fields_beside_each_other_are_no_list(comment: str) -> None:
    found = one(f"3\n{comment}\n{ATOMS}", "a.xyz")
    assert all(np.ndim(value) == 0 for value in found.info.values())
    assert not found.notes


def test_a_cell_in_prose_is_told() -> None:
    (note,) = one(f"3\nlattice 9 0 0 0 9 0 0 0 9\n{ATOMS}", "a.xyz").notes
    assert "'lattice' of its comment line is not read as a cell" in note


def test_fields_of_extended_xyz() -> None:
    said = f"3\n{EXTENDED}{{}}\n{ATOMS}"
    assert one(said.format("energy=-1.0d+02"), "a.xyz").info["energy"] == -100.0
    assert one(said.format("id=1.0d+02"), "a.xyz").info["id"] == "1.0d+02"
    assert "put a list into quotes" in one(said.format("dipole=0.1 0.2 0.3"), "a.xyz").problem
    assert "no list of three T or F" in one(said.format('pbc="2 1 0"'), "a.xyz").problem


@pytest.mark.parametrize("second", ["c", "PRIMVEC"])
def test_what_only_looks_like_a_poscar_is_not_known(second: str) -> None:
    text = f"c\n{second}\n 2 0 0 0\n 2 1 0 0\n 2 0 1 0\n 2 0 0 1\n26 26 0 0 0\n8 8 3.6 0 0\n"
    with pytest.raises(DataError, match="its format is not known"):
        next(parse_frames(text.encode(), "a.cube"))
