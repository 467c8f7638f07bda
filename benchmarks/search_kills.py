"""Whether a search whose workers are killed at random moments loses anything that was told.

The search runs for so many minutes; after a random time either one of its worker processes or all
of it is killed (SIGKILL), and where all was killed the same command goes on. Each look at the
record is compared with the one before. Run by hand::

    python benchmarks/search_kills.py examples/search/h2o-xes.yaml FOLDER --minutes 30
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from xreg.workbench.search.session import Search

PAUSE = (20.0, 90.0)  # s between kills
SHARE = 0.5  # of the kills that hit one worker, not all of the search


def told(folder: Path) -> dict[tuple[str, int], Any]:
    """Return what the record says of every candidate that was judged."""
    study = Search(folder).study
    return {
        (family.label, trial.number): (trial.state.name, trial.params, trial.user_attrs["told"])
        for family in study.families
        for trial in study.trials(family)
        if trial.state.is_finished()
    }


def workers(parent: int) -> list[psutil.Process]:
    """Return the worker processes of a search."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(parent).children():
            with suppress(psutil.NoSuchProcess):  # gone meanwhile, or dead and not yet buried
                if any("spawn_main" in word for word in child.cmdline()):
                    found.append(child)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    command = [
        sys.executable, "-m", "xreg.cli.main", "search", str(args.recipe), "-o", str(args.folder),
    ]  # fmt: skip
    running: subprocess.Popen[bytes] | None = None
    before: dict[tuple[str, int], Any] = {}
    kills = {"one worker": 0, "everything": 0}
    lost = 0
    begin = time.time()
    while (left := 60 * args.minutes - (time.time() - begin)) > 0:
        if running is None or running.poll() is not None:
            if running is not None and running.returncode > 0:
                sys.exit("the search ended by itself, without success; its own words stand above.")
            running = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
        time.sleep(min(left, rng.uniform(*PAUSE)))
        found = workers(running.pid)
        if found and rng.random() < SHARE:
            rng.choice(found).kill()
            kills["one worker"] += 1
        elif running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            kills["everything"] += 1
        if (args.folder / "study.journal").exists():
            now = told(args.folder)
            lost += sum(now.get(key) != entry for key, entry in before.items())
            before = now
            print(f"{(time.time() - begin) / 60:5.1f} min: {len(now)} candidates", flush=True)
    if running is not None and running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    search = Search(args.folder)
    trials = [t for family in search.families for t in search.study.trials(family)]
    print("\n| kills of one worker | of everything | candidates judged | lost | still open |")
    print("|---:|---:|---:|---:|---:|")
    print(
        f"| {kills['one worker']} | {kills['everything']} | {len(before)} | {lost} | "
        f"{sum(not t.state.is_finished() for t in trials)} |"
    )


if __name__ == "__main__":
    main()
