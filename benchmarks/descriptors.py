"""Descriptors: sites a second against bare DScribe, scaling with workers, memory.

Run by hand, with structures of one's own or on random clusters of 90 atoms::

    OMP_NUM_THREADS=1 python benchmarks/descriptors.py [STRUCTURES.extxyz]

Linux only. Atom 0 of each structure is the absorber. Turns of xreg and DScribe alternate, so that a
busy machine slows both alike. Memory is the peak of a process of its own that opens a store and
builds all features into the cache.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from xreg.core.data.samples import Structures
from xreg.core.interfaces import Descriptor
from xreg.registry.plugins import host

ROUNDS = 5
# Enough structures that what each one costs would show beside what Python itself takes.
MEMORY = {"soap": (2_000, 8_000, 16_000), "acsf": (500, 1_500)}


def random_clusters(n: int, atoms: int = 90, seed: int = 0) -> Structures:
    """Return n clusters of S (the absorber), O and H in a ball, at the density of water."""
    rng = np.random.default_rng(seed)
    radius = (atoms / 0.1 * 3 / (4 * np.pi)) ** (1 / 3)  # 0.1 atoms a cubic Å
    positions = np.empty((n, atoms, 3))
    for cluster in positions:
        cluster[0] = 0
        placed = 1
        while placed < atoms:
            trial = rng.uniform(-radius, radius, 3)
            if radius > np.linalg.norm(trial) and (
                np.linalg.norm(cluster[:placed] - trial, axis=1).min() > 0.92
            ):
                cluster[placed] = trial
                placed += 1
    return Structures(
        ids=[f"cluster-{i}" for i in range(n)],
        numbers=np.tile(np.array([16] + [8] * (atoms // 3) + [1] * (atoms - 1 - atoms // 3)), n),
        positions=positions.reshape(-1, 3),
        offsets=np.arange(n + 1) * atoms,
        absorber=np.zeros(n, dtype=int),
    )


def given(path: str) -> Structures:
    """Read structures whose first atom is the absorber."""
    from ase.io import read

    return Structures.from_atoms(read(path, ":"))


def bare(descriptor: Descriptor, atoms: list[Any]) -> Callable[[], Any]:
    """Return the same work without xreg, by DScribe's own loop over structures."""
    import dscribe.descriptors as engines

    c: Any = descriptor.config
    species = [int(z) for z in descriptor.species_]  # type: ignore[attr-defined]
    where = [[0]] * len(atoms)
    if descriptor.name == "soap":
        soap = engines.SOAP(species=species, r_cut=c.cutoff, sigma=c.sigma, n_max=8, l_max=8)
        return lambda: soap.create(atoms, where)
    if descriptor.name == "acsf":
        plugin: Any = descriptor
        radial = [[plugin._eta(), at] for at in plugin._centres()]
        acsf = engines.ACSF(
            species=species,
            r_cut=c.cutoff,
            g2_params=radial,
            g4_params=[list(entry) for entry in plugin._angular()],
        )
        return lambda: acsf.create(atoms, where)
    parts = [
        engines.LMBTR(
            species=species,
            geometry={"function": getattr(c, name)},
            grid={
                "min": c.range_of(name)[0],
                "max": c.range_of(name)[1],
                "n": getattr(c, f"{name}_points"),
                "sigma": c.sigma_of(name),
            },
            weighting={
                "function": "exp",
                "scale": getattr(c, f"{name}_decay"),
                "threshold": c.threshold,
            },
        )
        for name in ("distance", "angle")
        if getattr(c, f"{name}_points")
    ]
    return lambda: [part.create(atoms, where) for part in parts]


def speeds(samples: Structures) -> None:
    atoms = [structure.to_atoms() for structure in samples]
    print(f"{len(samples)} structures of {samples.sizes.mean():.0f} atoms, one site each\n")
    print("| descriptor | features | xreg (sites/s) | DScribe (sites/s) | ratio |")
    print("|---|---:|---:|---:|---:|")
    for name in ("soap", "acsf", "lmbtr"):
        descriptor = host().build("descriptor", name, {}).fit(samples)
        line(name, descriptor, samples, bare(descriptor, atoms))


def line(name: str, descriptor: Descriptor, samples: Structures, theirs: Callable[[], Any]) -> None:
    """Print the sites a second of a descriptor and of the same work by another program."""
    best = [np.inf, np.inf]
    for turn in range(ROUNDS + 1):
        for i, work in enumerate((lambda: descriptor.transform(samples), theirs)):
            start = time.perf_counter()
            work()
            if turn:  # the first turn builds tables and warms caches
                best[i] = min(best[i], time.perf_counter() - start)
    ours, other = (len(samples) / seconds for seconds in best)
    width = len(descriptor.feature_labels)
    print(f"| {name} | {width} | {ours:.0f} | {other:.0f} | {ours / other:.2f} |", flush=True)


