"""A Gaussian process of one variable with noise: a smooth mean, and the spread of single points."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Process", "fit_process"]


@dataclass(frozen=True, eq=False)
class Process:
    """A fitted process.

    Attributes
    ----------
    length
        Length scale of the mean, in the unit of the variable.
    noise
        Standard deviation of single points about the mean.
    """

    model: Any
    low: float
    width: float
    length: float
    noise: float

    def predict(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (p,) mean, and standard deviation of a new point, noise included."""
        mean, spread = self.model.predict(((x - self.low) / self.width)[:, None], return_std=True)
        return mean, spread


def fit_process(
    x: NDArray[np.float64], y: NDArray[np.float64], points: int, seed: int = 0
) -> Process:
    """Fit a squared-exponential kernel with white noise (scikit-learn) by maximum likelihood.

    Parameters
    ----------
    x, y
        (n,) each; ``x`` must vary.
    points
        Of more than these, a random choice is used: the cost grows with the third power.
    seed
        Of that choice.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    if len(x) > points:
        chosen = np.random.default_rng(seed).permutation(len(x))[:points]
        x, y = x[chosen], y[chosen]
    low, width = float(x.min()), float(np.ptp(x))
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * RBF(0.3, (0.05, 10)) + WhiteKernel(0.3, (1e-6, 10))
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)
    with warnings.catch_warnings():
        # A hyperparameter at its bound is a sound answer here: an error that does not change.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(((x - low) / width)[:, None], y)
    smooth, white = model.kernel_.k1, model.kernel_.k2
    length = float(smooth.k2.length_scale) * width
    noise = float(np.sqrt(white.noise_level) * np.std(y))
    return Process(model, low, width, length, noise)
