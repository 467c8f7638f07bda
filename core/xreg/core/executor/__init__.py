"""Many items at once: processes of this machine, or a cluster where that is not enough.

::

    with open_workers("process", workers=2) as workers:
        for item, outcome in workers.unordered(function, items):
            ...

``function`` and the items travel by pickle, so the function is one of a module.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, cast

from xreg.core.errors import ConfigError, did_you_mean
from xreg.core.executor.dask import open_dask
from xreg.core.executor.processes import cores, open_processes
from xreg.core.executor.workers import WorkerDiedError, Workers

__all__ = ["ExecutorKind", "WorkerDiedError", "Workers", "cores", "executor_kind", "open_workers"]

ExecutorKind = Literal["process", "dask"]
EXECUTORS = {"process": open_processes, "dask": open_dask}


def executor_kind(name: str) -> ExecutorKind:
    """Return the kind of executor of that name, or raise `ConfigError`."""
    if name not in EXECUTORS:
        raise ConfigError(f"no executor '{name}'{did_you_mean(name, EXECUTORS)}.")
    return cast("ExecutorKind", name)


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
    with EXECUTORS[executor_kind(kind)](workers, scheduler) as pool:
        try:
            yield pool
        except BaseException:
            pool.abort()
            raise
        else:
            pool.close()
