"""Programs of other authors: each run in a folder of its own, with limits on time and output."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xreg.core.errors import RunError

__all__ = ["Limits", "Report", "run_program"]

LOG = "xreg-output.log"
TAIL = 1 << 16
LOOK_EVERY = 0.25
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Limits:
    """What a run may use.

    Attributes
    ----------
    seconds
        Time limit in s.
    megabytes
        Most that its folder may hold, in MB, the program's printed output included.
    """

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Report:
    """How a run ended.

    Attributes
    ----------
    code
        Exit code; a negative one is the number of the signal that ended the program.
    output
        The last 64 KiB of what it printed.
    """

    code: int
    output: str


def run_program(
    name: str,
    command: Sequence[str | Path],
    folder: Path,
    limits: Limits,
) -> Report:
    """Run a program in a folder and wait for it.

    It is the head of a process group of its own, which is killed as a whole when a limit is reached
    and when this function is left by an exception. When this process is killed, on Linux the
    program gets a SIGTERM. Its numerical libraries get one thread.

    Raises
    ------
    RunError
        If the program cannot be started or reaches a limit; the message has no full stop.
    """
    log = folder / LOG
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - it takes no lock
            )
        except OSError as error:
            raise RunError(f"{name} cannot be started ({error.strerror})") from None
    watch = _Watchdog(process, folder, limits)
    try:
        code = process.wait()
    finally:
        watch.stop()
        _kill_group(process.pid)  # whatever it left behind
        process.wait()
    if watch.reason:
        raise RunError(f"{name} was stopped {watch.reason}")
    return Report(code, _tail(log))


class _Watchdog:
    """Looks at a running process now and then, and kills its group when it goes too far."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, limits: Limits) -> None:
        self.reason = ""
        self._process, self._folder, self._limits = process, folder, limits
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        end = time.monotonic() + self._limits.seconds
        while not self._done.wait(min(LOOK_EVERY, max(end - time.monotonic(), 0))):
            if time.monotonic() >= end:
                self.reason = f"after {self._limits.seconds:g} s; raise time_limit"
            elif _megabytes(self._folder) > self._limits.megabytes:
                self.reason = (
                    f"after it had written {self._limits.megabytes:g} MB; see what it repeats, or "
                    "raise output_limit"
                )
            if self.reason:
                _kill_group(self._process.pid)
                return


def _megabytes(folder: Path) -> float:
    size = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(root, name)).st_size
            except FileNotFoundError:  # a scratch file that the program removed
                continue
    return size / 1e6


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # all of it has ended
        return


def _die_with_parent() -> Callable[[], object] | None:
    """Return what makes a child die with the thread that starts it, where the system can."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: after it only the call is made
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(os.fstat(file.fileno()).st_size - TAIL, 0))
        return file.read().decode(errors="replace")
