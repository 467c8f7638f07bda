"""``xreg`` without waiting for torch: commands fork from a process that has imported it.

On the pages of the documentation a command is a process of its own, which imports for three seconds
and works for one. Here a server imports once and forks for each command: the same ``main``, with
the arguments, folder, environment (``PYTHONPATH``, too) and streams of who asked for it.

Run as a script it is the server; :func:`install` writes the ``xreg`` that asks it.
:func:`fork_workers` does the same for worker processes of what is called in this one.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import multiprocessing
import os
import pkgutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

STREAMS = 3
HEAVY = ("matplotlib.pyplot", "pandas", "scipy.stats", "sklearn.linear_model", "torch", "zarr")
CLIENT = """#!{python} -IS
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
fds = array.array("i", [0, 1, 2])
server.sendmsg([len(asked).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
server.sendall(asked)
os._exit(server.recv(1)[0])
"""


@contextmanager
def install(folder: Path) -> Iterator[None]:
    """Put an ``xreg`` that forks from a warm process into a folder, for the time of the block."""
    address = str(folder / "socket")
    server = subprocess.Popen(
        [sys.executable, __file__, address], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        server.stdout.readline()  # it listens
        client = folder / "xreg"
        client.write_text(CLIENT.format(python=sys.executable, address=address))
        client.chmod(0o755)
        yield
    finally:
        server.kill()
        server.wait()


@contextmanager
def fork_workers() -> Iterator[None]:
    """Let worker processes come from one that has imported everything, for the time of the block.

    They are given the environment of the moment, as those that are spawned are.
    """
    from xreg.core.executor import processes

    multiprocessing.set_forkserver_preload(_modules())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "_prepare", _Prepare())
        patch.setattr(processes, "START", "forkserver")
        yield


class _Prepare:
    """What sets up a worker, environment included; that of when it is sent."""

    def __call__(self) -> None:
        raise AssertionError("called in a worker only")

    def __reduce__(self) -> Any:
        return partial, (_prepare, dict(os.environ))


def _prepare(environment: dict[str, str]) -> None:
    from xreg.core.executor import processes

    os.environ.clear()
    os.environ.update(environment)
    processes._prepare()


def serve(address: str) -> None:
    """Import what commands import, then fork for each that is asked for."""
    _import_all()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)
    while True:
        asking, _ = listener.accept()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass  # who is done is no zombie, and what it cost is counted
        if os.fork() == 0:
            listener.close()
            _answer(asking)
        asking.close()


@cache
def _modules() -> list[str]:
    """Return all modules of xreg, and what takes long of those that these use."""
    import xreg

    return [*HEAVY, *(m.name for m in pkgutil.walk_packages(xreg.__path__, "xreg."))]


def _import_all() -> None:
    for name in _modules():
        with suppress(ImportError):  # of an extra that is not installed
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # children share what is there


def _answer(asking: socket.socket) -> None:
    """Run one command in a child, and send its exit code."""
    head, ancillary, _, _ = asking.recvmsg(8, socket.CMSG_SPACE(STREAMS * 4))
    streams = array.array("i")
    streams.frombytes(ancillary[0][2][: STREAMS * 4])
    size, content = int.from_bytes(head, "big"), b""
    while len(content) < size:
        content += asking.recv(size - len(content))
    child = os.fork()
    if child == 0:
        asking.close()
        for own, theirs in enumerate(streams):
            os.dup2(theirs, own)
        os.closerange(STREAMS, max(streams) + 1)
        _run(*json.loads(content))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    asking.sendall(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    from xreg.cli.main import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["xreg", *arguments]
    sys.path[1:1] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    serve(sys.argv[1])
