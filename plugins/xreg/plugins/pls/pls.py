"""Partial least squares."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from xreg.core.arrays import Array
from xreg.core.decomposers.linear import LinearDecomposer
from xreg.core.errors import DataError
from xreg.core.interfaces import Emulator
from xreg.plugins.pls.plugin import PLSConfig

__all__ = ["PLS"]

EMPTY = 1e-9  # scores this small beside the features are rounding


class PLS(LinearDecomposer[PLSConfig]):
    """Directions of feature space that vary together with the spectra, and a linear prediction.

    By ``method: svd``, scikit-learn's PLSSVD: the left singular vectors of the covariance of
    features and spectra (Wegelin, Technical Report 371, University of Washington 2000). By
    ``method: regression``, scikit-learn's PLSRegression fixes a space of k directions, whose basis
    is chosen by the singular value decomposition of the spectra that it fits to the training set:
    the first j orthonormal vectors span the j directions within that space through which a linear
    map covers most of the spectra. Neither scales anything. Each rank has its own linear map.

    Attributes
    ----------
    slopes_
        (k, k, m) map from the first j scores to spectra at [j - 1, :j]; zero elsewhere.
    intercept_
        (m,) spectrum at the mean of the features.
    """

    name: ClassVar[str] = "pls"
    Config = PLSConfig
    needs_emulator: ClassVar[bool] = False
    slopes_: Array
    intercept_: Array

    def fit(self, X: ArrayLike, Y: ArrayLike, emulator: Emulator | None = None) -> Self:
        """Find the directions of (n, d) features that (n, m) targets vary with.

        Raises
        ------
        DataError
            If there are fewer features than directions, the targets do not vary, or nothing of them
            is left for a direction to vary with.
        """
        x, y = self._clean(X, Y)
        self._varying(x)  # refuses where too few vary
        if not np.ptp(y, axis=0).any():
            raise DataError(f"decomposer '{self.name}': the targets do not vary.")
        mean, self.intercept_ = x.mean(axis=0), y.mean(axis=0)
        self.emulator = emulator
        find = self._by_svd if self.config.method == "svd" else self._by_regression
        self._keep(find(x - mean, y - self.intercept_), mean, x)
        scores = self.transform(x)
        self.slopes_ = np.zeros((self.config.rank, self.config.rank, y.shape[1]))
        for j in range(1, self.config.rank + 1):
            self.slopes_[j - 1, :j] = _least_squares(scores[:, :j], y - self.intercept_)
        return self

    def _by_svd(self, x: Array, y: Array) -> Array:
        """Return the (k, d) directions of largest covariance."""
        from sklearn.cross_decomposition import PLSSVD

        rank, most = self.config.rank, min(*x.shape, y.shape[1])
        found = PLSSVD(min(rank, most), scale=False).fit(x, y).x_weights_.T
        size = np.linalg.norm(found @ x.T @ y, axis=1)
        self._require(len(size) == rank and size.min() > EMPTY * size.max())
        return np.asarray(found)

    def _by_regression(self, x: Array, y: Array) -> Array:
        """Return a (k, d) basis of the space of PLS regression, ordered by what it covers."""
        from sklearn.cross_decomposition import PLSRegression

        found = PLSRegression(
            self.config.rank,
            scale=False,
            max_iter=self.config.iterations,
            tol=self.config.tolerance,
        ).fit(x, y)
        size = np.linalg.norm(found.x_scores_, axis=0)
        self._require(size.min() > EMPTY * np.linalg.norm(x))
        space = np.linalg.qr(found.x_rotations_)[0]
        scores = x @ space
        slope = _least_squares(scores, y)
        # Fitted spectra are scores @ slope; their right singular vectors pick the directions.
        right = np.linalg.svd(scores @ slope, full_matrices=False)[2]
        turn = np.linalg.qr((slope @ right.T)[:, : self.config.rank], mode="complete")[0]
        return np.asarray(turn.T @ space.T)

    def _require(self, enough: bool) -> None:
        if not enough:
            raise DataError(
                f"decomposer '{self.name}' finds fewer than {self.config.rank} directions that "
                "vary with the targets; lower its rank."
            )

    def decode(self, t: ArrayLike) -> Array:
        """Return the (n, m) spectra of the first j scores (n, j), by that rank's linear map."""
        self.require_fitted()
        scores = self._scores(t)
        j = scores.shape[1]
        return np.asarray(self.intercept_ + scores @ self.slopes_[j - 1, :j])

    def reconstruct(self, Y: ArrayLike, *, starts: int = 1) -> Array:
        """Return the (n, k) scores whose spectra fit given ones best; ``starts`` plays no part.

        The map is linear, so that its pseudo-inverse gives the least squares at once; of several
        solutions (more directions than channels) it is the shortest.
        """
        self.require_fitted()
        return np.asarray((self._spectra(Y) - self.intercept_) @ np.linalg.pinv(self.slopes_[-1]))


def _least_squares(scores: Array, y: Array) -> Array:
    return np.asarray(np.linalg.lstsq(scores, y, rcond=None)[0])
