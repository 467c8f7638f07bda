"""Progress of long calls, in a notebook."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, ParamSpec, TypeVar

from xreg.core.progress import Listener, listen

__all__ = ["shown", "with_progress"]

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 0.2  # between two changes of what is shown
QUIET = 0.5  # a call that takes less shows nothing


@contextmanager
def shown() -> Iterator[None]:
    """Show the progress of everything inside the block below a notebook's cell.

    Outside of a notebook nothing is shown; when the block ends, it is taken away.
    """
    display = _display()
    if display is None:
        yield
        return
    bars = _Bars(display)
    try:
        with listen(bars.listener):
            yield
    finally:
        bars.clear()


def with_progress(call: Callable[P, T]) -> Callable[P, T]:
    """Show the progress of a function wherever it is called."""

    @functools.wraps(call)
    def wrapped(*arguments: P.args, **settings: P.kwargs) -> T:
        with shown():
            return call(*arguments, **settings)

    return wrapped


def _display() -> Any:
    """Return IPython's ``display`` in a notebook, None elsewhere; nothing is imported for it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not getattr(shell, "kernel", None):
        return None
    return sys.modules["IPython.display"]


class _Bars:
    """One line a task, in an output that is replaced as work goes on."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None
        self._tasks: dict[str, tuple[float, float, str]] = {}
        self._began = self._last = time.monotonic()

    @property
    def listener(self) -> Listener:
        return self._note

    def _note(self, task: str, done: float, total: float, remark: str) -> None:
        self._tasks[task] = (done, total, remark)
        now = time.monotonic()
        if now - self._began < QUIET or now - self._last < SECONDS:
            return
        self._last = now
        content = self._display.HTML("".join(map(self._line, self._tasks)))
        if self._handle is None:
            self._handle = self._display.display(content, display_id=True)
        else:
            self._handle.update(content)

    def _line(self, task: str) -> str:
        done, total, remark = self._tasks[task]
        return (
            f'<div><progress value="{done:g}" max="{total:g}"></progress> '
            f"{escape(task)} {done:g} of {total:g} {escape(remark)}</div>"
        )

    def clear(self) -> None:
        if self._handle is not None:
            self._handle.update(self._display.HTML(""))
