"""L2,3 spectra a second: generator ``multiplet`` against Quanty and edrixs, on one thread.

Every program computes whole spectra of the same random samples of the published parameter space,
broadening included; edrixs by its sparse solver (Krylov) and by its dense one, with and without
building its operators. Times are processor times, children's included, so that a busy machine
disturbs them little. Quanty and edrixs are skipped where they are not installed. Run by hand::

    python benchmarks/multiplet.py            # the comparison, about ten minutes
    python benchmarks/multiplet.py --vectors  # how many Krylov vectors edrixs needs for 1e-8
    python benchmarks/multiplet.py --all      # this engine's cost for every ion
    python benchmarks/multiplet.py --cores    # what a second process adds
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before any BLAS is loaded

import argparse
import contextlib
import importlib.util
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from by_edrixs import by_krylov, levels, operators, quiet
from xreg.core.data.samples import Parameters, ParameterSet
from xreg.core.ions.model import BOLTZMANN, ion_named, spaces
from xreg.core.ions.settings import IonName
from xreg.plugins.multiplet import solver
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.multiplet.symmetry import transitions_of
from xreg.plugins.quanty.plugin import QUANTY
from xreg.plugins.quanty.quanty import Quanty

Array = NDArray[np.float64]
Levels = tuple[Array, Array, Array]

COMPARED = ("Ni2+", "Co2+", "Fe2+", "Mn2+", "Cr2+")
SAMPLES = 20  # of each ion, the same for all programs
FEW = 6  # where each is computed several times
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


def dense(levels: Levels, sample: ParameterSet, energies: Array, width: Array) -> Array:
    """Return edrixs' isotropic spectrum from all its levels."""
    import edrixs

    below, above, dipole = levels
    with quiet():
        found = edrixs.xas_1v1c_py(
            below, above, dipole, energies, gamma_c=width, temperature=sample.values["T"],
            gs_list=list(range(states(below, sample))), pol_type=[("isotropic", 0.0)],
        )  # fmt: skip
    return np.asarray(found)[:, 0]


def states(below: Array, sample: ParameterSet) -> int:
    """Return how many levels are populated, down to 1e-9."""
    return int((below - below.min() < 21 * BOLTZMANN * sample.values["T"]).sum())


def edrixs_seconds(ion_name: str, samples: Parameters) -> dict[str, list[float]]:
    """Return what each sample takes: sparse (building, solving) and dense, and how far they differ.

    The number of populated levels, which the sparse solver has to be told, is taken from the dense
    one and costs it nothing.
    """
    ion = ion_named(ion_name)
    energies = Multiplet(ion=ion_name).grids()["xas"] - ion.origin
    found: dict[str, list[float]] = {"build": [], "krylov": [], "dense": [], "differ": []}
    operators(ion, samples[0].values)  # compiles
    for sample in samples:
        width = np.where(
            energies < ion.border - ion.origin, sample.values["gamma1"], sample.values["gamma2"]
        )
        start = processor_time()
        exact = levels(ion, sample.values)
        wanted = dense(exact, sample, energies, width / 2)
        times = [processor_time()]
        built = operators(ion, sample.values)
        times.append(processor_time())
        count = states(exact[0], sample)
        given = by_krylov(built, count, energies, width / 2, sample.values["T"])
        times.append(processor_time())
        found["dense"].append(times[0] - start)
        found["build"].append(times[1] - times[0])
        found["krylov"].append(times[2] - times[1])
        found["differ"].append(float(abs(given - wanted).max() / wanted.max()))
    return found


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


def repeated(generator: Multiplet, samples: Parameters, seconds: float) -> float:
    """Return the median seconds for a spectrum of these samples, over about as many seconds."""
    generator.generate_many(samples)

    def once() -> float:
        return taken(lambda: generator.generate_many(samples))

    turns = max(1, round(seconds / once()))
    return float(np.median([once() for _ in range(turns)])) / len(samples)


