"""CIF and POSCAR of all versions, and what of them is refused."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.io import write

from xreg.core.readers.structures import (
    Frame,
    parse_frames,
    read_frames,
)


def frames(text: str | bytes, name: str = "a.xyz") -> list[Frame]:
    return list(parse_frames(text.encode() if isinstance(text, str) else text, name))


def problem(text: str, name: str = "a.xyz") -> str:
    (frame,) = frames(text, name)
    assert frame.problem
    return frame.problem


# CIF --------------------------------------------------------------------------------------------

CELL = "".join(f"_cell_length_{a} 4.3\n" for a in "abc")


LOOP = "loop_\n_atom_site_label\n_atom_site_type_symbol\n" + "".join(
    f"_atom_site_fract_{a}\n" for a in "xyz"
)


IDENTITY = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n"


def cif(sites: str, columns: str = "", symmetry: str = IDENTITY, name: str = "t") -> str:
    return f"data_{name}\n{CELL}{symmetry}{LOOP}{columns}{sites}\n"


@pytest.mark.parametrize(
    ("sites", "column", "told"),
    [
        ("Fe1 Fe 0 0 0 0.9\nO1 O .5 .5 .5 1\n", "occupancy", "sites Fe1 0.9 are not occupied"),
        ("Fe1 Fe 0 0 0 0.90(2)\nO1 O .5 .5 .5 1\n", "occupancy", "sites Fe1 0.9 are not"),
        ("Fe1 Fe 0 0 0 1\nO1 O .5 .5 .5 0.1\n", "occupancy", "sites O1 0.1 are not occupied"),
        ("Fe1 Fe 0 0 0 1\nO1 O .5 .5 .5 ?\n", "occupancy", r"sites O1 ? are not occupied"),
        ("Fe1 Fe 0 0 0 2\nO1 O .5 .5 .5 1\n", "occupancy", "sites Fe1 2 are not occupied"),
        ("Fe1 Fe 0 0 0 0\nO1 O .5 .5 .5 1\n", "occupancy", "sites Fe1 0 are not occupied"),
        ("Fe1 Fe 0 0 0 .5\nNi1 Ni 0 0 0 .5\n", "occupancy", "Fe1 0.5, Ni1 0.5 are not"),
        ("Fe1 Fe 0 0 0 .\nO1 O .5 .5 .5 A\n", "disorder_group", "sites O1 (A) belong to disorder"),
        ("Fe1 Fe 0 0 0 .\nO1 O .5 .5 .5 -1\n", "disorder_group", "O1 (-1) belong to disorder"),
        ("Fe1 Fe 0 0 0 d\nX1 O .5 .5 .5 dum\n", "calc_flag", "sites X1 are dummies"),
        ("Fe1 Fe 0 0 0 1\nO1 O ? ? ? 1\n", "occupancy", "sites O1 have no coordinates"),
        ("Fe1 Fe 0 0 0 1\nX1 X .5 .5 .5 1\n", "occupancy", "'X' is a dummy"),
        ("O1 O .47 0 0 1\nO2 O .53 0 0 1\nFe1 Fe 0 0 0 1\n", "occupancy", "0.26 Å apart"),
        ("Fe1 Fe 0 0 0\n", "occupancy", "5 values for 6 names"),
    ],
)
def test_cifs_that_describe_no_whole_atoms(sites, column, told):
    assert told in problem(cif(sites, f"_atom_site_{column}\n"), "a.cif")


PAIR = "Fe1 Fe 0 0 0\nO1 O .5 .5 .5\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PAIR, PAIR.replace("\n", " ") + "\n"),  # two rows in a line
        (PAIR, "Fe1 Fe 0\n0 0 O1\nO .5 .5 .5\n"),  # rows that go on
        (PAIR, "Fe1 Fe 0 0 0 # the metal\n\n# and\nO1 O .5 .5 .5 #last\n"),
        (PAIR, "'Fe1' \"Fe\" 0 0 0\n;O1\n; O .5(2) 5.0E-1 +.5\n"),
        ("_cell_length_a 4.3\n", "_cell_length_a\n 4.3 # in Å\n"),
        ("_cell_length_a 4.3\n_cell_length_b 4.3", "_cell_length_a 4.3 _cell_length_b 4.3"),
        ("_atom_site_fract_x\n", "# places\n_atom_site_fract_x\n\n"),
        ("_atom_site_label\n", "_ATOM_SITE_LABEL "),
        ("data_t\n", "data_t\n_note '_cell_length_a 9'\n_more\n;\n_cell_length_a 9\n;\n"),
        ("data_t\n", "data_t\n_chemical_formula_sum Fe O\n"),  # quotes forgotten
        ("loop_\n_symm", "loop_\n_publ_author_name\nloop_\n_symm"),  # nothing in it
    ],
)
def test_the_grammar_of_cif(old, new):
    plain = cif(PAIR)
    assert plain.count(old) == 1
    (wanted,), (found,) = (frames(t, "a.cif") for t in (plain, plain.replace(old, new)))
    assert not found.problem
    assert found.numbers.tolist() == wanted.numbers.tolist()
    np.testing.assert_allclose(found.positions, wanted.positions)
    np.testing.assert_allclose(found.cell, wanted.cell)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "Fe1 Fe 0 0 0\n",
            "Fe1 Fe 0 0\n",
            "has 9 values for 5 names: one of its rows is not whole",
        ),
        ("_cell_length_a 4.3\n", "_cell_length_a 4.3\n4.4\n", "its value '4.4' belongs to no name"),
        ("_cell_length_a 4.3\n", "_cell_length_a\n", "its '_cell_length_a' has no value"),
        ("_cell_length_a 4.3\n", "_cell_length_a 4.3 nm\n", "no cell of its parameters 4.3 nm"),
        (PAIR, "", "its '_atom_site_label' has no value"),
        ("data_t\n", "data_t\nsave_a\n", "it has 'save_a'"),
        (PAIR, PAIR + ";\nand\n", "a text in it begins with ';' and does not end so"),
    ],
)
def test_what_is_no_cif(old, new, told):
    assert told in problem(cif(PAIR).replace(old, new), "a.cif")


def test_cif_blocks_are_frames_of_their_own():
    good, bad = "Fe1 Fe 0 0 0\nO1 O .5 .5 .5\n", "Fe1 Fe 0 0 0\nQ1 Q .5 .5 .5\n"
    text = "data_global\n_journal 'x'\n_text\n;\ndata_inside a text\n;\n"
    text += cif(good, name="one") + cif(bad, name="two") + cif(good, name="three")
    found = frames(text, "a.cif")
    assert [frame.where for frame in found] == [
        f"a.cif, block {n}" for n in ("one", "two", "three")
    ]
    assert [bool(frame.problem) for frame in found] == [False, True, False]
    assert found[2].numbers.tolist() == [26, 8]


@pytest.mark.parametrize(
    ("symmetry", "atoms", "said"),
    [
        ("", 2, "it states no symmetry"),
        ("_symmetry_space_group_name_H-M 'P 1'\n", 2, None),
        ("_symmetry_space_group_name_H-M 'F m -3 m'\n_symmetry_Int_Tables_number 225\n", 8,
         "those of space group 'F m -3 m' are taken"),
        (IDENTITY, 2, None),
        ("_space_group_IT_number 227\n", 0, "two origins"),
        ("_symmetry_space_group_name_H-M 'P 21/q'\n", 0, "is not known"),
        ("_symmetry_space_group_name_H-M 'P 1'\n_symmetry_Int_Tables_number 225\n", 0,
         "number 1, and it says 225"),
        ("_space_group_IT_number 166\n", 0, "needs symmetry operations"),
    ],
)  # fmt: skip
def test_symmetry_of_a_cif(symmetry, atoms, said):
    (frame,) = frames(cif("Fe1 Fe 0 0 0\nO1 O .5 .5 .5\n", symmetry=symmetry), "a.cif")
    assert len(frame) == atoms
    if said is None:
        assert not frame.notes
    else:
        assert said in (frame.problem or frame.notes[0])


def test_deuterium_in_a_cif_is_hydrogen_and_said():
    (frame,) = frames(cif("O1 O 0 0 0\nD1 D .22 0 0\n"), "a.cif")
    assert frame.numbers.tolist() == [8, 1]
    assert frame.notes == ("D is read as hydrogen",)


# POSCAR -----------------------------------------------------------------------------------------

VASP4 = ("elements Cu O are taken from its comment line, as VASP 4 has no other",)


VECTORS = "4.3 0 0\n0 4.3 0\n0 0 4.3\n"


COPPER = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


OXYGEN = (COPPER + np.array([0.5, 0, 0])) % 1


SITES = "".join(f"{x} {y} {z}\n" for x, y, z in np.concatenate([COPPER, OXYGEN]))


NAMED_SITES = "".join(
    f"{row} {'Cu' if i < 4 else 'O'}\n" for i, row in enumerate(SITES.splitlines())
)


IN_ANGSTROM = "".join(
    f"{4.3 * x} {4.3 * y} {4.3 * z}\n" for x, y, z in np.concatenate([COPPER, OXYGEN])
)


def poscar(symbols: str = "Cu O\n", **parts: str) -> str:
    has = {"title": "Cu4 O4", "scale": "1.0", "counts": "4 4", "mode": "Direct\n", "sites": SITES}
    has.update(parts)
    return (
        "{title}\n{scale}\n".format(**has)
        + VECTORS
        + symbols
        + "{counts}\n{mode}{sites}".format(**has)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (poscar(), ()),
        (poscar("Cu/1a2b O/5e6f\n"), ("Cu/1a2b is read as Cu", "O/5e6f is read as O")),
        (poscar("Cu_pv O_s_GW\n"), ("Cu_pv is read as Cu", "O_s_GW is read as O")),
        (poscar("Cu_pv/abc O/ \n"), ("Cu_pv/abc is read as Cu", "O/ is read as O")),
        (poscar(""), VASP4),
        (poscar("", title="Cu O"), VASP4),
        (poscar("", title="Cu4O4"), VASP4),
        (poscar(mode="Selective dynamics\nDirect\n", sites=SITES.replace("\n", " T T F\n")), ()),
        (poscar(mode=" selective\n direct\n", sites=SITES.replace("\n", " T T F\n")), ()),
        (poscar(scale="-79.507"), ()),
        (poscar(scale="1.0 1.0 1.0"), ()),
        (poscar(sites=SITES.replace("0.5", "5.D-1")), ()),
        (poscar(sites=SITES + "\n" + "0 0 0\n" * 8), ()),
        (poscar(sites=NAMED_SITES), ()),
        (poscar(mode="Cartesian\n", sites=IN_ANGSTROM), ()),
        (poscar().replace("\n", "\r\n"), ()),
    ],
)  # fmt: skip
def test_poscars_of_all_versions(text, said):
    (frame,) = frames(text, "POSCAR")
    assert frame.problem == ""
    assert frame.notes == said
    assert frame.numbers.tolist() == [29] * 4 + [8] * 4
    np.testing.assert_allclose(frame.positions, 4.3 * np.concatenate([COPPER, OXYGEN]), atol=1e-9)
    np.testing.assert_allclose(frame.cell, 4.3 * np.eye(3), atol=1e-9)
    assert frame.pbc.all()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (poscar("", title="my oxide"), "no line of element symbols (VASP 4), and its comment"),
        (poscar("", title="Cu3 O4"), "no line of element symbols (VASP 4)"),
        (poscar("", title="Cu O H"), "no line of element symbols (VASP 4)"),
        (poscar("Cu\n"), "1 elements and 2 numbers of atoms"),
        (poscar("Cu Xx\n"), "'Xx', which is no element"),
        (poscar("Cu H.5\n"), "'H.5', which is no element"),
        (poscar(counts="4 5"), "announces 9 atoms and has 8"),
        (poscar(counts="4 3"), "announces 7 atoms and has more"),
        (poscar(counts="4 1000000000"), "is no list of numbers of atoms"),
        (poscar(counts="4 999999999"), "announces 1000000003 atoms and ends after"),
        (poscar(counts="4 -4"), "is no list of numbers of atoms"),
        (poscar(scale="0"), "its scale is 0"),
        (poscar(scale="x"), "is no scale"),
        (poscar(mode=""), "is neither Direct nor Cartesian"),
        (poscar(sites=SITES.replace("0.5", "1/2")), "is no position"),
        (poscar(sites=SITES.replace("\n", " O\n")), "says O, and its numbers of atoms say another"),
        (poscar(scale="0.1"), "denser than matter"),
        (poscar(scale="100"), "more than"),
        ("nonsense\n", "cut short"),
    ],
)
def test_poscars_that_are_refused(text, told):
    assert told in problem(text, "POSCAR")


def test_other_formats_that_ase_wrote(tmp_path):
    two = [molecule("H2O"), molecule("CO2")]
    write(tmp_path / "a.pdb", two, format="proteindatabank")
    write(tmp_path / "a.gen", two[0], format="gen")
    write(tmp_path / "XDATCAR", [bulk("Cu", cubic=True)] * 2, format="vasp-xdatcar")
    assert [len(f) for f in read_frames(tmp_path / "a.pdb")] == [3, 3]
    assert [f.numbers.tolist() for f in read_frames(tmp_path / "a.gen")] == [[8, 1, 1]]
    assert [len(f) for f in read_frames(tmp_path / "XDATCAR")] == [4, 4]
    record = "x\n  y\n\n  2  1  0     0  0            999 V2000\n" + "".join(
        f"    {x:6.4f}    0.0000    0.0000 {e}   0  0\n" for e, x in (("C", 0), ("O", 1.13))
    )
    sdf = frames(f"{record}  1  2  3\nM  END\n$$$$\n" * 3, "a.sdf")
    assert [f.numbers.tolist() for f in sdf] == [[6, 8]] * 3  # ASE reads the first alone
    assert "line 3 '1 1 x 0 0' is no atom" in problem("1 C\nFe\n1 1 x 0 0\n", "a.gen")
