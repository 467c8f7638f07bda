"""What workers are given to do in the tests; importable by name in their processes."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import threadpoolctl


def double(x: int) -> int:
    return 2 * x


def die_on_three(x: int) -> int:
    if x == 3:
        os._exit(9)
    return 2 * x


def die_once(marker: str) -> str:
    if not Path(marker).exists():
        Path(marker).touch()
        os._exit(9)
    return "done"


def work_long_once(folder: str) -> str:
    """Work for a minute, the first two times."""
    if len(list(Path(folder).glob("*.pid"))) < 2:
        Path(folder, f"{os.getpid()}.pid").touch()
        time.sleep(60)
    return "done"


def divide(x: int) -> float:
    return 1 / x


def threads(_: int) -> list[int]:
    import numpy as np

    np.linalg.inv(np.eye(3))
    return [library["num_threads"] for library in threadpoolctl.threadpool_info()]


def write_pid_and_sleep(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)


def faults(size: int) -> int:
    """Return the page faults of filling some bytes once more."""

    def so_far() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    bytearray(size)
    before = so_far()
    bytearray(size)
    return so_far() - before
