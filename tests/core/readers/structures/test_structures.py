"""The one reader of structures: what is read, what is refused, frame by frame."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import read, write
from hypothesis import example, given, settings
from hypothesis import strategies as st

from xreg.core.errors import DataError
from xreg.core.readers.structures import (
    Frame,
    judge,
    one_frame,
    parse_frames,
    read_frames,
)
from xreg.core.readers.structures.comments import fields_of
from xreg.core.readers.structures.symbols import element_of

WATER = "O 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n"


def frames(text: str | bytes, name: str = "a.xyz") -> list[Frame]:
    return list(parse_frames(text.encode() if isinstance(text, str) else text, name))


def problem(text: str, name: str = "a.xyz") -> str:
    (frame,) = frames(text, name)
    assert frame.problem
    return frame.problem


# Names of atoms ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("Fe fe FE Fe1 FE1 Fe2+ Fe3+ Fe_a Fe(1) Fe* 26 026 57Fe Fe_pv Fe-2", 26),
        ("O o O2- O-2 O1A O' 8 18O", 8),
        ("H D T d D1 T2 2H 1H D+", 1),
        ("Xe XE xe 54", 54),
        ("C C1 C13 13C", 6),
        ("Ca CA ca CA1", 20),
        ("Og 118", 118),
    ],
)
def test_what_names_mean(words, number):
    for word in words.split():
        named = element_of(word)
        assert (named.number, named.problem) == (number, ""), word


NO_ATOMS = """X Xx XX X1 Du Q Q2 * ** 0 00 Bq Gh Gh(H) gh(Fe) H-Bq H:Bq bqH @He H: Gh.H LP Va
Ghost(O) 119 999 Qq Jx OW HW1 Abc ¹² ½ - . Fee Wat 1.5"""


@pytest.mark.parametrize(
    "word",
    NO_ATOMS.split(),
)
def test_what_no_atom_is_called(word):
    assert element_of(word).problem
    assert element_of(word).number == 0


def test_labels_and_isotopes_are_said_and_plain_symbols_are_not():
    assert not any(element_of(word).note for word in ("Fe", "O", "8", "fe", "o"))
    assert element_of("D").note == "D is read as hydrogen"
    assert element_of("Fe1").note == "Fe1 is read as Fe"
    assert element_of("CA").note == "CA is read as Ca"


# Frames of xyz ----------------------------------------------------------------------------------

GAPS = ["", "\n", "\n\n\n", " \t\n\n   \n"]


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "comment", ["", "c", 'Properties=species:S:1:pos:R:3 Lattice="9 0 0 0 9 0 0 0 9" q=1']
)
def test_blank_lines_between_frames_never_end_a_file(gap, end, comment):
    one = f"3\n{comment}\n{WATER}"
    text = (gap + gap.join([one] * 4) + gap).replace("\n", end)
    found = frames(text)
    assert [len(frame) for frame in found] == [3] * 4
    assert [frame.place for frame in found] == [0, 1, 2, 3]
    assert not any(frame.problem for frame in found)
    assert found[3].positions[1].tolist() == [0.96, 0, 0]


def test_fields_of_comments():
    tmqm = "CSD_code = WIXKOE | q = 0 | S = 0 | Stoichiometry = C47H65LaN2O | MND = 6"
    assert fields_of(tmqm) == {
        "CSD_code": "WIXKOE", "q": 0, "S": 0, "Stoichiometry": "C47H65LaN2O", "MND": 6,
    }  # fmt: skip
    assert fields_of("charge=-1 spin=0.5 name='a b'") == {"charge": -1, "spin": 0.5, "name": "a b"}
    assert fields_of("charge: 1, mult: 3") == {"charge": 1, "mult": 3}
    assert fields_of("energy = -1.5D+02; code = A1B2, q=+2") == {
        "energy": -150.0, "code": "A1B2", "q": 2,
    }  # fmt: skip
    assert fields_of("code=007 | q=-1") == {"code": "007", "q": -1}
    assert fields_of("water, relaxed at 300 K: good") == {}
    spectrum = fields_of('xas="0 0.5 1" xas_energy="7100 7110 7120"')
    assert spectrum["xas"].tolist() == [0, 0.5, 1]
    assert spectrum["xas_energy"].tolist() == [7100, 7110, 7120]


@pytest.mark.parametrize(
    ("middle", "told"),
    [
        ("3\nb\nO 0 0 0\nX 0 0 1\nH 0 1 0\n", "atom 1 'X' is a dummy"),
        ("3\nb\nO 0 0 0\nGh(H) 0 0 1\nH 0 1 0\n", "atom 1 'Gh(H)' is a dummy or ghost"),
        ("3\nb\nO 0 0 0\nQq 0 0 1\nH 0 1 0\n", "atom 1 'Qq' is no element"),
        ("3\nb\nO 0 0 0\nH 0 0 nan\nH 0 1 0\n", "atom 1 has a position that is not finite"),
        ("3\nb\nO 0 0 0\nH 0 0 -inf\nH 0 1 0\n", "atom 1 has a position that is not finite"),
        ("3\nb\nO 0 0 0\nH 0 0 1\nH 0 0 1\n", "atoms 1 and 2 (H and H) are in one place"),
        ("3\nb\nO 0 0 0\nH 0 0 1.0x\nH 0 1 0\n", "is no pos"),
        ("3\nb\nO 0 0 0\nH 0 0 1_0\nH 0 1 0\n", "is no pos"),
        ("4\nb\nO 0 0 0\nH 0 0 1\nH 0 1 0\n", "announces 4 atoms and has 3 lines of atoms"),
        ("2\nb\nO 0 0 0\nH 0 0 1\nH 0 1 0\n", "announces 2 atoms and has 3 lines of atoms"),
        ("8\nb\nO 0 0 0\nH 0 0 1\nH 0 1 0\n", "announces 8 atoms and has 3 lines of atoms"),
        ("3\nb\nO 0 0 0\n\nH 0 0 1\nH 0 1 0\n", "announces 3 atoms and has 1 lines of atoms"),
        ("0\nb\n", "announces 0 atoms"),
        ("-3\nb\nO 0 0 0\nH 0 0 1\nH 0 1 0\n", "announces -3 atoms"),
        ("3.0\nb\nO 0 0 0\nH 0 0 1\nH 0 1 0\n", "'3.0' is no number of atoms"),
        ("1e3\nb\nO 0 0 0\n", "'1e3' is no number of atoms"),
        ("10¹²\nb\nO 0 0 0\n", "'10¹²' is no number of atoms"),
        ("1000000000000\nb\nO 0 0 0\n", "announces 1000000000000 atoms and has 1 lines"),
        ("9" * 5000 + "\nb\nO 0 0 0\n", "atoms and has 1 lines of atoms"),
        ('1\nProperties=species:S:1:pos:R:3 Lattice="1 0 0"\nO 0 0 0\n', "no extended xyz"),
        ("1\nProperties=species:S:1:pos:R\nO 0 0 0\n", "no list of name:kind:width"),
        ("1\nProperties=species:S:1:pos:X:3\nO 0 0 0\n", "no list of name:kind:width"),
        ("1\nProperties=species:S:1:pos:R:999999999999\nO 0 0 0\n", "no list of name:kind:width"),
        ("1\nProperties=species:S:1:forces:R:3\nO 0 0 0\n", "name no species and positions"),
        ("1\nProperties=species:S:1:pos:R:3:q:R:1\nO 0 0 0\n", "has 4 words, not 5"),
        ("1\nProperties=species:S:1:pos:R:3\nO 0 0 0 7\n", "has 5 words, not 4"),
        ("1\nProperties=species:S:1:pos:R:3:q:I:1\nO 0 0 0 1.5\n", "1.5 is no q"),
        ('1\nLattice="5 0 0 5 0 0 0 0 5"\nO 0 0 0\n', "its cell has no volume"),
        ('1\nLattice="5 0 0 0 nan 0 0 0 5"\nO 0 0 0\n', "cell vectors that are not finite"),
        ('1\nLattice="0 0 0 0 5 0 0 0 5" pbc="T T T"\nO 0 0 0\n', "cell vector of no length"),
        ('1\nLattice="5 0 0 0 5 0 0 0 5" pbc="maybe"\nO 0 0 0\n', "pbc is no list"),
        ("1\nunits=bohr\nO 0 0 0\n", "convert lengths from Bohr to Å"),
        ("1\npositions in Bohr\nO 0 0 0\n", "convert lengths from Bohr to Å"),
        ("3\nb\nO 0 0 0\nH 0.096 0 0\nH 0 .096 0\n", "not nanometres?"),
        ("3\nb\nO 0 0 0\nH 96 0 0\nH 0 96 0\n", "more than 96 Å apart"),
        ("3\nb\nFe 0 0 0\nO 0 0 2\nO 0 0 2.26\n", "0.26 Å apart"),
    ],
)  # fmt: skip
def test_a_bad_frame_is_one_bad_frame(middle, told):
    good = f"3\ngood\n{WATER}"
    found = frames(f"{good}{middle}\n\n{good}{good}")
    assert [bool(frame.problem) for frame in found] == [False, True, False, False]
    assert told in found[1].problem
    assert found[1].where == "a.xyz, frame 1"
    assert "\n" not in found[1].problem
    last = frames(f"{good}{middle}")
    assert [bool(frame.problem) for frame in last] == [False, True]


def test_columns_of_extended_xyz_in_any_order():
    text = (
        '2\nProperties=pos:R:3:tag:I:1:Z:I:1:mu:R:2:move:L:1:site:S:1 pbc=F note="a b"\n'
        "0 0 0 3 26 .1 1D-1 T a\n0 0 2.0D0 4 8 0.3 0.4 F b\n"
    )
    (frame,) = frames(text)
    assert frame.numbers.tolist() == [26, 8]
    assert frame.positions.tolist() == [[0, 0, 0], [0, 0, 2]]
    assert frame.arrays["mu"].tolist() == [[0.1, 0.1], [0.3, 0.4]]
    assert frame.arrays["tag"].tolist() == [3, 4]
    assert frame.arrays["move"].tolist() == [True, False]
    assert frame.arrays["site"].tolist() == ["a", "b"]
    assert not frame.pbc.any()
    assert frame.info == {"note": "a b"}


def test_symbols_and_numbers_of_atoms_must_agree():
    text = "2\nProperties=species:S:1:pos:R:3:Z:I:1\nFe 0 0 0 {}\nO 0 0 2 8\n"
    assert [f.numbers.tolist() for f in frames(text.format(26), "a.extxyz")] == [[26, 8]]
    assert problem(text.format(27), "a.extxyz") == (
        "its atom 0 is Fe by its symbol, and 27 by its number"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(encoding):
    text = f"3\nname=Größe\n{WATER}"
    (frame,) = frames(text.encode(encoding))
    assert frame.info == {"name": "Größe"}
    assert len(frame) == 3


def test_what_is_said_of_frames():
    (frame,) = frames("2\nx\nFe1 0 0 0 0.5\nD 0 0 1.6 0.1\n")
    assert frame.notes == (
        "columns after x, y and z are not read", "Fe1 is read as Fe", "D is read as hydrogen",
    )  # fmt: skip
    (bohr,) = frames("3\nx\nO 0 0 0\nH 1.81 0 0\nH -0.45 1.76 0\n")
    assert "not Bohr?" in bohr.notes[0]
    (left,) = frames('1\nLattice="0 5 0 5 0 0 0 0 5"\nFe 0 0 0\n')
    assert left.notes == ("its cell is left-handed",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b"\x1f\x8b\x08rest", r"compressed \(gzip\); unpack it"),
        (b"PK\x03\x04rest", r"compressed \(zip\)"),
        (b"\x00\x01\x02\xff", "it is no text"),
    ],
)
def test_files_without_structures_are_refused(tmp_path, content, told):
    path = tmp_path / "a.xyz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=told):
        list(read_frames(path))
    with pytest.raises(DataError, match="cannot be read"):
        list(read_frames(tmp_path / "none.xyz"))
    with pytest.raises(DataError, match="format is not known"):
        frames("hello\n", "a.txt")
    with pytest.raises(DataError, match="2 frames where one is needed"):
        one_frame(f"3\n\n{WATER}3\n\n{WATER}".encode(), "a.xyz")


# CIF --------------------------------------------------------------------------------------------

CELL = "".join(f"_cell_length_{a} 4.3\n" for a in "abc")


CELL += "".join(f"_cell_angle_{a} 90\n" for a in ("alpha", "beta", "gamma"))


LOOP = "loop_\n_atom_site_label\n_atom_site_type_symbol\n" + "".join(
    f"_atom_site_fract_{a}\n" for a in "xyz"
)


IDENTITY = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n"


def cif(sites: str, columns: str = "", symmetry: str = IDENTITY, name: str = "t") -> str:
    return f"data_{name}\n{CELL}{symmetry}{LOOP}{columns}{sites}\n"


# Written and read ---------------------------------------------------------------------------------


@st.composite
def crystals(draw):
    seed, n = draw(st.integers(0, 2**31)), draw(st.integers(1, 6))
    rng = np.random.default_rng(seed)
    grid = rng.choice(27, n, replace=False)
    places = np.array(np.unravel_index(grid, (3, 3, 3))).T * 3.0 + rng.uniform(-0.5, 0.5, (n, 3))
    cell = 9 * np.eye(3) + rng.uniform(-0.3, 0.3, (3, 3))
    numbers = np.sort(rng.choice([1, 8, 26, 29, 54, 92], n))
    return Atoms(numbers, places, cell=cell, pbc=True)


@settings(max_examples=40, deadline=None)
@given(crystals(), st.sampled_from(["extxyz", "xyz", "vasp", "cif", "gen"]))
@example(Atoms("FeU", [[0, 0, 0], [6, 6, 6]], cell=9 * np.eye(3), pbc=True), "xyz")
def test_any_structure_in_any_style_comes_back(atoms, style):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stream = io.BytesIO() if style == "cif" else io.StringIO()
        write(stream, atoms, format=style)
    written = stream.getvalue()
    content = written if isinstance(written, bytes) else written.encode()
    name = {"vasp": "POSCAR"}.get(style, f"a.{style}")
    (frame,) = parse_frames(content, name)
    # A plain xyz has no cell: what was nearest across its faces is gone, and atoms may lie alone.
    alone = len(atoms) > 1 and (atoms.get_all_distances() + 99 * np.eye(len(atoms))).min() > 10
    if style == "xyz" and alone:
        assert re.match(r"all its atoms are more than 1\d Å apart", frame.problem)
        return
    assert frame.problem == ""
    assert frame.numbers.tolist() == atoms.numbers.tolist()
    if style == "xyz":
        np.testing.assert_allclose(frame.positions, atoms.positions, atol=1e-6)
        return
    assert frame.pbc.all()
    np.testing.assert_allclose(
        np.linalg.norm(frame.cell, axis=1), np.linalg.norm(atoms.cell.array, axis=1), atol=1e-4
    )
    mine = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)
    np.testing.assert_allclose(
        mine.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-3
    )


@settings(max_examples=30, deadline=None)
@given(crystals())
def test_extended_xyz_and_poscar_are_read_as_ase_reads_them(atoms):
    for style, name in (("extxyz", "a.extxyz"), ("vasp", "POSCAR")):
        stream = io.StringIO()
        write(stream, atoms, format=style)
        stream.seek(0)
        other = read(stream, format=style)
        (frame,) = parse_frames(stream.getvalue().encode(), name)
        np.testing.assert_allclose(frame.positions, other.positions, atol=1e-12)
        np.testing.assert_allclose(frame.cell, other.cell.array, atol=1e-12)


# Geometry -----------------------------------------------------------------------------------------


def told_of(atoms: Atoms) -> str:
    return judge(atoms.numbers.astype(np.int32), atoms.positions, atoms.cell.array, atoms.pbc)[0]


def test_known_matter_is_never_refused():
    solids = [bulk(s) for s in ("Cu", "Fe", "Si", "Al", "Na", "Cs", "Ar", "Xe", "W")]
    solids += [bulk("C", "diamond", 3.567), bulk("NaCl", "rocksalt", 5.64)]
    assert not [told_of(a) for a in solids if told_of(a)]
    for name in ("H2", "H2O", "CO2", "CH4", "C60", "C6H6", "NaCl"):
        assert told_of(molecule(name)) == ""
    assert told_of(Atoms("Fe")) == ""
    assert told_of(Atoms("Fe", cell=[30, 30, 30], pbc=True)) == ""


@pytest.mark.parametrize(
    ("atoms", "said"),
    [
        (Atoms("Fe2", [[0, 0, 0], [5, 0, 0]], cell=[5, 5, 5], pbc=True), "are in one place"),
        (Atoms("Fe2", [[0.1, 0, 0], [4.9, 0, 0]], cell=[5, 5, 5], pbc=True), "0.20 Å apart"),
        (Atoms("Fe2", [[0, 0, 0], [0, 0, 12.0]]), "more than 12 Å"),
        (Atoms("X", [[0, 0, 0]]), "atomic number 0, a dummy"),
        (Atoms("Fe", cell=[[1e-7, 0, 0], [0, 9, 0], [0, 0, 9]], pbc=[1, 0, 0]), "too thin"),
    ],
)
def test_geometries_that_are_none(atoms, said):
    assert said in told_of(atoms)


def test_a_frame_that_announces_a_trillion_atoms_costs_nothing(tmp_path: Path):
    import tracemalloc

    text = f"1000000000000\nx\n{WATER}3\n\n{WATER}"
    tracemalloc.start()
    found = frames(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(f) for f in found] == [0, 3]
    assert peak < 2_000_000
