"""Processes of this machine, numerical libraries on one thread each."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from xreg.core.errors import ConfigError, RunError
from xreg.core.executor.workers import Workers

__all__ = ["cores", "open_processes"]

# What the BLAS and OpenMP builds of numpy, scipy, torch and pyscf read when they are loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
# Not "fork": zarr, torch and BLAS hold threads that do not survive it.
START = "spawn"
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def open_processes(workers: int | None, scheduler: str | None) -> Iterator[Workers]:
    """Open a pool of processes, by default one for each core.

    Raises
    ------
    ConfigError
        If a scheduler is given.
    RunError
        If the system lets no process start.
    """
    if scheduler is not None:
        raise ConfigError("a scheduler goes with the executor 'dask'.")
    yield _processes(workers or cores())


def _processes(workers: int) -> Workers:
    context = multiprocessing.get_context(START)

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
