"""How often a model calls samples `outside`: those like its training, and those that are not.

All on samples that nobody looked at while the limits were chosen. Run by hand::

    python benchmarks/novelty.py [STRUCTURES.extxyz] [DATASET ...]

Structures are random clusters of seeds from 1000 on, described by wACSF; with a file, its
structures too, whose first atom absorbs. Parameters are uniform in a box of six. Of a dataset 49,
150 and 300 samples drawn at random are trained on, and 300 others are judged.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descriptors import given
from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.model.domain import Target
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.core.testing import clusters
from xreg.plugins.polynomial.polynomial import Polynomial
from xreg.plugins.ridge.ridge import Ridge
from xreg.plugins.soap.soap import SOAP
from xreg.plugins.wacsf.wacsf import WACSF
from xreg.registry.datasets import open_dataset

SEEDS = range(1000, 1005)
BEYOND = (0.02, 0.05, 0.1, 0.5, 2.0)  # of the range of a parameter
TARGET = Target("xas", np.arange(3.0))


def outside(model: Model, samples: Samples) -> float:
    """Return the share of samples that are called so, in per cent."""
    inputs = model.inputs(samples)
    predicted = np.zeros((len(samples), 3))
    return 100 * float(model.assess(samples, inputs, predicted, None).outside.mean())


def fitted(samples: Samples, descriptor: WACSF | SOAP | Polynomial, seed: int) -> Model:
    """Return a model of spectra that do not matter here."""
    spectra = np.random.default_rng(seed).random((len(samples), 3))
    return Pipeline(Ridge(), descriptor).fit(samples, spectra, TARGET)


def changed(samples: Structures, what: str) -> Structures:
    """Return structures that are scaled, or of which only an absorber and a neighbour stay."""
    if what.startswith("×"):
        positions = np.array(samples.positions) * float(what[1:])
        return Structures(
            samples.ids, samples.numbers, positions, samples.offsets, samples.absorber
        )
    numbers, positions, found = [], [], []
    for one in samples:
        centre = one.positions[one.absorber]
        order = np.argsort(np.linalg.norm(one.positions - centre, axis=1))
        kept = order[: 1 if what == "bare" else 2]
        place = one.positions[kept] - centre
        if what == "far":
            place[1] *= 9.9 / np.linalg.norm(place[1])
        numbers += one.numbers[kept].tolist()
        positions.append(place)
        found.append(len(kept))
    return Structures(
        samples.ids,
        np.array(numbers),
        np.concatenate(positions),
        np.append(0, np.cumsum(found)),
        np.zeros(len(found), int),
    )


def of_structures(name: str, train: Structures, others: Structures, seed: int) -> None:
    model = fitted(train, WACSF(), seed)
    shares = [outside(model, others)]
    shares += [outside(model, changed(others, w)) for w in ("bare", "pair", "far", "×0.8", "×1.2")]
    cells = " | ".join(f"{share:.1f}" for share in shares)
    print(f"| {name} | {len(train)} | {seed} | {cells} |", flush=True)


def of_parameters(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names, units = tuple("abcdef"), ("eV",) * 6

    def table(values: NDArray[np.float64]) -> Parameters:
        return Parameters([f"{i}" for i in range(len(values))], values, names, units)

    model = fitted(table(rng.random((size, 6))), Polynomial(degree=2), seed)
    shares = [outside(model, table(rng.random((500, 6))))]
    for far in (1.02, 1.1, 1.5, 3.0, 100.0):
        values = rng.random((500, 6))
        values[np.arange(500), rng.integers(0, 6, 500)] = far
        shares.append(outside(model, table(values)))
    cells = " | ".join(f"{share:.1f}" for share in shares)
    print(f"| {size} | {seed} | {cells} |", flush=True)


def of_dataset(name: str) -> None:
    """Print the shares of a dataset, and of its samples when they are changed."""
    every = open_dataset(name).samples
    for size in (49, 150, 300):
        kinds = (WACSF(), SOAP(n_max=4, l_max=3, cutoff=5.0))
        for descriptor in kinds if isinstance(every, Structures) else (Polynomial(degree=2),):
            rows = []
            for seed in range(3):
                order = np.random.default_rng(seed).permutation(len(every))
                others = every[np.sort(order[-300:])]
                model = fitted(every[np.sort(order[:size])], descriptor, seed)
                shares = [outside(model, others)]
                if isinstance(others, Structures):
                    few, ways = others[:60], ("bare", "pair", "far", "×0.8", "×1.2")
                    shares += [outside(model, changed(few, way)) for way in ways]
                else:
                    shares += [outside(model, moved(others, by, seed)) for by in BEYOND]
                rows.append(shares)
            found = np.array(rows)
            low, high = found[:, 0].min(), found[:, 0].max()
            cells = " | ".join(f"{share:.0f}" for share in found[:, 1:].mean(axis=0))
            mean = f"{found[:, 0].mean():.1f} ({low:.1f}–{high:.1f})"
            print(f"| {name} | {descriptor.name} | {size} | {mean} | {cells} |", flush=True)


def moved(samples: Parameters, by: float, seed: int) -> Parameters:
    """Return samples of which one parameter lies beyond its range, in units of that range."""
    values = np.array(samples.values)
    low, high = values.min(axis=0), values.max(axis=0)
    column = np.random.default_rng(seed).choice(np.flatnonzero(high > low), len(values))
    values[np.arange(len(values)), column] = (high + by * (high - low))[column]
    return Parameters([f"{i}" for i in range(len(values))], values, samples.names, samples.units)


def main() -> None:
    print(
        "| structures | trained on | seed | of their kind | bare | pair | at 9.9 Å | ×0.8 | ×1.2 |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for size in (49, 300):
        for seed in SEEDS:
            of_structures("random", clusters(size, seed), clusters(200, seed + 5000), seed)
    for path in filter(Path.is_file, map(Path, sys.argv[1:])):
        every = given(path)
        for seed in SEEDS:
            order = np.random.default_rng(seed).permutation(len(every))
            train, others = (np.sort(part) for part in np.split(order, [2 * len(every) // 3]))
            of_structures("file", every[train], every[others], seed)
    print("\n| trained on | seed | inside the box | 1.02 | 1.1 | 1.5 | 3 | 100 times its width |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for size in (49, 300, 3000):
        for seed in SEEDS:
            of_parameters(size, seed)
    print("\n| dataset | by | trained on | of their kind | changed more and more |")
    print("|---|---|---:|---:|---:|")
    for name in sys.argv[1:]:
        if not Path(name).is_file():
            of_dataset(name)


if __name__ == "__main__":
    main()
