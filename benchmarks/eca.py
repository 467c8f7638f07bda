"""``eca`` with 25 starts at once, against 25 runs of the plain published procedure in turn.

The problem has the size on which the authors' public class was timed: 4,000 samples of 420
correlated features, 16 targets, an emulator of three hidden layers of 128 ELU neurons, three
components. Run by hand::

    python benchmarks/eca.py [SEQUENTIAL STARTS] [THREADS]

With fewer than 25 sequential starts their time is scaled to 25, and the table says so. The best
covered variance of the sequential starts is taken vector by vector, as if the best start of each
vector had been kept.
"""

from __future__ import annotations

import platform
import sys
import time

import numpy as np
import torch

from xreg.plugins.eca.eca import ECA
from xreg.plugins.mlp.mlp import MLP

STARTS, RANK = 25, 3


def problem(seed: int = 0, n: int = 4000, d: int = 420, m: int = 16):
    """Features ruled by 24 hidden coordinates, and two lines that six mixtures of them move."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 24))
    loads = rng.normal(size=(24, d)) * np.exp(-np.arange(24) / 12)[:, None] * 2 / np.sqrt(24)
    X = np.tanh(hidden @ loads) + 0.3 * rng.normal(size=(n, d))
    mix = rng.normal(size=(24, 6)) / np.sqrt(24) * np.array([2, 1.2, 0.9, 0.6, 0.4, 0.3])
    u = (hidden @ mix).T[:, :, None]
    energy = np.linspace(0, 1, m)
    first = (1 + 0.3 * u[1]) * np.exp(-((energy - 0.3 - 0.08 * u[0]) ** 2) / 0.02)
    height = 0.8 + 0.25 * np.tanh(u[3] + u[0] * u[1])
    second = height * np.exp(-((energy - 0.65 - 0.06 * u[2]) ** 2) / 0.01)
    Y = first + second + 0.1 * u[4] * energy
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    Y -= Y.mean(axis=0)
    return X, Y / np.sqrt(np.mean(Y**2))


def plain(network, X, Y, seed, rate=1e-3, batch=200, tolerance=1e-4, epochs=10_000):
    """Find vectors as published: one start, Adam on mini-batches, one vector after another.

    The vector is normalised inside the model; after each step its part along earlier vectors is
    removed. A vector is finished when, after 50 epochs, the mean batch loss is less than
    ``tolerance`` below its mean over the five epochs before.
    """
    torch.manual_seed(seed)
    basis = torch.empty(0, X.shape[1])
    covered = []
    for _ in range(RANK):
        v = torch.nn.init.xavier_normal_(torch.empty(1, X.shape[1]))
        v = (v - v @ basis.T @ basis).requires_grad_()
        adam = torch.optim.Adam([v], rate)
        losses = []
        for _ in range(epochs):
            batches = []
            for x, y in zip(X.split(batch), Y.split(batch), strict=True):
                unit = v / v.norm()
                guess = network(x @ basis.T @ basis + (x @ unit.T) @ unit)
                loss = (guess - y).square().sum() / (y - y.mean(0)).square().sum()
                adam.zero_grad()
                loss.backward()
                adam.step()
                with torch.no_grad():
                    v -= v @ basis.T @ basis
                batches.append(loss.item())
            losses.append(np.mean(batches))
            if len(losses) > 50 and np.mean(losses[-6:-1]) - losses[-1] < tolerance:
                break
        basis = torch.cat([basis, (v / v.norm()).detach()])
        with torch.no_grad():
            left = (network(X @ basis.T @ basis) - Y).square().sum()
            covered.append(1 - (left / (Y - Y.mean(0)).square().sum()).item())
    return covered


def main(sequential: int = STARTS, threads: int = 2) -> None:
    torch.set_num_threads(threads)
    X, Y = problem()
    emulator = MLP(depth=3, width=128, epochs=60, weight_decay=1e-4, dropout=0.1).fit(X, Y)
    print(f"{platform.machine()}, {threads} thread(s), torch {torch.__version__}")
    print(f"emulator: R² = {emulator.score(X, Y):.3f} on {len(X)} × {X.shape[1]} → {Y.shape[1]}\n")

    start = time.perf_counter()
    eca = ECA(rank=RANK, starts=STARTS).fit(X, Y, emulator)
    ours = time.perf_counter() - start

    network = torch.nn.Sequential()
    for step in (emulator.network_.first, *emulator.network_.rest):
        if hasattr(step, "weight"):
            line = torch.nn.Linear(*step.weight.shape[1:])
            line.weight.data, line.bias.data = step.weight.data[0].T.clone(), step.bias.data[0, 0]
            network.append(line)
        elif not hasattr(step, "share"):
            network.append(step)
    network.requires_grad_(False)
    features = torch.tensor(X, dtype=torch.float32)
    targets = torch.tensor(Y, dtype=torch.float32)
    start = time.perf_counter()
    runs = np.array([plain(network, features, targets, seed) for seed in range(sequential)])
    theirs = (time.perf_counter() - start) * STARTS / sequential
    scaled = "" if sequential == STARTS else f" (scaled from {sequential})"

    print("| 25 starts, three components | s | R² k=1 | k=2 | k=3 |")
    print("|---|---:|---:|---:|---:|")
    for name, seconds, covered in (
        (f"plain Adam, one start after another{scaled}", theirs, runs.max(axis=0)),
        ("`eca`, all starts at once", ours, eca.covered_variance_),
    ):
        print(f"| {name} | {seconds:.1f} | " + " | ".join(f"{r:.4f}" for r in covered) + " |")
    print(f"\n{theirs / ours:.0f} times the speed")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
