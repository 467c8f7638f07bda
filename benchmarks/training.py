"""Epochs a second of the training loop, against the usual torch loop with a DataLoader.

420 features → three hidden layers of 128 ELU neurons → 16 targets, 20,000 samples, batches of 200,
Adam. Run by hand::

    python benchmarks/training.py [EPOCHS] [THREADS]
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


def usual(X: np.ndarray, Y: np.ndarray, epochs: int) -> float:
    """Train the loop of the tutorials and return its epochs a second."""
    x, y = (torch.tensor(a, dtype=torch.float32) for a in (X, Y))
    layers = []
    for n_in in (FEATURES, WIDTH, WIDTH):
        layers += [torch.nn.Linear(n_in, WIDTH), torch.nn.ELU()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(WIDTH, TARGETS))
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


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
