"""Throughput of reading a store, against ``numpy.load`` on the same array.

Run by hand: ``python benchmarks/store_read.py [rows] [points]``. Every figure is the best of
several, with the file in the operating system's cache, so that it measures our work and not the
disk; ``one by one`` reads 200 scattered single spectra.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import zarr

from xreg.core.dataset import Dataset, Metadata
from xreg.core.samples import Parameters
from xreg.core.spectra import Channel, Spectra
from xreg.registry.stores import open_store, write_store

REPEATS = 15


def spectra(rows: int, points: int) -> np.ndarray:
    """Four Gaussians a spectrum, as smooth as broadened spectra are, and a little noise."""
    rng = np.random.default_rng(0)
    energy = np.linspace(0, 20, points)
    total = np.zeros((rows, points))
    for _ in range(4):
        total += np.exp(-((energy - rng.normal(10, 2, (rows, 1))) ** 2) / 2)
    return (total + rng.normal(0, 1e-5, total.shape)).astype(np.float32)


def best(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the shortest time in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    points = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    values = spectra(rows, points)
    energy = np.linspace(520.0, 540.0, points)
    samples = Parameters([str(i) for i in range(rows)], np.arange(float(rows))[:, None], "x", ["eV"])
    pick = np.random.default_rng(1).integers(0, rows, 200)
    print(f"{platform.machine()}, Python {platform.python_version()}, zarr {zarr.__version__}")
    print(f"{rows} x {points} float32, {values.nbytes / 1e6:.0f} MB; GB/s of numbers")
    print(f"{'':24}{'on disk':>9}{'all':>8}{'of load':>9}{'zarr':>8}{'one by one':>12}")
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "x.npy")
        np.save(plain, values)
        load = best(lambda: np.load(plain))
        mapped = np.load(plain, mmap_mode="r")
        one = best(lambda: [np.array(mapped[i]) for i in pick], 3)
        print(f"{'numpy.load':24}{1:9.2f}{values.nbytes / load / 1e9:8.2f}{1:9.2f}{'':8}{one:10.4f} s")
        for bits in (None, 16, 11, 8):
            path = Path(folder, f"{bits}.zarr")
            dataset = Dataset(
                samples,
                Spectra({"xes": Channel(values, energy)}),
                Metadata(name="benchmark", version="1.0.0"),
            )
            write_store(dataset, path, precision={"xes": bits} if bits else None)
            lazy = open_store(path, validate=False, content_hash="-").spectra["xes"].intensity
            array = zarr.open_array(path / "spectra/xes/intensity", mode="r")
            size = sum(f.stat().st_size for f in path.glob("spectra/xes/intensity/c/*/*"))
            ours, theirs = best(lambda a=lazy: a[:]), best(lambda a=array: a[:], 5)
            one = best(lambda a=lazy: [a[int(i)] for i in pick], 3)
            name = f"{bits} bits of mantissa" if bits else "as it comes"
            print(
                f"{name:24}{size / values.nbytes:9.2f}{values.nbytes / ours / 1e9:8.2f}"
                f"{load / ours:9.2f}{values.nbytes / theirs / 1e9:8.2f}{one:10.4f} s"
            )


if __name__ == "__main__":
    main()
