"""Weights of blocks of features, learned on folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.arrays import Array
from xreg.core.data.splits import make_folds
from xreg.core.metrics import covered_variance
from xreg.core.model.scaling import Scaler

__all__ = ["learn_weights"]

MOST = 800  # samples that weights are learned on
FOLDS = 4
STEPS = (0.0, 0.25, 4.0)  # by which a weight is changed in turn
ROUNDS = 3
RIDGES = (1e-3, 1e-2, 1e-1)
GAIN = 1e-3  # of R²: less is no reason to change a weight


def learn_weights(
    blocks: Mapping[str, ArrayLike],
    Y: ArrayLike,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
) -> tuple[dict[str, float], float]:
    """Return the weight of each block with which a kernel ridge regression errs least on folds.

    Squared distances of standardised columns are averaged within each block and added with the
    weights; the kernel is Matérn's of order 3/2, of the length of the typical distance. Weights
    begin equal and are changed one at a time, to nothing, a quarter or fourfold, as long as that
    gains. Only their ratios count: the largest is one.

    Parameters
    ----------
    blocks
        (n, d) features of each block, of training samples alone.
    Y
        (n, m) targets.
    groups
        (n,) group of each sample; no fold divides one.
    seed
        Of the folds, and of the samples where there are more than 800.

    Returns
    -------
    weights, score
        Weight of each block, and R² on the folds with them.
    """
    targets = np.asarray(Y, np.float64)
    rows = np.sort(np.random.default_rng(seed).permutation(len(targets))[:MOST])
    targets = targets[rows]
    own = None if groups is None else np.asarray(groups)[rows]
    count = len(rows) if own is None else len(np.unique(own))
    folds = make_folds(len(rows), min(FOLDS, count), seed=seed, groups=own)
    distances = {name: _distances(np.asarray(X, np.float64)[rows]) for name, X in blocks.items()}

    def score(weights: Mapping[str, float]) -> float:
        total = np.sum([weights[name] * squares for name, squares in distances.items()], axis=0)
        return max(_score(total, targets, folds, ridge) for ridge in RIDGES)

    return _climb(dict.fromkeys(blocks, 1.0), score)


def _climb(
    weights: dict[str, float], score: Callable[[Mapping[str, float]], float]
) -> tuple[dict[str, float], float]:
    """Change weights one at a time as long as that gains."""
    best = score(weights)
    for _ in range(ROUNDS):
        before = best
        for name in list(weights):
            for step in STEPS:
                tried = {**weights, name: weights[name] * step}
                if not any(tried.values()) or tried == weights:
                    continue
                found = score(tried)
                if found > best + GAIN:
                    weights, best = tried, found
        if best == before:
            break
    largest = max(weights.values())
    return {name: value / largest for name, value in weights.items()}, best


def _distances(X: Array) -> Array:
    """Return (n, n) mean squares of differences of standardised columns that vary."""
    scaler = Scaler.fit(X, "standard")
    varying = np.delete(scaler.transform(X), list(scaler.constant), axis=1)
    squares = np.square(varying).sum(axis=1)
    found = squares[:, None] + squares - 2 * varying @ varying.T
    return np.maximum(found, 0.0) / max(1, varying.shape[1])


def _score(
    squares: Array,
    targets: Array,
    folds: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
    ridge: float,
) -> float:
    typical = float(np.median(squares[squares > 0])) if (squares > 0).any() else 1.0
    r = np.sqrt(3 * squares / typical)
    kernel = (1 + r) * np.exp(-r)
    predicted = np.empty_like(targets)
    for train, held in folds:
        mean = targets[train].mean(axis=0)
        inner = kernel[np.ix_(train, train)] + ridge * np.eye(len(train))
        found = np.linalg.solve(inner, targets[train] - mean)
        predicted[held] = kernel[np.ix_(held, train)] @ found + mean
    return covered_variance(targets, predicted)
