"""Tables of parameters in any encoding and dialect give the same cells."""

from __future__ import annotations

import pytest

from xreg.core.errors import DataError
from xreg.core.readers.sheet import read_sheet

HEADER, ROWS = ["id", "Dq", "T"], [["a", "0.13", "300"], ["b", "0.15", "-1.5"]]


def text(separator: str, point: str = ".", quote: str = "") -> str:
    rows = [[f"{quote}{cell}{quote}" for cell in row] for row in [HEADER, *ROWS]]
    return "".join(separator.join(row).replace(".", point) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("separator", "point"),
    [
        (",", "."),
        (", ", "."),
        (";", "."),
        (";", ","),
        (" ; ", ","),
        ("\t", "."),
        ("\t", ","),
        ("  ", "."),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_dialects(separator, point, encoding, end):
    content = text(separator, point).replace("\n", end).encode(encoding)
    assert read_sheet(content) == (HEADER, ROWS)


def test_sheets_of_excel():
    assert read_sheet(b"sep=;\r\n" + text(";", ",", '"').encode()) == (HEADER, ROWS)
    assert read_sheet(text(",", ".", '"').encode()) == (HEADER, ROWS)
    # A comma in a name is no decimal comma.
    assert read_sheet("name;x\nTemperatur, °C;1,5\n".encode("cp1252"))[1] == [
        ["Temperatur, °C", "1.5"]
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"a,a\n1,2\n", "two of its columns are named 'a'"),
        (b"a,b\n1,2,3\n", "row 2: 3 cells under a header of 2"),
        (b'a,b\n"1,2\n', "cannot be read"),
        (b"\x00\x01\x02\x03", "it is no text"),
    ],
)
def test_what_is_no_table_is_refused(content, words):
    with pytest.raises(DataError, match=words):
        read_sheet(content)
