"""Start-up time of the command line against the bare import of what it stands on.

Rounds are interleaved, so that a busy machine slows all commands alike; what is compared is
processor time. Run by hand::

    python benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

REFERENCE = "python -c 'import typer, pydantic, pluggy'"
COMMANDS = {
    REFERENCE: [sys.executable, "-c", "import typer, pydantic, pluggy"],
    "xreg --help": [sys.executable, "-m", "xreg.cli.main", "--help"],
    "xreg plugins list": [sys.executable, "-m", "xreg.cli.main", "plugins", "list"],
}


def seconds(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return time on the clock, and of the processor."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
    taken, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(rounds: int = 21) -> None:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        # Modules are compiled once, as in any ordinary environment, whatever this one says.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder
        for turn in range(rounds + 1):
            for name, command in COMMANDS.items():
                taken = seconds(command, environment)
                if turn:  # the first round compiles and warms the disk cache
                    times[name].append(taken)
    print(f"| command (median of {rounds}) | ms | processor ms | times the reference (at most 2) |")
    print("|---|---:|---:|---:|")
    for name, taken in times.items():
        wall, own = (statistics.median(column) for column in zip(*taken, strict=True))
        # of each round by itself, as the machine may be busy in one and idle in the next
        pairs = zip(taken, times[REFERENCE], strict=True)
        ratio = statistics.median(mine[1] / theirs[1] for mine, theirs in pairs)
        print(f"| `{name}` | {wall * 1e3:.0f} | {own * 1e3:.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
