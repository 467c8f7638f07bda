"""The one place where text reaches a terminal, which it does not steer, without credentials."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TextIO

from xreg.core.text import one_line, printable, without_credentials

__all__ = ["cell", "echo", "echo_table", "print_warnings"]


def echo(text: object = "", *, err: bool = False, **style: Any) -> None:
    """Print a line; what steers a terminal is written out, and credentials are left out.

    Parameters
    ----------
    text
        What to print; line feeds are kept, so a field of foreign text goes through :func:`cell`.
    err
        Whether it goes to standard error.
    style
        As for ``typer.secho``.
    """
    clean = printable(without_credentials(str(text)))
    if style:
        import typer

        typer.secho(clean, err=err, **style)
    else:
        # Surrogates stand for bytes of file names that are no UTF-8, and are written out above.
        stream: TextIO = sys.stderr if err else sys.stdout
        print(clean, file=stream, flush=True)


def echo_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, two spaces between them; foreign text in them steers nothing."""
    clean = [[cell(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    for row in clean:
        echo("  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip())


def cell(text: object) -> str:
    """Return foreign text for a place in a line: it cannot begin a line of its own."""
    return one_line(without_credentials(str(text)))


def print_warnings() -> None:
    """Have what is logged as a warning on standard error as one clean line."""
    import logging

    class Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return printable(without_credentials(super().format(record)))

    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Formatter("xreg: %(message)s"))