def diagonalisation(ion: str, count: int) -> float:
    """Return the share of diagonalisation in the time of a spectrum."""
    samples, generator, inside = published(count, 1), Multiplet(ion=ion), [0.0]
    with watched_eigensolver(inside):
        whole = taken(lambda: generator.generate_many(samples))
    return inside[0] / whole


def compare() -> None:
    quanty = QUANTY.find() is not None
    edrixs = importlib.util.find_spec("edrixs") is not None
    print("| ion | multiplet (ms) | diagonalisation | Quanty (ms) | edrixs: building (ms) "
          "| Krylov (ms) | dense (ms) | Krylov from dense | Quanty × | Krylov × | Krylov, built × "
          "| dense × |")  # fmt: skip
    print("|---|" + 11 * "---:|")
    for ion in COMPARED:
        samples, generator = published(SAMPLES, 1), Multiplet(ion=ion)
        own = repeated(generator, samples, SECONDS["compared"])
        cells, ratios = [f"{own * 1e3:.2f}", f"{diagonalisation(ion, 64):.0%}"], []
        if quanty:
            program = Quanty(ion=ion)
            program.version()
            each = taken(lambda p=program, s=samples: p.generate_many(s)) / len(samples)
            cells.append(f"{each * 1e3:.0f}")
            ratios.append(f"{each / own:.0f}")
        if edrixs:
            found = edrixs_seconds(ion, samples)
            build, krylov, whole = (np.mean(found[k]) for k in ("build", "krylov", "dense"))
            cells += [f"{x * 1e3:.0f}" for x in (build, krylov, whole)]
            cells.append(f"{max(found['differ']):.0e}")
            ratios += [f"{x / own:.0f}" for x in (krylov, build + krylov, whole)]
        print("| " + " | ".join([ion, *cells, *ratios]) + " |", flush=True)


def as_accurate() -> None:
    """Print what edrixs' sparse solver takes with ever more vectors, until it is as accurate."""
    print("| ion | vectors | from dense | Krylov (ms) | built (ms) | × | built × |")
    print("|---|" + 6 * "---:|")
    for name in COMPARED:
        ion, generator, samples = ion_named(name), Multiplet(ion=name), published(FEW, 1)
        own = repeated(generator, samples, SECONDS["compared"])
        energies = generator.grids()["xas"] - ion.origin
        operators(ion, samples[0].values)  # compiles
        for vectors in (200, 400, 800, 1600):
            taking, building, off = [], [], []
            for sample in samples:
                gammas = sample.values["gamma1"], sample.values["gamma2"]
                width = np.where(energies < ion.border - ion.origin, *gammas)
                exact = levels(ion, sample.values)
                wanted = dense(exact, sample, energies, width / 2)
                times = [processor_time()]
                built = operators(ion, sample.values)
                times.append(processor_time())
                count, kelvin = states(exact[0], sample), sample.values["T"]
                given = by_krylov(built, count, energies, width / 2, kelvin, vectors)
                times.append(processor_time())
                building.append(times[1] - times[0])
                taking.append(times[2] - times[1])
                off.append(float(abs(given - wanted).max() / wanted.max()))
            krylov, build = np.mean(taking), np.mean(building)
            cells = [name, f"{vectors}", f"{max(off):.0e}", f"{krylov * 1e3:.0f}"]
            cells += [f"{build * 1e3:.0f}", f"{krylov / own:.0f}", f"{(krylov + build) / own:.0f}"]
            print("| " + " | ".join(cells) + " |", flush=True)
            if max(off) <= 1e-8:
                break


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
    parser.add_argument("--vectors", action="store_true", help="edrixs at the same accuracy")
    parser.add_argument("--cores", action="store_true", help="one process against two")
    chosen = parser.parse_args()
    with threadpool_limits(1):
        others = {"all": every_ion, "cores": cores, "vectors": as_accurate}
        next((work for name, work in others.items() if getattr(chosen, name)), compare)()
