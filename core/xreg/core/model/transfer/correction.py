"""What is left after shift, broadening and scale, learned from enough measured spectra.

Direct standardisation of chemometrics (Y. Wang, D. J. Veltkamp and B. R. Kowalski, Anal. Chem. 63,
2750 (1991)): measured spectra are a linear function of predicted ones, here by ridge regression in
the space of the leading principal components of the latter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xreg.core.arrays import Array

__all__ = ["Correction"]


@dataclass(frozen=True, eq=False)
class Correction:
    """A linear function of spectra that is added to them.

    Attributes
    ----------
    mean, offset
        (m,) mean of the predicted spectra, and what is added to it.
    components, slopes
        (k, m) directions in which predicted spectra differ, and what is added along each.
    """

    mean: Array
    offset: Array
    components: Array
    slopes: Array

    @property
    def matrix(self) -> Array:
        """(m, m) matrix that maps a spectrum, but for a constant one that is added."""
        return np.eye(len(self.mean)) + self.slopes.T @ self.components

    @property
    def constant(self) -> Array:
        """(m,) what is added besides."""
        return self.offset - self.slopes.T @ (self.components @ self.mean)

    @classmethod
    def fit(cls, predicted: Array, known: Array, count: int, ridge: float) -> Correction:
        """Learn from n spectra.

        Parameters
        ----------
        predicted, known
            (n, m) spectra, predicted with shift, broadening and scale already.
        count
            Number of principal components; none for a constant correction.
        ridge
            Penalty, as a share of the variance of the first component.
        """
        mean, rest = predicted.mean(axis=0), known - predicted
        _, size, axes = np.linalg.svd(predicted - mean, full_matrices=False)
        count = min(count, int((size > 1e-9 * size[:1].max(initial=1e-300)).sum()))
        axes, size = axes[:count], size[:count]
        scores = (predicted - mean) @ axes.T
        # The mean is shrunk like the rest, as though one more spectrum had needed nothing.
        offset = rest.sum(axis=0) / (len(rest) + 1)
        penalty = ridge * float(np.square(size[:1]).sum())
        slopes = scores.T @ (rest - offset) / (np.square(size) + penalty)[:, None]
        return cls(mean, offset, axes, slopes)
