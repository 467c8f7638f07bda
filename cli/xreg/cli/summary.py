"""What was read and made, printed at the end of a command."""

from __future__ import annotations

from collections.abc import Iterable

import typer

__all__ = ["tell_summary"]


def tell_summary(lines: Iterable[str], doubts: Iterable[str]) -> None:
    """Print a summary (:class:`xreg.core.data.summary.Summary`); what is doubtful as a note."""
    for line in lines:
        typer.echo(line)
    for doubt in doubts:
        typer.secho(f"note: {doubt}", fg=typer.colors.YELLOW, err=True)
