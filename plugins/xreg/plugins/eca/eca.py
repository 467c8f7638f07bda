"""Emulator-based component analysis."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from xreg.core.arrays import Array
from xreg.core.decomposers.linear import LinearDecomposer, embedded
from xreg.core.errors import ConfigError, DataError, RunError
from xreg.core.interfaces import Emulator
from xreg.core.nn.devices import device_for, on_device
from xreg.core.nn.training import threads
from xreg.core.nn.view import AffineView, as_affine
from xreg.plugins.eca.plugin import ECAConfig
from xreg.plugins.eca.search import Projection, preconditioner, search

__all__ = ["ECA"]


class ECA(LinearDecomposer[ECAConfig]):
    r"""Directions of feature space that explain most of the spectra through an emulator.

    Niskanen, Vladyka, Niemi & Sahle, R. Soc. Open Sci. 9, 220093 (2022): orthonormal vectors
    :math:`v_j`, found one at a time, such that the emulator's prediction for
    :math:`x^{(k)} = \sum_{j \le k} (v_j \cdot x) v_j` covers most variance of the known spectra;
    for each vector several random starts, of which the best is kept.

    All starts advance as one batch. Three things make it fast: the emulator's first layer meets
    projected features only as an outer product of scores and weights (:class:`Projection`);
    L-BFGS works in the metric of the features' covariance, so it needs tens of evaluations where
    Adam needs thousands of steps; and starts that are worse after a few evaluations on a subset of
    the samples are dropped, half of them each time the subset doubles.

    Attributes
    ----------
    covered_variance_
        (k,) covered variance of the training targets by the first 1…k vectors.
    start_r2_
        (k, starts) covered variance that each start had reached when it was last optimised.
    """

    name: ClassVar[str] = "eca"
    Config = ECAConfig
    covered_variance_: Array
    start_r2_: Array

    def fit(self, X: ArrayLike, Y: ArrayLike, emulator: Emulator | None = None) -> Self:
        """Find the vectors for (n, d) standardised features and (n, m) scaled targets.

        Raises
        ------
        DataError
            If there is no emulator with a differentiable view, or fewer features than vectors.
        RunError
            If the emulator's prediction is not finite.
        """
        if emulator is None:
            raise DataError(f"decomposer '{self.name}' needs a trained emulator.")
        x, y = self._clean(X, Y)
        varying = self._varying(x)
        if not np.ptp(y, axis=0).any():
            raise DataError(f"decomposer '{self.name}': the targets do not vary.")
        still = np.where(varying, 0.0, x[0])
        view = _fixed(as_affine(emulator.torch_view(), x.shape[1]), varying, still)
        features, targets = _single(x[:, varying]), _single(y)
        d = features.shape[1]
        basis = np.empty((0, d))
        reached = []
        device = self._device(emulator, view, len(x), y.shape[1])
        with threads(self.config.threads), on_device(device):
            view, features, targets = view.to(device), features.to(device), targets.to(device)
            metric = preconditioner(features)
            for k in range(self.config.rank):
                problem = Projection(view, features, targets, _single(basis).to(device))
                # Row by row from one stream: fewer starts are the first of more starts.
                starts = np.random.default_rng([self.config.seed, k]).normal(
                    size=(self.config.starts, d)
                )
                vector, r2 = search(
                    problem, _single(starts).to(device), self.config, metric, f"ECA vector {k + 1}"
                )
                if not torch.isfinite(r2).all():
                    raise RunError(
                        f"decomposer '{self.name}': the emulator's prediction along vector {k + 1} "
                        "is not finite; train the emulator anew."
                    )
                reached.append(r2.cpu().numpy())
                basis = np.vstack([basis, _orthonormal(vector.double().cpu().numpy(), basis)])
        self.emulator = emulator
        self.start_r2_ = np.array(reached)
        self.covered_variance_ = self.start_r2_.max(axis=1)
        self._keep(embedded(basis, varying), still, x)
        return self

    def _device(self, emulator: Emulator, view: AffineView, n: int, m: int) -> torch.device:
        """Return where to search; each start takes every sample through the emulator."""
        if self.config.device == "cuda" and not view.any_device:
            raise ConfigError(
                f"decomposer '{self.name}': emulator '{emulator.name}' computes on the CPU alone; "
                "set device to auto or cpu."
            )
        # A lower bound: hidden layers of which the view says nothing count as one map.
        products = n * self.config.starts * view.weight.shape[1] * m
        return device_for(self.config.device if view.any_device else "cpu", products)


def _fixed(view: AffineView, varying: NDArray[np.bool_], still: Array) -> AffineView:
    """Return an emulator as a function of the varying features alone, the others ``still``."""
    bias = view.bias + torch.tensor(still).to(view.weight.dtype) @ view.weight
    return replace(view, weight=view.weight[torch.tensor(varying)], bias=bias)


def _single(array: Array) -> Tensor:
    return torch.tensor(array, dtype=torch.float32)


def _orthonormal(vector: Array, basis: Array) -> Array:
    """Remove what single precision left of the basis from a vector; twice is enough."""
    for _ in range(2):
        vector = vector - (basis @ vector) @ basis
        vector = vector / np.linalg.norm(vector)
    return vector
