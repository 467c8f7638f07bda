"""Charges in the comments of structures, as chemists write them."""

from __future__ import annotations

import pytest

from xreg.core.readers.structures import Frame, parse_frames

EXTENDED = "Properties=species:S:1:pos:R:3"
ATOMS = "Fe 0 0 0\nO 0 0 2.1\nO 0 2.1 0\n"


def frame_of(text: str, name: str) -> Frame:
    (frame,) = parse_frames(text.encode(), name)
    return frame.require()


@pytest.mark.parametrize("lead", ["", f"{EXTENDED} "])
@pytest.mark.parametrize(
    ("said", "value", "note"),
    [
        ("charge=1+", 1, "charge '1+' is read as 1"),
        ("charge=2-", -2, "charge '2-' is read as -2"),
        ("charge=3\u2212", -3, "charge '3\u2212' is read as -3"),
        ("total_charge=(2+)", 2, "total_charge '(2+)' is read as 2"),
        ("q=4-", -4, "q '4-' is read as -4"),
        ("charge=-1", -1, ""),
        ("charge=+1", 1, ""),
        ("charge=neutral", "neutral", "charge 'neutral' is no number, and stays a text"),
        ("charge=1+-", "1+-", "charge '1+-' is no number, and stays a text"),
        ("phase=1+", "1+", ""),
        ("q=gamma", "gamma", ""),
    ],
)
def test_charges_with_their_sign_behind(lead: str, said: str, value: object, note: str) -> None:
    frame = frame_of(f"3\n{lead}{said}\n{ATOMS}", "a.xyz")
    key = said.partition("=")[0]
    assert frame.info[key] == value
    assert isinstance(frame.info[key], str) is isinstance(value, str)
    assert [text for text in frame.notes if "charge" in text or text.startswith("q ")] == (
        [note] if note else []
    )


def test_charges_of_a_molfile_with_their_sign_behind() -> None:
    atoms = "    0.0000    0.0000    0.0000 Fe  0  0\n    0.0000    0.0000    2.0000 O   0  0\n"
    head = "x\n  made\n\n  2  0  0  0  0  0  0  0  0  0999 V2000\n"
    frame = frame_of(f"{head}{atoms}M  END\n> <charge>\n2+\n\n$$$$\n", "a.sdf")
    assert frame.info == {"charge": 2}
    assert "charge '2+' is read as 2" in frame.notes
