"""Principal component analysis of the features."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.decomposers.linear import LinearDecomposer
from xreg.core.interfaces import Emulator
from xreg.plugins.pca.plugin import PCAConfig

__all__ = ["PCA"]


class PCA(LinearDecomposer[PCAConfig]):
    """Directions of largest variance of the standardised features (scikit-learn's PCA).

    It never looks at spectra: what its components cover of them, through the emulator, is what a
    method that does look must exceed.

    Attributes
    ----------
    explained_variance_
        (k,) variance of the features along each component.
    explained_variance_ratio_
        (k,) its share of the features' whole variance.
    """

    name: ClassVar[str] = "pca"
    Config = PCAConfig
    needs_emulator: ClassVar[bool] = False
    explained_variance_: NDArray[np.float64]
    explained_variance_ratio_: NDArray[np.float64]

    def fit(self, X: ArrayLike, Y: ArrayLike, emulator: Emulator | None = None) -> Self:
        """Find the components of (n, d) features."""
        from sklearn.decomposition import PCA as Principal

        x, _ = self._clean(X, Y)
        self._varying(x)  # refuses where too few vary
        found = Principal(self.config.rank, random_state=self.config.seed).fit(x)
        self.emulator = emulator
        self.explained_variance_ = found.explained_variance_
        self.explained_variance_ratio_ = found.explained_variance_ratio_
        self._keep(found.components_, found.mean_, x)
        return self
