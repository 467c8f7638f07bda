"""Ridge regression as the linear yardstick of emulators."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from xreg.core.arrays import Array
from xreg.core.interfaces import Emulator, TorchView
from xreg.core.metrics import covered_variance
from xreg.plugins.ridge.plugin import RidgeConfig

__all__ = ["Ridge"]


class Ridge(Emulator[RidgeConfig]):
    """Linear regression with an L2 penalty on the coefficients (scikit-learn's Ridge).

    Attributes
    ----------
    coefficients_, intercept_
        (d, m) and (m,).
    alpha_
        The penalty used.
    """

    name: ClassVar[str] = "ridge"
    Config = RidgeConfig
    coefficients_: Array
    intercept_: Array
    alpha_: float

    def _fit(self, X: Array, Y: Array, validation: tuple[Array, Array] | None) -> None:
        from sklearn import linear_model

        alpha = self.config.alpha
        if alpha is None and validation is not None and len(validation[0]) > 1:
            self._fit_path(X, Y, validation)
            return
        if alpha is None:
            model = linear_model.RidgeCV(self.config.alphas).fit(X, Y)
            alpha = float(model.alpha_)
        else:
            model = linear_model.Ridge(alpha).fit(X, Y)
        self.alpha_ = alpha
        self.coefficients_ = np.array(np.atleast_2d(model.coef_).T, order="C")
        self.intercept_ = np.array(np.atleast_1d(model.intercept_))

    def _fit_path(self, X: Array, Y: Array, validation: tuple[Array, Array]) -> None:
        """Take the penalty that explains most of the validation samples.

        One eigendecomposition serves all penalties, where a fit for each takes it anew; of X X^T
        where samples are fewer than features, of X^T X otherwise.
        """
        from scipy.linalg import eigh

        centre, level = X.mean(axis=0), Y.mean(axis=0)
        x, y = X - centre, Y - level
        if len(x) < x.shape[1]:
            size, vectors = eigh(x @ x.T)
            basis, heights = x.T @ vectors, vectors.T @ y
        else:
            size, basis = eigh(x.T @ x)
            heights = (x @ basis).T @ y
        # Rounding leaves zeros slightly negative.
        shrunk = [heights / (size.clip(0) + a)[:, None] for a in self.config.alphas]
        held = (validation[0] - centre) @ basis
        scores = [covered_variance(validation[1], held @ h + level) for h in shrunk]
        best = int(np.argmax(scores))
        self.alpha_ = self.config.alphas[best]
        self.coefficients_ = basis @ shrunk[best]
        self.intercept_ = level - centre @ self.coefficients_

    def _predict(self, X: Array) -> tuple[Array, None]:
        return X @ self.coefficients_ + self.intercept_, None

    def torch_view(self) -> TorchView:
        """Return the linear map as a differentiable function, in the precision of x."""
        import torch

        from xreg.core.nn.view import AffineView

        self.require_fitted()
        return AffineView(
            torch.tensor(self.coefficients_),
            torch.tensor(self.intercept_),
            lambda z: z,
            any_device=True,
        )
