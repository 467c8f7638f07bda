"""What decomposers with an orthonormal basis of feature space share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.errors import DataError, NotFittedError
from xreg.core.interfaces import Decomposer

__all__ = ["LinearDecomposer", "representative_rows", "signed"]

CANDIDATES = 512


class LinearDecomposer(Decomposer):
    """A decomposer whose scores are projections, t = (x - mean) Vᵀ, and x^(k) = mean + t V.

    Attributes
    ----------
    components_
        (k, d) orthonormal vectors as rows; of each, the loading of largest size is positive.
    mean_
        (d,) point through which the directions go (zero for standardised features).
    candidates_
        (c, k) scores of training samples, where :meth:`reconstruct` starts.
    """

    components_: NDArray[np.float64]
    mean_: NDArray[np.float64]
    candidates_: NDArray[np.float64]

    @property
    def rank(self) -> int:
        """Number k of directions found."""
        self.require_fitted()
        return len(self.components_)

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, k) projections of (n, d) features."""
        self.require_fitted()
        x = np.asarray(X, dtype=np.float64)
        d = self.components_.shape[1]
        if x.ndim != 2 or x.shape[1] != d:
            raise DataError(
                f"decomposer '{self.name}' was fitted on {d} features and got an array of shape "
                f"{x.shape}."
            )
        return np.asarray((x - self.mean_) @ self.components_.T)

    def inverse_transform(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, d) features on the first j directions, for (n, j) scores."""
        self.require_fitted()
        scores = np.asarray(t, dtype=np.float64)
        if scores.ndim != 2 or not 1 <= scores.shape[1] <= self.rank:
            raise DataError(
                f"decomposer '{self.name}' has {self.rank} directions and got scores of shape "
                f"{scores.shape}."
            )
        return np.asarray(self.mean_ + scores @ self.components_[: scores.shape[1]])

    def reconstruct(self, Y: ArrayLike, *, starts: int = 8) -> NDArray[np.float64]:
        """Return the (n, k) scores whose predicted spectra fit given spectra best.

        Parameters
        ----------
        Y
            (n, m) spectra, scaled as the emulator's targets are.
        starts
            Least-squares searches for each spectrum, from training scores spread over the range;
            the best result is kept.
        """
        import torch

        from xreg.core.nn.inverse import fit_scores
        from xreg.core.nn.view import as_affine

        self.require_fitted()
        if self.emulator is None:
            raise NotFittedError(
                f"decomposer '{self.name}' has no emulator; attach the one it was fitted with."
            )
        basis, mean = torch.tensor(self.components_), torch.tensor(self.mean_)
        view = as_affine(self.emulator.torch_view(), basis.shape[1])
        weight = view.weight.double()
        offset, slope = mean @ weight + view.bias.double(), basis @ weight
        known = np.asarray(Y, dtype=np.float64)
        if known.ndim != 2 or not np.isfinite(known).all():
            raise DataError(
                f"decomposer '{self.name}' reconstructs from a finite (n, m) matrix of spectra."
            )
        found = fit_scores(
            lambda t: view.tail(offset + t @ slope),
            torch.tensor(known),
            torch.tensor(self.candidates_),
            starts=starts,
        )
        return found.numpy()

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

    def _require_rank(self, rank: int, X: NDArray[np.float64]) -> None:
        if rank > min(X.shape):
            raise DataError(
                f"decomposer '{self.name}' cannot find {rank} directions among {X.shape[1]} "
                f"features of {X.shape[0]} samples; lower its rank."
            )

    def _keep(
        self, components: NDArray[np.float64], mean: NDArray[np.float64], X: NDArray[np.float64]
    ) -> None:
        """Store a basis, its signs fixed, and scores to start reconstructions from."""
        self.components_ = signed(components)
        self.mean_ = mean
        self.candidates_ = self.transform(X[representative_rows(len(X))])


def signed(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return basis vectors turned so that the loading of largest size is positive."""
    largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], axis=1)
    return components * np.where(largest < 0, -1.0, 1.0)


def representative_rows(n: int, most: int = CANDIDATES) -> NDArray[np.intp]:
    """Return at most that many row numbers of n, evenly spaced."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.intp))
