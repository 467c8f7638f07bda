"""Structures that were once read wrongly without a word, or that took without end."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from ase.spacegroup import Spacegroup

from xreg.core.errors import DataError
from xreg.core.readers.structures import Frame, parse_frames
from xreg.core.readers.structures.symmetry import expanded, operations_of

ATOMS = "Fe 0 0 0\nO 2 0 0\nO -2 0 0\n"


def frames(text: str, name: str) -> list[Frame]:
    return list(parse_frames(text.encode(), name))


def one(text: str, name: str) -> Frame:
    (found,) = frames(text, name)
    return found


# Symmetry of CIF --------------------------------------------------------------------------------

COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z")


def cif(
    sites: str = "Fe1 Fe 0 0 0\nO1 O .4 0 0\n", operations: str = "x,y,z", more: str = "",
    cell: tuple[float, ...] = (5, 5, 5, 90, 90, 90), column: str = "",
) -> str:  # fmt: skip
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [f"_cell_{name} {value}" for name, value in zip(names, cell, strict=True)]
    lines += ["loop_", "_space_group_symop_operation_xyz"]
    lines += [f"'{text}'" for text in operations.split(";")]
    lines += ["loop_", *(f"_atom_site_{name}" for name in (*COLUMNS, *([column] * bool(column))))]
    return "data_x\n" + more + "\n".join(lines) + "\n" + sites


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        ("x,y,z;2*x,y,z", "symmetry operation '2*x,y,z' is none"),
        ("x,y,z;x-y/2,y,z", "'x-y/2,y,z' is none"),
        ("x,y,z;x,x,z", "'x,x,z' is none"),  # flattens
        ("a,b,c", "'a,b,c' is none"),
        ("x1,x2,x3", "'x1,x2,x3' is none"),
        ("x,y,z;y,z", "'y,z' is none"),
        ("x,y,z;x+1/0,y,z", "'x+1/0,y,z' is none"),
        ("-x,-y,-z", "its 1 symmetry operations are no group"),  # the identity is missing
        ("x,y,z;-x,-y,z;x,-y,-z", "its 3 symmetry operations are no group"),  # one was lost
        ("x,y,z;x+1/2,y+1/4,z", "its 2 symmetry operations are no group"),
        (";".join(f"x+{n}/240,y,z" for n in range(240)), "lists 240 symmetry operations"),
        ("x,y,z;y,x,z", ""),
    ],
)
def test_operations_that_are_none(operations: str, words: str) -> None:
    found = one(cif(operations=operations), "a.cif")
    assert words in found.problem
    assert bool(words) is bool(found.problem)


def test_a_cell_must_have_the_symmetry_of_its_operations() -> None:
    text = cif(operations="x,y,z;y,x,z", cell=(5, 6, 5, 90, 90, 90))
    assert "does not have the symmetry" in one(text, "a.cif").problem
    assert not one(cif(operations="x,y,z;y,x,z", cell=(5, 5.01, 5, 90, 90, 90)), "a.cif").problem


@pytest.mark.parametrize("number", [2, 14, 19, 62, 88, 136, 148, 167, 176, 194, 205, 221, 225, 227])
def test_atoms_of_any_group_are_those_of_ase(number: int) -> None:
    """Operations as text, in any order, with thirds written in three digits, give ASE's atoms."""
    group = Spacegroup(number)
    words = []
    for turn, shift in zip(*group.get_op(), strict=True):
        rows = ["".join("-0+"[v + 1] + "xyz"[i] for i, v in enumerate(r) if v) for r in turn]
        words.append(", ".join(f"{s:+.3f}{row}" for row, s in zip(rows, shift, strict=True)))
    sites = np.array([[0.0, 0.0, 0.0], [0.11, 0.23, 0.37], [0.25, 0.25, 0.25]])
    numbers = np.array([26, 8, 29], np.int32)
    found, places, counts = expanded(numbers, sites, operations_of(words[::-1]))
    wanted = [group.equivalent_sites([site])[0] for site in sites]
    assert counts == [len(images) for images in wanted]
    assert found.tolist() == np.repeat(numbers, counts).tolist()
    apart = np.abs(places[:, None] - np.concatenate(wanted))
    assert (np.minimum(apart, 1 - apart).max(axis=2).min(axis=1) < 1e-3).all()


