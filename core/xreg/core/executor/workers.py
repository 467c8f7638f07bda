"""A pool that works on items and survives the death of a worker."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import suppress
from multiprocessing.process import BaseProcess
from typing import TypeVar

from xreg.core.errors import RunError

__all__ = ["WorkerDiedError", "Workers"]

T = TypeVar("T")
R = TypeVar("R")


class WorkerDiedError(RunError):
    """A worker was killed or crashed while it worked on an item, twice."""


class Workers:
    """A pool that works on items and survives the death of a worker.

    Parameters
    ----------
    start
        Makes a fresh ``concurrent.futures`` executor.
    size
        How many items are worked on at once.
    death
        Exceptions by which that executor says that a worker died.
    """

    def __init__(
        self,
        start: Callable[[], Executor],
        size: int,
        death: tuple[type[BaseException], ...] = (BrokenExecutor,),
    ) -> None:
        self.size = size
        self._start = start
        self._death = death
        self._others = set(multiprocessing.active_children())
        self._executor = start()
        self._watched = 0  # processes

    def unordered(
        self, function: Callable[[T], R], items: Iterable[T]
    ) -> Iterator[tuple[T, R | WorkerDiedError]]:
        """Yield each item with what ``function`` returned for it, as they finish.

        Items are taken from the iterable only as workers become free, so it may grow or adapt
        while results come in. An exception that ``function`` raises is raised here.

        When a worker dies, nobody knows on which of the items under way. Each of them is tried
        once more, alone; the one on which a worker dies again is yielded with a
        :class:`WorkerDiedError` in place of a result, and the others lose nothing.
        """
        source = iter(items)
        under_way: dict[Future[R], T] = {}
        suspects: deque[T] = deque()
        while True:
            # Two for each worker, so that none waits while a result is looked at.
            while not suspects and len(under_way) < 2 * self.size:
                try:
                    item = next(source)
                except StopIteration:
                    break
                try:
                    under_way[self._executor.submit(function, item)] = item
                except self._death:
                    suspects.append(item)
            self._watch_all()
            if not under_way and not suspects:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                item = under_way.pop(future)
                try:
                    result = future.result()
                except self._death:
                    suspects.append(item)
                else:
                    yield item, result
            if suspects and not under_way:
                self._restart()
                yield from self._one_by_one(function, suspects)

    def _one_by_one(
        self, function: Callable[[T], R], suspects: deque[T]
    ) -> Iterator[tuple[T, R | WorkerDiedError]]:
        while suspects:
            item = suspects.popleft()
            try:
                result = self._executor.submit(function, item).result()
            except self._death:
                self._restart()
                yield item, WorkerDiedError("the worker died twice on it (killed, or crashed)")
            else:
                yield item, result

    def _watch_all(self) -> None:
        """Make sure that the death of any process is noticed at once.

        A pool tells its watcher of an item before it starts a process for it, so that one which was
        started last is not watched until something else happens; on long items, for ever.
        """
        processes = len(self._processes())
        if processes != self._watched:
            self._watched = processes
            with suppress(*self._death):
                self._executor.submit(_nothing)

    def _processes(self) -> list[BaseProcess]:
        """Return the processes started since the pool was opened; a cluster's are not ours."""
        return [p for p in multiprocessing.active_children() if p not in self._others]

    def _restart(self) -> None:
        self._executor.shutdown(wait=True)
        self._executor = self._start()
        self._watched = 0

    def close(self) -> None:
        """Let the workers go."""
        self._executor.shutdown(wait=True)

    def abort(self) -> None:
        """Let the workers go at once, unfinished work included."""
        # ProcessPoolExecutor has no way to stop a running task before Python 3.14.
        processes = self._processes()
        for process in processes:
            process.terminate()
        self._executor.shutdown(wait=bool(processes))


def _nothing() -> None:
    """Do nothing, in a worker."""
