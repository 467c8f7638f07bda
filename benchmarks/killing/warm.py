"""Commands in forks of this process, which has imported what takes long; killed with their kin."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Child", "call", "command", "warm_up"]


def warm_up() -> None:
    """Import what commands import; no thread may be started here, for forks have none of them."""
    import matplotlib.pyplot  # noqa: F401
    import scipy.optimize  # noqa: F401
    import sklearn.model_selection  # noqa: F401
    import torch  # noqa: F401
    import zarr  # noqa: F401

    import xreg.cli.main
    import xreg.registry.publishing
    import xreg.workbench.fit.fit
    import xreg.workbench.importing.imports
    import xreg.workbench.leaderboards.submit
    import xreg.workbench.run.run
    import xreg.workbench.search.search  # noqa: F401


@dataclass
class Child:
    """A forked process, leader of a group of its own, and where its words go."""

    pid: int
    words: Path
    status: int | None = None

    def kill(self) -> None:
        """Kill it and all that it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait(self, most: float = 600.0) -> int:
        """Return its exit code; one that hangs is killed, and its code is -9."""
        end = time.monotonic() + most
        while not self.ended():
            if time.monotonic() > end:
                os.killpg(self.pid, signal.SIGKILL)
            time.sleep(0.005)
        assert self.status is not None
        return self.status

    @property
    def told(self) -> str:
        """What it has printed."""
        return self.words.read_text(encoding="utf-8", errors="replace")


def command(
    arguments: list[str], folder: Path, environment: Mapping[str, str], words: Path
) -> Child:
    """Start ``xreg`` with these arguments."""

    def run() -> None:
        from xreg.cli.main import main

        sys.argv = ["xreg", *arguments]
        main()

    return _fork(run, folder, environment, words)


def call(
    function: Callable[[], Any], folder: Path, environment: Mapping[str, str], words: Path
) -> Any:
    """Return what a function returns in a fork, as JSON; this process stays as it is.

    Raises
    ------
    RuntimeError
        If it fails, with what it printed.
    """
    answer = words.with_suffix(".json")
    answer.unlink(missing_ok=True)

    def run() -> None:
        answer.write_text(json.dumps(function()))

    child = _fork(run, folder, environment, words)
    if child.wait():
        raise RuntimeError(child.told)
    return json.loads(answer.read_text())


def _fork(
    run: Callable[[], None], folder: Path, environment: Mapping[str, str], words: Path
) -> Child:
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        with suppress(OSError):  # both set it: whoever is first
            os.setpgid(pid, pid)
        return Child(pid, words)
    code: object = 0
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        stream = os.open(words, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for own, new in ((0, nothing), (1, stream), (2, stream)):
            os.dup2(new, own)
        run()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)