@pytest.mark.parametrize(
    ("column", "values", "more", "words"),
    [
        ("attached_hydrogens", "0 2", "", "sites O1 (2) have hydrogen atoms that are not listed"),
        ("symmetry_multiplicity", "4 4", "", "Fe1 is 4 atoms as it says, and 1 by its symmetry"),
        ("site_symmetry_multiplicity", "1 8", "", "O1 is 8 atoms as it says, and 1 by"),
        ("", " ", "_cell_formula_units_Z 4\n_chemical_formula_sum 'Fe O'\n", "to be 4 of 'Fe O'"),
    ],
)
def test_atoms_that_a_cif_has_and_does_not_list(
    column: str, values: str, more: str, words: str
) -> None:
    first, second = (values.split() or ["", ""])[:2]
    sites = f"Fe1 Fe 0 0 0 {first}\nO1 O .4 0 0 {second}\n"
    found = one(cif(sites, column=column, more=more), "a.cif").require()
    assert words in " | ".join(found.notes)


def test_labels_of_a_cif_and_its_symbols() -> None:
    (note,) = one(cif("Fe1 Co 0 0 0\nOW1 O .4 0 0\nCA C 0 .4 0\nWat O 0 0 .4\n"), "a.cif").notes
    assert note == "its labels name other elements than its symbols: Fe1 is Co"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (cif(cell=(5, 5, 5, 30, 30, 120)), "no cell of its parameters 5 5 5 30 30 120"),
        (cif(cell=(5, 5, 0, 90, 90, 90)), "no cell of its parameters 5 5 0"),
        (cif().replace("_cell_length_a 5", "_cell_length_a ?"), "no cell of its parameters ? 5"),
        # A reader keeps one of two: of two lists of sites the second, of two cells the last.
        (
            cif() + "loop_\n_atom_site_label\n_atom_site_fract_x\nMn1 0\n",
            "'_atom_site_label' twice",
        ),
        (cif(more="_Cell_Length_A 6\n"), "it says '_cell_length_a' twice: keep one of them"),
        (cif(column="fract_x").replace(" 0 0\n", " 0 0 0\n"), "'_atom_site_fract_x' twice"),
        (
            cif(more="loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-x,-y,-z\n"),
            "it lists two sets of symmetry operations",
        ),
        (cif(more="_publ_text\n;\nopen\n"), "begins with ';' and does not end so"),
        ("data_x\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1 0\n", "it is an mmCIF"),
    ],
)
def test_cifs_that_cannot_be_read_are_told_so(text: str, words: str) -> None:
    assert words in one(text, "a.cif").problem


def test_what_a_cif_says_twice_alike_is_said_once() -> None:
    assert not one(cif(more="_cell_length_a   5\n_publ_note a\n_publ_note b\n"), "a.cif").problem


@pytest.mark.parametrize("word", ["\u00b2", "\u0662", "9" * 5000])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xyz", "{}\nw\nFe 0 0 0\nO 2 0 0\n"),
        ("a.xyz", "2\nProperties=species:S:1:pos:R:3:q:R:{}\nFe 0 0 0\nO 2 0 0\n"),
        ("a.gen", "{} C\nFe O\n1 1 0 0 0\n2 2 2 0 0\n"),
        ("POSCAR", "w\n1\n4 0 0\n0 4 0\n0 0 4\nFe O\n1 {}\nDirect\n0 0 0\n.5 .5 .5\n"),
    ],
)
def test_what_is_no_number_anywhere_is_a_bad_frame(name: str, text: str, word: str) -> None:
    assert one(text.format(word), name).problem


def test_units_of_a_cell_in_no_digits_say_nothing() -> None:
    found = one(cif(more="_cell_formula_units_Z \u00b2\n_chemical_formula_sum 'Fe O'\n"), "a.cif")
    assert not found.problem


