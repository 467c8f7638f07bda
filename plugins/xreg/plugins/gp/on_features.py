"""A Gaussian process over the features of any descriptor, or of several."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.optimize import minimize

from xreg.core.arrays import Array
from xreg.core.emulators.registration import aligned, put_back
from xreg.core.interfaces import Emulator
from xreg.core.model.calibration import spread_factor
from xreg.plugins.gp.kernel import Factor, amplitude, deviation, factorised, matern, squares
from xreg.plugins.gp.plugin import GPFeaturesConfig
from xreg.plugins.gp.shifts import shifts_of

__all__ = ["GPFeatures"]

MOST = 600  # samples by which weights and noise are chosen
STEPS = 120
LOW, HIGH = -9.0, 6.0  # of the logarithm of a weight


class GPFeatures(Emulator[GPFeaturesConfig]):
    """Matérn-3/2 Gaussian process on features (Rasmussen & Williams 2006).

    The weight of each block of features, which is the inverse square of its length scale, and the
    noise maximise the marginal likelihood (their eq. 5.8) of all channels together, with one
    amplitude for all: of at most 600 training samples. With registration there are three processes,
    each with weights and noise of its own: of the spectrum, of the spectrum freed of its shift, and
    of the shift. The spectrum is the mean of the first and of both others.

    Attributes
    ----------
    scale_
        (d,) factor of each feature, by which distances are of one length.
    block_weights_
        Weight of each block: mean square of scaled distances in units of the length scale.
    noise_
        Variance of the noise relative to that of the signal.
    points_
        (n, d) scaled features of the training samples.
    start_, weights_
        (m,) mean target and (n, m) weights of the training samples.
    amplitude_
        (m,) standard deviation of the process in each channel.
    spread_factor_
        By what the spread is scaled to fit the errors seen.
    shape_scale_, shape_block_weights_, shape_noise_, shape_start_, shape_weights_
        With registration, the same of the spectra freed of their shifts; the scale is relative to
        ``scale_``.
    shift_scale_, shift_block_weights_, shift_noise_, shift_start_, shift_weights_
        And of the shifts, in channels.
    """

    name: ClassVar[str] = "gp-features"
    Config = GPFeaturesConfig

    scale_: Array
    block_weights_: dict[str, float]
    noise_: float
    points_: Array
    start_: Array
    weights_: Array
    amplitude_: Array
    spread_factor_: float
    shape_scale_: Array
    shape_start_: Array
    shape_weights_: Array
    shift_scale_: Array
    shift_start_: Array
    shift_weights_: Array

    def _fit(self, X: Array, Y: Array, validation: tuple[Array, Array] | None) -> None:
        names = list(self.sources or [""] * X.shape[1])
        blocks = list(dict.fromkeys(names))
        member = np.array([blocks.index(name) for name in names], dtype=np.intp)
        self.start_ = Y.mean(axis=0)
        weights, self.noise_ = self._learned(X, Y - self.start_, member, len(blocks))
        self.block_weights_ = dict(zip(blocks, weights.tolist(), strict=True))
        self.scale_ = np.sqrt(weights / _sizes(X, member, len(blocks)))[member]
        # In the order that a saved model is read in, so that sums are done in the same order.
        self.points_ = np.ascontiguousarray(X * self.scale_)
        self.weights_ = np.ascontiguousarray(cho_solve(self._factor, Y - self.start_))
        if reach := self.config.registration:
            shifts = shifts_of(Y, reach, self.name)
            self._fit_part("shape", aligned(Y, shifts, reach), X, blocks, member)
            self._fit_part("shift", shifts[:, None].astype(float), X, blocks, member)
        self.amplitude_ = amplitude(self._factor, self.weights_)
        self.spread_factor_ = 1.0
        if validation is not None and self.config.calibrate and len(validation[0]):
            mean, std = self._predict(validation[0])
            self.spread_factor_ = spread_factor(validation[1] - mean, std)

    def _fit_part(
        self, part: str, Y: Array, X: Array, blocks: list[str], member: NDArray[np.intp]
    ) -> None:
        """Learn the shape or the shift, (n, k), by a process of its own."""
        start = Y.mean(axis=0)
        weights, noise = self._learned(X, Y - start, member, len(blocks))
        scale = np.sqrt(weights / np.array([*self.block_weights_.values()]))[member]
        factor = _of_points(self.points_ * scale, noise)
        learned = {
            "scale": scale,
            "block_weights": dict(zip(blocks, weights.tolist(), strict=True)),
            "noise": noise,
            "start": start,
            "weights": np.ascontiguousarray(cho_solve(factor, Y - start)),
        }
        for key, value in learned.items():
            setattr(self, f"{part}_{key}_", value)

    def _learned(self, X: Array, Y: Array, member: NDArray[np.intp], count: int) -> tuple[Any, Any]:
        """Return the weight of each block and the noise."""
        start = np.append(np.full(count, np.log(1 / count)), np.log(self.config.noise))
        if not self.config.learn:
            return np.exp(start[:-1]), self.config.noise
        rows = np.sort(np.random.default_rng(self.config.seed).permutation(len(X))[:MOST])
        sizes = _sizes(X, member, count)
        parts = [X[np.ix_(rows, np.flatnonzero(member == block))] for block in range(count)]
        apart = [squares(part, part) / size for part, size in zip(parts, sizes, strict=True)]
        stacked, targets = np.array(apart), Y[rows]
        scale = float(np.mean(targets**2)) or 1.0

        def loss(logs: Array) -> float:
            return _loss(logs, stacked, targets / np.sqrt(scale))

        found = minimize(
            loss,
            start,
            method="Nelder-Mead",
            bounds=[(LOW, HIGH)] * count + [(np.log(1e-8), np.log(10))],
            options={"maxfev": STEPS, "initial_simplex": _simplex(start)},
        )
        return np.exp(found.x[:-1]), float(np.exp(found.x[-1]))

    def _predict(self, X: Array) -> tuple[Array, Array]:
        if not len(X):
            return np.empty((0, len(self.start_))), np.empty((0, len(self.start_)))
        points = X * self.scale_
        likeness = matern(squares(points, self.points_))
        mean = likeness @ self.weights_ + self.start_
        if reach := self.config.registration:
            mean = (mean + self._registered(points, reach)) / 2
        std = deviation(self._factor, likeness, self.noise_)
        return mean, self.spread_factor_ * std[:, None] * self.amplitude_

    def _registered(self, points: Array, reach: int) -> Array:
        """Return the (p, m) spectra whose shape and shift are predicted."""
        near = matern(squares(points * self.shape_scale_, self.points_ * self.shape_scale_))
        shape = near @ self.shape_weights_ + self.shape_start_
        near = matern(squares(points * self.shift_scale_, self.points_ * self.shift_scale_))
        shift = near @ self.shift_weights_ + self.shift_start_
        return put_back(shape, shift[:, 0], reach)

    @cached_property
    def _factor(self) -> Factor:
        return _of_points(self.points_, self.noise_)


def _sizes(X: Array, member: NDArray[np.intp], count: int) -> Array:
    """Return (b,) the mean squared distance of two samples in each block."""
    sizes = 2 * np.bincount(member, weights=X.var(axis=0), minlength=count)
    return np.where(sizes > 0, sizes, 1.0)


def _of_points(points: Array, noise: float) -> Factor:
    return factorised(matern(squares(points, points)), noise)


def _loss(logs: Array, apart: Array, targets: Array) -> float:
    """Return the negative logarithm of the marginal likelihood, but for constants.

    The amplitude is the one that maximises it.
    """
    kernel = matern(np.tensordot(np.exp(logs[:-1]), apart, axes=1))
    try:
        factor = factorised(kernel, np.exp(logs[-1]))
    except np.linalg.LinAlgError:  # nearly the same samples without any noise
        return np.inf
    fit = float(np.sum(targets * cho_solve(factor, targets)))
    count = targets.size
    determinant = 2 * float(np.log(np.diag(factor[0])).sum())
    return count / 2 * np.log(max(fit / count, 1e-300)) + targets.shape[1] / 2 * determinant


def _simplex(start: Array) -> Array:
    """Return steps of a factor of e squared in each number, about a start."""
    return np.vstack([start, start + 2 * np.eye(len(start)) * np.where(start < 2, 1, -1)])
