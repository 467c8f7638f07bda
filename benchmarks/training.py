"""Epochs a second of the training loop, against the usual torch loop with a DataLoader.

420 features → three hidden layers of 128 ELU neurons → 16 targets, 20,000 samples, batches of 200,
Adam. Run by hand::

    python benchmarks/training.py [EPOCHS] [THREADS]

Then ten to thirty candidates of a search, which differ in learning rate, one after another and
together, for several widths of the hidden layers; turns alternate, the median of each counts. One
after another they are trained by the usual loop, by one with tensors in memory and a fused Adam
(the quickest by torch's own means), and by ``mlp``.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator
from statistics import median

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from xreg.plugins.mlp.mlp import MLP

SAMPLES, FEATURES, TARGETS, WIDTH, BATCH, NETWORKS = 20_000, 420, 16, 128, 200, 10
ROUNDS = 5


def usual(
    X: np.ndarray, Y: np.ndarray, epochs: int, width: int = WIDTH, *, quick: bool = False
) -> float:
    """Train the loop of the tutorials, or one with tensors in memory; return seconds an epoch."""
    x, y = (torch.tensor(a, dtype=torch.float32) for a in (X, Y))
    layers = []
    for n_in in (FEATURES, width, width):
        layers += [torch.nn.Linear(n_in, width), torch.nn.ELU()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(width, TARGETS))
    adam = torch.optim.Adam(network.parameters(), 1e-3, fused=quick)
    loader = DataLoader(TensorDataset(x, y), BATCH, shuffle=True)

    def resident() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for rows in torch.randperm(SAMPLES).split(BATCH):
            yield x[rows], y[rows]

    start = time.perf_counter()
    for _ in range(epochs):
        for a, b in resident() if quick else loader:
            loss = torch.nn.functional.mse_loss(network(a), b)
            adam.zero_grad()
            loss.backward()
            adam.step()
    return (time.perf_counter() - start) / epochs


def ours(X: np.ndarray, Y: np.ndarray, epochs: int, networks: int) -> float:
    """Train ``mlp`` and return its seconds for an epoch of one network."""
    model = MLP(
        depth=3,
        width=WIDTH,
        batch=BATCH,
        epochs=epochs,
        loss="mse",
        early_stopping=False,
        ensemble=networks,
    )
    start = time.perf_counter()
    model.fit(X, Y)
    return (time.perf_counter() - start) / (networks * epochs)


def candidates(
    X: np.ndarray, Y: np.ndarray, count: int, width: int, epochs: int
) -> tuple[float, float, float, float]:
    """Return the seconds for candidates: by both loops, by ``mlp`` in turn, and together."""
    turns: list[list[float]] = [[], [], [], []]
    for _ in range(ROUNDS):
        for quick in (False, True):
            turns[quick].append(count * epochs * usual(X, Y, epochs, width, quick=quick))
        for together in (False, True):
            emulators = [
                MLP(
                    depth=3,
                    width=width,
                    batch=BATCH,
                    epochs=epochs,
                    loss="mse",
                    early_stopping=False,
                    learning_rate=1e-3 * (1 + i),
                )
                for i in range(count)
            ]
            start = time.perf_counter()
            if together:
                MLP.fit_many(emulators, X, Y)
            else:
                for emulator in emulators:
                    emulator.fit(X, Y)
            turns[2 + together].append(time.perf_counter() - start)
    loops, quick_loops, apart, at_once = map(median, turns)
    return loops, quick_loops, apart, at_once


def main(epochs: int = 10, threads: int = 2) -> None:
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(SAMPLES, FEATURES))
    Y = np.tanh(X @ rng.normal(size=(FEATURES, TARGETS)) / 20)
    print(f"{platform.machine()}, {threads} thread(s), torch {torch.__version__}\n")
    few = max(1, epochs // 5)
    seconds = {
        "DataLoader loop, one network": usual(X, Y, epochs),
        "tensors in memory, fused Adam, one network": usual(X, Y, epochs, quick=True),
        "`mlp`, one network": ours(X, Y, epochs, 1),
        f"`mlp`, {NETWORKS} networks one after another": np.mean(
            [ours(X, Y, few, 1) for _ in range(NETWORKS)]
        ),
        f"`mlp`, {NETWORKS} networks at once": ours(X, Y, few, NETWORKS),
    }
    print("| training | network-epochs a second | times the DataLoader loop |")
    print("|---|---:|---:|")
    reference = next(iter(seconds.values()))
    for name, time_ in seconds.items():
        print(f"| {name} | {1 / time_:.1f} | {reference / time_:.2f} |")

    print(
        "\n| candidates | width | together (s) | DataLoader loops | tensors in memory "
        "| `mlp` one after another |"
    )
    print("|---:|---:|---:|---:|---:|---:|")
    for width in (128, 64, 32, 16):
        for count in (NETWORKS, 2 * NETWORKS, 3 * NETWORKS):
            *others, together = candidates(X, Y, count, width, few)
            times = " | ".join(f"{other:.2f} s, {other / together:.1f} ×" for other in others)
            print(f"| {count} | {width} | {together:.2f} | {times} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
