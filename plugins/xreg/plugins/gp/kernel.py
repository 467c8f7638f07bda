"""The algebra of Gaussian processes with a Matérn-3/2 kernel (Rasmussen & Williams 2006)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from xreg.core.arrays import Array

__all__ = ["Factor", "amplitude", "deviation", "factorised", "matern", "squares"]

Factor = tuple[Array, bool]


def squares(x: NDArray[np.floating], y: NDArray[np.floating]) -> Array:
    """Return (p, n) squared distances of (p, d) and (n, d) points."""
    own, other = (np.square(z).sum(axis=1, dtype=np.float64) for z in (x, y))
    return np.maximum(own[:, None] + other - 2 * (x @ y.T), 0.0)


def matern(squares: Array, length_scale: float = 1.0) -> Array:
    """Return the covariance at squared distances."""
    r = np.sqrt(3 * squares) / length_scale
    return np.asarray((1 + r) * np.exp(-r))


def factorised(kernel: Array, noise: float) -> Factor:
    """Return the Cholesky factor of the (n, n) covariance of noisy points; it is overwritten."""
    kernel[np.diag_indices_from(kernel)] = 1 + noise
    factor: Factor = cho_factor(kernel, lower=True)
    return factor


def amplitude(factor: Factor, weights: Array) -> Array:
    """Return the (m,) standard deviation of the process in each channel, of (n, m) weights.

    By leave-one-out errors and variances in closed form (section 5.4.2).
    """
    precision = np.diag(cho_solve(factor, np.eye(len(weights))))[:, None]
    return np.asarray(np.sqrt(np.mean(np.square(weights / precision) * precision, axis=0)))


def deviation(factor: Factor, likeness: Array, noise: float) -> Array:
    """Return the (p,) standard deviation at points, in units of the amplitude.

    Parameters
    ----------
    likeness
        (p, n) covariance with the training points.
    """
    explained = solve_triangular(factor[0], likeness.T, lower=True)
    left = 1 + noise - np.square(explained).sum(axis=0)
    return np.sqrt(np.maximum(left, noise))
