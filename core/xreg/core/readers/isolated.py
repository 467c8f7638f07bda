"""Reading by libraries in C that a damaged file may crash, or never let go of.

libhdf5 follows the addresses and lengths that a file states; a few flipped bytes in a heap of texts
end the process, or have it go round for ever. The reading is done in a forked child, which costs
some ms: the child may die, and the parent tells it in words.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from xreg.core.errors import DataError, XregError

__all__ = ["RAISED", "isolated"]

RAISED = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError)
"""What h5py raises where a file is damaged: whatever HDF5 met, in no order."""

SECONDS = 10
"""Processor time for any file."""

RATE = 2e6
"""Bytes for which there is a further second; ten times less than the slowest reading does."""

T = TypeVar("T")


def isolated(path: Path, read: Callable[[], T]) -> T:
    """Return what a function reads, done in a child process where the system can fork.

    Parameters
    ----------
    path
        The file, for messages and for how long reading may take.
    read
        Reads it. What it returns is sent through a pipe; what else it does is lost with the child.
        Libraries are to be imported before, once and not in each child.

    Raises
    ------
    DataError
        If the child dies or takes too long: the file is damaged.
    XregError
        What the function itself raises.
    """
    if not hasattr(os, "fork"):
        return read()
    receiver, sender = Pipe(duplex=False)
    with receiver:
        with warnings.catch_warnings():
            # Of forks beside threads, from Python 3.12 on. The child only reads and leaves.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            _answer(sender, read, SECONDS + int(path.stat().st_size / RATE))
        sender.close()
        status = None
        try:
            ok, value = receiver.recv()
        except EOFError:
            status = os.waitpid(child, 0)[1]
        finally:
            if status is None:
                os.kill(child, signal.SIGKILL)  # it has answered, or nobody waits any longer
                os.waitpid(child, 0)
    if status is not None:
        raise DataError(f"'{path}' cannot be read; it is damaged ({_death(status)}).")
    if not ok:
        raise value
    return value


def _answer(sender: Connection, read: Callable[[], Any], seconds: int) -> NoReturn:
    """Read, answer and leave, whatever happens, without what a process does at its end."""
    import resource  # not on Windows, as os.fork

    try:
        faulthandler.disable()
        null = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # glibc prints what it finds overwritten
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))
        try:
            answer: tuple[bool, Any] = (True, read())
        except Exception as error:
            answer = (False, _sendable(error))
        sender.send(answer)
    finally:
        os._exit(0)


def _sendable(error: Exception) -> Exception:
    """Return an error that comes through a pipe as it is."""
    try:
        pickle.loads(pickle.dumps(error))  # its own, a line above
    except Exception:
        return XregError(str(error)) if isinstance(error, XregError) else RuntimeError(repr(error))
    return error


def _death(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return "the library that reads it ended the process"
    if (number := os.WTERMSIG(status)) == signal.SIGXCPU:
        return "the library that reads it comes to no end"
    return f"the library that reads it died of {signal.Signals(number).name}"
