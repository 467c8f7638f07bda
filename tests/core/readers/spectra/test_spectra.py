"""Text spectra of any hand: read with the right numbers, or refused with the line and a reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xreg.core.errors import DataError
from xreg.core.readers.spectra.spectrum import read_spectrum
from xreg.core.readers.spectra.table import read_table
from xreg_tests.text_spectra import ENERGY, MU, read, require_same, rows

# Any style ------------------------------------------------------------------------------------

STYLES = [(s, ".") for s in (" ", "   ", "\t", ",", ", ", ";", " ; ", " \t")]


STYLES += [(s, ",") for s in (" ", "\t", ";", "; ", "   ")]


NUMBERS = ["plain", "E", "D", "fortran"]


HEADERS = ["none", "comment", "names", "units", "percent", "slashes", "semicolon", "two lines"]


def number(value: float, style: str, decimal: str) -> str:
    if style == "plain":
        text = f"{value:.6f}"
    else:
        text = f"{value:.8E}"
        if style == "D":
            text = text.replace("E", "D")
        if style == "fortran" and text[-3:] == "+00":
            text = f"{text[:-4]}E+000"
    return text.replace(".", decimal)


def header(style: str, names: list[str], separator: str) -> str:
    joined = separator.join(names)
    return {
        "none": "",
        "comment": "# made by hand, 2026-11-28 at 12:30\n",
        "names": f"{joined}\n",
        "units": "# energy (eV)   mu (a.u.)\n",
        "percent": "% a\n% energy  mu\n",
        "slashes": "// Probe µ 5\n",
        "semicolon": "; energy  mu\n",
        "two lines": f"Sample 3\n{joined}\n",
    }[style]


@settings(max_examples=300, deadline=None)
@given(
    style=st.sampled_from(STYLES),
    encoding=st.sampled_from(
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"]
    ),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    head=st.sampled_from(HEADERS),
    written=st.sampled_from(NUMBERS),
    last=st.booleans(),
    # below the smallest marker of a missing value
    values=st.lists(st.floats(-900, 900), min_size=3, max_size=12, unique=True),
)
def test_a_table_in_any_style_is_read_back(style, encoding, end, head, written, last, values):
    separator, decimal = style
    energy = 7100.25 + 0.5 * np.arange(len(values))
    table = [
        [number(e, written, decimal), number(v, written, decimal)]
        for e, v in zip(energy, values, strict=True)
    ]
    wanted = np.array([float(row[1].replace(",", ".").replace("D", "E")) for row in table])
    if np.ptp(wanted) == 0:
        return
    text = header(head, ["energy", "mu"], separator) + "\n".join(map(separator.join, table))
    content = (text + ("\n" if last else "")).replace("\n", end).encode(encoding)
    found = read_spectrum(content)
    np.testing.assert_allclose(found.energy, energy, rtol=1e-8)
    np.testing.assert_array_equal(found.intensity, wanted)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1.5D+03 1\n1.6d+03 2\n", [1, 2]),
        ("1500 1.2-101\n1600 -3.4-102\n", [1.2e-101, -3.4e-102]),
        ("1500 .5\n1600 5.\n", [0.5, 5]),
        ("1500 1.Q0\n1600 2.q0\n", [1, 2]),
        ("1500 \u22120.5\n1600 +0.25\n", [-0.5, 0.25]),
        ('"1500","0.5"\n"1600","0.25"\n', [0.5, 0.25]),
        ('"1500,0","0,5"\n"1600,0","0,25"\n', [0.5, 0.25]),
        ("1500.0,0.5,\n1600.0,0.25,\n", [0.5, 0.25]),
        ("1500\t\t0.5\n1600\t\t0.25\n", [0.5, 0.25]),
        ("2\n1500 0.5\n1600 0.25\n", [0.5, 0.25]),
        ("1500 0.5 # first\n\n1600 0.25 ! last\n", [0.5, 0.25]),
        ("1500,3\n1600,4\n", [3, 4]),
        ("1500\t0,5\n1600\t0,25\n", [0.5, 0.25]),
        ("846 0,0123\n847 1\n", [0.0123, 1]),
        ("1500 0.5\n1600 0.25\nEND\n", [0.5, 0.25]),
        ("1500 0.5\n1600 0.25\n\x1a", [0.5, 0.25]),
    ],
)
def test_numbers_as_they_are_written(text, values):
    assert read(text).intensity.tolist() == values


# What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("846,0,0123\n847,0,0119\n", "its commas ('846,0,0123') may be decimal commas"),
        ("846, 0,0123\n847, 0,0119\n", "may be decimal commas"),
        ("846,0123\n847,0119\n", "may be decimal commas"),
        ("energy,mu\n846,0,12\n847,0,11\n", "may be decimal commas"),
        ("1.846,5;0,1\n1.847,5;0,2\n", "both points and commas ('1.846,5;0,1')"),
        ("7,100.5 0.1\n7,101.5 0.2\n", "both points and commas"),
        ("1500 1\n1600 *****\n1700 2\n", "line 2 holds '*****', a number too long for its field"),
        ("1500 1\n1600 nan\n1700 2\n", "not finite at point 2: line 2 holds 'nan'"),
        ("# c\n1500\t1\n1600\t\n1700\t2\n", "point 2: line 3 holds an empty cell"),
        ("1500,1\n1600,\n1700,2\n", "line 2 holds an empty cell"),
        ("1500 1\n1600 1 2\n", "its line 2 has 3 columns where line 1 has 2"),
        ("1500 1\n16O0 2\n1700 3\n", "its line 2 '16O0 2' holds a value that is no number"),
        ("15OO 1\n1600 2\n1700 3\n", "line '15OO 1' above the rows"),
        ("1500 1\n1600 1_0\n", "its line 2 '1600 1_0' holds a value that is no number"),
        ("1500 1.0-2.0\n1600 2\n", "its line 2 has 2 columns where line 1 has 3"),
        ("1500\n1600\n", "it has 1 column where energy and signal are needed"),
        ("1500 1\n", "the spectrum has 1 point"),
        ("0 ! none\n", "it has 1 column where energy and signal are needed"),
        ("1500 1 2\n1600 2 3\n", "3 columns without names; say which is the signal with --signal"),
        ("", "it is empty"),
        (" \n\n", "it is empty"),
        ("# only words\n", "it holds no numbers"),
        ("1500 1\n1600 2\n1600 3\n1700 4\n", "1600 eV occurs twice, in lines 2 and 3"),
        ("1500 1\n1700 2\n1600 3\n", "do not increase from 1700 to 1600 eV (line 3)"),
        ("1500 0\n1600 0\n1700 0\n", "all intensities of the spectrum are zero"),
        ("1500 2\n1600 2\n1700 2\n", "all intensities of the spectrum are 2, a constant"),
        ("Energy (mu)  mu\n500 1\n501 2\n", "the unit 'mu' of its energies is not known"),
    ],
)
def test_what_cannot_be_a_spectrum_is_refused(text, words):
    with pytest.raises(DataError) as caught:
        read(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00\x01\x02\x03", b"\x89PNG\r\n\x1a\n\0"])
def test_what_is_no_text_is_refused(content):
    with pytest.raises(DataError, match="it is no text"):
        read(content)


@pytest.mark.parametrize(
    "marker", ["-9999", "9999", "-999.25", "1e30", "-1E+30", "9.99e37", "9.96921e36", "3.4028e38"]
)
def test_markers_of_missing_values_are_refused_with_their_point(marker):
    text = rows().replace("0.3000", marker)
    with pytest.raises(DataError, match=r"at point 11 \(7105 eV\), as programs mark a missing"):
        read(text)


def test_counts_that_look_like_markers_are_counts():
    text = "700 9000\n701 9999\n702 12000\n703 8000\n"
    assert read(text).intensity.tolist() == [9000, 9999, 12000, 8000]


# Columns --------------------------------------------------------------------------------------

XDI = (
    "# XDI/1.0 made\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n"
    "# Column.4: mutrans\n# Element.symbol: Fe\n# Element.edge: K\n# ///\n# made up\n#----\n"
)


def four() -> str:
    return "".join(
        f"{e:.1f} 30000 {30000 * np.exp(-v):.6f} {v:.4f}\n" for e, v in zip(ENERGY, MU, strict=True)
    )


def test_xdi_is_read_by_its_labels():
    found = read(XDI + four())
    require_same(found)
    assert (found.element, found.edge, found.noise) == ("Fe", "K", None)
    assert found.notes == ("the signal is column 4 mutrans",)


def test_energies_are_judged_by_the_edge_that_the_file_names():
    found = read(XDI + four().replace("710", "810").replace("711", "811"))
    assert "fit no edge of Fe (nearest K, 7112 eV)" in found.notes[1]
    bare = "".join(f"{e / 1000:.5f} {v:.4f}\n" for e, v in zip(ENERGY, MU, strict=True))
    assert "look like keV at the K edge of Fe" in read(f"# Element.symbol: Fe\n{bare}").notes[0]


def test_the_user_may_say_the_columns():
    text = XDI + four()
    for said in ("mutrans", "4", "MUTRANS"):
        require_same(read(text, signal=said))
    ratio = read(text, signal="ln(i0/itrans)")
    np.testing.assert_allclose(ratio.intensity, MU, atol=1e-9)
    assert ratio.notes == ()
    np.testing.assert_allclose(read(text, signal="itrans/2").intensity, np.exp(-MU), atol=1e-9)
    with pytest.raises(DataError, match=r"no column 'mutran' \(--signal\) .did you mean 'mutr"):
        read(text, signal="mutran")
    with pytest.raises(DataError, match="no column '5'"):
        read(text, signal="5")
    with pytest.raises(DataError, match="chosen twice"):
        read(text, signal="1")


def test_without_mu_the_choice_is_asked_for():
    text = XDI.replace("mutrans", "counts") + four()
    with pytest.raises(DataError) as caught:
        read(text)
    assert "4 columns (1 energy, 2 i0, 3 itrans, 4 counts)" in str(caught.value)
    assert "--signal 'ln(i0/itrans)'" in str(caught.value)
    with pytest.raises(DataError, match="say which is the signal"):  # two that are mu
        read(XDI.replace("i0", "mufluor") + four())


@pytest.mark.parametrize("name", ["sigma", "error", "noise", "std", "Noise", "σ"])
def test_noise_is_what_is_named_so(name):
    text = f"energy mu {name}\n" + "".join(f"{700 + i} {i} 0.5\n" for i in range(5))
    assert read(text).noise.tolist() == [0.5] * 5


@pytest.mark.parametrize("name", ["i0", "mu_error_estimate", "background", "noisefree", "2theta"])
def test_no_other_column_is_noise(name):
    text = f"energy mu {name}\n" + "".join(f"{700 + i} {i} 0.5\n" for i in range(5))
    assert read(text).noise is None
    assert read(text, noise="3").noise.tolist() == [0.5] * 5
    bare = text.partition("\n")[2]
    assert read(bare, noise="3").intensity.tolist() == [0, 1, 2, 3, 4]


def test_names_above_a_table():
    for line in ("E;I;sd # three", "# E, I, sd", "% E   I   sd", "E (eV)\tI (counts)\tsd (counts)"):
        table = read_table(f"{line}\n700.0 1 2\n701.0 2 3\n".encode())
        assert table.names == ("E", "I", "sd"), line
    table = read_table(b"Energy  mu\n keV  a.u.\n0.7 1\n0.8 2\n")
    assert (table.names, table.units) == (("Energy", "mu"), ("keV", "a.u."))
    assert read(";energy;mu\n0;700,0;1,5\n1;701,0;2,5\n").intensity.tolist() == [1.5, 2.5]
    table = read_table("# mu(E) at µ(E)\n1 2 3\n".encode("latin-1"))
    assert table.names == ("mu(E)", "at", "µ(E)")
