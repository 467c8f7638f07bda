"""L2,3 spectra a second: generator ``multiplet`` against Quanty and edrixs, on one thread.

Every program computes whole spectra of random samples of the published parameter space, assembly
and broadening included. Times are processor times, children's included, so that a busy machine
disturbs them little. Quanty and edrixs are skipped where they are not installed. Run by hand::

    python benchmarks/multiplet.py            # the comparison, about five minutes
    python benchmarks/multiplet.py --all      # this engine's cost for every ion
    python benchmarks/multiplet.py --cores    # what a second process adds
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before any BLAS is loaded

import argparse
import contextlib
import importlib.util
import io
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from typing import get_args

import numpy as np
from threadpoolctl import threadpool_limits

from by_edrixs import levels
from xreg.core.data.samples import Parameters, ParameterSet
from xreg.core.ions.model import BOLTZMANN, ion_named, spaces
from xreg.core.ions.settings import IonName
from xreg.plugins.multiplet import solver
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.multiplet.symmetry import transitions_of
from xreg.plugins.quanty.plugin import QUANTY
from xreg.plugins.quanty.quanty import Quanty

COMPARED = ("Ni2+", "Co2+", "Fe2+", "Mn2+", "Cr2+")
SECONDS = {"compared": 3.0, "all": 0.8}  # that this engine computes for each ion


def published(n: int, seed: int = 0) -> Parameters:
    return spaces()["published"].sample(n, method="random", seed=seed)


def processor_time() -> float:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def taken(work: Callable[[], object]) -> float:
    start = processor_time()
    work()
    return processor_time() - start


def by_edrixs(ion_name: str, sample: ParameterSet) -> None:
    import edrixs

    v, ion = sample.values, ion_named(ion_name)
    below, above, dipole = levels(ion, v)
    populated = np.flatnonzero(below - below.min() < 21 * BOLTZMANN * v["T"])  # down to 1e-9
    energies = Multiplet(ion=ion_name).grids()["xas"] - ion.origin
    width = np.where(energies < ion.border - ion.origin, v["gamma1"], v["gamma2"]) / 2
    with contextlib.redirect_stdout(io.StringIO()):
        edrixs.xas_1v1c_py(
            below,
            above,
            dipole,
            energies,
            gamma_c=width,
            gs_list=populated.tolist(),
            temperature=v["T"],
        )


@contextlib.contextmanager
def watched_eigensolver(seconds: list[float]) -> Iterator[None]:
    """Add up in ``seconds[0]`` what diagonalisation takes."""
    project, eigh = solver._project, np.linalg.eigh
    inside = 0

    def watch(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal inside
            start, inside = time.process_time(), inside + 1
            result = function(*arguments)
            inside -= 1
            if not inside:
                seconds[0] += time.process_time() - start
            return result

        return call

    solver._project, np.linalg.eigh = watch(project), watch(eigh)
    try:
        yield
    finally:
        solver._project, np.linalg.eigh = project, eigh


def bare_lapack(electrons: int) -> float:
    """Return how long ``numpy.linalg.eigh`` takes for dense blocks of an ion's sizes."""
    rng = np.random.default_rng(0)
    total = 0.0
    for block in transitions_of(electrons).final:
        matrix = rng.normal(size=(len(block), len(block)))
        matrix += matrix.T
        turns = max(2, int(0.02 / (1e-9 * len(block) ** 3 + 1e-5)))
        total += min(
            taken(lambda m=matrix, n=turns: [np.linalg.eigh(m) for _ in range(n)]) / turns
            for _ in range(4)
        )
    return total


def own_seconds(ion: str, budget: float) -> float:
    """Return seconds for a spectrum of this engine, after its operators are built."""
    generator = Multiplet(ion=ion)
    samples = published(4096)
    first = taken(lambda: generator.generate_many(samples[:4])) and taken(
        lambda: generator.generate_many(samples[4:36])
    )
    count = int(np.clip(budget / (first / 32), 32, 4000))
    return taken(lambda: generator.generate_many(samples[:count])) / count


