"""The progress display of long commands."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from xreg.cli.output import cell, echo
from xreg.core.progress import Listener, listen

# Between two lines about one task, where there is no terminal to draw a bar on.
LINE_SECONDS = 10.0


@contextmanager
def progress() -> Iterator[None]:
    """Show the progress of everything inside the block on standard error.

    A terminal gets a bar for each task; a file or pipe gets a line now and then.
    """
    with _bars() if sys.stderr.isatty() else _lines() as listener, listen(listener):
        yield


@contextmanager
def _bars() -> Iterator[Listener]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    remark_column = TextColumn("{task.fields[remark]}")
    with Progress(*columns, remark_column, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(task: str, done: float, total: float, remark: str) -> None:
            task, remark = escape(cell(task)), escape(cell(remark))
            if task not in tasks:
                tasks[task] = bars.add_task(task, total=total, remark=remark)
            bars.update(tasks[task], completed=done, total=total, remark=remark)

        yield show


@contextmanager
def _lines() -> Iterator[Listener]:
    told: dict[str, float] = {}

    def show(task: str, done: float, total: float, remark: str) -> None:
        now = time.monotonic()
        # A task that is over in no time is not worth a line.
        if now - told.setdefault(task, now) >= LINE_SECONDS:
            told[task] = now
            tail = f", {remark}" if remark else ""
            echo(f"{task}: {done:g} of {total:g}{tail}", err=True)

    yield show
