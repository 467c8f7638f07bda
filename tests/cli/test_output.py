"""Tables on terminals of several widths, and in a pipe."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
from xreg.cli.output import echo_table
words = "power spectrum of the density of neighbours " * 2
echo_table([("soap", words), ("mbdf[b]", "\x1b[31mred")])
"""


def shown(width: int) -> list[str]:
    """Return the lines that a terminal of that width gets."""
    leader, follower = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", CODE],
        stdout=follower,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": str(width), "TERM": "xterm"},
    ) as process:
        os.close(follower)
        text = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            text += part
        assert process.wait() == 0
    os.close(leader)
    return text.decode().replace("\r", "").splitlines()


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_terminal_folds_cells_inside_their_column(width: int) -> None:
    lines = shown(width)
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("soap     power spectrum")
    assert lines[1].startswith(" " * 9)
    assert lines[1].strip()
    words = " ".join(line.strip() for line in lines).split()
    assert words.count("neighbours") == 2
    # What is no markup stays, and nothing steers the terminal.
    assert any(line.startswith("mbdf[b]  ") for line in lines)
    assert all("\x1b" not in line for line in lines)


def test_a_wide_terminal_and_a_pipe_get_a_line_for_each_row() -> None:
    wide = shown(200)
    piped = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True,
        env={**os.environ, "COLUMNS": "40"},
    ).stdout.splitlines()  # fmt: skip
    assert wide == piped
    assert len(wide) == 2
