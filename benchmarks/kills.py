"""Whether commands that are killed at random moments lose anything or leave anything half-written.

Each trial starts a command, kills it and all that it started (SIGKILL) after a random share of the
time that it takes, and looks: what stood there before must stand there still, what appeared must be
whole. Then the same command must work, and end where one that nobody kills ends. In every third
trial a second process runs the same command meanwhile, waits at the lock, and must end well or say
that the work is done already. Trials are written down one by one; the same command goes on::

    python benchmarks/kills.py FOLDER --count 100
    python benchmarks/kills.py FOLDER --kind publish-data --count 200
    python benchmarks/kills.py FOLDER --table
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import sys
import time
from collections import Counter
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from killing import warm
from killing.kinds import KINDS, Kind, Places, prepare, write_data
from xreg.core.errors import XregError

ROUND = 10  # trials of a kind before the next has its turn
SECOND = 3  # one trial in so many has a second process
LITTER = ".tmp"
PATIENCE = 900.0  # seconds after which a command counts as hanging; a busy machine is slow


class Trials:
    """Trials of one kind below a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.kind = folder, name, KINDS[name]
        self.record = folder / f"{name}.jsonl"
        self.given = folder / "given"

    def done(self) -> list[dict[str, Any]]:
        """Return the trials so far."""
        if not self.record.exists():
            return []
        return [json.loads(line) for line in self.record.read_text().splitlines()]

    def run(self, count: int, seed: int) -> None:
        """Go on until there are so many."""
        begun = len(self.done())
        if begun >= count:
            return
        seconds, wanted = self.undisturbed
        for number in range(begun, count):
            rng = random.Random(f"{seed}/{self.name}/{number}")
            found = {"number": number, **self._trial(number, rng, seconds, wanted)}
            with self.record.open("a") as stream:
                stream.write(json.dumps(found) + "\n")
            if found["faults"]:
                print(f"{self.name} {number}: {found['faults']}", flush=True)

    def _places(self, number: int | str) -> tuple[Places, dict[str, str]]:
        trial = self.folder / "trials" / f"{self.name}-{number}"
        shutil.rmtree(trial, ignore_errors=True)
        trial.mkdir(parents=True)
        places = Places(self.given, trial)
        self.kind.begin(places)
        return places, environment(self.folder, trial / "cache")

    @cached_property
    def undisturbed(self) -> tuple[float, dict[str, Any]]:
        """Return how long the command takes, the shorter of two, and what is then there."""
        taken, found = [], {}
        for attempt in range(2):
            places, variables = self._places(f"whole-{attempt}")
            start = time.perf_counter()
            child = self._command(places, variables, "first")
            if child.wait():
                sys.exit(f"{self.name} does not work undisturbed: {child.told}")
            taken.append(time.perf_counter() - start)
            found = self._state(places, variables)
            shutil.rmtree(places.trial)
        return min(taken), found

    def _command(self, places: Places, variables: dict[str, str], name: str) -> warm.Child:
        words = places.trial / f"{name}.txt"
        return warm.command(self.kind.arguments(places), places.trial, variables, words)

    def _state(self, places: Places, variables: dict[str, str]) -> dict[str, Any]:
        state = partial(self.kind.state, places)
        if self.kind.light:
            return state()
        return warm.call(state, places.trial, variables, places.trial / "state.txt")

    def _trial(
        self, number: int, rng: random.Random, seconds: float, wanted: dict[str, Any]
    ) -> dict[str, Any]:
        places, variables = self._places(number)
        faults: list[str] = []
        before = self._state(places, variables)
        moment = rng.uniform(0.0, 1.1 * seconds)
        first = self._command(places, variables, "first")
        second = None
        start = time.perf_counter()
        if number % SECOND == SECOND - 1:
            time.sleep(0.5 * moment)
            second = self._command(places, variables, "second")
        while time.perf_counter() - start < moment and not first.ended():
            time.sleep(0.002)
        alive = not first.ended()
        first.kill()
        after = None
        if second is not None:
            faults += self._ended(second, "the second process")
        try:
            after = self._state(places, variables)
            faults += after["faults"] + lost(self.kind, before, after)
        except (RuntimeError, OSError, XregError) as error:
            faults.append(f"after the kill: {last(str(error))}")
        again = self._command(places, variables, "again")
        faults += self._ended(again, "the command again")
        try:
            end = self._state(places, variables)
            faults += differences(end, wanted)
        except (RuntimeError, OSError, XregError) as error:
            faults.append(f"at the end: {last(str(error))}")
        litter = sorted(
            p.relative_to(places.trial).as_posix()
            for p in places.trial.rglob(".*")
            if p.name.endswith(LITTER) and ".git/" not in p.as_posix()
        )
        if not faults:
            shutil.rmtree(places.trial)
        return {
            "killed": alive,
            "share": round(moment / seconds, 3),
            "second": second is not None,
            "appeared": after is not None and not differences(after, wanted),
            "litter": litter,
            "faults": faults,
        }

    def _ended(self, child: warm.Child, what: str) -> list[str]:
        code = child.wait(PATIENCE)
        # 2 where the work was done before it began, 1 where another was quicker.
        if code == 0 or (code in (1, 2) and any(w in child.told for w in self.kind.refusals)):
            return []
        return [f"{what} ended with {code}: {last(child.told)}"]


