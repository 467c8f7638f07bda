"""What was read and made, and how sure a score is, printed at the end of a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import typer

from xreg.cli.output import echo

__all__ = ["print_summary", "score_interval"]


def print_summary(lines: Iterable[str], doubts: Iterable[str]) -> None:
    """Print a summary (:class:`xreg.core.readers.summary.Summary`); what is doubtful as a note."""
    for line in lines:
        echo(line)
    for doubt in doubts:
        echo(f"note: {doubt}", fg=typer.colors.YELLOW, err=True)


def score_interval(scores: Mapping[str, Any]) -> str:
    """Return the error bar of the R² of a part, with a blank before it; empty without one."""
    if not (interval := scores.get("r2_interval")):
        return ""
    return f" [{interval[0]:.3f} … {interval[1]:.3f}]"
