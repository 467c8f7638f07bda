"""From components of spectra to numbers: a linear map, or kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xreg.core.arrays import Array

__all__ = ["Regression"]

# Penalties: of a linear map beside the mean square of its inputs, of kernels beside one.
LINEAR, SMOOTH = 1e-3, 1e-2


@dataclass(frozen=True, eq=False)
class Regression:
    """A linear map, or a sum of Gaussians about the spectra learned from; of several targets.

    Attributes
    ----------
    centres
        (s, c) spectra that kernels stand at; none for a linear map.
    weights
        (s, t) weights of the kernels, or (c + 1, t) slopes and offset.
    length
        Of the kernels; 0 for a linear map.
    middle
        (t,) mean of the targets.
    """

    centres: Array
    weights: Array
    length: float
    middle: Array

    @classmethod
    def fit(cls, x: Array, y: Array, weight: Array, length: float) -> Regression:
        """Learn (s, t) targets from (s, c) components, (s,) weights of which the mean is one."""
        middle = np.asarray(np.average(y, axis=0, weights=weight), dtype=np.float64)
        if length == 0:
            design = np.column_stack([x, np.ones(len(x))])
            normal = (design.T * weight) @ design
            normal += LINEAR * np.trace(normal) / len(normal) * np.eye(len(normal))
            solved = np.linalg.solve(normal, (design.T * weight) @ (y - middle))
            return cls(x[:0], np.asarray(solved, dtype=np.float64), 0.0, middle)
        kernel = _kernel(x, x, length) + SMOOTH * np.diag(weight.mean() / weight)
        solved = np.linalg.solve(kernel, y - middle)
        return cls(x, np.asarray(solved, dtype=np.float64), length, middle)

    def scaled(self, scale: Array) -> Regression:
        """Return the regression of targets that are so many times as large."""
        return Regression(self.centres, self.weights * scale, self.length, self.middle * scale)

    def __call__(self, x: Array) -> Array:
        """Return the (q, t) targets of (q, c) components."""
        if self.length == 0:
            return np.column_stack([x, np.ones(len(x))]) @ self.weights + self.middle
        return _kernel(x, self.centres, self.length) @ self.weights + self.middle


def _kernel(x: Array, z: Array, length: float) -> Array:
    square = (x**2).sum(axis=1)[:, None] + (z**2).sum(axis=1) - 2 * x @ z.T
    return np.asarray(np.exp(-np.maximum(square, 0) / (2 * length**2)))
