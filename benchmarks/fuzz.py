"""Mutated files of every kind that xreg reads from strangers: none may end in a raw error.

    python benchmarks/fuzz.py --cases 20000 --minutes 60

Each case is read in a worker process with 4 GiB of memory beyond what it begins with and 10 s of
processor time. It passes if it is read, or refused in words (an ``XregError``); a raw error, a
hang, a lack of memory or the death of the worker is a finding, kept under ``--keep``. So is, of
measured spectra, a number that the undamaged file does not hold, or one that is missing without a
word. A case is made from its family and number alone, so that ``--family models --only 4711`` does
it again. Projects of Athena are read where xraylarch is installed.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import importlib.util
import io
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

SECONDS = 10  # of processor time, so that other work on the machine makes no hangs
PATIENCE = 120  # seconds for what waits without working
MEMORY = 4 * 1024**3
OUTCOMES = ("read", "refused", "raw error", "wrong", "hang", "memory", "death")


class Hang(BaseException):
    """The alarm of a case."""


# Reading: one function a family, which gets a folder with the mutated files -----------------------


def read_npz(folder: Path) -> None:
    _import(folder / "x.npz", "npz")


def read_extxyz(folder: Path) -> None:
    from xreg.core.readers.structures import judge, parse_frames

    path = folder / "x.extxyz"
    with contextlib.suppress(ImportError):
        for frame in parse_frames(path.read_bytes(), path.name):
            del frame
    del judge
    _import(path, "extxyz")


def _import(path: Path, layout: str) -> None:
    from xreg.workbench.importing.imports import import_dataset
    from xreg.workbench.importing.options import ImportOptions

    options = {"dataset": {"name": "x", "version": "1.0.0"}, "layout": layout, "bad": "set-aside"}
    import_dataset(path, ImportOptions.parse(options, "fuzz"))


def read_spectra(folder: Path) -> None:
    from fuzzing.files import spectrum

    spectrum(folder / "x.txt")


def read_recipes(folder: Path) -> None:
    from xreg.cli.commands.schema import recipe_class
    from xreg.workbench.recipes.load import load

    (path,) = folder.glob("*.yaml")
    kind = recipe_class(path.stem.removesuffix("-1"))
    for recipe in load(kind, path).values():
        recipe.to_yaml()


def read_store(folder: Path) -> None:
    from xreg.registry.stores.store import open_store

    dataset = open_store(folder / "x.zarr")
    dataset.samples[0]
    for channel in dataset.spectra.values():
        channel[:4]


def read_model(folder: Path) -> None:
    import numpy as np

    from xreg.core.data.samples import Parameters
    from xreg.registry.models import describe_model, find_model, load_model

    model = load_model(folder / "run")
    describe_model(find_model(folder / "run"))
    names = model.domain.parameters
    samples = Parameters(["a"], np.full((1, len(names)), 0.5), names, model.domain.units)
    model.predict(samples)
    with contextlib.suppress(NotImplementedError):
        model.predict(samples, return_std=True)
    X = model.inputs(samples)
    for decomposer in model.decomposers.values():
        decomposer.inverse_transform(decomposer.transform(X))


def read_catalogue(folder: Path) -> None:
    from xreg.registry.catalogue import Catalogue
    from xreg.registry.versions.entries import DatasetEntry

    catalogue = Catalogue(folder, DatasetEntry)
    for entry in catalogue.entries.values():
        " ".join((entry.reference, entry.size_text, *map(str, entry.channels.values())))
    if catalogue.entries:
        str(catalogue.folder_hash)


def read_results(folder: Path) -> None:
    from xreg.workbench.search.leaderboard import leaderboard, markdown

    markdown(leaderboard([folder]))


def read_journal(folder: Path) -> None:
    from xreg.workbench.search.journal import CheckedJournal

    for log in CheckedJournal(folder / "study.journal").read_logs(0):
        del log


def read_measured(folder: Path) -> None:
    from fuzzing.truth import compare

    compare(folder)


READERS: dict[str, Callable[[Path], None]] = {
    "npz": read_npz,
    "extxyz": read_extxyz,
    "spectra": read_spectra,
    "recipes": read_recipes,
    "stores": read_store,
    "models": read_model,
    "catalogues": read_catalogue,
    "results": read_results,
    "journals": read_journal,
    **dict.fromkeys(("nexus", "spec", "xdi", "csv", "athena"), read_measured),
}


# Workers ------------------------------------------------------------------------------------------


def one(family: str, number: int, folder: Path) -> tuple[str, str]:
    """Do a case; return its outcome and, of a finding, where it arose."""
    from fuzzing.cases import write_case
    from fuzzing.truth import SilentlyWrongError
    from xreg.core.errors import XregError

    with tempfile.TemporaryDirectory(dir=folder) as name:
        folder = Path(name)
        write_case(family, random.Random(f"{family} {number}"), folder)
        os.chdir(folder)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                READERS[family](folder)
            return "read", ""
        except XregError:
            return "refused", ""
        except Hang:
            return "hang", "".join(traceback.format_exc().splitlines(True)[-3:])
        except MemoryError:
            return "memory", _place()
        except SilentlyWrongError:
            return "wrong", _place()
        except (Exception, SystemExit):
            return "raw error", _place()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            os.chdir(folder)


def _place() -> str:
    error = sys.exc_info()[1]
    frames = traceback.extract_tb(error.__traceback__) if error else []
    ours = [f for f in frames if "/xreg/" in f.filename] or list(frames)
    at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {at}: {' '.join(str(error).split())[:120]}"


def work(pipe: Connection, folder: Path) -> None:
    """Do the cases that come through a pipe."""

    def alarm(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGPROF, alarm)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (case := pipe.recv()) is not None:
        pipe.send(one(*case, folder))


def campaign(cases: Iterator[tuple[str, int]], folder: Path, until: float) -> Iterator[Any]:
    """Yield family, number, outcome and place of each case."""
    context = multiprocessing.get_context("fork")
    pipe = worker = None
    for family, number in cases:
        if time.monotonic() > until:
            break
        if worker is None:
            pipe, theirs = context.Pipe()
            worker = context.Process(target=work, args=(theirs, folder), daemon=True)
            worker.start()
            theirs.close()
        assert pipe is not None
        pipe.send((family, number))
        outcome = ("hang", "nothing ended it")
        try:
            if pipe.poll(PATIENCE):
                outcome = pipe.recv()
                yield family, number, *outcome
                continue
        except EOFError:
            outcome = ("death", "the worker died")
        worker.kill()
        worker.join()
        worker = None
        yield family, number, *outcome
    if pipe is not None and worker is not None:
        pipe.send(None)
        worker.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=900, help="all families together")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--start", type=int, default=0, help="first number in each family")
    parser.add_argument("--family", choices=READERS, action="append")
    parser.add_argument("--only", type=int, help="this number alone, with its traceback")
    parser.add_argument("--keep", type=Path, help="folder for the files of findings")
    given = parser.parse_args()
    families = given.family or list(READERS)
    if "athena" in families and importlib.util.find_spec("larch") is None:
        print("athena is left out: it needs xraylarch (pip install xraylarch contrib/xreg-larch)")
        families.remove("athena")
    sys.path.insert(0, str(Path(__file__).parent))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from fuzzing.cases import write_case
    from fuzzing.folders import prepare

    with tempfile.TemporaryDirectory(prefix="xreg-fuzz-") as name:
        folder = Path(name)
        os.environ |= {"XREG_CACHE": name, "XREG_CONFIG": str(folder / "config.yaml")}
        prepare(families)
        if given.only is not None:
            for family in families:
                write_case(family, random.Random(f"{family} {given.only}"), folder)
                READERS[family](folder)
            return
        numbers = range(given.start, given.start + -(-given.cases // len(families)))
        cases = ((family, number) for number in numbers for family in families)
        counts: dict[str, collections.Counter[str]] = {f: collections.Counter() for f in families}
        found: dict[tuple[str, str], list[int]] = {}
        began = time.monotonic()
        for family, number, outcome, place in campaign(cases, folder, began + 60 * given.minutes):
            counts[family][outcome] += 1
            if place:
                found.setdefault((family, f"{outcome}: {place}"), []).append(number)
                if given.keep:
                    kept = given.keep / family / str(number)
                    kept.mkdir(parents=True, exist_ok=True)
                    write_case(family, random.Random(f"{family} {number}"), kept)
        print("| family | cases | " + " | ".join(OUTCOMES) + " |")
        print("|---|---:|" + "---:|" * len(OUTCOMES))
        for family, count in counts.items():
            cells = " | ".join(str(count[o]) for o in OUTCOMES)
            print(f"| {family} | {count.total()} | {cells} |")
        print(f"\n{sum(c.total() for c in counts.values()):,} cases in "
              f"{time.monotonic() - began:.0f} s")  # fmt: skip
        for (family, place), where in sorted(found.items(), key=lambda item: -len(item[1])):
            print(f"{len(where):>5} {family} {where[:5]} {place}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
