"""L-edge databases: what 360,000 spectra of an ion cost with ``xreg data generate``.

Times are processor times, so that a busy machine disturbs them little; a projection shares them
evenly between two cores. Memory is that of all processes together (proportional set size, Linux).
Run by hand::

    python benchmarks/databases.py               # projections for every ion, about a minute
    python benchmarks/databases.py --full ni2    # one whole database: time, memory, size
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before any BLAS is loaded

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import get_args

import numpy as np

from xreg.core.ions.model import ion_named, spaces
from xreg.core.ions.settings import IonName
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.workbench.generate.compute import Batch, Compute
from xreg.workbench.generate.generate import generate
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.recipes.load import load

RECIPE = Path(__file__).parents[1] / "examples" / "l-edges" / "published.yaml"
SPECTRA = 360_000
CORES = 2
SECONDS = 1.0  # that the engine computes for each ion
DRIVEN = 20_000  # spectra by which the driver's own cost is measured


def processor_time() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def engine_seconds(ion: str) -> tuple[float, int]:
    """Return what a worker takes for one spectrum, and how many were computed to know it."""
    settings = Multiplet(ion=ion).config.model_dump_json()
    compute = Compute(Multiplet, settings)
    samples = spaces()["published"].sample(20_000, method="random", seed=9)

    def taken(n: int) -> float:
        start = time.process_time()
        compute(Batch(np.arange(n), samples[:n]))
        return time.process_time() - start

    taken(2)  # builds the operators
    n = max(4, min(len(samples), int(SECONDS / (taken(32) / 32))))
    return taken(n) / n, n


def driver_seconds(engine: float) -> float:
    """Return what the driver adds to each spectrum of Ni2+, starting up left out."""

    def taken(folder: Path, n: int) -> float:
        settings = [f"samples.count={n}", f"split.counts=[{n - 2}, 1, 1]"]
        recipe = load(GenerationRecipe, RECIPE, None, settings, ["ni2"])["ni2"]
        start = processor_time()
        generate(recipe, folder, folder / f"{n}.zarr", workers=CORES)
        return processor_time() - start

    with tempfile.TemporaryDirectory() as name:
        few, many = (taken(Path(name), n) for n in (100, DRIVEN))
    return (many - few) / (DRIVEN - 100) - engine


def span(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def projections() -> None:
    seconds = {ion: engine_seconds(ion) for ion in get_args(IonName)}
    driver = driver_seconds(seconds["Ni2+"][0])
    print(f"driver: {1e3 * driver:.3f} ms a spectrum")
    print("| ion | d electrons | ms a spectrum | 360,000 on two cores | measured on |")
    print("|---|---:|---:|---:|---:|")
    for ion, (each, n) in seconds.items():
        wall = SPECTRA * (each + driver) / CORES
        print(f"| {ion} | {ion_named(ion).electrons} | {1e3 * each:.2f} | {span(wall)} | {n} |")


def memory(pid: int) -> float:
    """Return the memory of a process and all its descendants in MiB."""
    total = 0.0
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += sum(int(s.split()[1]) for s in rollup.splitlines() if s.startswith("Pss:")) / 1024
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(memory(int(c)) for c in (task / "children").read_text().split())
    except OSError:  # it has ended
        pass
    return total


def full(ion: str, folder: Path) -> None:
    store = folder / f"{ion}.zarr"
    command = [sys.executable, "-m", "xreg.cli.main", "data", "generate", str(RECIPE)]
    start, peak = time.perf_counter(), 0.0
    child = subprocess.Popen([*command, "--only", ion, "-o", str(store), "--workers", str(CORES)])
    while child.poll() is None:
        peak = max(peak, memory(child.pid))
        time.sleep(0.3)
    size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    print(
        f"{ion}: {time.perf_counter() - start:.0f} s, {processor_time():.0f} s of processor time, "
        f"peak memory {peak:.0f} MiB, {size / 1e6:.0f} MB on disk"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", metavar="NAME", help="a name of the recipe, such as ni2")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the store is written")
    arguments = parser.parse_args()
    if arguments.full:
        full(arguments.full, arguments.folder)
    else:
        projections()
