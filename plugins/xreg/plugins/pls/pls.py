"""Partial least squares."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.errors import DataError
from xreg.core.interfaces import Emulator
from xreg.core.linear import LinearDecomposer
from xreg.plugins.pls.plugin import PLSConfig

__all__ = ["PLS"]

EMPTY = 1e-9  # scores this small beside the features are rounding


class PLS(LinearDecomposer):
    """Directions of feature space that vary together with the spectra, and a linear prediction.

    Partial least squares (scikit-learn's PLSRegression, no scaling of its own) fixes a space of k
    directions. Their basis is chosen by the singular value decomposition of the spectra that PLS
    fits to the training set: the first j orthonormal vectors span the j directions within that
    space through which a linear map covers most of the spectra. Each rank has its own linear map.

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
    slopes_: NDArray[np.float64]
    intercept_: NDArray[np.float64]

    def fit(self, X: ArrayLike, Y: ArrayLike, emulator: Emulator | None = None) -> Self:
        """Find the directions of (n, d) features that (n, m) targets vary with.

        Raises
        ------
        DataError
            If there are fewer features than directions, the targets do not vary, or nothing of them
            is left for a direction to vary with.
        """
        from sklearn.cross_decomposition import PLSRegression

        x, y = self._clean(X, Y)
        config: PLSConfig = self.config
        self._varying(x)  # refuses where too few vary
        if not np.ptp(y, axis=0).any():
            raise DataError(f"decomposer '{self.name}': the targets do not vary.")
        found = PLSRegression(
            config.rank, scale=False, max_iter=config.iterations, tol=config.tolerance
        ).fit(x, y)
        space = np.linalg.qr(found.x_rotations_)[0]
        size = np.linalg.norm(found.x_scores_, axis=0)
        if not size.min() > EMPTY * np.linalg.norm(x - x.mean(axis=0)):
            raise DataError(
                f"decomposer '{self.name}' finds fewer than {config.rank} directions that vary "
                "with the targets; lower its rank."
            )
        mean, self.intercept_ = x.mean(axis=0), y.mean(axis=0)
        self.emulator = emulator
        self._keep(space.T, mean, x)
        scores = self.transform(x)
        slope = np.linalg.lstsq(scores, y - self.intercept_, rcond=None)[0]
        # Fitted spectra are scores @ slope; their right singular vectors pick the directions.
        right = np.linalg.svd(scores @ slope, full_matrices=False)[2]
        turn = np.linalg.qr((slope @ right.T)[:, : config.rank], mode="complete")[0]
        self._keep(turn.T @ self.components_, mean, x)
        scores = self.transform(x)
        self.slopes_ = np.zeros((config.rank, config.rank, y.shape[1]))
        for j in range(1, config.rank + 1):
            self.slopes_[j - 1, :j] = np.linalg.lstsq(
                scores[:, :j], y - self.intercept_, rcond=None
            )[0]
        return self

    def decode(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, m) spectra of the first j scores (n, j), by that rank's linear map."""
        self.require_fitted()
        scores = self._scores(t)
        j = scores.shape[1]
        return np.asarray(self.intercept_ + scores @ self.slopes_[j - 1, :j])

    def reconstruct(self, Y: ArrayLike, *, starts: int = 1) -> NDArray[np.float64]:
        """Return the (n, k) scores whose spectra fit given ones best; ``starts`` plays no part.

        The map is linear, so that its pseudo-inverse gives the least squares at once; of several
        solutions (more directions than channels) it is the shortest.
        """
        self.require_fitted()
        return np.asarray((self._spectra(Y) - self.intercept_) @ np.linalg.pinv(self.slopes_[-1]))
