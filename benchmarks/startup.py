"""Start-up time of the command line against the bare import of what it stands on.

Rounds are interleaved, so that a busy machine slows all commands alike. Run by hand::

    python benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import os
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


def seconds(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environment)
    return time.perf_counter() - start


def main(rounds: int = 21) -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        # Modules are compiled once, as in any ordinary environment, whatever this one says.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = folder
        for turn in range(rounds + 1):
            for name, command in COMMANDS.items():
                taken = seconds(command, environment)
                if turn:  # the first round compiles and warms the disk cache
                    times[name].append(taken)
    reference = statistics.median(times[REFERENCE])
    print(f"| command (median of {rounds}) | ms | times the reference (at most 2) |")
    print("|---|---:|---:|")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| `{name}` | {median * 1e3:.0f} | {median / reference:.2f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
