"""Columns of features that are left out before scaling, chosen on the training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.errors import DataError
from xreg.core.interfaces import FeatureLabel
from xreg.core.model.scaling import Moments

__all__ = ["FeatureFilter", "KeptColumns"]

BLOCK = 512


@dataclass(frozen=True, eq=False)
class KeptColumns:
    """Which of d columns are kept, and why the others are not.

    Attributes
    ----------
    columns
        (k,) columns kept; ascending, unless they were chosen otherwise.
    described
        Number d of columns that the descriptor gives.
    flat
        Columns whose variance is too small.
    follows
        Kept column that each dropped one follows, by dropped column.
    constant
        All of the d columns that do not vary at all, dropped or not.
    """

    columns: NDArray[np.intp]
    described: int
    flat: tuple[int, ...] = ()
    follows: dict[int, int] = field(default_factory=dict)
    constant: tuple[int, ...] = ()

    def transform(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, k) columns kept of (n, d) values."""
        x = np.asarray(values, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.described:
            raise DataError(
                f"the filter was fitted on {self.described} features and got an array of shape "
                f"{x.shape}."
            )
        return x if np.array_equal(self.columns, np.arange(self.described)) else x[:, self.columns]

    def labels(self, labels: Sequence[FeatureLabel]) -> list[FeatureLabel]:
        """Return those of d labels whose columns are kept."""
        return [labels[column] for column in self.columns.tolist()]

    def table(self, labels: Sequence[FeatureLabel]) -> dict[str, Any]:
        """Return the whole choice in words, as JSON values."""
        names = [label.name for label in labels]
        return {
            "described": self.described,
            "kept": [names[column] for column in self.columns.tolist()],
            "constant": [names[column] for column in self.constant],
            "dropped_by_variance": [names[column] for column in self.flat],
            "dropped_by_correlation": [
                {"feature": names[column], "follows": names[kept]}
                for column, kept in self.follows.items()
            ],
        }

    def state(self) -> dict[str, Any]:
        """Return it as JSON values; :meth:`restore` is the way back."""
        return {
            "columns": self.columns.tolist(),
            "described": self.described,
            "flat": self.flat,
            "follows": list(self.follows.items()),
            "constant": self.constant,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> KeptColumns:
        """Take back what :meth:`state` returned."""
        return cls(
            np.array(state["columns"], dtype=np.intp),
            state["described"],
            tuple(state["flat"]),
            {column: kept for column, kept in state["follows"]},
            tuple(state["constant"]),
        )


@dataclass(frozen=True)
class FeatureFilter:
    """Thresholds by which columns are left out; one that is None leaves out nothing.

    Attributes
    ----------
    variance
        A column is kept if its variance over the training set, in the square of its own unit, is
        larger. Zero drops constant columns; what varies by rounding alone counts as constant.
    correlation
        A column is dropped if the size of Pearson's r with an earlier column that is kept is
        larger. So each dropped column has a kept one that says the same, and no two kept ones do.
    variance_share
        Share of all columns that go for having the least variance; of equal ones the later go.
    """

    variance: float | None = None
    correlation: float | None = None
    variance_share: float | None = None

    def fit(self, values: ArrayLike, moments: Moments | None = None) -> KeptColumns:
        """Choose columns of (n, d) training features, whose moments may be known.

        Raises
        ------
        DataError
            If no column would be left.
        """
        x = np.asarray(values, dtype=np.float64)
        moments = moments or Moments.of(x)
        still = moments.still(features=True)
        kept = np.ones_like(still)
        if self.variance is not None:
            kept = ~still & (moments.std**2 > self.variance)
            if not kept.any():
                raise DataError(
                    f"no feature has a variance above {self.variance:g} on the training set; lower "
                    "'features.variance'."
                )
        if self.variance_share is not None:
            order = np.argsort(np.where(still, 0.0, -(moments.std**2)), kind="stable")
            count = len(order) - round(self.variance_share * len(order))
            kept[order[count:]] = False
            if not kept.any():
                raise DataError("no feature is left; lower 'features.variance_share'.")
        flat = np.flatnonzero(~kept)
        follows: dict[int, int] = {}
        if self.correlation is not None:
            # A constant column has no correlation: what is not there to correlate stays.
            follows = _followers(x, moments, np.flatnonzero(kept & ~still), self.correlation)
            kept[list(follows)] = False
        constant = tuple(np.flatnonzero(still).tolist())
        return KeptColumns(
            np.flatnonzero(kept), x.shape[1], tuple(flat.tolist()), follows, constant
        )


def _followers(
    x: NDArray[np.float64], moments: Moments, columns: NDArray[np.intp], threshold: float
) -> dict[int, int]:
    """Return the kept column that each column to drop follows.

    Columns are taken in blocks against all that are kept so far, which needs no (d, d) matrix.
    """
    kept = np.empty((len(x), len(columns)))
    places: list[int] = []
    follows: dict[int, int] = {}
    for low in range(0, len(columns), BLOCK):
        chosen = columns[low : low + BLOCK]
        block = (x[:, chosen] - moments.mean[chosen]) / (moments.std[chosen] * np.sqrt(len(x)))
        before = np.abs(kept[:, : len(places)].T @ block)
        within = np.abs(block.T @ block)
        fresh: list[int] = []
        known = list(places)
        for i, column in enumerate(chosen.tolist()):
            sizes = np.concatenate([before[:, i], within[fresh, i]])
            if len(sizes) and sizes.max() > threshold:
                follows[column] = known[int(sizes.argmax())]
            else:
                fresh.append(i)
                known.append(column)
        kept[:, len(places) : len(known)] = block[:, fresh]
        places = known
    return follows
