"""A Gaussian process over sites as an emulator of spectra."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from xreg.core.calibration import spread_factor
from xreg.core.errors import ConfigError, DataError
from xreg.core.interfaces import Emulator
from xreg.core.registration import aligned, put_back, register
from xreg.core.samples import Samples, Structures
from xreg.core.scaling import Scaler
from xreg.plugins.gp.features import site_features
from xreg.plugins.gp.plugin import GPConfig

__all__ = ["GP"]

SHARES = 0.25
"""Share of the composition's weight that goes to the elements themselves."""


class GP(Emulator):
    """Matérn-3/2 Gaussian process (Rasmussen & Williams 2006) on features of the site.

    Attributes
    ----------
    species_
        Atomic numbers that occurred in training, ascending.
    mean_, scale_
        (d,) how features are standardised and blocks of them weighed.
    points_
        (n, d) features of the training sites.
    start_, weights_
        (k,) mean target and (n, k) weights of the training sites for each column predicted.
    amplitude_
        (m,) standard deviation of the process in each channel.
    spread_factor_
        By what the spread is scaled to fit the errors seen.
    """

    name: ClassVar[str] = "gp"
    takes: ClassVar[Literal["features", "samples"]] = "samples"
    Config = GPConfig

    species_: NDArray[np.int64]
    mean_: NDArray[np.float64]
    scale_: NDArray[np.float64]
    points_: NDArray[np.float32]
    start_: NDArray[np.float64]
    weights_: NDArray[np.float64]
    amplitude_: NDArray[np.float64]
    spread_factor_: float

    def _fit(
        self,
        X: Samples,
        Y: NDArray[np.float64],
        validation: tuple[Samples, NDArray[np.float64]] | None,
    ) -> None:
        known = _structures(X)
        config: GPConfig = self.config
        held = known[:0] if validation is None else _structures(validation[0])
        self.__dict__.pop("_factor", None)
        self.species_ = np.array(sorted({*known.species(), *held.species()}), dtype=np.int64)
        blocks = site_features(known, self.species_, config)
        self._weigh(blocks)
        self.points_ = self._standard(blocks)
        targets = self._targets(Y)
        self.start_ = targets.mean(axis=0)
        self.weights_ = cho_solve(self._factor, targets - self.start_)
        channels = slice(Y.shape[1])
        # Leave-one-out errors and variances in closed form (Rasmussen & Williams, 5.4.2).
        precision = np.diag(cho_solve(self._factor, np.eye(len(Y))))
        errors = self.weights_[:, channels] / precision[:, None]
        self.amplitude_ = np.sqrt(np.mean(np.square(errors) * precision[:, None], axis=0))
        self.spread_factor_ = 1.0
        if config.calibrate and len(held):
            assert validation is not None
            mean, std = self._predict(held)
            self.spread_factor_ = spread_factor(validation[1] - mean, std)

    def _weigh(self, blocks: list[NDArray[np.float64]]) -> None:
        """Learn scales such that sites differ by the square root of a block's weight, typically."""
        config: GPConfig = self.config
        composition = config.composition
        weights = (1.0, config.shells, (1 - SHARES) * composition, SHARES * composition)
        means, scales = [], []
        for block, weight in zip(blocks, weights, strict=True):
            scaler = Scaler.fit(block, "standard")
            varying = max(1, block.shape[1] - len(scaler.constant))
            loudness = np.full(block.shape[1], np.sqrt(weight / (2 * varying)))
            loudness[list(scaler.constant)] = 0.0
            means.append(scaler.mean)
            scales.append(loudness / scaler.scale)
        self.mean_, self.scale_ = np.concatenate(means), np.concatenate(scales)

    def _standard(self, blocks: list[NDArray[np.float64]]) -> NDArray[np.float32]:
        return ((np.hstack(blocks) - self.mean_) * self.scale_).astype(np.float32)

    def _targets(self, Y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return targets; with registration also freed of their shifts, and these."""
        reach = self.config.registration
        if not reach:
            return Y
        if np.abs(Y.mean(axis=0)).max() < 1e-3 * Y.std():
            raise ConfigError(
                "emulator gp: registration needs spectra as they are, but these have lost their "
                "mean; ask for 'scaling: none' of the recipe's target."
            )
        shifts = register(Y, reach)
        return np.hstack([Y, aligned(Y, shifts, reach), shifts[:, None]])

    def _predict(self, X: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sites = _structures(X)
        m = len(self.amplitude_)
        if not len(sites):
            return np.empty((0, m)), np.empty((0, m))
        points = self._standard(site_features(sites, self.species_, self.config))
        likeness = self._kernel(points)
        heads = likeness @ self.weights_ + self.start_
        mean = heads[:, :m]
        if self.config.registration:
            mean = (mean + put_back(heads[:, m:-1], heads[:, -1], self.config.registration)) / 2
        explained = solve_triangular(self._factor[0], likeness.T, lower=True)
        left = 1 + self.config.noise - np.square(explained).sum(axis=0)
        std = np.sqrt(np.maximum(left, self.config.noise))
        return mean, self.spread_factor_ * std[:, None] * self.amplitude_

    @cached_property
    def _factor(self) -> tuple[NDArray[np.float64], bool]:
        kernel = self._kernel(self.points_)
        kernel[np.diag_indices_from(kernel)] = 1 + self.config.noise
        factor: tuple[NDArray[np.float64], bool] = cho_factor(kernel, lower=True)
        return factor

    def _kernel(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the (p, n) Matérn-3/2 covariance of points and training sites."""
        squares = [np.square(x).sum(axis=1, dtype=np.float64) for x in (points, self.points_)]
        distance = squares[0][:, None] + squares[1] - 2 * (points @ self.points_.T)
        r = np.sqrt(3 * np.maximum(distance, 0)) / self.config.length_scale
        return np.asarray((1 + r) * np.exp(-r))

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_factor"}

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what :meth:`state` returned."""
        self.__dict__.pop("_factor", None)
        super().restore(values, arrays)


def _structures(samples: Any) -> Structures:
    if not isinstance(samples, Structures):
        raise DataError(
            f"emulator 'gp' takes structures, not {getattr(samples, 'kind', 'an array')}."
        )
    return samples