@pytest.mark.parametrize(
    ("group", "listed", "words"),
    [
        ("_symmetry_Int_Tables_number 225\n", "x,y,z", "lists 1 symmetry operations, and its spac"),
        ("_symmetry_space_group_name_H-M 'F m -3 m'\n", "x,y,z", "'F m -3 m' has 192: those"),
        ("_space_group_IT_number 3\n", "x,y,z;-x,y,-z", ""),
        ("_space_group_IT_number 1\n", "x,y,z", ""),
        ("_symmetry_space_group_name_H-M 'no such'\n", "x,y,z", ""),
        ("_space_group_IT_number ?\n", "x,y,z", ""),
    ],
)
def test_fewer_operations_than_the_group_has_are_told(group: str, listed: str, words: str) -> None:
    """Of a list that was cut short the atoms were taken for all, without a word."""
    found = one(cif(operations=listed, more=group), "a.cif").require()
    said = [note for note in found.notes if "symmetry operations" in note]
    assert len(said) == bool(words)
    assert words in "".join(said)


def test_formula_units_without_a_formula() -> None:
    told = "_cell_formula_units_Z {}\n"
    found = one(cif(more=told.format(4)), "a.cif").require()
    assert found.notes == ("its cell has O1 Fe1, and is said to be 4 formula units",)
    assert not one(cif(more=told.format(1)), "a.cif").require().notes


# PDB, SDF, gen, XDATCAR -------------------------------------------------------------------------

CRYST1 = "CRYST1{:9.3f}{:9.3f}{:9.3f}  90.00  90.00  90.00 {}\n"


def pdb(element: str = " O", x: float = 2.0, occupied: float = 1.0) -> str:
    row = "HETATM{:5d} {:<4s} UNK A   1    {:8.3f}   0.000   0.000{:6.2f}  0.00          {:>2s}\n"
    return row.format(1, "FE", 0, 1, "FE") + row.format(2, "O", x, occupied, element)


def test_elements_of_a_pdb_are_those_of_their_columns() -> None:
    """An element that ASE did not know became what the atom's name began with."""
    assert one(pdb("D"), "a.pdb").require().numbers.tolist() == [26, 1]
    for word in ("Zz", "X", "1"):
        assert f"line 2 has '{word}' in columns 77 and 78" in one(pdb(word), "a.pdb").problem
    assert "atoms 1 are partly occupied" in one(pdb(occupied=0.5), "a.pdb").problem


def test_a_cell_of_a_pdb() -> None:
    found = one(CRYST1.format(5, 6, 7, "P 1") + pdb(), "a.pdb").require()
    np.testing.assert_allclose(found.cell, np.diag([5, 6, 7]), atol=1e-12)
    assert found.pbc.all()
    none = one(CRYST1.format(1, 1, 1, "P 1") + pdb(), "a.pdb").require()
    assert not none.pbc.any()
    assert none.notes == ("its CRYST1 is that of a structure without a cell",)
    asymmetric = one(CRYST1.format(5, 6, 7, "P 21 21 21    4") + pdb(), "a.pdb")
    assert "repeated by the space group 'P 21 21 21'" in asymmetric.problem


def sdf(atoms: int = 2, bonds: int = 1, symbol: str = "O", data: str = "") -> str:
    return (
        f"x\n  made\n\n{atoms:3d}{bonds:3d}  0  0  0  0            999 V2000\n"
        "    0.0000    0.0000    0.0000 Fe  0  0\n"
        f"    2.0000    0.0000    0.0000 {symbol:<3} 0  0\n  1  2  1  0\nM  END\n{data}$$$$\n"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (sdf(atoms=1), "announces 1 atoms and 1 bonds, and its line 6 '2.0000"),
        (sdf(atoms=1, bonds=0), "announces 1 atoms and 0 bonds, and its line 6 '2.0000"),
        (sdf(atoms=3), "its line 8 'M  END' is no bond"),
        (sdf(atoms=999), "announces 999 atoms"),
        (sdf(symbol="R#"), "its atom 1 'R#' is no element"),
        (sdf(symbol="*"), "its atom 1 '*' is a dummy"),
    ],
)
def test_molecules_of_other_atoms_than_announced(text: str, words: str) -> None:
    assert words in one(text, "a.sdf").problem