def terms(samples: Structures) -> None:
    """Compare the two parts of ``lmbtr``, by default and with the settings of published speeds."""
    atoms = [structure.to_atoms() for structure in samples]
    print("\n| part of lmbtr | features | xreg (sites/s) | DScribe (sites/s) | ratio |")
    print("|---|---:|---:|---:|---:|")
    for name, settings in {
        "two-body": {"angle_points": 0},
        "two-body, 100 points": {"angle_points": 0, "distance_points": 100},
        "three-body": {"distance_points": 0},
        "three-body, 20 points, threshold 1e-8": {
            "distance_points": 0,
            "angle_points": 20,
            "threshold": 1e-8,
        },
    }.items():
        ours, theirs = (
            host().build("descriptor", "lmbtr", {**settings, "engine": engine}).fit(samples)
            for engine in ("vectorised", "dscribe")
        )
        few = samples[:5]
        error = np.abs(ours.transform(few) - theirs.transform(few)).max()
        line(f"{name} (difference {error:.0e})", ours, samples, bare(ours, atoms))


def memory() -> None:
    print("\n| descriptor | structures | feature matrix (MB) | peak memory (MB) |")
    print("|---|---:|---:|---:|")
    for name, sizes in MEMORY.items():
        for n in sizes:
            with tempfile.TemporaryDirectory() as folder:
                _write_store(Path(folder), n)
                command = [sys.executable, __file__, "--child", name, folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
            width, peak = map(float, done.stdout.split())
            print(f"| {name} | {n} | {n * width * 8 / 1e6:.0f} | {peak:.0f} |", flush=True)


def scaling(workers: tuple[int, ...] = (1, 2), n: int = 8192) -> None:
    """Build the features of ``acsf`` by several processes, their start included."""
    from xreg.registry.stores.store import open_store
    from xreg.workbench.run.features import Execution, FeatureCache

    print("\n| workers | structures | seconds | times one worker |")
    print("|---:|---:|---:|---:|")
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        _write_store(Path(folder), n)
        samples = open_store(Path(folder) / "1.0.0.zarr", validate=False).samples
        for count in workers:
            descriptor = host().build("descriptor", "acsf", {}).fit(samples)
            cache = Path(folder) / f"cache-{count}"
            start = time.perf_counter()
            FeatureCache(samples, "b", Execution(workers=count, features=cache)).build(descriptor)
            seconds.append(time.perf_counter() - start)
            print(f"| {count} | {n} | {seconds[-1]:.1f} | {seconds[0] / seconds[-1]:.2f} |")


def _write_store(folder: Path, n: int) -> None:
    from xreg.core.data.dataset import Dataset, Metadata
    from xreg.core.data.spectra import Channel, Spectra
    from xreg.registry.stores.writer import write_store

    some = random_clusters(200)
    rows = np.arange(n) % len(some)
    samples = Structures(
        ids=[f"s{i}" for i in range(n)],
        numbers=np.asarray(some.numbers).reshape(len(some), -1)[rows].ravel(),
        positions=np.asarray(some.positions).reshape(len(some), -1)[rows].reshape(-1, 3),
        offsets=np.arange(n + 1) * 90,
        absorber=np.zeros(n, dtype=int),
    )
    spectra = Spectra({"xes": Channel(np.zeros((n, 2)), np.array([0.0, 1.0]))})
    metadata = Metadata(name="clusters", version="1.0.0", licence="CC0-1.0")
    write_store(Dataset(samples, spectra, metadata), folder / "1.0.0.zarr")


def _child(name: str, folder: Path) -> None:
    """Build the features of all samples of the store; print width and peak memory."""
    from xreg.registry.stores.store import open_store
    from xreg.workbench.run.features import Execution, FeatureCache

    samples = open_store(folder / "1.0.0.zarr", validate=False).samples
    descriptor = host().build("descriptor", name, {}).fit(samples)
    FeatureCache(samples, "benchmark", Execution(features=folder / "cache")).build(descriptor)
    # Not getrusage: what that calls the peak may be that of the parent before the fork.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    print(len(descriptor.feature_labels), int(peak[1]) / 1024)


def main() -> None:
    warnings.simplefilter("ignore", FutureWarning)  # of DScribe about ASE
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], Path(sys.argv[3]))
        return
    samples = given(sys.argv[1]) if len(sys.argv) > 1 else random_clusters(50)
    speeds(samples)
    terms(samples)
    scaling()
    memory()


if __name__ == "__main__":
    main()
