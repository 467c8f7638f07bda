"""Progress of long work, told to whoever listens (the command line's bar), or to nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["Listener", "listen", "report", "track"]

T = TypeVar("T")
# Called with what is being done, how much is done, how much there is, and a short remark.
Listener = Callable[[str, float, float, str], None]

_listener: ContextVar[Listener | None] = ContextVar("xreg-progress", default=None)


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Send progress of everything inside the block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(task: str, done: float, total: float, remark: str = "") -> None:
    """Say that ``done`` of ``total`` of a task is behind us."""
    if (listener := _listener.get()) is not None:
        listener(task, done, total, remark)


def track(items: Iterable[T], task: str, total: int) -> Iterator[T]:
    """Yield items and report each as done."""
    report(task, 0, total)
    for done, item in enumerate(items, 1):
        yield item
        report(task, done, total)
