"""What a long command tells of its progress, with and without a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from xreg.cli import progress as display
from xreg.core.progress import report, track


def test_without_a_terminal_a_line_now_and_then(capsys, monkeypatch):
    clock = iter([0.0, 3.0, 11.0, 12.0, 22.0])
    monkeypatch.setattr(display.time, "monotonic", lambda: next(clock))
    with display.progress():
        for done in range(5):
            report("generating", done, 4, "2/s, 1 s left" if done == 2 else "")
    assert capsys.readouterr().err.splitlines() == [
        "generating: 2 of 4, 2/s, 1 s left",
        "generating: 4 of 4",
    ]


def test_nobody_listens_after_the_block(capsys, monkeypatch):
    monkeypatch.setattr(display, "LINE_SECONDS", 0.0)
    with display.progress():
        assert list(track("ab", "reading", 2)) == ["a", "b"]
    told = capsys.readouterr().err
    report("reading", 1, 1)
    assert told.splitlines()[-1] == "reading: 2 of 2"
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar():
    code = (
        "from xreg.cli.progress import progress\nfrom xreg.core.progress import report\n"
        "with progress():\n    report('reading', 3, 4, 'soon')\n"
    )
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", code], stderr=theirs, check=True)
        shown = os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "reading" in shown
    assert "3/4" in shown
