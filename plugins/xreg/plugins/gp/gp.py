"""A Gaussian process over sites as an emulator of spectra."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.ndimage import gaussian_filter1d

from xreg.core.arrays import Array
from xreg.core.data.samples import Samples, Structures
from xreg.core.emulators.registration import aligned, put_back
from xreg.core.emulators.surroundings import unusable
from xreg.core.errors import SampleError
from xreg.core.interfaces import Emulator
from xreg.core.model.calibration import spread_factor
from xreg.core.model.scaling import Scaler
from xreg.plugins.gp.features import site_features
from xreg.plugins.gp.kernel import Factor, amplitude, deviation, factorised, matern, squares
from xreg.plugins.gp.plugin import GPConfig
from xreg.plugins.gp.shifts import shifts_of

__all__ = ["GP"]

SHARES = 0.25
"""Share of the composition's weight that goes to the elements themselves."""


class GP(Emulator[GPConfig]):
    """Matérn-3/2 Gaussian process (Rasmussen & Williams 2006) on features of the site.

    Attributes
    ----------
    species_
        Atomic numbers that occurred in training, ascending.
    mean_, scale_
        (d,) how features are standardised and blocks of them weighed.
    points_
        (n, d) features of the training sites.
    local_
        How many of the features describe the surroundings; the others, the whole sample.
    start_, weights_
        (k,) mean target and (n, k) weights of the training sites for each column predicted: the
        m channels and, with registration, the shift.
    shape_start_, shape_weights_
        With registration, the same for the spectra freed of their shifts.
    amplitude_
        (m,) standard deviation of the process in each channel.
    spread_factor_
        By what the spread is scaled to fit the errors seen.
    """

    name: ClassVar[str] = "gp"
    takes: ClassVar[Literal["features", "samples"]] = "samples"
    accepts: ClassVar[type] = Structures
    Config = GPConfig

    species_: NDArray[np.int64]
    mean_: Array
    scale_: Array
    points_: NDArray[np.float32]
    local_: int
    start_: Array
    weights_: Array
    shape_start_: Array
    shape_weights_: Array
    amplitude_: Array
    spread_factor_: float

    def _fit(self, X: Structures, Y: Array, validation: tuple[Structures, Array] | None) -> None:
        held = X[:0] if validation is None else validation[0]
        self.species_ = np.array(sorted({*X.species(), *held.species()}), dtype=np.int64)
        blocks = site_features(X, self.species_, self.config)
        self._weigh(blocks)
        self.points_ = self._standard(blocks)
        self.local_ = blocks[0].shape[1] + blocks[1].shape[1]
        if reach := self.config.registration:
            shifts = shifts_of(Y, reach, self.name)
            self.start_, self.weights_ = _solved(self._factor, np.hstack([Y, shifts[:, None]]))
            # The shape follows the surroundings, the shift the chemistry of the whole sample too.
            nearby = factorised(self._kernel(self.points_, self.local_), self.config.noise)
            self.shape_start_, self.shape_weights_ = _solved(nearby, aligned(Y, shifts, reach))
        else:
            self.start_, self.weights_ = _solved(self._factor, Y)
        self.amplitude_ = amplitude(self._factor, self.weights_[:, : Y.shape[1]])
        self.spread_factor_ = 1.0
        if validation is not None and self.config.calibrate and len(held):
            mean, std = self._predict(held)
            self.spread_factor_ = spread_factor(validation[1] - mean, std)

    def _weigh(self, blocks: list[Array]) -> None:
        """Learn scales such that sites differ by the square root of a block's weight, typically."""
        composition = self.config.composition
        weights = (1.0, self.config.shells, (1 - SHARES) * composition, SHARES * composition)
        means, scales = [], []
        for block, weight in zip(blocks, weights, strict=True):
            scaler = Scaler.fit(block, "standard")
            varying = max(1, block.shape[1] - len(scaler.constant))
            loudness = np.full(block.shape[1], np.sqrt(weight / (2 * varying)))
            loudness[list(scaler.constant)] = 0.0
            means.append(scaler.mean)
            scales.append(loudness / scaler.scale)
        self.mean_, self.scale_ = np.concatenate(means), np.concatenate(scales)

    def _standard(self, blocks: list[Array]) -> NDArray[np.float32]:
        return ((np.hstack(blocks) - self.mean_) * self.scale_).astype(np.float32)

    def unusable(self, samples: Samples) -> dict[int, SampleError]:
        """Return why sites cannot be described: alone, or with atoms too close to each other."""
        return unusable(samples, max(self.config.cutoff)) if isinstance(samples, Structures) else {}

    def _predict(self, X: Structures) -> tuple[Array, Array]:
        m = len(self.amplitude_)
        if not len(X):
            return np.empty((0, m)), np.empty((0, m))
        points = self._standard(site_features(X, self.species_, self.config))
        likeness = self._kernel(points)
        heads = likeness @ self.weights_ + self.start_
        mean = heads[:, :m]
        if reach := self.config.registration:
            nearby = self._kernel(points, self.local_)
            shape = nearby @ self.shape_weights_ + self.shape_start_
            mean = self._joined(mean, put_back(shape, heads[:, -1], reach))
        std = deviation(self._factor, likeness, self.config.noise)
        return mean, self.spread_factor_ * std[:, None] * self.amplitude_

    def _joined(self, direct: Array, registered: Array) -> Array:
        """Join both ways to a spectrum, (p, m) each.

        The coarse course is their mean, which errs least. Details are those of shape and shift
        alone: the direct way is a mean over edges whose places are uncertain, which washes them
        out. What is uncertain about the shape shrinks them too; ``sharpening`` raises them again.
        """
        coarse = _smooth((direct + registered) / 2, self.config.detail)
        fine = registered - _smooth(registered, self.config.detail)
        return np.asarray(coarse + (1 + self.config.sharpening) * fine)

    @cached_property
    def _factor(self) -> Factor:
        return factorised(self._kernel(self.points_), self.config.noise)

    def _kernel(self, points: NDArray[np.float32], columns: int | None = None) -> Array:
        """Return the (p, n) Matérn-3/2 covariance of points and training sites.

        It is that of the first ``columns`` features, or of all.
        """
        apart = squares(points[:, :columns], self.points_[:, :columns])
        return matern(apart, self.config.length_scale)


def _solved(factor: Factor, targets: Array) -> tuple[Array, Array]:
    start = targets.mean(axis=0)
    return start, np.asarray(cho_solve(factor, targets - start))


def _smooth(spectra: Array, sigma: float) -> Array:
    return np.asarray(gaussian_filter1d(spectra, sigma, axis=1, mode="nearest"))
