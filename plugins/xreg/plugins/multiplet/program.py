"""Where Quanty is, which version it is, and how it is run: apart from what it computes.

Quanty is its authors' program (M. W. Haverkort et al., quanty.org). It is found, never fetched: the
file that ``$QUANTY`` names, else ``Quanty`` on the PATH, else the one inside an installed
``crispy`` package, which is looked up without being imported.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from xreg.core.errors import MissingRequirementError, RunError

__all__ = ["KNOWN", "find_quanty", "quanty_version", "run_quanty"]

KNOWN = ("0.9",)
"""Versions whose commands and output are known."""

FAILURE = re.compile(r"Error while (?:executing|loading) the script:?\s*(.*)")
BANNER = re.compile(r"Version\s+(\d+(?:\.\d+)+)")


def find_quanty() -> Path | None:
    """Return the program, or None where there is none."""
    if named := os.environ.get("QUANTY"):
        found = shutil.which(named)
    else:
        found = shutil.which("Quanty") or _in_crispy()
    return Path(found).resolve() if found else None


def _in_crispy() -> str | None:
    try:
        files = metadata.files("crispy") or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.parent.name == sys.platform and file.stem == "Quanty":
            return shutil.which(str(file.locate()))
    return None


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
    """Run a script in a folder of its own and return what it printed.

    Parameters
    ----------
    program
        Quanty.
    files
        Texts to write there, by name; the first is the script.
    folder
        An empty folder, for input and output.
    seconds
        Time limit.

    Raises
    ------
    RunError
        If the program cannot be started, fails, or takes too long.
    """
    for name, text in files.items():
        (folder / name).write_text(text)
    try:
        done = subprocess.run(
            [program, next(iter(files))],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except OSError as error:
        raise RunError(f"Quanty cannot be started ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise RunError(f"Quanty was stopped after {seconds:g} s; raise time_limit") from None
    output = f"{done.stdout}\n{done.stderr}"
    if failed := FAILURE.search(output):
        reason = failed[1].strip() or _line_after(output, failed.end())
        raise RunError(f"Quanty refused the script ({reason})")
    if done.returncode < 0:
        raise RunError(f"Quanty crashed (signal {-done.returncode})")
    if done.returncode:
        raise RunError(f"Quanty ended with exit code {done.returncode}")
    return output


def _line_after(text: str, position: int) -> str:
    lines = [line.strip() for line in text[position:].splitlines() if line.strip()]
    return lines[0] if lines else "no reason given"
