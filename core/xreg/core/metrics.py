"""Scores of predicted spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.arrays import Array
from xreg.core.errors import DataError

__all__ = [
    "covered_variance",
    "covered_variance_interval",
    "mean_variance_interval",
    "sample_r2",
    "spectrum_error",
]

RESAMPLES = 1000
MANY = 500
LEVEL = 0.95  # share of the draws inside an interval
BLOCK = 4_000_000  # numbers held at once


def covered_variance(true: ArrayLike, predicted: ArrayLike) -> float:
    r"""Return the generalised covered variance, the score of emulation and decomposition.

    :math:`R^2 = 1 - \mathrm{tr}(\tilde S^T \tilde S) / \mathrm{tr}(S^T S)` with S the true targets
    as rows, mean-subtracted channel by channel, and :math:`\tilde S` true minus predicted (Niskanen
    et al., R. Soc. Open Sci. 9, 220093 (2022)). One for a perfect prediction, zero for the mean
    spectrum. The value depends on whether targets were standardised per channel: say so with it.

    Parameters
    ----------
    true, predicted
        (n, m) or (n,) targets.
    """
    known, guess = _pair(true, predicted)
    total = float(np.sum(_spread(known, axis=0)))
    if total == 0:
        raise DataError("the covered variance of targets that do not vary is undefined.")
    return 1.0 - float(np.sum((known - guess) ** 2)) / total


def covered_variance_interval(
    true: ArrayLike,
    predicted: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Return between which values the covered variance lies, as far as so few samples can tell.

    A percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13):
    whole groups are drawn with replacement, as many as there are, and the score of each draw is
    taken. It says how the score varies with the choice of test samples; the model is the same.

    Parameters
    ----------
    true, predicted
        (n, m) or (n,) targets.
    groups
        (n,) group of each sample, whose members are near-copies; each sample by itself if not
        given.
    seed
        Seed of the draws.

    Returns
    -------
    tuple of float or None
        Both ends; None for fewer than two groups, or where nothing varies.
    """
    known, guess = _pair(true, predicted)
    own = np.arange(len(known)) if groups is None else np.asarray(groups)
    _, member = np.unique(own, return_inverse=True)
    count = int(member.max()) + 1
    if count < 2 or not _spread(known, axis=0).sum():
        return None
    rng = np.random.default_rng(seed)
    member, count = _in_lots(member, count, rng)
    return _percentiles(_draws([_sums(known, guess, member, count)], count, rng))


def mean_variance_interval(
    splits: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]],
    *,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Return between which values the mean covered variance of several splits lies.

    As :func:`covered_variance_interval`, with groups drawn once for all splits: a group that is
    tested in several of them is drawn in all or in none, so that tests that overlap do not count
    as so many independent ones.

    Parameters
    ----------
    splits
        True and predicted (n, m) targets of what each split tests, and its (n,) groups.
    seed
        Seed of the draws.

    Returns
    -------
    tuple of float or None
        Both ends; None for fewer than two groups, or where nothing varies.
    """
    names = [np.asarray(groups).astype(str) for _, _, groups in splits]
    every, member = np.unique(np.concatenate(names), return_inverse=True)
    count = len(every)
    if count < 2:
        return None
    rng = np.random.default_rng(seed)
    member, count = _in_lots(member, count, rng)
    parts = np.split(member, np.cumsum([len(one) for one in names])[:-1])
    sums = [
        _sums(*_pair(true, guess), part, count)
        for (true, guess, _), part in zip(splits, parts, strict=True)
    ]
    return _percentiles(_draws(sums, count, rng))


Sums = tuple[Array, Array, Array, Array]


def _in_lots(
    member: NDArray[np.intp], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], int]:
    """Return groups put together at random where they are very many, and how many that leaves.

    Sums over random lots of groups vary as those over the groups do.
    """
    if count <= MANY:
        return member, count
    return (rng.permutation(count) % MANY)[member], MANY


def _sums(known: Array, guess: Array, member: NDArray[np.intp], count: int) -> Sums:
    """Return, by group, sums and squares of centred targets, squares of errors, and sizes."""
    order = np.argsort(member, kind="stable")
    inside, starts = np.unique(member[order], return_index=True)
    centred = (known - known.mean(axis=0))[order]
    sums, squares, errors = np.zeros((count, known.shape[1])), np.zeros(count), np.zeros(count)
    sums[inside] = np.add.reduceat(centred, starts, axis=0)
    squares[inside] = np.add.reduceat(np.sum(centred**2, axis=1), starts)
    errors[inside] = np.add.reduceat(np.sum((known - guess)[order] ** 2, axis=1), starts)
    return sums, squares, errors, np.bincount(member, minlength=count).astype(np.float64)


def _draws(splits: Sequence[Sums], count: int, rng: np.random.Generator) -> Array:
    """Return the mean score of each draw of groups, but for those in which nothing varies."""
    found = []
    width = max(sums.shape[1] for sums, *_ in splits)
    size = max(1, min(RESAMPLES, BLOCK // max(count, width)))
    for start in range(0, RESAMPLES, size):
        draws = min(size, RESAMPLES - start)
        weights = rng.multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)
        scores = np.full((len(splits), draws), np.nan)
        for row, (sums, squares, errors, sizes) in enumerate(splits):
            middle = np.sum((weights @ sums) ** 2, axis=1) / np.maximum(weights @ sizes, 1)
            total = weights @ squares - middle
            # A draw of one group alone may have next to no variation.
            varied = total > 1e-12 * squares.sum()
            scores[row, varied] = 1 - (weights @ errors)[varied] / total[varied]
        some = np.isfinite(scores).any(axis=0)
        found.append(np.nanmean(scores[:, some], axis=0))
    return np.concatenate(found)


def _percentiles(scores: Array) -> tuple[float, float] | None:
    if not scores.size:
        return None
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def sample_r2(true: ArrayLike, predicted: ArrayLike) -> Array:
    """Return the (n,) coefficient of determination of each single spectrum.

    One minus the squared error of a spectrum over its variance about its own mean intensity: the
    quality as the eye judges one spectrum, unlike :func:`covered_variance`, which is relative to
    the spread over the set. A flat true spectrum gives NaN.
    """
    known, guess = _pair(true, predicted)
    spread = _spread(known, axis=1)
    error = np.sum((known - guess) ** 2, axis=1)
    return 1.0 - error / np.where(spread > 0, spread, np.nan)


def spectrum_error(true: ArrayLike, predicted: ArrayLike) -> Array:
    r"""Return the (n,) spectrum error :math:`\sum|p - t| / \sum|p + t|`, as a fraction."""
    known, guess = _pair(true, predicted)
    scale = np.sum(np.abs(known + guess), axis=1)
    return np.sum(np.abs(known - guess), axis=1) / np.where(scale > 0, scale, np.nan)


def _spread(values: Array, axis: int) -> Array:
    """Sum of squares about the mean, exactly zero where rounding is all that varies."""
    squares = np.sum((values - values.mean(axis=axis, keepdims=True)) ** 2, axis=axis)
    return np.where(squares > 1e-24 * np.sum(values**2, axis=axis), squares, 0.0)


def _pair(true: ArrayLike, predicted: ArrayLike) -> tuple[Array, Array]:
    known = np.asarray(true, dtype=np.float64)
    guess = np.asarray(predicted, dtype=np.float64)
    if known.shape != guess.shape or not known.size:
        raise DataError(f"cannot score predictions {guess.shape} against targets {known.shape}.")
    if known.ndim == 1:
        known, guess = known[:, None], guess[:, None]
    return known, guess
