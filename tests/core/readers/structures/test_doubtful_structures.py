"""Files of structures that say more, or less, than whole atoms at places in Å."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.readers.structures import Frame, parse_frames

CELL = (
    "data_FeO\n_cell_length_a 4.3\n_cell_length_b 4.3\n_cell_length_c 4.3\n_cell_angle_alpha 90\n"
    "_cell_angle_beta 90\n_cell_angle_gamma 90\n"
)
SITES = (
    "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n"
    "_atom_site_fract_z\nFe1 Fe 0 0 0\nO1 O 0.5 0 0\n"
)
FCC = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]


def frame(text: str, name: str) -> Frame:
    (found,) = parse_frames(text.encode(), name)
    return found


def magnetic(operations: str, centrings: str, dot: bool) -> str:
    one, other = (
        ("_symop_magn_operation.xyz", "_symop_magn_centering.xyz")
        if dot
        else ("_symop.magn_operation_xyz", "_symop.magn_centering_xyz")
    )
    text = f"{CELL}_space_group_magn.number_BNS 15.90\nloop_\n_space_group{one}\n{operations}"
    return f"{text}loop_\n_space_group{other}\n{centrings}{SITES}" if centrings else text + SITES


@pytest.mark.parametrize("dot", [True, False])
@pytest.mark.parametrize(
    ("operations", "centrings"),
    [
        ("x,y,z,+1\nx,y+1/2,z+1/2,-1\n", "x,y,z,+1\nx+1/2,y,z+1/2,-1\n"),
        ("x,y,z,+1\nx,y+1/2,z+1/2,+1\nx+1/2,y,z+1/2,-1\nx+1/2,y+1/2,z,-1\n", ""),
    ],
)
def test_a_magnetic_cif_has_the_atoms_of_its_magnetic_symmetry(operations, centrings, dot):
    found = frame(magnetic(operations, centrings, dot), "a.mcif.cif").require()
    iron = found.positions[found.numbers == 26] / 4.3
    assert sorted(map(tuple, np.round(iron, 9).tolist())) == sorted(FCC)
    oxygen = found.positions[found.numbers == 8] / 4.3 - [0.5, 0, 0]
    oxygen -= np.floor(oxygen + 1e-9)
    assert sorted(map(tuple, np.round(oxygen, 9).tolist())) == sorted(FCC)
    assert any("magnetic symmetry" in note for note in found.notes)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("_space_group_name_Hall '-F 4 2 3'\n", "its symmetry is '-F 4 2 3', and no symmetry op"),
        ("_symmetry_space_group_name_Hall '-F 4 2 3'\n", "its symmetry is '-F 4 2 3'"),
        ("_space_group_magn.number_BNS 15.90\n", "its symmetry is '15.9"),
        ("_cell_modulation_dimension 1\n", "its structure is modulated"),
        ("_space_group_ssg_name 'X'\n", "its structure is modulated"),
    ],
)
def test_symmetry_that_is_told_and_not_listed_is_no_p1(said, words):
    assert words in frame(CELL + said + SITES, "a.cif").problem


def test_hall_symbols_of_p1_and_beside_operations_are_harmless():
    assert not frame(f"{CELL}_space_group_name_Hall 'P 1'\n{SITES}", "a.cif").problem
    operations = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n"
    hall = "_space_group_name_Hall '-F 4 2 3'\n"
    assert len(frame(CELL + hall + operations + SITES, "a.cif").require()) == 2


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("'Fe O H2'", "its formula 'Fe O H2' has H, of which it lists no atom"),
        ("'Fe O2'", "its atoms (O1 Fe1) are not in the proportions of its formula 'Fe O2'"),
        ("'Fe4 O4'", ""),
        ("'Fe O'", ""),
        ("'Fe0.998 O'", ""),
        ("?", ""),
    ],
)
def test_atoms_that_are_not_those_of_the_formula_are_told(formula, words):
    found = frame(f"{CELL}_chemical_formula_sum {formula}\n{SITES}", "a.cif").require()
    told = [note for note in found.notes if "formula" in note]
    assert told == ([words] if words else [])


def test_numbers_behind_symbols_are_no_coordinates():
    rows = [("Fe", 26), ("O", 8), ("O", 8)]
    text = "3\n\n" + "".join(f"{s} {z}.0 {2 * i} 0 0\n" for i, (s, z) in enumerate(rows))
    assert "the numbers behind its symbols are atomic numbers" in frame(text, "a.xyz").problem
    for first in (0, 1):
        text = "3\n\n" + "".join(f"{s} {i + first} {2 * i} 0 0\n" for i, (s, _) in enumerate(rows))
        assert "the numbers behind its symbols are numbers of" in frame(text, "a.xyz").problem
    text = "3\n\n" + "".join(f"{s} {2 * i} 0 0 {z}\n" for i, (s, z) in enumerate(rows))
    assert frame(text, "a.xyz").require().positions[2].tolist() == [4, 0, 0]


@pytest.mark.parametrize(
    ("label", "words"),
    [("CA1", "may be C or Ca"), ("HO1", "may be H or Ho"), ("NI2", "may be N or Ni")],
)
def test_a_label_of_two_capitals_beside_proper_symbols_is_refused(label, words):
    rows = "{} 0 0 0\n{} 2 0 0\n"
    assert words in frame("2\n\n" + rows.format("Fe1", label), "a.xyz").problem
    # Where all are written in capitals, two letters are the element.
    named = frame("2\n\n" + rows.format("FE1", label), "a.xyz").require()
    assert named.numbers[1] == {"CA1": 20, "HO1": 67, "NI2": 28}[label]
    assert frame("2\n\n" + rows.format("Fe", label[:2]), "a.xyz").require().numbers[1] > 19


ATOM = "HETATM{:5d} {:<4s}{}UNK A   1    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00          {:>2s}\n"


def test_pdb():
    rows = ATOM.format(1, "FE", " ", 0, 0, 0, "FE") + ATOM.format(2, " O", " ", 2, 0, 0, "O")
    found = list(
        parse_frames(f"MODEL 1\n{rows}ENDMDL\nMODEL 2\n{rows}ENDMDL\nEND\n".encode(), "a.pdb")
    )
    assert [one.require().numbers.tolist() for one in found] == [[26, 8], [26, 8]]
    either = ATOM.format(1, "FE", "A", 0, 0, 0, "FE") + ATOM.format(2, "FE", "B", 0.9, 0, 0, "FE")
    assert "have alternative locations" in frame(either, "a.pdb").problem
    # 'CA' may be calcium or the α carbon of an amino acid.
    bare = ATOM.format(1, "CA", " ", 0, 0, 0, "") + ATOM.format(2, "O", " ", 2, 0, 0, "")
    assert "1 CA, 2 O … have no element in columns 77 and 78" in frame(bare, "a.pdb").problem


MOL = (
    "x\n{}\n\n  2  0  0  0  0  0  0  0  0  0999 {}\n"
    "    0.0000    0.0000    0.0000 Fe  0  0\n    2.0000    0.0000    0.0000 O   0  0\nM  END\n"
)


def test_sdf_of_other_versions_and_drawings_are_refused():
    assert len(frame(MOL.format("     RDKit          3D", "V2000"), "a.mol").require()) == 2
    drawing = frame(MOL.format("     RDKit          2D", "V2000"), "a.mol")
    assert "a drawing in two dimensions" in drawing.problem
    assert "version V3000" in frame(MOL.format("", "V3000"), "a.sdf").problem


def test_a_poscar_in_small_letters():
    text = "x\n1\n4 0 0\n0 4 0\n0 0 4\nfe o\n1 1\ndirect\n0 0 0\n.5 0 0\n"
    assert frame(text, "POSCAR").require().numbers.tolist() == [26, 8]
