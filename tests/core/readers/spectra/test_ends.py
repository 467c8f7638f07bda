"""Files that end within a number."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.readers.spectra.ends import CUT_OFF, is_cut_off
from xreg.core.readers.spectra.spectrum import read_spectrum

X = np.arange(7100.0, 7130.0)
Y = np.sqrt(X / 3)
HEADER = "# XDI/1.0 x/1\n# Column.1: energy eV\n# Column.2: mutrans\n# 1\n#---\n# energy mutrans\n"


def rows(form: str, header: str = HEADER, between: str = " ") -> bytes:
    pairs = zip(X.tolist(), Y.tolist(), strict=True)
    lines = [f"{form % x}{between}{form % y}" for x, y in pairs]
    return (header + "\n".join(lines)).encode()


@pytest.mark.parametrize("header", ["", HEADER, HEADER + "# " + "long " * 2000 + "\n"])
@pytest.mark.parametrize(
    ("form", "lost"),
    [
        ("%.4f", (1, 2, 4)),
        ("%.9g", (2, 3, 4)),
        ("%r", (8, 12)),
        ("%.6e", (4, 6)),
        ("%12.7f", (1, 3)),
    ],
)
@pytest.mark.parametrize("between", [" ", "\t", ",", ";"])
def test_a_number_that_lost_digits(
    form: str, lost: tuple[int, ...], header: str, between: str
) -> None:
    whole = rows(form, header, between)
    assert not is_cut_off(whole)
    assert not is_cut_off(whole[:-3] + b"\n")  # a line that was finished
    for count in lost:
        assert is_cut_off(whole[:-count]), whole[-count - 20 : -count]


def test_one_digit_of_fixed_decimals_is_enough() -> None:
    whole = rows("%.6f")
    assert is_cut_off(whole[:-1])
    assert CUT_OFF in read_spectrum(whole[:-1]).notes
    assert CUT_OFF not in read_spectrum(whole).notes


def test_rows_of_another_table_do_not_count() -> None:
    other = (
        "#S 1 ascan x\n#L x  I0\n" + "1 2\n3 4\n" * 3 + "\n#S 2 ascan energy\n#L Energy  I0  mu\n"
    )
    lines = "".join(f"{x:.4f} 7 {y:.6f}\n@A 1 2 3\\\n 4 5 6\n" for x, y in zip(X, Y, strict=True))
    assert is_cut_off(f"{other}{lines}7131.0000 7 48.12".encode())
    assert not is_cut_off(f"{other}{lines}7131.0000 7 48.123456".encode())


@pytest.mark.parametrize(
    "content", [b"", b"x", b"1", b"1 2", b"a b\n1 2", b"1 2\n3 \0", b"7 8\n7 x"]
)
def test_what_tells_nothing(content: bytes) -> None:
    assert not is_cut_off(content)


def test_only_the_last_scan_is_cut() -> None:
    from xreg.core.readers.spectra.columns import SpectrumColumns

    table = "\n".join(f"{x:.4f} {y:.6f}" for x, y in zip(X, Y, strict=True))
    content = f"#S 1 a\n#L Energy  mu\n{table}\n#S 2 a\n#L Energy  mu\n{table}"[:-3].encode()
    assert CUT_OFF not in read_spectrum(content, SpectrumColumns(scan="1")).notes
    assert CUT_OFF in read_spectrum(content, SpectrumColumns(scan="2")).notes
