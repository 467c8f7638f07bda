"""Ridge regression as the linear yardstick of emulators."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

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
    coefficients_: NDArray[np.float64]
    intercept_: NDArray[np.float64]
    alpha_: float

    def _fit(
        self,
        X: NDArray[np.float64],
        Y: NDArray[np.float64],
        validation: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    ) -> None:
        from sklearn import linear_model

        if self.config.alpha is not None:
            model = linear_model.Ridge(self.config.alpha).fit(X, Y)
            self.alpha_ = self.config.alpha
        elif validation is not None and len(validation[0]) > 1:
            models = [linear_model.Ridge(alpha).fit(X, Y) for alpha in self.config.alphas]
            scores = [covered_variance(validation[1], m.predict(validation[0])) for m in models]
            model = models[int(np.argmax(scores))]
            self.alpha_ = self.config.alphas[int(np.argmax(scores))]
        else:
            model = linear_model.RidgeCV(self.config.alphas).fit(X, Y)
            self.alpha_ = float(model.alpha_)
        self.coefficients_ = np.array(np.atleast_2d(model.coef_).T, order="C")
        self.intercept_ = np.array(np.atleast_1d(model.intercept_))

    def _predict(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], None]:
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
