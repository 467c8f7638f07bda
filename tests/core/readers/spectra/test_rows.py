"""Rows of numbers in the ways in which instruments and programs write them."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from xreg.core.errors import DataError
from xreg.core.readers.spectra.spectrum import read_spectrum
from xreg.core.readers.structures import parse_frames

ENERGY = np.arange(7100.0, 7120.0)
MU = np.round(0.05 + 0.025 * np.arange(20), 4)
PAIRS = list(zip(ENERGY.tolist(), MU.tolist(), strict=True))


def require_same(content: bytes, mu: np.ndarray = MU, note: str = "") -> None:
    found = read_spectrum(content)
    np.testing.assert_allclose(found.energy, ENERGY, rtol=1e-12)
    np.testing.assert_allclose(found.intensity, mu, rtol=1e-12)
    assert not note or any(note in one for one in found.notes)


@pytest.mark.parametrize("width", ["12.5E", "11.4f"])
def test_numbers_of_fixed_width_that_touch_are_parted_at_their_signs(width):
    short = width.replace("12", "1").replace("11", "1")  # no blank is left before the sign
    rows = "".join(f"{e:{width}}{-10 - v:{short}}\n" for e, v in PAIRS)
    require_same(rows.encode(), -10 - MU, "numbers that touch (line 1) were parted")


def test_numbers_that_touch_without_a_sign_are_refused():
    rows = "".join(f"{e:.4f}{100 + v:.6f}\n" for e, v in PAIRS)
    with pytest.raises(DataError, match="it holds no numbers"):
        read_spectrum(rows.encode())


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", "  "])
@pytest.mark.parametrize("point", [".", ","])
def test_quoted_numbers(separator, point):
    rows = "".join(f'"{e}"{separator}"{v:.4f}"\n'.replace(".", point) for e, v in PAIRS)
    require_same(f'"Energy"{separator}"mu"\n{rows}'.encode())


def test_quoted_thousands_are_refused():
    for energy in ('"7,{}00"', '"7,{}00.0"', '"7.{}00,0"'):
        rows = "".join(f'{energy.format(i)},"0.{i}00"\n' for i in range(1, 9))
        with pytest.raises(DataError, match="both points and commas"):
            read_spectrum(f"Energy,mu\n{rows}".encode())


@pytest.mark.parametrize(
    "time",
    ["12:00:{:02d}", "2024-01-31T12:00:{:02d}.5Z", "2024-01-31 12:00:{:02d}", "12:00:{:02d}.125"],
)
def test_a_column_of_times_is_no_column_of_numbers(time):
    rows = "".join(f"{time.format(i)},{e},{v}\n" for i, (e, v) in enumerate(PAIRS))
    require_same(f"time,energy,signal\n{rows}".encode())


def test_lines_that_look_like_rows_are_shown():
    for form in ("{} | {}\n", "{}:{}\n", "{} eV {}\n", "[{}, {}]\n"):
        rows = "".join(form.format(*pair) for pair in PAIRS)
        with pytest.raises(DataError, match=r"it holds no numbers; its line 3 is '\[?7100\.0"):
            read_spectrum(f"# a\n# b\n{rows}".encode())


def test_marks_without_width_are_no_characters():
    rows = "".join(f"\ufeff{e}\u200b {v}\n" for e, v in PAIRS)  # as joined files have them
    require_same(rows.encode())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"7100 0.1\n", mtime=0), "it is compressed (gzip); unpack it first"),
        (
            b"PK\x03\x04" + bytes(range(99)),
            "it is compressed (zip); unpack it first, or save it as text",
        ),
        (b"\x89HDF\r\n\x1a\n" + bytes(range(99)), "it is an HDF5 file"),
        (b"CDF\x01" + bytes(range(99)), "it is a netCDF file"),
        (b"SQLite format 3\0" + bytes(99), "it is a database, as ASE's may be"),
        (b"- of UlmASE-Trajectory" + bytes(99), "it is a trajectory of ASE's"),
        (b"\x80\x04\x95\x10" + bytes(99), "it is a pickle, which is never read"),
        (b"%PDF-1.4\n1 2\n3 4\n", "it is no text, but a PDF"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), "it is a document of Office"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "it is no text, but an image"),
    ],
)
def test_files_that_are_no_text_are_told_what_they_are(content, words):
    with pytest.raises(DataError) as caught:
        read_spectrum(content)
    assert words in str(caught.value)
    with pytest.raises(DataError) as caught:
        list(parse_frames(content, "a.xyz"))
    assert words in str(caught.value)


@pytest.mark.parametrize("word", ["1__0", "x", "0.05 1__0", "= 0.05 ,,", "nan0 0.1 7", "1.2.3"])
@pytest.mark.parametrize("header", ["", "energy mu\n", "# energy mu\n"])
def test_a_first_row_with_a_word_is_no_header(word, header):
    rows = "".join(f"{e:.1f} {v:.4f}\n" for e, v in PAIRS)
    if word.startswith("="):
        require_same(f"{header}7099.0 {word}\n{rows}".encode())  # as FDMNES explains its numbers
        return
    with pytest.raises(DataError, match="holds a value that is no number"):
        read_spectrum(f"{header}7099.0 {word}\n{rows}".encode())


@pytest.mark.parametrize("line", ["20 points", "7112.0 eV, edge", "300 K", "2023 autumn"])
def test_a_title_that_begins_with_a_number_stays_one(line):
    rows = "".join(f"{e:.1f} {v:.4f}\n" for e, v in PAIRS)
    require_same(f"{line}\n{rows}".encode())


@pytest.mark.parametrize("line", ["#  0.1750", "#7107.0 0.1750", "!!x 0.1750", "# x 0.1750"])
def test_a_row_behind_a_comment_mark_is_told(line):
    lines = [f"{e:.1f} {v:.4f}" for e, v in PAIRS]
    found = read_spectrum("\n".join([*lines[:7], line, *lines[8:], ""]).encode())
    assert len(found.energy) == 19
    assert any("line 8 looks like a row and is commented out" in note for note in found.notes)


def test_a_remark_between_rows_is_none():
    lines = [f"{e:.1f} {v:.4f}" for e, v in PAIRS]
    found = read_spectrum(
        "\n".join([*lines[:7], "# beam lost at 12:05, 3 s", *lines[7:], ""]).encode()
    )
    assert not found.notes
