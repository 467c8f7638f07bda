"""The workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xreg.core.errors import ConfigError, MissingRequirementError
from xreg.core.executor.workers import Workers

__all__ = ["open_dask"]

CONNECT_SECONDS = 10


@contextmanager
def open_dask(workers: int | None, scheduler: str | None) -> Iterator[Workers]:
    """Open a pool on the cluster of a scheduler, by default one item for each of its threads.

    Raises
    ------
    ConfigError
        If no scheduler is given or answers.
    MissingRequirementError
        If Dask is not installed.
    """
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
    try:
        yield Workers(client.get_executor, workers or max(threads, 1), (KilledWorker,))
    finally:
        client.close()
