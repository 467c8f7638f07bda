"""Descriptors of our own: sites a second against plain loops, and the largest difference.

Run by hand, with structures of one's own or on random clusters of 90 atoms::

    OMP_NUM_THREADS=1 python benchmarks/sites.py [STRUCTURES.extxyz] [NAME ...] [MBDF.py]

The plain loops are the definitions written down term by term. Turns of both alternate, so that a
busy machine slows both alike; the loops get few structures, as they take long. With ``MBDF.py``,
the file of that name at https://github.com/dkhan42/MBDF, `mbdf` is compared with its authors' code.
"""

from __future__ import annotations

import importlib
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from descriptors import given, random_clusters
from xreg.core.data.samples import Structure, Structures
from xreg.core.interfaces import Descriptor
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


def plain_wacsf(descriptor: Any, structure: Structure) -> list[float]:
    c = descriptor.config
    z, x = structure.numbers, structure.positions
    centre = x[structure.absorber]
    near = [
        (int(z[j]), x[j] - centre, math.dist(x[j], centre))
        for j in range(len(z))
        if j != structure.absorber and math.dist(x[j], centre) < c.cutoff
    ]

    def f(r: float) -> float:
        return (math.cos(math.pi * r / c.cutoff) + 1) / 2 if r < c.cutoff else 0.0

    (first, last), (narrow, wide) = c.ends("radial"), c.ends("angular")
    points = [first + (last - first) * i / 31 for i in range(32)]
    eta = 1 / (2 * (points[1] - points[0]) ** 2)
    found = [sum(f(r) for _, _, r in near)]
    found += [sum(w * math.exp(-eta * (r - p) ** 2) * f(r) for w, _, r in near) for p in points]
    etas = [1 / (2 * (narrow + (wide - narrow) * i / 7) ** 2) for i in range(8)]
    sums = {
        (sign, zeta, e): 0.0 for sign in c.angular_lambda for zeta in c.angular_zeta for e in etas
    }
    for a, (w, u, r) in enumerate(near):
        for v, q, s in near[a + 1 :]:
            t = math.dist(u, q)
            weight = w * v * f(r) * f(s) * f(t)
            if weight == 0:
                continue
            cosine = float(u @ q) / (r * s)
            for key in sums:
                sign, zeta, e = key
                angle = 2 ** (1 - zeta) * (1 + sign * cosine) ** zeta
                sums[key] += weight * angle * math.exp(-e * (r * r + s * s + t * t))
    return found + list(sums.values())


def plain_gt(descriptor: Any, structure: Structure) -> list[float]:
    c = descriptor.config
    x, centre = structure.positions, structure.positions[structure.absorber]
    found = []
    for number in descriptor.species_:
        near = [
            x[j] - centre
            for j in range(len(x))
            if j != structure.absorber and structure.numbers[j] == number
        ]
        near = [r for r in near if r @ r < c.cutoff**2]
        blocks: list[list[float]] = [[], [], [], []]
        for kind in ("scalar", "vector", "tensor"):
            for sigma in descriptor._widths(kind):
                s, v, t = 0.0, np.zeros(3), np.zeros((3, 3))
                for r in near:
                    d = math.sqrt(r @ r)
                    g = math.exp(-d * d / (2 * sigma**2)) * (math.cos(math.pi * d / c.cutoff) + 1)
                    g /= 2 * (2 * math.pi * sigma**2) ** 1.5
                    if kind == "scalar":
                        s += g
                    elif kind == "vector":
                        v += g * r / (2 * sigma**2)
                    else:
                        t += g * np.outer(r, r) / (4 * sigma**4)
                if kind == "scalar":
                    blocks[0].append(s)
                elif kind == "vector":
                    blocks[1].append(math.sqrt(v @ v))
                else:
                    blocks[2].append((np.trace(t) ** 2 - np.trace(t @ t)) / 2)
                    blocks[3].append(float(np.linalg.det(t)))
        found += [value for block in blocks for value in block]
    return found


