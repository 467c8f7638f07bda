"""What is read fast is what the careful road reads: random files, both ways."""

from __future__ import annotations

import random
import re
from decimal import Decimal, localcontext
from math import nextafter
from typing import Any

import numpy as np
import pytest
from ase.io.extxyz import key_val_str_to_dict

from xreg.core.errors import DataError
from xreg.core.readers.numbers import number_of, plain_numbers
from xreg.core.readers.spectra import table
from xreg.core.readers.spectra.table import Table, read_table
from xreg.core.readers.structures import extended
from xreg.core.readers.structures.geometry import judge
from xreg.core.readers.text import lines_of

HEADERS = (
    *("", "# energy mu\n", "Energy (eV)\tmu\n", "made by µ-code\n# E/keV  signal\n"),
    *("\ufeff# e xmu\n", "# Element.symbol: Cu\n#----\n# energy mu\n", "\n\nenergy mu noise\n"),
    "\u00a07000.0 0.5\n",
)
SEPARATORS = (" ", "  ", "\t", " \t", "\t\t", "\t ", ", ")
FORMATS = ("%.18e", "%.6f", "%g", "%+.3E", "%d", "%08.2f", ".%d", "%d.", "-%g")
ODD = (
    *("nan", "1.5D+03", "1.2-101", "1e999", "-", "1_0", "", "*****", "0x1", "1e5e5", "inf"),
    *("- 1", "9" * 400),
)


def _file(rng: random.Random) -> bytes:
    columns, rows = rng.randint(1, 4), rng.randint(1, 6)
    separator, shape = rng.choice(SEPARATORS), [rng.choice(FORMATS) for _ in range(columns)]
    lines = []
    for i in range(rows):
        cells = [
            shape[j].replace("%d", str(7000 + i)) if "%d" in shape[j]
            else shape[j] % (7000 + i if j == 0 else rng.uniform(-2, 2))
            for j in range(columns)
        ]  # fmt: skip
        if rng.random() < 0.05:
            cells[rng.randrange(columns)] = rng.choice(ODD)
        if rng.random() < 0.03:
            cells.append("7")
        lead, tail = (rng.choice(("", "", " ", "\t")) if rng.random() < 0.2 else "" for _ in "ab")
        lines.append(lead + separator.join(cells) + tail)
        if rng.random() < 0.05:
            lines.append(rng.choice(("", "  ", "# a remark", "\t", "\x1a", "\x0c")))
    end = rng.choice(("\n", "\n", "\r\n", "\r"))
    text = rng.choice(HEADERS) + "\n".join(lines) + rng.choice(("\n", "", "\n\n", "\n \n"))
    return text.replace("\n", end).encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-16")))


def _said(found: Table) -> tuple[Any, ...]:
    lines = [found.line(row) for row in range(len(found.values))]
    return found.names, found.units, dict(found.fields), found.one_scan, found.has_gaps, lines


def test_plain_tables_are_read_as_the_careful_road_reads_them() -> None:
    rng, fast = random.Random(1), 0
    for _ in range(4000):
        content = _file(rng)
        try:
            quick = table._plain(content)
        except DataError as error:
            with pytest.raises(DataError, match=re.escape(str(error))):
                table._any(lines_of(content), "")
            continue
        if quick is None:
            continue
        fast += 1
        slow = table._any(lines_of(content), "")
        np.testing.assert_array_equal(quick.values, slow.values, strict=True)
        assert _said(quick) == _said(slow), content
    assert fast > 400


@pytest.mark.parametrize(
    "content",
    [
        b"7000 1\n7001 2\n",
        b"# energy mu\r\n7000 1\r\n7001 2\r\n",
        b"\xef\xbb\xbf7000\t1.5\n7001\t.5\n",
        b"# \xb5 in latin-1\n7000 +1e-3\n7001 2\n\n",
    ],
)
def test_ordinary_tables_are_read_fast(content: bytes) -> None:
    assert table._plain(content) is not None


@pytest.mark.parametrize(
    "content", [b"700\t1\n701\t2\t\n702\t3", b"700\t1\t\n701\t2\t", b"700\t \t1\n701\t2\t3\n"]
)
def test_a_tab_that_may_stand_for_a_gap_is_looked_at_with_care(content: bytes) -> None:
    assert table._plain(content) is None