def test_data_of_a_molecule_are_fields() -> None:
    data = "> <charge>\n2\n\n>  25  <spin state>\nhigh\n\n> <long>\na\nb\n\n"
    found = one(sdf(symbol="D", data=data), "a.sdf").require()
    assert found.info == {"charge": 2, "spin_state": "high"}
    assert found.numbers.tolist() == [26, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 C\nFe O\n1 1 0 0 0\n2 2 2 0 0\n", "announces 1 atoms, 1 lines, and has 2"),
        ("3 C\nFe O\n1 1 0 0 0\n2 2 2 0 0\n", "announces 3 atoms, 3 lines, and has 2"),
        ("999999999999 C\nFe\n1 1 0 0 0\n", "announces 999999999999 atoms"),
        ("2 C\nFe O\n1 1 0 0 0\n2 0 2 0 0\n", "line 4 '2 0 2 0 0' is no atom"),
        ("2 C\nFe O\n1 1 0 0 0\n2 3 2 0 0\n", "line 4 '2 3 2 0 0' is no atom"),
        ("2 H\nFe O\n1 1 0 0 0\n2 2 2 0 0\n0 0 0\n5 0 1\n", "a helix, which is not read"),
        ("1 S\nFe\n1 1 0 0 0\n0 0 0\n5 0 0\n0 5 0\n", "1 atoms and a cell, 5 lines, and has 4"),
    ],
)
def test_gen_files_of_other_atoms_than_announced(text: str, words: str) -> None:
    assert words in one(text, "a.gen").problem


def test_a_bad_configuration_of_an_xdatcar_is_one_bad_frame() -> None:
    head = "x\n1\n{} 0 0\n0 5 0\n0 0 5\nFe/ab O_s\n1 1\n"
    row = "Direct configuration= {}\n0 0 0\n"
    moving = head.format(5) + row.format(1) + row.format(2) + ".5 0 0\n" + row.format(3) + ".4 0 0"
    first, second, third = frames(moving, "XDATCAR")
    assert first.problem == "it announces 2 atoms and has 1"
    np.testing.assert_allclose(second.positions[1], [2.5, 0, 0])
    np.testing.assert_allclose(third.positions[1], [2, 0, 0])
    swelling = "".join(head.format(a) + row.format(n) + ".4 0 0\n" for n, a in enumerate((5, 6)))
    assert [f.cell[0, 0] for f in frames(swelling, "XDATCAR")] == [5, 6]
    assert [f.positions[1, 0] for f in frames(swelling, "XDATCAR")] == pytest.approx([2, 2.4])
    with pytest.raises(DataError, match="no cell and line 'Direct configuration='"):
        frames(head.format(5) + "Direct\n0 0 0\n.5 0 0\n", "XDATCAR")


def test_data_of_a_molecule_that_contradict() -> None:
    data = "> <charge>\n1\n\n> <charge>\n{}\n\n"
    assert "say 'charge' twice, 1 and 2" in one(sdf(data=data.format(2)), "a.sdf").problem
    assert one(sdf(data=data.format(1)), "a.sdf").require().info == {"charge": 1}


# Comments of xyz, and lengths -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comment", "info"),
    [
        ('{"charge": 1, "spin": "high", "forces": [1, 2]}', {"charge": 1, "spin": "high"}),
        ("q = -1, 2S+1 = 5", {"q": -1, "2S+1": 5}),
        ("charge=1 charge=1", {"charge": 1}),
        ('{"charge": 1', {}),
    ],
)
def test_fields_in_further_spellings(comment: str, info: dict[str, object]) -> None:
    assert one(f"3\n{comment}\n{ATOMS}", "a.xyz").require().info == info


EXTENDED = "Properties=species:S:1:pos:R:3"


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("charge=1 charge=2", "says 'charge' twice, 1 and 2"),
        ("charge: 1, charge: 2", "says 'charge' twice"),
        (f"{EXTENDED} charge=1 charge=2", "says 'charge' twice"),
        (f'{EXTENDED} a="x=1 x=2" b=1 a=3', "says 'a' twice"),
        ("nm", "'nm': convert lengths from nm to Å"),
        ("lattice in nm", "convert lengths from nm to Å"),
        ("geometry, a.u.", "convert lengths from Bohr to Å"),
        ("fractional coordinates", "'fractional coordinates': convert fractions of the cell to Å"),
        ("coordinates are fractional", "convert fractions of the cell to Å"),
        ("scaled=T energy=1", "says 'scaled': convert fractions of the cell to Å"),
        ('pbc="T T F"', "says that it is periodic (pbc), and gives no Lattice"),
        ('cell="9 0 0 0 9 0 0 0 9" pbc="True True True"', "periodic (pbc), and gives no Lattice"),
    ],
)
def test_comments_that_contradict(comment: str, words: str) -> None:
    assert words in one(f"3\n{comment}\n{ATOMS}", "a.xyz").problem


