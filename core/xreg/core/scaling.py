"""Scaling of features and targets, learned on the training set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.errors import DataError

__all__ = ["FeatureScaling", "Scaler", "TargetScaling"]

FeatureScaling = Literal["none", "standard"]
TargetScaling = Literal["none", "global", "channel", "box"]
Mode = Literal["none", "standard", "global", "channel", "box"]
# Tails of narrow Gaussians fill columns with values down to 1e-120: divided by their own spread,
# the first structure beyond the training data would stand millions of spreads away.
NEARLY_EMPTY = 1e-6


@dataclass(frozen=True, eq=False)
class Scaler:
    """An affine map x -> (x - mean) / scale.

    Attributes
    ----------
    mean, scale
        (d,) each; a column that does not vary becomes zero.
    constant
        Columns that did not vary in training. Features whose spread is below 1e-6 of the largest
        are counted among them, and measured by that largest spread.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    constant: tuple[int, ...] = ()

    @classmethod
    def fit(cls, values: ArrayLike, mode: Mode) -> Self:
        """Learn a scaling.

        Parameters
        ----------
        values
            (n, d) training data.
        mode
            ``standard`` or ``channel``: mean and standard deviation of each column. ``global``:
            mean of each column, one standard deviation for all, so that shapes and the covered
            variance of raw intensities are kept. ``box``: the least of all values becomes 0 and
            the greatest 1, one box for all columns, as published errors of 2p absorption have it.
            ``none``: nothing.
        """
        x = np.asarray(values, dtype=np.float64)
        if x.ndim != 2 or not len(x):
            raise DataError(f"scaling needs a matrix with rows; got an array of shape {x.shape}.")
        mean, std = x.mean(axis=0), x.std(axis=0)
        # Rounding leaves a spread of a few ulp in a constant column; that is no signal.
        still = std <= 1e-12 * np.maximum(np.abs(mean), np.finfo(float).tiny)
        unit = 1.0
        if mode == "standard" and not still.all():
            unit = float(std[~still].max())
            still |= std <= NEARLY_EMPTY * unit
        constant = tuple(np.flatnonzero(still).tolist())
        if mode == "none":
            return cls(np.zeros(x.shape[1]), np.ones(x.shape[1]), constant)
        if mode == "box":
            low, high = float(x.min()), float(x.max())
            width = high - low if high > low else 1.0
            return cls(np.full(x.shape[1], low), np.full(x.shape[1], width), constant)
        if mode == "global":
            spread = float(np.sqrt(np.mean(np.where(still, 0.0, std) ** 2)))
            return cls(mean, np.full(x.shape[1], spread if spread > 0 else 1.0), constant)
        return cls(mean, np.where(still, unit, std), constant)

    @property
    def zero(self) -> NDArray[np.float64]:
        """(d,) what a row of zeros becomes."""
        return -self.mean / self.scale

    def transform(self, values: ArrayLike) -> NDArray[np.float64]:
        """Scale (n, d) values."""
        scaled = np.asarray(values, dtype=np.float64) - self.mean
        scaled /= self.scale
        return scaled

    def inverse_transform(self, values: ArrayLike) -> NDArray[np.float64]:
        """Undo :meth:`transform`."""
        restored = np.asarray(values, dtype=np.float64) * self.scale
        restored += self.mean
        return restored
