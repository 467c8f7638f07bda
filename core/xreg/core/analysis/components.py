"""What the directions of a decomposition mean: arrays in, tables out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.arrays import Array
from xreg.core.interfaces import Decomposer, FeatureLabel

__all__ = [
    "AxisBlock",
    "Block",
    "absorber_note",
    "block_names",
    "block_shares",
    "blocks",
    "rank_correlations",
    "score_sweep",
]


@dataclass(frozen=True, eq=False)
class Block:
    """Columns of a descriptor that belong together.

    Attributes
    ----------
    name
        What they share (an element pair); empty for columns of no block.
    axis
        Quantity and unit along the block; empty where there is none.
    columns
        (c,) columns, in the order of the axis.
    """

    name: str
    axis: str
    columns: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class AxisBlock(Block):
    """Columns that stand on an axis, at (c,) positions."""

    at: Array


def blocks(labels: Sequence[FeatureLabel]) -> list[Block]:
    """Return the blocks of a descriptor's columns, in the order in which they first occur."""
    members: dict[tuple[str, str], list[int]] = {}
    for column, label in enumerate(labels):
        members.setdefault((label.block, label.axis), []).append(column)
    found: list[Block] = []
    for (name, axis), columns in members.items():
        places = [labels[column].at for column in columns]
        if axis and all(place is not None for place in places):
            at = np.array(places, dtype=np.float64)
            order = np.argsort(at, kind="stable")
            found.append(AxisBlock(name, axis, np.array(columns)[order], at[order]))
        else:
            found.append(Block(name, "", np.array(columns)))
    return found


def absorber_note(names: Iterable[str]) -> str:
    """Return a sentence on X, the absorber, where names of blocks or columns speak of it."""
    return " X is the absorber." if any(re.search(r"\bX\b", name) for name in names) else ""


def block_names(parts: Sequence[Block]) -> list[str]:
    """Return names that tell blocks apart: with the axis where two share a name."""
    names = [block.name or "others" for block in parts]
    return [
        f"{name}, {block.axis or 'no axis'}" if names.count(name) > 1 else name
        for name, block in zip(names, parts, strict=True)
    ]


def block_shares(vectors: ArrayLike, parts: Sequence[Block]) -> Array:
    """Return the (k, b) share of each block in the squared length of each of k vectors (k, d)."""
    weights = np.asarray(vectors, dtype=np.float64) ** 2
    sums = np.stack([weights[:, block.columns].sum(axis=1) for block in parts], axis=1)
    return sums / sums.sum(axis=1, keepdims=True)


def rank_correlations(scores: ArrayLike, columns: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return Spearman's correlation of each of the (n, k) scores with each column of numbers.

    Columns that are no numbers or do not vary are left out; samples where one is not finite do not
    count for it.
    """
    from scipy.stats import spearmanr

    t = np.asarray(scores, dtype=np.float64)
    table = {}
    for name, column in columns.items():
        values = np.asarray(column)
        if values.dtype.kind not in "biuf":
            continue
        known = np.isfinite(values.astype(np.float64))
        if known.sum() < 3 or len(np.unique(values[known])) < 2:
            continue
        table[name] = [
            float(spearmanr(t[known, k], values[known]).statistic) for k in range(t.shape[1])
        ]
    return table


def score_sweep(
    decomposer: Decomposer, scores: ArrayLike, direction: int, shares: Sequence[float]
) -> tuple[Array, Array]:
    """Return spectra seen while one score moves and the others rest at their median.

    Parameters
    ----------
    decomposer
        Fitted, with its emulator where it needs one to predict.
    scores
        (n, k) scores that say how far a direction reaches.
    direction
        Which score moves.
    shares
        Quantiles of that score to stop at.

    Returns
    -------
    stops
        (q,) values of the score.
    spectra
        (q, m) scaled targets.
    """
    t = np.asarray(scores, dtype=np.float64)
    stops = np.quantile(t[:, direction], shares)
    path = np.tile(np.median(t, axis=0), (len(stops), 1))
    path[:, direction] = stops
    return stops, decomposer.decode(path)
