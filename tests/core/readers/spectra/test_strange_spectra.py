"""Text spectra whose numbers were once read wrongly without a word, or that took without end."""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np
import pytest

from xreg.core.errors import DataError
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import TextSpectrum, read_spectrum

ENERGY = np.arange(7100.0, 7120.5)
MU = np.round(0.1 + 1 / (1 + np.exp(-(ENERGY - 7112) / 2)), 4)


def table(*columns: object, sep: str = " ") -> str:
    return "".join(f"{sep.join(map(str, row))}\n" for row in zip(*columns, strict=True))


ROWS = table(ENERGY, MU)


def read(text: str, **said: str) -> TextSpectrum:
    return read_spectrum(text.encode(), SpectrumColumns(**said))


def require_same(found: TextSpectrum) -> None:
    np.testing.assert_allclose(found.energy, ENERGY, atol=1e-9)
    np.testing.assert_allclose(found.intensity, MU)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # A per cent sign ended the row, and the column before it became the signal.
        (f"energy passed mu\n{table(ENERGY, [f'{v}%' for v in MU], MU)}", "line 2 is '7100.0 0.10"),
        # Counted from zero, energy and signal changed places.
        (f"# Column.0: energy eV\n# Column.1: mu\n{ROWS}", "counts columns from 0 (Column.0)"),
        (f"# Column.1: energy\n# Column.2: mu\n# Column.2: i0\n{ROWS}", "column 2 twice"),
        # First rows that are no rows were taken for a header.
        (ROWS.replace("0.1025", "~0.1025", 1), "line '7100.0 ~0.1025' above the rows"),
        (ROWS.replace("0.1025", "<0.1025", 1), "above the rows holds a value that is no number"),
        # Gaps throughout were taken for words below the table.
        (f"{ROWS}nan nan\n", "its line 22 'nan nan' holds a value that is no number"),
        ("##TITLE=a\n##YFACTOR=0.001\n##XYPOINTS=(XY..XY)\n" + ROWS, "it is JCAMP-DX"),
        (f"# wavenumber chi(k)\n{table(np.arange(21) / 20, MU)}", "'wavenumber', which is no en"),
        (f"k_A chi\n{table(np.arange(21) / 20, MU)}", "'k_A', which is no energy"),
        (table(ENERGY, MU * 1e300), "reach 1.1e+300, which no unit has"),
        (table(ENERGY * 1e300, MU), "reach 7.12e+303 eV, which no X-rays have"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        ("<!DOCTYPE html>\n<p>404</p>\n", "it is a web page, not the file"),
        # A column of two was the noise, or none; the intensity of the source was the signal.
        (f"energy mu sigma std\n{table(ENERGY, MU, MU / 10, MU / 9)}", "sigma, std are all named"),
        (f"energy mu sigma\n{table(ENERGY, MU, [0.1, 1e30, *MU[2:]])}", "the noise is 1e+30 at po"),
        (f"energy i0\n{ROWS}", "it has 2 columns (1 energy, 2 i0); say which is the signal"),
        (f"# Column.{'9' * 20}: mu\n" + table(ENERGY, MU, MU), "3 columns without names"),
        ("".join(f";{row}\n" for row in ROWS.split("\n")[:-1]), "behind a mark of comments"),
    ],
)
def test_what_was_read_wrongly_is_refused(text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"energy_set energy_rbv mu\n{table(ENERGY, ENERGY + 5, MU)}",
         "the energy is column 1 energy_set; 2 energy_rbv may be it too"),
        (f"E_nom(eV) E_enc(eV) mu\n{table(ENERGY, ENERGY + 5, MU)}", "1 E_nom; 2 E_enc may be"),
        (f"energy mu energy.1 mu.1\n{table(ENERGY, MU, ENERGY + 100, MU)}", "3 energy.1 may be"),
        (f"Binding energy (eV)\tmu\n{table(ENERGY, MU, sep=chr(9))}", "called 'Binding energy'"),
        (f"# E-E0 (eV)  mu\n{ROWS}", "called 'E-E0'; those of photons are needed"),
        (f"{ROWS}99999 0\n", "there is no point between 7120 and 99999 eV"),
        (f"0 0.2\n{ROWS}", "there is no point between 0 and 7100 eV"),
        (ROWS.replace("7100.0", "-9.0"), "energies from -9 eV on are relative"),
        (ROWS.replace("7105.0", "#7105.0"), "line 6 looks like a row and is commented out"),
        (ROWS.replace("\n710", "\n#710"), "lines 2 … 10 (9 of them) look like rows"),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_said(text: str, words: str) -> None:
    assert words in " | ".join(read(text).notes)


def test_of_several_energies_the_one_that_was_named_is_beyond_doubt() -> None:
    text = f"energy_set energy_rbv mu\n{table(ENERGY + 5, ENERGY, MU)}"
    found = read(text, energy="energy_rbv", signal="mu")
    require_same(found)
    assert found.notes == ()


