"""What was read and made, and how sure a score is, printed at the end of a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from xreg.cli.output import echo, note

__all__ = ["print_summary", "score", "score_interval"]


def print_summary(lines: Iterable[str], doubts: Iterable[str]) -> None:
    """Print a summary (:class:`xreg.core.readers.summary.Summary`); what is doubtful as a note."""
    for line in lines:
        echo(line)
    note(*doubts)


def score(value: float | None) -> str:
    """Return a score of four decimals; a dash where there is none."""
    return "–" if value is None else f"{value:.4f}"


def score_interval(scores: Mapping[str, Any]) -> str:
    """Return the error bar of the R² of a part, with a blank before it; empty without one."""
    if not (interval := scores.get("r2_interval")):
        return ""
    return f" [{interval[0]:.3f} … {interval[1]:.3f}]"
