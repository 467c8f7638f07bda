"""Which version FDMNES is, and how its runs end: apart from what it computes.

FDMNES is its authors' program (Y. Joly and O. Bunău, fdmnes.neel.cnrs.fr).
"""

from __future__ import annotations

import re
import tempfile
from functools import lru_cache
from pathlib import Path

from xreg.core.errors import MissingRequirementError, RunError
from xreg.core.programs.program import Limits, Report, run_program

__all__ = ["LOG", "fdmnes_version", "run_fdmnes"]

BANNER = re.compile(r"FDMNES program,?\s+(.*\S)")
LOG, ERRORS = "out_bav.txt", "fdmnes_error.txt"
GOOD_END = "Have a beautiful day !"


def fdmnes_version(program: Path) -> str:
    """Return the version that the program prints (``Revision 1st of March 2022``).

    Raises
    ------
    MissingRequirementError
        If it prints none; the message names the program.
    """
    return _version(program, program.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _version(program: Path, modified: int) -> str:
    del modified  # a program that was replaced is asked again
    with tempfile.TemporaryDirectory(prefix="xreg-fdmnes-") as name:
        folder = Path(name)
        (folder / "fdmfile.txt").write_text("1\nin.txt\n")
        (folder / "in.txt").write_text("End\n")
        try:
            output = run_program("it", [program], folder, Limits(60.0, 20.0)).output
        except RunError as error:
            raise MissingRequirementError(
                f"'{program}' does not work as FDMNES ({error})."
            ) from None
    if not (found := BANNER.search(output)):
        raise MissingRequirementError(
            f"'{program}' prints no version as FDMNES does; set $FDMNES to the real program."
        )
    return found[1]


def run_fdmnes(program: Path, text: str, folder: Path, limits: Limits) -> None:
    """Run FDMNES on an input, whose ``Filout`` is ``out``, and return if it came to a good end.

    Its exit code says nothing: it is 0 where it refuses its input.

    Raises
    ------
    RunError
        If it cannot be started, refuses its input, crashes, or reaches a limit.
    """
    (folder / "fdmfile.txt").write_text("1\nin.txt\n")
    (folder / "in.txt").write_text(text)
    report = run_program("FDMNES", [program], folder, limits)
    if (errors := folder / ERRORS).exists():
        raise RunError(f"FDMNES refused the calculation ({_complaint(errors)})")
    if not _ended_well(folder / LOG):
        raise RunError(_crash(report))


def _complaint(errors: Path) -> str:
    """Return the first three lines that say something, after the banner with date and time."""
    lines = [" ".join(line.split()) for line in errors.read_text(errors="replace").splitlines()]
    said = [line for line in lines if line and not re.match(r"FDMNES program|Date =|Time =", line)]
    return " ".join(said[:3]) or "no reason given"


def _ended_well(log: Path) -> bool:
    if not log.exists():
        return False
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - 1000, 0))
        return GOOD_END.encode() in file.read()


def _crash(report: Report) -> str:
    if report.code < 0:
        return f"FDMNES crashed (signal {-report.code})"
    lines = [line.strip() for line in report.output.splitlines() if line.strip()]
    return f"FDMNES crashed, having said '{lines[-1] if lines else 'nothing'}'"
