"""Decomposers: the few directions of feature space that the spectrum sees."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.errors import DataError, NotFittedError
from xreg.core.interfaces.component import Component, ConfigT
from xreg.core.interfaces.emulator import Emulator
from xreg.core.metrics import covered_variance

__all__ = ["Decomposer"]


class Decomposer(Component[ConfigT]):
    """Finds the few directions of feature space that the spectrum sees.

    Attributes
    ----------
    needs_emulator
        Whether ``fit`` needs a trained emulator; one that trains its own network does not.
    components_
        (k, d) basis vectors as rows, for a linear method.
    """

    kind: ClassVar[str] = "decomposer"
    needs_emulator: ClassVar[bool] = True
    emulator: Emulator | None = None

    @abstractmethod
    def fit(self, X: ArrayLike, Y: ArrayLike, emulator: Emulator | None = None) -> Self:
        """Find the directions.

        Parameters
        ----------
        X
            (n, d) standardised features.
        Y
            (n, m) targets, scaled as the emulator's are.
        emulator
            Trained on such X and Y.
        """

    def require_rank(self, shape: tuple[int, int]) -> None:
        """Raise `DataError` if features of this shape (n, d) lack the directions asked for.

        Whoever trains an emulator first asks before that.
        """
        n, d = shape
        if (rank := getattr(self.config, "rank", 1)) > min(shape):
            raise DataError(
                f"decomposer '{self.name}' cannot find {rank} directions among {d} features of {n} "
                "samples; lower its rank."
            )

    @property
    @abstractmethod
    def rank(self) -> int:
        """Number k of directions found."""

    @abstractmethod
    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, k) scores t."""

    @abstractmethod
    def inverse_transform(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, d) features that j <= k scores (n, j) stand for."""

    def decode(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, m) spectra that j <= k scores (n, j) stand for.

        By default the emulator predicts them from the features of the scores; a method that brings
        its own prediction overrides this, and then an attached emulator plays no part.
        """
        return np.asarray(self._attached().predict(self.inverse_transform(t)))

    def _attached(self) -> Emulator:
        if self.emulator is None:
            raise NotFittedError(
                f"decomposer '{self.name}' has no emulator; attach the one it was fitted with."
            )
        return self.emulator

    def predict(self, X: ArrayLike, rank: int | None = None) -> NDArray[np.float64]:
        """Return the (n, m) spectra seen through the first ``rank`` directions (all by default)."""
        return self.decode(self.transform(X)[:, :rank])

    def covered_variance(self, X: ArrayLike, Y: ArrayLike) -> NDArray[np.float64]:
        """Return the (k,) covered spectral variance of the first 1…k directions."""
        known = np.asarray(Y)
        return np.array(
            [covered_variance(known, self.predict(X, j)) for j in range(1, self.rank + 1)]
        )

    def reconstruct(self, Y: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, k) scores whose predicted spectra fit given spectra best."""
        raise DataError(f"decomposer '{self.name}' cannot reconstruct scores from spectra.")

    def _clean(self, X: ArrayLike, Y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return features and targets of ``fit`` as matrices, or say what is wrong with them."""
        x, y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
        y = y[:, None] if y.ndim == 1 else y
        if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
            raise DataError(
                f"decomposer '{self.name}' cannot match features of shape {x.shape} with targets "
                f"of shape {y.shape}."
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise DataError(f"decomposer '{self.name}': features and targets must be finite.")
        return x, y

    def _features(self, X: ArrayLike, d: int) -> NDArray[np.float64]:
        """Return features to transform as a matrix of the d columns that ``fit`` saw."""
        x = np.asarray(X, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != d:
            raise DataError(
                f"decomposer '{self.name}' was fitted on {d} features and got an array of shape "
                f"{x.shape}."
            )
        return x

    def _scores(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return scores as an (n, j) matrix with 1 <= j <= k."""
        scores = np.asarray(t, dtype=np.float64)
        if scores.ndim != 2 or not 1 <= scores.shape[1] <= self.rank:
            raise DataError(
                f"decomposer '{self.name}' has {self.rank} directions and got scores of shape "
                f"{scores.shape}."
            )
        return scores

    def _spectra(self, Y: ArrayLike) -> NDArray[np.float64]:
        """Return spectra to reconstruct from as a matrix."""
        known = np.asarray(Y, dtype=np.float64)
        if known.ndim != 2 or not np.isfinite(known).all():
            raise DataError(
                f"decomposer '{self.name}' reconstructs from a finite (n, m) matrix of spectra."
            )
        return known
