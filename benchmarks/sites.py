"""Descriptors of our own: sites a second against plain loops, and the largest difference.

Run by hand, on random clusters of 90 atoms::

    OMP_NUM_THREADS=1 python benchmarks/sites.py [NAME ...]

The plain loops are the definitions written down term by term. Turns of both alternate, so that a
busy machine slows both alike; the loops get few structures, as they take long.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from descriptors import random_clusters

from xreg.core.interfaces import Descriptor
from xreg.core.samples import Structure
from xreg.registry.plugins import host

ROUNDS = 5
FEW = 2


def plain_coulomb(descriptor: Any, structure: Structure) -> list[float]:
    z, x = structure.numbers, structure.positions
    centre = x[structure.absorber]
    rows: list[int | None] = []
    for number, count in zip(descriptor.species_, descriptor.counts_, strict=True):
        like: list[Any] = [i for i in range(len(z)) if z[i] == number]
        like.sort(key=lambda i: math.dist(x[i], centre))
        rows += (like + [None] * count)[:count]
    found = []
    for a, i in enumerate(rows):
        for j in rows[a + 1 :]:
            gone = i is None or j is None
            found.append(0.0 if gone else z[i] * z[j] / math.dist(x[i], x[j]))
    return found


PLAIN: dict[str, tuple[dict[str, Any], Callable[[Any, Structure], list[float]]]] = {
    "coulomb": ({"counts": {"H": 20, "O": 14, "S": 1}}, plain_coulomb),
}


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(descriptor: Descriptor, plain: Callable[[Any, Structure], list[float]]) -> None:
    samples = random_clusters(50)
    descriptor.fit(samples)
    ours = descriptor.transform(samples)  # which also builds tables and warms caches
    few = list(samples[:FEW])
    want = np.array([plain(descriptor, structure) for structure in few])
    scale = np.abs(want).max(axis=0)
    scale[scale == 0] = 1
    error = np.abs((ours[:FEW] - want) / scale).max()
    best = [np.inf, np.inf]
    for _ in range(ROUNDS):
        best[0] = min(best[0], seconds(lambda: descriptor.transform(samples)) / len(samples))
        best[1] = min(best[1], seconds(lambda: plain(descriptor, few[0])))
    print(
        f"| {descriptor.name} | {ours.shape[1]} | {1 / best[0]:.0f} | {1 / best[1]:.2g} "
        f"| {best[1] / best[0]:.0f} | {error:.0e} |",
        flush=True,
    )


def main() -> None:
    print("| descriptor | features | xreg (sites/s) | plain (sites/s) | ratio | difference |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in sys.argv[1:] or PLAIN:
        settings, plain = PLAIN[name]
        compare(host().build("descriptor", name, settings), plain)


if __name__ == "__main__":
    main()
