"""The progress display of long commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def progress() -> Iterator[None]:
    """Show the progress of everything inside the block on standard error.

    A terminal gets a bar; a file or pipe gets a line now and then.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )

    from xreg.core.progress import listen

    console = Console(stderr=True)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[remark]}"), console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def show(task: str, done: float, total: float, remark: str) -> None:
            if task not in tasks:
                tasks[task] = bars.add_task(task, total=total, remark=remark)
            bars.update(tasks[task], completed=done, total=total, remark=remark)

        with listen(show):
            yield
