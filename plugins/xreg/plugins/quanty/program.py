"""Which version Quanty is, and how it is run: apart from what it computes.

Quanty is its authors' program (M. W. Haverkort et al., quanty.org).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from math import inf
from pathlib import Path

from xreg.core.errors import MissingRequirementError, RunError
from xreg.core.programs.program import Limits, run_program

__all__ = ["KNOWN", "quanty_version", "run_quanty"]

KNOWN = ("0.9",)
"""Versions whose commands and output are known."""

CONFINED = (
    "do local open, lines, input, output = io.open, io.lines, io.input, io.output "
    "local function inside(name) if type(name) == 'string' and (name:find('[/\\\\:]') or "
    "name:find('..', 1, true) or name:byte(1) == 124) then "
    "error('a script may name files of its own folder only', 3) end return name end "
    "io.open = function(name, ...) return open(inside(name), ...) end "
    "if lines then io.lines = function(name, ...) if name == nil then return lines() end "
    "return lines(inside(name), ...) end end "
    "if input then io.input = function(name) return input(inside(name)) end end "
    "if output then io.output = function(name) return output(inside(name)) end end "
    "io.popen = nil "
    "if os then os.execute, os.remove, os.rename, os.getenv, os.exit, os.tmpname = nil end "
    "package, require, module, dofile, loadfile, debug = nil end "
)
"""Lua before a script, in its first line: the script starts no program, loads no other code, and
opens files of its own folder only. What Quanty's own functions write is not covered."""

FAILURE = re.compile(r"Error while (?:executing|loading) the script:?\s*(.*)")
BANNER = re.compile(r"Version\s+(\d+(?:\.\d+)+)")


def quanty_version(program: Path) -> str:
    """Return the version that the program prints.

    Raises
    ------
    MissingRequirementError
        If it prints none, or one that is not known; the message names the program.
    """
    return _version(program, program.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _version(program: Path, modified: int) -> str:
    del modified  # a program that was replaced is asked again
    with tempfile.TemporaryDirectory(prefix="xreg-quanty-") as folder:
        try:
            output = run_quanty(program, {"version.lua": "Verbosity(0)\n"}, Path(folder), 60.0)
        except RunError as error:
            raise MissingRequirementError(f"'{program}' does not work as Quanty: {error}") from None
    found = BANNER.search(output)
    if not found:
        raise MissingRequirementError(
            f"'{program}' prints no version as Quanty does; set $QUANTY to the real program."
        )
    if not found[1].startswith(KNOWN):
        raise MissingRequirementError(
            f"'{program}' is Quanty {found[1]}, xreg knows {', '.join(KNOWN)}; set $QUANTY to one "
            "of those."
        )
    return found[1]


def run_quanty(program: Path, files: Mapping[str, str], folder: Path, seconds: float) -> str:
    """Run a script, the first of ``files``, in an empty folder and return what it printed.

    Raises
    ------
    RunError
        If the program cannot be started, fails, or takes too long.
    """
    for name, text in files.items():
        (folder / name).write_text(text)
    report = run_program("Quanty", [program, next(iter(files))], folder, Limits(seconds, inf))
    if failed := FAILURE.search(report.output):
        reason = failed[1].strip() or _line_after(report.output, failed.end())
        raise RunError(f"Quanty refused the script ({reason})")
    if report.code < 0:
        raise RunError(f"Quanty crashed (signal {-report.code})")
    if report.code:
        raise RunError(f"Quanty ended with exit code {report.code}")
    return report.output


def _line_after(text: str, position: int) -> str:
    lines = [line.strip() for line in text[position:].splitlines() if line.strip()]
    return lines[0] if lines else "no reason given"