@pytest.mark.parametrize("minus", "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d")
def test_a_typographic_minus_is_one(minus: str) -> None:
    found = read(ROWS.replace("0.1025", f"{minus}0.1025", 1))
    assert found.intensity[0] == -0.1025
    assert len(found.energy) == len(ENERGY)


@pytest.mark.parametrize(
    "text",
    [
        f"# mu energy\n# two scans\n{table(MU, ENERGY)}",  # the last line has as many words
        f"# energy i0 mu\n# three words here\n{table(ENERGY, MU + 3, MU)}",
        f"# units: keV\nE mu\n{table(ENERGY / 1000, MU)}",
    ],
)
def test_names_of_columns_are_those_that_name_some(text: str) -> None:
    require_same(read(text))


def test_noise_in_per_cent() -> None:
    found = read(f"energy mu err(%)\n{table(ENERGY, MU, MU * 0 + 5)}")
    np.testing.assert_allclose(found.noise, MU / 20)
    assert "the noise is in per cent of the signal" in found.notes


@pytest.mark.parametrize(
    "line",
    [" " * 1_000_000, "1" + " " * 200_000 + "x", "energy (" + " " * 200_000 + "x", "a" * 1_000_000,
     "#" * 1_000_000, "1-" * 200_000, '"' * 200_001, "x axis" + " " * 200_000],
    ids=["blanks", "gap", "bracket", "word", "marks", "signs", "quotes", "prose"],
)  # fmt: skip
def test_a_long_line_takes_no_time_to_speak_of(line: str) -> None:
    start = time.process_time()
    with suppress(DataError):
        read(f"{line}\n{ROWS}")
    assert time.process_time() - start < 2


@pytest.mark.parametrize("scan", ["\u00b2", "\u0662", "-1", "9" * 200])
def test_a_scan_of_no_number_is_refused(scan: str) -> None:
    with pytest.raises(DataError, match="it has no scan"):
        read(ROWS, scan=scan)


def test_energies_below_all_edges_are_doubted_unless_the_user_says_their_unit() -> None:
    """Columns of keV and of angles under names that tell no unit were energies in eV."""
    kev = f"#S 1 ascan energy 7.1 7.12 20 1\n#L Energy  mu\n{table(ENERGY / 1000, MU)}"
    (note,) = read(kev).notes
    doubt = "lie below all edges: are they in keV, an angle, or relative?"
    assert note == f"energies of 7.1 \u2026 7.12 eV {doubt}"
    require_same(read(kev, unit="keV"))
    assert read(kev, unit="eV").notes == ()


def test_columns_of_a_fio_are_those_that_it_names() -> None:
    head = "!\n%c\nscan of July\n%d\n Col 1 MU DOUBLE\n Col 2 ENERGY DOUBLE\n"
    require_same(read(head + table(MU, ENERGY)))


XDI = "# XDI/1.0 x/1\n# Element.symbol: Fe\n# Element.edge: K\n"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("# Column.1: energy eV\n# Column.2: mutrans\n# Column.3: i0\n# energy i0 mutrans\n",
         "the columns in two orders, energy, mutrans, i0 in its fields and energy, i0, mutrans"),
        ("# Element.symbol: Cu\n# energy mutrans i0\n", "says Element.symbol twice, 'Fe' and 'Cu'"),
        ("# Element.edge: L3\n# energy mutrans i0\n", "says Element.edge twice, 'K' and 'L3'"),
        ("# Mono.d_spacing: 3.1\n# Mono.d_spacing: 1.9\n# energy mutrans i0\n", "d_spacing twice"),
    ],
)  # fmt: skip
def test_headers_that_contradict_themselves(header: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(XDI + header + table(ENERGY, MU, ENERGY + 1e5))


def test_a_header_that_repeats_itself() -> None:
    twice = "# Element.symbol: Fe\n# Sample.name: a\n# Sample.name: b\n# Column.1: energy eV\n"
    found = read(f"{XDI}{twice}# Column.2: mutrans\n#---\n# energy mutrans\n{ROWS}")
    require_same(found)
    assert found.fields["sample.name"] == "a; b"


def test_an_element_that_is_none_is_told() -> None:
    found = read(XDI.replace("Fe", "Xx") + "# energy mutrans\n" + ROWS)
    assert any("names 'Xx' as the element, which is none" in note for note in found.notes)


@pytest.mark.parametrize(
    "name",
    [
        *("time", "Seconds", "elapsed_time", "live time", "Epoch", "incoming_beam"),
        *("transmission (%)", "itrans", "irefer", "bkg", "nder", "pre_edge"),
    ],
)
def test_what_is_no_signal_is_not_taken_as_the_only_one(name: str) -> None:
    with pytest.raises(DataError, match="say which is the signal"):
        read(f"energy\t{name}\n{table(ENERGY, MU, sep=chr(9))}")


def test_energies_above_all_edges_are_doubted() -> None:
    found = read(f"# energy (keV) mu\n{ROWS}")
    assert any("eV lie above all edges: are they in eV?" in note for note in found.notes)