def lost(kind: Kind, before: Any, after: Any) -> list[str]:
    """Return what was there before and is not, or is another."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [word for key in before if key not in ("open", "faults")
                for word in lost(kind, before[key], after.get(key))]  # fmt: skip
    if isinstance(before, list) and not before:
        return []
    return [] if before == after else [f"lost: {before!s:.300}, now {after!s:.300}"]


def differences(found: Any, wanted: Any, place: str = "") -> list[str]:
    """Return where a state is not that of a command that nobody killed, to a millionth."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return [
            word
            for key in sorted({*found, *wanted})
            for word in differences(found.get(key), wanted.get(key), f"{place}.{key}".lstrip("."))
        ]
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = enumerate(zip(found, wanted, strict=True))
        return [word for i, (a, b) in pairs for word in differences(a, b, f"{place}.{i}")]
    numbers = isinstance(found, float) and isinstance(wanted, float)
    close = numbers and math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9)
    return (
        []
        if close or found == wanted
        else [f"'{place}' is {found!s:.300} in place of {wanted!s:.300}"]
    )


def last(text: str) -> str:
    """Return the last line that says something."""
    return ([line for line in text.splitlines() if line.strip()] or ["no word"])[-1][:300]


def environment(folder: Path, cache: Path) -> dict[str, str]:
    """Return variables with which nothing outside the folder is read or written."""
    home = folder / "home"
    kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    git = {"GIT_AUTHOR_NAME": "K", "GIT_AUTHOR_EMAIL": "k@example.org", "GIT_COMMITTER_NAME": "K",
           "GIT_COMMITTER_EMAIL": "k@example.org", "GIT_CONFIG_GLOBAL": os.devnull}  # fmt: skip
    return kept | git | {
        "HOME": str(home), "XREG_CACHE": str(cache), "XREG_CONFIG": str(home / "config.yaml"),
        "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "XREG_PLUGINS": str(home / "plugins"),
    }  # fmt: skip


def table(folder: Path) -> str:
    """Return the trials so far as a table."""
    lines = [
        "| command | trials | killed while it worked | with a second process | lost or half | "
        "hidden folder left at the end |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    total: Counter[str] = Counter()
    for name in KINDS:
        rows = Trials(folder, name).done()
        one = {
            "trials": len(rows), "killed": sum(r["killed"] for r in rows),
            "second": sum(r["second"] for r in rows),
            "faults": sum(bool(r["faults"]) for r in rows),
            "litter": sum(bool(r["litter"]) for r in rows),
        }  # fmt: skip
        total.update(one)
        lines.append(f"| {name} | " + " | ".join(map(str, one.values())) + " |")
    lines.append("| all | " + " | ".join(str(total[key]) for key in one) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", action="append", choices=KINDS, help="all without it")
    parser.add_argument("--count", type=int, default=100, help="trials of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="print what is known, kill nothing")
    args = parser.parse_args()
    folder = args.folder.resolve()
    if not args.table:
        (folder / "home").mkdir(parents=True, exist_ok=True)
        variables = environment(folder, folder / "home" / "cache")
        os.environ |= variables
        warm.warm_up()
        given = folder / "given"
        if not (given / "whole").exists():
            shutil.rmtree(given, ignore_errors=True)
            given.mkdir()

            def run(arguments: list[str]) -> None:
                child = warm.command(arguments, given, variables, folder / "given.txt")
                if child.wait():
                    sys.exit(f"xreg {' '.join(arguments)}: {child.told}")

            words = folder / "given.txt"
            warm.call(partial(write_data, given), given, variables, words)
            prepare(given, run)
            (given / "whole").touch()
        kinds = [Trials(folder, name) for name in args.kind or KINDS]
        for count in [*range(ROUND, args.count, ROUND), args.count]:
            for trials in kinds:
                trials.run(count, args.seed)
    print(table(folder))


if __name__ == "__main__":
    main()