def test_the_fields_of_a_header_that_is_kept_cannot_be_changed() -> None:
    found = read_table(b"# Element.symbol: Cu\n# e mu\n1 2\n2 3\n")
    with pytest.raises(TypeError):
        found.fields["element.symbol"] = "Fe"  # type: ignore[index]


def test_plain_numbers_are_right_to_the_last_bit() -> None:
    rng = random.Random(2)
    words = ["-0", "+1.5", ".5", "5.", "00012", "1e-320", "123456789012345678901234567890"]
    with localcontext() as context:
        context.prec = 200
        for _ in range(3000):
            x = rng.uniform(-1, 1) * 10.0 ** rng.randint(-30, 30)
            half = (Decimal(x) + Decimal(nextafter(x, 9e99))) / 2  # hardest to round
            words += [repr(x), f"{x:.18e}", f"{x:.3E}", format(half, "e")]
    for part in (words, words[:1] + words[7:]):  # the second without what JSON has not
        found = plain_numbers([word.encode() for word in part])
        assert found is not None
        assert found.tolist() == [number_of(word) for word in part]
    assert plain_numbers([b"1", b"1e999"]) is None
    assert plain_numbers([b"1", b"e"]) is None
    assert plain_numbers([b"9" * 400]) is None


def _comment(rng: random.Random) -> str:
    numbers = lambda n, form: " ".join(form % rng.uniform(-9, 9999) for _ in range(n))  # noqa: E731
    pieces = [
        f'xas="{numbers(rng.randint(1, 40), rng.choice(("%.3f", "%d", "%g", "%.3e")))}"',
        f'xas_energy="{numbers(20, "%.2f").replace(" ", rng.choice((" ", ", ", "  ", ",")))}"',
        'Lattice="5 0 0 0 5 0 0 0 5"',
        f'virial="{numbers(rng.choice((9, 12)), "%.1f")}"' if rng.random() < 0.2 else "n=3",
        f'uid="{numbers(12, "%d")}"',
        'Properties=species:S:1:pos:R:3', 'pbc="T T F"', 'name="a b c"', "flag", "charge=-1",
        f'odd="{numbers(11, "%d")} e"', f'dup="{numbers(12, "%d")}"', "dup=4",
        f'two=x="{numbers(12, "%g")}"', f'tail="{numbers(12, "%g")}"x',
        f"bare={{{numbers(11, '%g')}}}",
        f'apart = "{numbers(11, "%d")}"', 'open="1 2 3 4 5 6 7 8 9 10 11', "it's",
        f'big="{"9" * 30} {numbers(10, "%d")}"', f'inf="1e999 {numbers(10, "%g")}"', '="1 2"',
    ]  # fmt: skip
    chosen = rng.sample(pieces, rng.randint(1, 5))
    return " ".join(pieces[:1] + chosen if rng.random() < 0.7 else chosen)


def test_comment_lines_are_read_as_ase_reads_them() -> None:
    rng, fast = random.Random(3), 0
    for _ in range(3000):
        comment = _comment(rng)
        try:
            quick = extended._without_lists(comment)
        except DataError:
            with pytest.raises((ValueError, IndexError)):
                key_val_str_to_dict(comment)
            continue
        if quick is None:
            continue
        fast += 1
        slow = key_val_str_to_dict(comment)
        assert list(quick) == list(slow)
        for key, value in slow.items():
            assert type(quick[key]) is type(value), comment
            np.testing.assert_array_equal(quick[key], value, err_msg=comment)
            if isinstance(value, np.ndarray):
                assert quick[key].dtype == value.dtype
    assert fast > 800


@pytest.mark.parametrize(("apart", "doubt"), [(0.398, True), (0.402, False), (1.20, False)])
def test_what_stands_near_a_bound_is_judged_with_care(apart: float, doubt: bool) -> None:
    where = np.array([[0.0, 0, 0], [apart, 0, 0], [0, 1.5, 0]])
    box = 20.0 * np.eye(3)
    for cell, periodic in ((np.zeros((3, 3)), False), (box, True)):
        for offset in (0.0, 9.5e5):
            problem, _ = judge(
                np.array([8, 1, 1], np.int32), where + offset, cell, np.full(3, periodic)
            )
            assert bool(problem) is doubt
