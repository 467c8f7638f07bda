"""Throughput of reading a store, against ``numpy.load`` on the same array.

Run by hand: ``python benchmarks/store_read.py [rows] [points]``. ``warm`` is the best of several
reads with the file in the operating system's cache, where numpy.load is a copy of memory; ``cold``
the median of several with the file dropped from it, as at the first read of a day. ``of load`` is
the share of numpy.load's throughput, ``zarr`` the warm throughput of Zarr's own reader, and ``one
by one`` the time of 200 scattered single spectra.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import zarr

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters
from xreg.core.data.spectra import Channel, Spectra
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store

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


def forget(folder: Path) -> None:
    """Drop a file, or all files below a folder, from the operating system's cache."""
    for path in [folder] if folder.is_file() else folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def cold(work: Callable[[], object], folder: Path) -> float:
    """Return the median time in seconds of reading what is only on the disk."""
    times = []
    for _ in range(5):
        forget(folder)
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    points = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    values = spectra(rows, points)
    energy = np.linspace(520.0, 540.0, points)
    samples = Parameters(
        [str(i) for i in range(rows)], np.arange(float(rows))[:, None], "x", ["eV"]
    )
    pick = np.random.default_rng(1).integers(0, rows, 200)
    print(f"{platform.machine()}, Python {platform.python_version()}, zarr {zarr.__version__}")
    print(f"{rows} x {points} float32, {values.nbytes / 1e6:.0f} MB; GB/s of numbers")
    print(
        f"{'':24}{'on disk':>9}{'warm':>8}{'of load':>9}{'cold':>8}{'of load':>9}{'zarr':>8}"
        f"{'one by one':>14}"
    )
    with tempfile.TemporaryDirectory(dir=".") as folder:
        plain = Path(folder, "x.npy")
        np.save(plain, values)
        load = best(lambda: np.load(plain))
        cold_load = cold(lambda: np.load(plain), plain)
        mapped = np.load(plain, mmap_mode="r")
        one = best(lambda: [np.array(mapped[i]) for i in pick], 3)
        print(
            f"{'numpy.load':24}{1:9.2f}{values.nbytes / load / 1e9:8.2f}{1:9.2f}"
            f"{values.nbytes / cold_load / 1e9:8.2f}{1:9.2f}{'':8}{one:12.4f} s"
        )
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
            first = cold(lambda a=lazy: a[:], path)
            one = best(lambda a=lazy: [a[int(i)] for i in pick], 3)
            name = f"{bits} bits of mantissa" if bits else "as it comes"
            print(
                f"{name:24}{size / values.nbytes:9.2f}{values.nbytes / ours / 1e9:8.2f}"
                f"{load / ours:9.2f}{values.nbytes / first / 1e9:8.2f}{cold_load / first:9.2f}"
                f"{values.nbytes / theirs / 1e9:8.2f}{one:12.4f} s"
            )


if __name__ == "__main__":
    main()
