"""What intervals hold on trajectories of water that nothing was learned from, over many splits.

Run by hand in a clone::

    python benchmarks/intervals.py internal --squares --penalty 1
    python benchmarks/intervals.py acsf --penalty 1e-3

A ridge regression, quick enough for hundreds of trainings, is judged on four trajectories at a
time; its intervals are learned from ten folds of the other thirty.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from xreg.core.data.splits import make_folds
from xreg.core.model.conformal.intervals import LEVELS, Errors, Intervals
from xreg.core.model.scaling import Scaler
from xreg.registry.datasets import open_dataset
from xreg.registry.plugins import host

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
TESTED, FOLDS = 4, 10


def predicted(X: Array, Y: Array, train: Rows, held: Rows, penalty: float, squares: bool) -> Array:
    """Return predictions of some rows by a ridge regression on others."""
    scaler = Scaler.fit(X[train], "standard")
    A, B = scaler.transform(X[train]), scaler.transform(X[held])
    if squares:
        i, j = np.triu_indices(A.shape[1])
        A, B = (np.hstack([Z, Z[:, i] * Z[:, j]]) for Z in (A, B))
    mean = Y[train].mean(axis=0)
    return (
        B @ np.linalg.solve(A.T @ A + penalty * np.eye(A.shape[1]), A.T @ (Y[train] - mean)) + mean
    )


def distances(X: Array, train: Rows, held: Rows) -> Array:
    """Return the mean distance of some rows to the five nearest others."""
    scaler = Scaler.fit(X[train], "standard")
    return cKDTree(scaler.transform(X[train])).query(scaler.transform(X[held]), 5)[0].mean(axis=1)


def main(descriptor: str, penalty: float, squares: bool, splits: int) -> None:
    dataset = open_dataset("h2o", "1.0.0", None)
    samples = dataset.samples[:]
    X = host().build("descriptor", descriptor, {}).fit(samples).transform(samples)
    Y = np.asarray(dataset.spectra["xes"].intensity[:], float)
    groups = np.asarray(dataset.labels["trajectory"]).astype(str)
    rng = np.random.default_rng(0)
    held: list[list[float]] = []
    for split in range(splits):
        tested = np.isin(groups, rng.permutation(np.unique(groups))[:TESTED])
        pool, test = np.flatnonzero(~tested), np.flatnonzero(tested)
        error, far = np.empty((len(pool), Y.shape[1])), np.empty(len(pool))
        for train, judged in make_folds(len(pool), FOLDS, seed=split, groups=groups[pool]):
            rows = pool[train], pool[judged]
            error[judged] = Y[rows[1]] - predicted(X, Y, *rows, penalty, squares)
            far[judged] = distances(X, *rows)
        known = np.ones(len(pool), dtype=bool)
        errors = Errors(error, None, far, groups[pool], known)
        intervals = Intervals.fit(errors, np.empty(0, np.uint64))
        assert intervals is not None
        made = np.abs(Y[test] - predicted(X, Y, pool, test, penalty, squares))
        new = distances(X, pool, test)
        inside = [
            made <= intervals.half_width(level, known[: len(test)], None, new) for level in LEVELS
        ]
        held.append([float(np.mean(one)) for one in inside])
    for level, shares in zip(LEVELS, np.array(held).T, strict=True):
        sure = shares.std(ddof=1) / np.sqrt(splits)
        print(f"{100 * level:.0f} % intervals hold {100 * shares.mean():.1f} ± {100 * sure:.1f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("descriptor")
    parser.add_argument("--penalty", type=float, default=1.0)
    parser.add_argument("--squares", action="store_true")
    parser.add_argument("--splits", type=int, default=20)
    given = parser.parse_args()
    main(given.descriptor, given.penalty, given.squares, given.splits)