def plain_mbdf(descriptor: Any, structure: Structure) -> list[float]:
    """Quadrature for each triple of atoms, as the reference implementation has it."""
    z, x = structure.numbers.astype(float), 1.88973 * structure.positions
    cutoff = 1.88973 * descriptor.config.cutoff
    r, theta = 0.1 * np.arange(81), 0.02 * np.arange(158)
    waves = 3 + 100 * np.cos(theta) - 200 * np.cos(2 * theta) - 164 * np.cos(3 * theta)
    apart = np.linalg.norm(x[:, None] - x, axis=2)
    values = np.zeros((len(z), 6))
    for i, value in enumerate(values):
        near = [j for j in range(len(z)) if j != i and apart[i, j] < cutoff]
        for j in near:
            y = r - apart[i, j]
            g = z[i] ** 0.8 * z[j] * np.exp(-(y**2))
            value[0] += np.trapezoid(g * np.exp(-10.8 * r), dx=0.1)
            value[1] += np.trapezoid(g / (2.2508 * (r + 1) ** 3), dx=0.1)
            value[2] += np.trapezoid(-2 * y * g / (2.2508 * (r + 1) ** 6), dx=0.1)
            value[3] += np.trapezoid((4 * y**2 - 2) * g * np.exp(-1.5 * r), dx=0.1)
            k = np.array([k for k in near if k != j])
            a, b, c = apart[i, j], apart[i, k], apart[j, k]
            one = np.clip((x[k] - x[i]) @ (x[j] - x[i]) / (a * b), -1, 1)
            two = (x[k] - x[j]) @ (x[i] - x[j]) / (a * c)
            three = np.einsum("kx,kx->k", x[i] - x[k], x[j] - x[k]) / (b * c)
            weight = (z[i] * z[j] * z[k]) ** 0.8 / (a * b * c) ** 4
            y = theta - np.arccos(one)[:, None]
            g = weight[:, None] * np.exp(-2 * y**2)
            value[4] += np.trapezoid(g * waves, dx=0.02).sum()
            cosines = 1 + np.cos(theta) * (one * two * three)[:, None]
            value[5] += np.trapezoid(-4 * y * g * cosines, dx=0.02).sum()
    return by_element(descriptor, structure, values)


def by_element(descriptor: Any, structure: Structure, values: np.ndarray) -> list[float]:
    """Return a row of numbers an atom, (n, f), grouped by element and sorted by distance."""
    z, x = structure.numbers, structure.positions
    order = np.argsort(np.linalg.norm(x - x[structure.absorber], axis=1))
    rows = np.concatenate([order[z[order] == number] for number in descriptor.species_])
    found: list[float] = values[rows].ravel().tolist()
    return found


def published_mbdf(file: Path) -> Callable[[Any, Structure], list[float]]:
    """Return the functionals by the code of their authors (Numba), which is in ``file``."""
    vars(np).setdefault("trapz", np.trapezoid)  # the name that the code knows
    sys.path.insert(0, str(file.parent))
    code = importlib.import_module(file.stem)

    def functionals(descriptor: Any, structure: Structure) -> list[float]:
        (values,) = code.generate_mbdf(
            structure.numbers[None],
            structure.positions[None],
            n_jobs=1,
            cutoff_r=descriptor.config.cutoff,
            normalized=False,
        )
        return by_element(descriptor, structure, values)

    return functionals


PLAIN: dict[str, tuple[dict[str, Any], Callable[[Any, Structure], list[float]]]] = {
    "coulomb": ({"counts": {"H": 20, "O": 14, "S": 1}}, plain_coulomb),
    "mbdf": ({"normalization": "none"}, plain_mbdf),
    "wacsf": ({}, plain_wacsf),
    "gt": ({}, plain_gt),
}


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(
    descriptor: Descriptor, plain: Callable[[Any, Structure], list[float]], samples: Structures
) -> None:
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
    files = [argument for argument in sys.argv[1:] if argument.endswith("xyz")]
    codes = [argument for argument in sys.argv[1:] if argument.endswith(".py")]
    samples = given(files[0]) if files else random_clusters(50)
    for name in [a for a in sys.argv[1:] if a not in files + codes] or PLAIN:
        settings, plain = PLAIN[name]
        if name == "mbdf" and codes:
            plain = published_mbdf(Path(codes[0]))
        compare(host().build("descriptor", name, settings), plain, samples)


if __name__ == "__main__":
    main()