def diagonalisation(ion: str, count: int) -> float:
    """Return the share of diagonalisation in the time of a spectrum."""
    samples, generator, inside = published(count, 1), Multiplet(ion=ion), [0.0]
    with watched_eigensolver(inside):
        whole = taken(lambda: generator.generate_many(samples))
    return inside[0] / whole


def compare() -> None:
    quanty = QUANTY.find() is not None
    edrixs = importlib.util.find_spec("edrixs") is not None
    print("| ion | ms | diagonalisation | bare LAPACK (ms) | Quanty (ms) | edrixs (ms) | × | × |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    faster: dict[str, list[float]] = {"Quanty": [], "edrixs": []}
    for ion in COMPARED:
        own = own_seconds(ion, SECONDS["compared"])
        samples = published(64, 1)
        cells = [f"{own * 1e3:.2f}", f"{diagonalisation(ion, 64):.0%}"]
        cells.append(f"{bare_lapack(ion_named(ion).electrons) * 1e3:.2f}")
        ratios = []
        n = 12 if ion in ("Ni2+", "Co2+", "Fe2+") else 6
        if quanty:
            program = Quanty(ion=ion)
            program.version()
            each = taken(lambda p=program, s=samples[:n]: p.generate_many(s)) / n
            faster["Quanty"].append(each / own)
            ratios.append(f"{each / own:.0f}")
            cells.append(f"{each * 1e3:.0f}")
        if edrixs:
            by_edrixs(ion, samples[0])
            m = n // 4
            each = taken(lambda i=ion, s=samples, m=m: [by_edrixs(i, s[k]) for k in range(m)]) / m
            faster["edrixs"].append(each / own)
            ratios.append(f"{each / own:.0f}")
            cells.append(f"{each * 1e3:.0f}")
        print("| " + " | ".join([ion, *cells, *ratios]) + " |", flush=True)
    for name, ratios in faster.items():
        if ratios:
            mean = np.exp(np.mean(np.log(ratios)))
            print(f"\nfaster than {name}: {mean:.0f} times (geometric mean), at least "
                  f"{min(ratios):.0f}")  # fmt: skip


def every_ion() -> None:
    print(
        "| ion | d electrons | blocks | ms | of it diagonalisation | bare LAPACK (ms) | a second |"
    )
    print("|---|---:|---|---:|---:|---:|---:|")
    lapack: dict[int, float] = {}
    for ion in sorted(get_args(IonName), key=lambda name: (ion_named(name).electrons, name)):
        own, n = own_seconds(ion, SECONDS["all"]), ion_named(ion).electrons
        if n not in lapack:
            lapack[n] = bare_lapack(n)
        sizes = ", ".join(str(len(block)) for block in transitions_of(n).final)
        share = diagonalisation(ion, 64 if n in (0, 1, 7, 8) else 16)
        print(f"| {ion} | {n} | {sizes} | {own * 1e3:.2f} | {share:.0%} | {lapack[n] * 1e3:.2f} "
              f"| {1 / own:,.0f} |", flush=True)  # fmt: skip


def _work(task: tuple[str, int]) -> None:
    ion, count = task
    Multiplet(ion=ion).generate_many(published(count))


def cores() -> None:
    for ion, count in (("Ni2+", 1000), ("Fe2+", 40), ("Cr2+", 12)):
        tasks, rates = [(ion, count)] * 16, []
        for workers in (1, 2):
            with multiprocessing.get_context("spawn").Pool(workers) as pool:
                pool.map(_work, tasks[: 2 * workers], chunksize=1)  # imports, operators
                start = time.perf_counter()
                pool.map(_work, tasks, chunksize=1)
                rates.append(count * len(tasks) / (time.perf_counter() - start))
        print(f"{ion}: {rates[0]:.0f} spectra a second by one process, {rates[1]:.0f} by two")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Spectra a second of the multiplet engine.")
    parser.add_argument("--all", action="store_true", help="cost of every ion, this engine only")
    parser.add_argument("--cores", action="store_true", help="one process against two")
    chosen = parser.parse_args()
    with threadpool_limits(1):
        (every_ion if chosen.all else cores if chosen.cores else compare)()
