"""Time of XANESNET's published training, against its arithmetic and against two usual loops.

97 features → 512 → 512 → 226, ReLU, batch normalisation, dropout 0.25, Adam, batches of 32, 6,800
spectra, as ``examples/cu-k/xanesnet.yaml`` says. A few epochs are timed in turns, and the fastest
turn of each is scaled to 512 epochs. Run by hand::

    python benchmarks/xanesnet.py [TURNS] [EPOCHS]
"""

from __future__ import annotations

import platform
import sys
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import yaml
from sklearn.neural_network import MLPRegressor
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from xreg.plugins.mlp.mlp import MLP

RECIPE = Path(__file__).parents[1] / "examples/cu-k/xanesnet.yaml"
SPECTRA, FEATURES, CHANNELS, EPOCHS = 6_800, 97, 226, 512


def arithmetic(widths: list[int], speed: float) -> float:
    """Return the seconds that the matrix products of one epoch need at a speed in flop/s."""
    shapes = [FEATURES, *widths, CHANNELS]
    products = [a * b for a, b in pairwise(shapes)]
    # Forward, gradient of the weights, and gradient of each layer's input but the first.
    return 2 * SPECTRA * (3 * sum(products) - products[0]) / speed


def product_speed(m: int, n: int, k: int, seconds: float = 0.5) -> float:
    """Return the flop/s of an (m, k) by (k, n) product in single precision."""
    a, b, out = torch.rand(m, k), torch.rand(k, n), torch.empty(m, n)
    best, end = np.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(10):
            torch.mm(a, b, out=out)
        best = min(best, (time.perf_counter() - start) / 10)
    return 2 * m * n * k / best


def ours(X: np.ndarray, Y: np.ndarray, settings: dict, epochs: int) -> float:
    """Return the seconds of one epoch of ``mlp``."""
    model = MLP(**{**settings, "epochs": epochs, "threads": 1})
    start = time.perf_counter()
    model.fit(X, Y)
    return (time.perf_counter() - start) / epochs


def usual(X: np.ndarray, Y: np.ndarray, settings: dict, epochs: int) -> float:
    """Return the seconds of one epoch of the loop of the tutorials."""
    x, y = (torch.tensor(a, dtype=torch.float32) for a in (X, Y))
    layers: list[nn.Module] = []
    n_in = FEATURES
    for width in settings["widths"]:
        layers += [nn.Linear(n_in, width), nn.BatchNorm1d(width), nn.ReLU()]
        layers.append(nn.Dropout(settings["dropout"]))
        n_in = width
    network = nn.Sequential(*layers, nn.Linear(n_in, CHANNELS))
    adam = torch.optim.Adam(network.parameters(), settings["learning_rate"])
    loader = DataLoader(TensorDataset(x, y), settings["batch"], shuffle=True)
    start = time.perf_counter()
    for _ in range(epochs):
        for a, b in loader:
            loss = nn.functional.mse_loss(network(a), b)
            adam.zero_grad()
            loss.backward()
            adam.step()
    return (time.perf_counter() - start) / epochs


def sklearn(X: np.ndarray, Y: np.ndarray, settings: dict, epochs: int) -> float:
    """Return the seconds of one epoch of scikit-learn, which has no normalisation or dropout."""
    model = MLPRegressor(
        hidden_layer_sizes=settings["widths"],
        learning_rate_init=settings["learning_rate"],
        batch_size=settings["batch"],
        max_iter=epochs,
        n_iter_no_change=epochs,
    )
    x, y = X.astype(np.float32), Y.astype(np.float32)
    start = time.perf_counter()
    with warnings.catch_warnings():  # that it has not converged
        warnings.simplefilter("ignore")
        model.fit(x, y)
    return (time.perf_counter() - start) / epochs


def main(turns: int = 3, epochs: int = 2) -> None:
    torch.set_num_threads(1)
    settings = yaml.safe_load(RECIPE.read_text())["emulator"]
    settings.pop("name")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(SPECTRA, FEATURES))
    Y = np.tanh(X @ rng.normal(size=(FEATURES, CHANNELS)) / 10)
    runs: dict[str, Callable[..., float]] = {
        "`mlp` by the recipe": ours,
        "DataLoader loop (torch)": usual,
        "`MLPRegressor` (scikit-learn)": sklearn,
    }
    best = dict.fromkeys(runs, np.inf)
    large = small = 0.0
    for _ in range(turns):
        large = max(large, product_speed(1024, 1024, 1024))
        small = max(small, product_speed(settings["batch"], 512, 512))
        for name, run in runs.items():
            best[name] = min(best[name], run(X, Y, settings, epochs))
    print(f"{platform.machine()}, one thread, torch {torch.__version__}; products: ", end="")
    print(f"{large / 1e9:.0f} Gflop/s at 1024³, {small / 1e9:.0f} at 32 × 512 × 512\n")
    need = arithmetic(settings["widths"], large)
    rows = {
        "matrix products alone, at 1024³": need,
        "matrix products alone, at 32 × 512 × 512": arithmetic(settings["widths"], small),
        **best,
    }
    print("| training | s an epoch | s for 512 epochs | times the products | times `mlp` |")
    print("|---|---:|---:|---:|---:|")
    mine = best["`mlp` by the recipe"]
    for name, seconds in rows.items():
        print(
            f"| {name} | {seconds:.3f} | {seconds * EPOCHS:.0f} | {seconds / need:.1f} "
            f"| {seconds / mine:.2f} |"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
