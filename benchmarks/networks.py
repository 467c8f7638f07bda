"""Costs of the L-edge networks: locally connected layers, a training step, prediction.

Processor times on one thread; predictions by the clock too. Scores come from
``xreg run examples/l-edges/ni2-dnn.yaml``; docs/notes/l-edge-networks.md says on which data. Run by
hand::

    python benchmarks/networks.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from xreg.core.data.samples import Parameters
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.trust import Trust
from xreg.core.nn.sequences import locally_connected
from xreg.plugins.networks import networks
from xreg.plugins.polynomial.polynomial import Polynomial
from xreg.workbench.predict.predict import predict

# Samples, positions, kernel, channels in and out.
SHAPES = ((256, 40, 7, 24), (256, 63, 9, 16), (256, 20, 7, 48), (64, 160, 25, 32))
COMPARED = (("dnn", {}), ("cnn", {}), ("tcnn", {}), ("lcnn", {}), ("slcnn", {"layers": 7}))
ROWS, BATCH, FEATURES, CHANNELS = 1024, 256, 219, 501


def taken(
    work: Callable[[], object], turns: int = 3, clock: Callable[[], float] = time.process_time
) -> float:
    """Return milliseconds, the best of some turns after a first one."""
    work()
    times = []
    for _ in range(turns):
        start = clock()
        work()
        times.append(clock() - start)
    return 1e3 * min(times)


def unfolded(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return torch.einsum("npck,pkcf->npf", x.unfold(1, weight.shape[1], 1), weight)


def shifted(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    length, kernel = weight.shape[:2]
    parts = [torch.bmm(x[:, j : j + length].transpose(0, 1), weight[:, j]) for j in range(kernel)]
    return torch.stack(parts).sum(0).transpose(0, 1)


def both_ways(
    layer: Callable[..., torch.Tensor], x: torch.Tensor, weight: torch.Tensor, ones: torch.Tensor
) -> None:
    layer(x, weight).backward(ones)


def layers() -> None:
    print("| n, positions, kernel, channels | own (ms) | GFLOP/s | unfold (ms) | by shifts (ms) |")
    print("|---|---:|---:|---:|---:|")
    for n, length, kernel, channels in SHAPES:
        x = torch.randn(n, length + kernel - 1, channels, requires_grad=True)
        weight = torch.randn(length, kernel, channels, channels, requires_grad=True)
        ones = torch.ones(n, length, channels)
        own, unfold, shifts = (
            taken(partial(both_ways, f, x, weight, ones))
            for f in (locally_connected, unfolded, shifted)
        )
        work = 6 * n * length * kernel * channels**2
        print(f"| {n}, {length}, {kernel}, {channels} | {own:.1f} | {work / own / 1e6:.0f} | "
              f"{unfold:.1f} | {shifts:.1f} |", flush=True)  # fmt: skip


def steps() -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(ROWS, FEATURES)), rng.uniform(size=(ROWS, CHANNELS))
    print("\n| network | million weights | step (ms) | in bfloat16 (ms) | 10,000 spectra (s) |")
    print("|---|---:|---:|---:|---:|")
    for name, settings in COMPARED:
        kind = getattr(networks, name.upper())
        cells = []
        for precision in ("single", "bfloat16"):
            common = {"batch": BATCH, "early_stopping": False, "precision": precision, "threads": 1}
            # What one pass takes beside the first: building and copying are no part of a step.
            few, many = (
                taken(partial(kind(**common, **settings, epochs=k).fit, X, Y), 1) for k in (1, 4)
            )
            cells.append((many - few) / 3 / (ROWS // BATCH))
        emulator = kind(**common, **settings, epochs=1).fit(X, Y)
        count = sum(p.numel() for p in emulator.network_.parameters()) / 1e6
        predict = taken(partial(emulator.predict, X)) * 10 / ROWS
        print(f"| `{name}` | {count:.2f} | {cells[0]:.0f} | {cells[1]:.0f} | {predict:.2f} |",
              flush=True)  # fmt: skip


def drawn(n: int) -> Parameters:
    """Return n samples of nine parameters."""
    values = np.random.default_rng(n).uniform(size=(n, 9))
    return Parameters([str(i) for i in range(n)], values, tuple("abcdefghi"), ("eV",) * 9)


def predictions() -> None:
    """Time 10,000 samples the way ``xreg predict`` takes: parameters in, spectra and trust out."""
    train, many = drawn(ROWS), drawn(10_000)
    Y = np.random.default_rng(0).uniform(size=(ROWS, CHANNELS))
    target = Target("xas", np.arange(float(CHANNELS)))
    print("\n| networks | one thread (s) | two threads, by the clock (s) |")
    print("|---:|---:|---:|")
    for count in (1, 2, 3, 5):
        cells = []
        for threads in (1, 2):
            emulator = networks.DNN(
                epochs=1, early_stopping=False, residual=True, ensemble=count, threads=threads
            )
            model = Pipeline(emulator, Polynomial(degree=3)).fit(train, Y, target)
            inputs = model.inputs(train)
            mean, std = model.emulator.predict_with_spread(inputs)
            model.trust = Trust.fit(inputs, inputs, mean, std, Y)
            clock = time.process_time if threads == 1 else time.perf_counter
            cells.append(taken(partial(predict, model, many), clock=clock) / 1e3)
        print(f"| {count} | {cells[0]:.2f} | {cells[1]:.2f} |", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    layers()
    steps()
    predictions()
