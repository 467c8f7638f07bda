"""Many items at once: processes of this machine, or a Dask cluster where that is not enough.

::

    with open_workers("process", workers=2) as workers:
        for item, outcome in workers.unordered(function, items):
            ...

``function`` and the items travel by pickle, so the function is one of a module.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Literal, TypeVar, cast, get_args

from xreg.core.errors import (
    ConfigError,
    MissingRequirementError,
    RunError,
    did_you_mean,
)

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ExecutorKind", "WorkerDiedError", "Workers", "cores", "executor_kind", "open_workers"]

T = TypeVar("T")
R = TypeVar("R")
ExecutorKind = Literal["process", "dask"]

# What the BLAS and OpenMP builds of numpy, scipy, torch and pyscf read when they are loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
CONNECT_SECONDS = 10
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


class WorkerDiedError(RunError):
    """A worker was killed or crashed while it worked on an item, twice."""


def executor_kind(name: str) -> ExecutorKind:
    """Return the kind of executor of that name, or raise `ConfigError`."""
    kinds = get_args(ExecutorKind)
    if name not in kinds:
        raise ConfigError(f"no executor '{name}'{did_you_mean(name, kinds)}.")
    return cast("ExecutorKind", name)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


@contextmanager
def open_workers(
    kind: ExecutorKind = "process", workers: int | None = None, scheduler: str | None = None
) -> Iterator[Workers]:
    """Open a pool for the length of a block.

    Parameters
    ----------
    kind
        ``process``: processes of this machine, numerical libraries on one thread each.
        ``dask``: the cluster whose scheduler is given.
    workers
        Items at once; by default one for each core, or for each thread of the cluster.
    scheduler
        Address of the Dask scheduler (``tcp://host:8786``).

    Raises
    ------
    ConfigError
        If the kind is unknown, or no scheduler is given or answers.
    MissingRequirementError
        If Dask is asked for and not installed.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers must be at least 1, got {workers}.")
    if executor_kind(kind) == "process":
        if scheduler is not None:
            raise ConfigError("a scheduler goes with the executor 'dask'.")
        pool = _processes(workers or cores())
        client = None
    else:
        pool, client = _dask(workers, scheduler)
    try:
        yield pool
    except BaseException:
        pool.abort()
        raise
    else:
        pool.close()
    finally:
        if client is not None:
            client.close()


def _processes(workers: int) -> Workers:
    # Spawned, not forked: zarr, torch and BLAS hold threads that do not survive a fork.
    context = multiprocessing.get_context("spawn")

    def start() -> ProcessPoolExecutor:
        try:
            return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare)
        except (OSError, ImportError, NotImplementedError) as error:
            # The locks that processes share are files in there, on Linux.
            reason = getattr(error, "strerror", None) or str(error)
            raise RunError(
                f"worker processes cannot be started, because /dev/shm, where their locks live, "
                f"may not be written ({reason}); have it mounted writable "
                "(`mount -o remount,rw /dev/shm`; `--shm-size` or a tmpfs in a container)."
            ) from error

    return Workers(start, workers)


def _prepare() -> None:
    """Set up a new worker process: one thread, no Ctrl-C of its own, no life without a parent."""
    _keep_memory()
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)  # for libraries that were loaded before
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _keep_memory() -> None:
    """Have the C library keep what is freed, where it is glibc.

    It would hand large arrays back to the system, and each new one then costs a fault for every
    4 KiB: a third of the time of a density-functional calculation on a virtual machine.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


def _leave_with_parent() -> None:
    # A killed parent leaves its workers waiting for ever on a queue that nobody fills.
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _dask(workers: int | None, scheduler: str | None) -> tuple[Workers, Client]:
    """Return a pool on a Dask cluster and the client to close afterwards."""
    if scheduler is None:
        raise ConfigError("the executor 'dask' needs the address of a scheduler (--scheduler).")
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise MissingRequirementError(
            "the executor 'dask' needs 'distributed' (pip install \"xreg[dask]\")."
        ) from None
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(f"no Dask scheduler answers at '{scheduler}' ({error}).") from None
    threads = sum(client.nthreads().values())
    return Workers(client.get_executor, workers or max(threads, 1), (KilledWorker,)), client
