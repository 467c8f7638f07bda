"""How good predictions are: arrays in, numbers and tables out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.interfaces import Decomposer
from xreg.core.metrics import covered_variance, sample_r2, spectrum_error

__all__ = [
    "DECILES",
    "channel_table",
    "covered_variances",
    "decile_rows",
    "feature_scores",
    "part_scores",
    "varying_channels",
]

# Shares of the set that score no better than the spectra drawn as examples.
DECILES = {"first decile": 0.1, "median": 0.5, "ninth decile": 0.9}
# A channel that varies less than this share of the one that varies most is left out of the
# standardised score: dividing by a spread of nearly nothing would let noise decide it.
LEAST_SPREAD = 1e-2
# Target features may differ in unit: only one whose spread is no more than rounding is left out.
ROUNDING = 1e-12
# Upper bounds of the intervals in which spectrum errors are counted, in per cent
# (published convention for 2p XAS; a spectrum beyond the last is an outlier).
SPECTRUM_ERROR_BOUNDS = (3.0, 4.0, 5.0, 6.0, 7.0, 10.0)


def part_scores(
    known: ArrayLike, predicted: ArrayLike, spread: ArrayLike, *, spectra: bool = True
) -> dict[str, Any]:
    """Return all scores of one part (train, validation or test).

    Parameters
    ----------
    known, predicted
        (n, m) targets in the units of the data.
    spread
        (m,) standard deviation of each channel over the training set, for ``r2_standardised``.
    spectra
        Whether rows are spectra; scores of single spectra mean nothing for target features, and
        the spreads of these, which may differ in unit, cannot be compared.

    Returns
    -------
    dict
        ``samples``; ``r2``, the covered variance of raw targets; ``r2_standardised``, that of
        targets divided by their spread channel by channel, over the ``standardised_channels``
        whose spread is at least a hundredth of the largest (of target features: all that vary);
        ``rmse`` in the unit of the data;
        for spectra ``sample_r2`` (deciles and median of the single spectra's R²) and
        ``spectrum_error`` (median, ninth decile, share of outliers and counts by interval, in per
        cent). A score that needs variation is None where nothing varies.
    """
    true, guess = np.asarray(known, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    varied = bool(np.any(true != true[:1]))
    scale = np.asarray(spread, dtype=np.float64)
    counted = varying_channels(scale, spectra=spectra)
    standardised = (values[:, counted] / scale[counted] for values in (true, guess))
    scores: dict[str, Any] = {
        "samples": len(true),
        "r2": covered_variance(true, guess) if varied else None,
        "r2_standardised": covered_variance(*standardised) if varied and counted.any() else None,
        "standardised_channels": int(counted.sum()),
        "rmse": float(np.sqrt(np.mean((true - guess) ** 2))),
    }
    if spectra:
        single = sample_r2(true, guess)
        error = 100 * spectrum_error(true, guess)
        scores["sample_r2"] = {
            name.replace(" ", "_"): _quantile(single, share) for name, share in DECILES.items()
        }
        counts, _ = np.histogram(error, bins=[0, *SPECTRUM_ERROR_BOUNDS, np.inf])
        names = [f"below {bound:g} %" for bound in SPECTRUM_ERROR_BOUNDS] + ["10 % and more"]
        scores["spectrum_error"] = {
            "median": _quantile(error, 0.5),
            "ninth_decile": _quantile(error, 0.9),
            "outliers": float(np.mean(error >= SPECTRUM_ERROR_BOUNDS[-1]) * 100),
            "counts": dict(zip(names, counts.tolist(), strict=True)),
        }
    return scores


def varying_channels(spread: NDArray[np.float64], *, spectra: bool = True) -> NDArray[np.bool_]:
    """Return the (m,) mask of the channels that a standardised score counts, by their spread."""
    least = LEAST_SPREAD if spectra else ROUNDING
    return (spread > 0) & (spread >= least * spread.max())


def _quantile(values: NDArray[np.float64], share: float) -> float | None:
    """Return a quantile of the finite values, None where there is none."""
    finite = values[np.isfinite(values)]
    return float(np.quantile(finite, share)) if len(finite) else None


def decile_rows(scores: ArrayLike) -> dict[str, int]:
    """Return the row whose score stands at the first decile, the median and the ninth decile."""
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    order = order[np.isfinite(values[order])]
    return {
        name: int(order[round(share * (len(order) - 1))])
        for name, share in DECILES.items()
        if len(order)
    }


def channel_table(known: ArrayLike, predicted: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Return (m,) columns for each energy or target feature.

    ``bias`` is the mean of predicted minus true, ``rmse`` the root mean square of it, ``spread``
    the standard deviation of the true values, and ``r2`` one minus the ratio of the squares (NaN
    where nothing varies).
    """
    true, guess = np.asarray(known, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    residual = guess - true
    mse, variance = np.mean(residual**2, axis=0), np.var(true, axis=0)
    return {
        "bias": residual.mean(axis=0),
        "rmse": np.sqrt(mse),
        "spread": np.sqrt(variance),
        "r2": 1 - mse / np.where(variance > 0, variance, np.nan),
    }


def feature_scores(
    known: ArrayLike, predicted: ArrayLike, names: Sequence[str]
) -> dict[str, dict[str, float | None]]:
    """Return ``r2`` (None where nothing varies), ``rmse``, ``bias`` and ``spread`` by name."""
    table = channel_table(known, predicted)
    return {
        name: {
            key: float(table[key][i]) if np.isfinite(table[key][i]) else None
            for key in ("r2", "rmse", "bias", "spread")
        }
        for i, name in enumerate(names)
    }


def covered_variances(
    decomposer: Decomposer, parts: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
) -> dict[str, list[float]]:
    """Return the covered variance of the first 1…k directions for each part.

    Parameters
    ----------
    decomposer
        Fitted, with its emulator.
    parts
        Standardised features (n, d) and scaled targets (n, m) by name of the part; a part whose
        targets do not vary is left out.
    """
    return {
        part: [float(value) for value in decomposer.covered_variance(X, Y)]
        for part, (X, Y) in parts.items()
        if len(Y) and np.ptp(Y, axis=0).any()
    }
