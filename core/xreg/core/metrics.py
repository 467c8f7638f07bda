"""Scores of predicted spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.errors import DataError

__all__ = ["covered_variance", "sample_r2", "spectrum_error"]


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


def sample_r2(true: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    """Return the (n,) coefficient of determination of each single spectrum.

    One minus the squared error of a spectrum over its variance about its own mean intensity: the
    quality as the eye judges one spectrum, unlike :func:`covered_variance`, which is relative to
    the spread over the set. A flat true spectrum gives NaN.
    """
    known, guess = _pair(true, predicted)
    spread = _spread(known, axis=1)
    error = np.sum((known - guess) ** 2, axis=1)
    return 1.0 - error / np.where(spread > 0, spread, np.nan)


def spectrum_error(true: ArrayLike, predicted: ArrayLike) -> NDArray[np.float64]:
    r"""Return the (n,) spectrum error :math:`\sum|p - t| / \sum|p + t|`, as a fraction."""
    known, guess = _pair(true, predicted)
    scale = np.sum(np.abs(known + guess), axis=1)
    return np.sum(np.abs(known - guess), axis=1) / np.where(scale > 0, scale, np.nan)


def _spread(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Sum of squares about the mean, exactly zero where rounding is all that varies."""
    squares = np.sum((values - values.mean(axis=axis, keepdims=True)) ** 2, axis=axis)
    return np.where(squares > 1e-24 * np.sum(values**2, axis=axis), squares, 0.0)


def _pair(true: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known = np.asarray(true, dtype=np.float64)
    guess = np.asarray(predicted, dtype=np.float64)
    if known.shape != guess.shape or not known.size:
        raise DataError(f"cannot score predictions {guess.shape} against targets {known.shape}.")
    if known.ndim == 1:
        known, guess = known[:, None], guess[:, None]
    return known, guess
