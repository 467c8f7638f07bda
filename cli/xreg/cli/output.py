"""The one place where text reaches a terminal, which it does not steer, without credentials."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from xreg.core.text import one_line, printable, without_credentials

__all__ = ["INTERRUPTED", "cell", "echo", "echo_table", "note", "print_warnings", "warn"]

GAP = 2  # spaces between columns
INTERRUPTED = 130
"""Exit code of a command that the user has ended."""


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


def warn(text: object) -> None:
    """Print a line that a user should see, on standard error."""
    echo(text, err=True, fg="yellow")


def note(*remarks: object) -> None:
    """Print remarks, each in a line of its own, on standard error."""
    for remark in remarks:
        warn(f"note: {remark}")


def echo_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, two spaces between them; foreign text in them steers nothing.

    On a terminal too narrow for them rich folds long cells inside their column; elsewhere a row
    stays a line, as other programs read it.
    """
    clean = [[cell(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    whole = sum(widths) + GAP * (len(widths) - 1)
    if sys.stdout.isatty() and whole > shutil.get_terminal_size().columns:
        _fold(clean)
        return
    for row in clean:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        echo((" " * GAP).join(cells).rstrip())


def _fold(rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # 90 ms, which a list in a wide terminal need not wait for
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, GAP, 0, 0))
    for row in rows:
        table.add_row(*(Text(printable(text)) for text in row))
    Console(highlight=False).print(table)


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
