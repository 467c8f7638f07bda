"""What decomposers with an orthonormal basis of feature space share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.arrays import Array
from xreg.core.errors import CorruptError
from xreg.core.interfaces import Decomposer, TorchView
from xreg.core.interfaces.component import ConfigT
from xreg.core.model.scaling import varying

__all__ = ["LinearDecomposer", "embedded", "representative_rows", "signed"]

CANDIDATES = 512


class LinearDecomposer(Decomposer[ConfigT]):
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

    components_: Array
    mean_: Array
    candidates_: Array

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back a saved state whose arrays fit together; a CorruptError otherwise."""
        super().restore(values, arrays)
        held = {name: np.shape(getattr(self, name, 0.0)) for name in ("components_", "mean_")}
        if not any(name in {**values, **arrays} for name in held):
            return
        shape = held["components_"]
        candidates = np.shape(getattr(self, "candidates_", np.empty((0, *shape[:1]))))
        if len(shape) != 2 or held["mean_"] != shape[1:] or candidates[1:] != shape[:1]:
            raise CorruptError(
                f"the saved decomposer '{self.name}' holds directions of shape {shape}, a mean of "
                f"{held['mean_']} and scores of {candidates}, which do not fit together; the file "
                "is damaged."
            )

    @property
    def rank(self) -> int:
        """Number k of directions found."""
        self.require_fitted()
        return len(self.components_)

    def transform(self, X: ArrayLike) -> Array:
        """Return the (n, k) projections of (n, d) features."""
        self.require_fitted()
        x = self._features(X, self.components_.shape[1])
        return np.asarray((x - self.mean_) @ self.components_.T)

    def inverse_transform(self, t: ArrayLike) -> Array:
        """Return the (n, d) features on the first j directions, for (n, j) scores."""
        self.require_fitted()
        scores = self._scores(t)
        return np.asarray(self.mean_ + scores @ self.components_[: scores.shape[1]])

    def reconstruct(self, Y: ArrayLike, *, starts: int = 8) -> Array:
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

        self.require_fitted()
        known = torch.tensor(self._spectra(Y))
        start = torch.tensor(self.candidates_)
        return fit_scores(self._torch_decode(), known, start, starts=starts).numpy()

    def _torch_decode(self) -> TorchView:
        """Return :meth:`decode` of all k scores as a differentiable function."""
        import torch

        from xreg.core.nn.view import as_affine

        basis, mean = torch.tensor(self.components_), torch.tensor(self.mean_)
        view = as_affine(self._attached().torch_view(), basis.shape[1])
        weight = view.weight.double()
        offset, slope = mean @ weight + view.bias.double(), basis @ weight
        return lambda t: view.tail(offset + t @ slope)

    def _varying(self, X: Array) -> NDArray[np.bool_]:
        """Tell which of d features vary: the others get no weight and stay as they are.

        A weight on a feature without variance changes no score, so nothing would determine it; nor
        would anything but chance one on a feature that the scaler took for nearly empty.

        Raises
        ------
        DataError
            If fewer features vary than there shall be directions.
        """
        mask = varying(X)
        self.require_rank((len(X), int(mask.sum())))
        return mask

    def _keep(self, components: Array, mean: Array, X: Array) -> None:
        """Store a basis, its signs fixed, and scores to start reconstructions from."""
        self.components_ = signed(components)
        self.mean_ = mean
        self.candidates_ = self.transform(X[representative_rows(len(X))])


def embedded(components: Array, varying: NDArray[np.bool_]) -> Array:
    """Return (k, d) vectors that are zero but for the features where (k, c) ones are given."""
    vectors = np.zeros((len(components), len(varying)))
    vectors[:, varying] = components
    return vectors


def signed(components: Array) -> Array:
    """Return basis vectors turned so that the loading of largest size is positive."""
    largest = np.take_along_axis(components, np.abs(components).argmax(1)[:, None], axis=1)
    return components * np.where(largest < 0, -1.0, 1.0)


def representative_rows(n: int, most: int = CANDIDATES) -> NDArray[np.intp]:
    """Return at most that many row numbers of n, evenly spaced."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.intp))