@pytest.mark.parametrize(
    ("comment", "value"),
    [
        ("energy=-1,5 a=1", "-1,5"),  # once -1, without a word
        ("energy=1,2,3 a=1", "1,2,3"),
        ("energy=\u22121.5 a=1", -1.5),
        ("energy=-1, a=5", -1),
        ("energy=-1;a=5", -1),
        ("energy=-1,2S+1=5", -1),
    ],
)
def test_a_number_ends_where_it_does(comment: str, value: object) -> None:
    assert one(f"3\n{comment}\n{ATOMS}", "a.xyz").require().info["energy"] == value


def test_a_cell_under_another_name_is_told() -> None:
    found = one(f'3\ncell="9 0 0 0 9 0 0 0 9"\n{ATOMS}', "a.xyz").require()
    assert found.notes == ("the 'cell' of its comment line is not read as a cell: that is "
                           'Lattice="…"',)  # fmt: skip
    assert not one(f"3\ncell=3\n{ATOMS}", "a.xyz").require().notes


@pytest.mark.parametrize("name", ["occupancy", "Occupancies", "occ"])
def test_atoms_of_an_extended_xyz_may_be_partly_occupied(name: str) -> None:
    text = f"2\nProperties=species:S:1:pos:R:3:{name}:R:1\nFe 0 0 0 {{}}\nO 0 0 2 1\n"
    assert "its atoms 0 are partly occupied" in one(text.format(0.5), "a.xyz").problem
    assert len(one(text.format(1.0), "a.xyz").require()) == 2


@pytest.mark.parametrize("comment", ["absorption maximum in nm", f'{EXTENDED} a="x=1 x=2" b=c=d'])
def test_comments_that_contradict_nothing(comment: str) -> None:
    assert not one(f"3\n{comment}\n{ATOMS}", "a.xyz").problem


@pytest.mark.parametrize(
    ("distance", "refused"), [(0.45, True), (0.68, True), (0.75, False), (1.05, False), (1.2, None)]
)
@pytest.mark.parametrize("pbc", [False, True])
def test_fractions_of_a_cell_are_no_lengths(
    distance: float, refused: bool | None, pbc: bool
) -> None:
    """Iron and oxygen bond at 1.6 … 2.3 Å; the sum of their radii is 1.98 Å."""
    cell = 'Lattice="9 0 0 0 9 0 0 0 9" ' if pbc else ""
    text = f"3\n{cell}{EXTENDED}\nFe 0 0 0\nO {distance} 0 0\nO 0 0 1.9\n"
    found = one(text, "a.xyz")
    said = found.problem or " ".join(found.notes)
    assert ("times a bond: are lengths in Å?" in said) is (refused is not None)
    assert bool(found.problem) is bool(refused)


@pytest.mark.parametrize(
    "comment",
    ["x" * 1_000_000, "1" * 1_000_000, " " * 1_000_000, "a=" * 200_000, "a" + " " * 300_000],
    ids=["word", "digits", "blanks", "signs", "gap"],
)
def test_a_long_comment_takes_no_time_to_speak_of(comment: str) -> None:
    start = time.process_time()
    one(f"3\n{comment}\n{ATOMS}", "a.xyz")
    assert time.process_time() - start < 2


def test_many_sites_and_operations_take_no_time_to_speak_of(tmp_path: Path) -> None:
    sites = "".join(f"O{n} O 0 0 {n / 3000}\n" for n in range(300))
    start = time.process_time()
    many = ";".join(f"x+{n}/160,y,z" for n in range(160))
    assert "denser than matter" in one(cif(sites, many), "a.cif").problem
    one(cif(operations=";".join(["x,y,z"] * 20_000)), "a.cif")
    assert time.process_time() - start < 3
