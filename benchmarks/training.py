"""Epochs a second of the training loop, against the usual torch loop with a DataLoader.

420 features → three hidden layers of 128 ELU neurons → 16 targets, 20,000 samples, batches of 200,
Adam. Run by hand::

    python benchmarks/training.py [EPOCHS] [THREADS]

Then ten and twenty candidates of a search, which differ in learning rate, one after another and
together, for several widths of the hidden layers; turns alternate, the best of each counts.
"""

from __future__ import annotations

import platform
import sys
import time

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from xreg.plugins.mlp.mlp import MLP

SAMPLES, FEATURES, TARGETS, WIDTH, BATCH, NETWORKS = 20_000, 420, 16, 128, 200, 10
ROUNDS = 4


def usual(X: np.ndarray, Y: np.ndarray, epochs: int, width: int = WIDTH) -> float:
    """Train the loop of the tutorials and return its epochs a second."""
    x, y = (torch.tensor(a, dtype=torch.float32) for a in (X, Y))
    layers = []
    for n_in in (FEATURES, width, width):
        layers += [torch.nn.Linear(n_in, width), torch.nn.ELU()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(width, TARGETS))
    adam = torch.optim.Adam(network.parameters(), 1e-3)
    loader = DataLoader(TensorDataset(x, y), BATCH, shuffle=True)
    start = time.perf_counter()
    for _ in range(epochs):
        for a, b in loader:
            loss = torch.nn.functional.mse_loss(network(a), b)
            adam.zero_grad()
            loss.backward()
            adam.step()
    return epochs / (time.perf_counter() - start)


def ours(X: np.ndarray, Y: np.ndarray, epochs: int, networks: int) -> float:
    """Train ``mlp`` and return network-epochs a second."""
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
    return networks * epochs / (time.perf_counter() - start)


def candidates(
    X: np.ndarray, Y: np.ndarray, count: int, width: int, epochs: int
) -> tuple[float, float]:
    """Return the seconds that candidates take one after another and together."""
    best = [np.inf, np.inf]
    for _ in range(ROUNDS):
        for turn in (0, 1):
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
            if turn:
                MLP.fit_many(emulators, X, Y)
            else:
                for emulator in emulators:
                    emulator.fit(X, Y)
            best[turn] = min(best[turn], time.perf_counter() - start)
    return best[0], best[1]


def main(epochs: int = 10, threads: int = 2) -> None:
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(SAMPLES, FEATURES))
    Y = np.tanh(X @ rng.normal(size=(FEATURES, TARGETS)) / 20)
    print(f"{platform.machine()}, {threads} thread(s), torch {torch.__version__}\n")
    few = max(1, epochs // 5)
    rates = {
        "DataLoader loop, one network": usual(X, Y, epochs),
        "`mlp`, one network": ours(X, Y, epochs, 1),
        f"`mlp`, {NETWORKS} networks one after another": np.mean(
            [ours(X, Y, few, 1) for _ in range(NETWORKS)]
        ),
        f"`mlp`, {NETWORKS} networks at once": ours(X, Y, few, NETWORKS),
    }
    print("| training | network-epochs a second | times the DataLoader loop |")
    print("|---|---:|---:|")
    reference = next(iter(rates.values()))
    for name, rate in rates.items():
        print(f"| {name} | {rate:.1f} | {rate / reference:.2f} |")

    print(
        "\n| candidates | width | DataLoader loops (s) | one after another (s) | together (s) "
        "| times the loops | times one after another |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for width in (128, 64, 32, 16):
        loop = few / max(usual(X, Y, 1, width) for _ in range(ROUNDS))
        for count in (NETWORKS, 2 * NETWORKS):
            loops = count * loop
            apart, together = candidates(X, Y, count, width, few)
            print(
                f"| {count} | {width} | {loops:.2f} | {apart:.2f} | {together:.2f} "
                f"| {loops / together:.1f} | {apart / together:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
