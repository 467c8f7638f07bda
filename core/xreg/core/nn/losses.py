"""Losses: means over the rows of a batch, one value a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xreg.core.errors import DataError

__all__ = ["Loss", "LossName", "RegressionLoss", "regression_loss"]

# A module and one batch of each training tensor in, the (M,) loss of each network out.
Loss = Callable[..., Tensor]
LossName = Literal["r2", "mse", "mae", "huber"]


@dataclass(frozen=True)
class RegressionLoss:
    """The loss ``f(module, x, y) -> (M,)`` of predicting y from x.

    Attributes
    ----------
    name
        ``r2`` and ``mse`` are mean squares, ``mae`` mean absolute errors, ``huber`` those of Huber
        with threshold 1.
    unit
        What the mean is divided by.
    """

    name: LossName
    unit: float = 1.0

    def __call__(self, module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each network on one batch."""
        return self.of_errors(module(x) - y)

    def of_errors(self, errors: Tensor) -> Tensor:
        """Return the (M,) loss of (M, b, m) errors, predicted minus true."""
        if self.name == "mae":
            each = errors.abs()
        elif self.name == "huber":
            each = F.huber_loss(errors, torch.zeros_like(errors), reduction="none")
        else:
            each = errors.square()
        return each.mean(dim=(-2, -1)) / self.unit

    def slope_(self, errors: Tensor) -> Tensor:
        """Replace (M, b, m) errors by the derivatives of :meth:`of_errors` and return them."""
        factor = 1 / (self.unit * errors.shape[-2] * errors.shape[-1])
        if self.name == "mae":
            return errors.sign_().mul_(factor)
        if self.name == "huber":
            return errors.clamp_(-1, 1).mul_(factor)
        return errors.mul_(2 * factor)


def regression_loss(name: LossName, targets: Tensor) -> RegressionLoss:
    """Return the loss of predicting y from x.

    Parameters
    ----------
    name
        ``r2`` is one minus the generalised covered variance (METHODS: metrics); ``mse``, ``mae``
        and ``huber`` (threshold 1) are means over samples and channels.
    targets
        (n, m) training targets. Their variance is the denominator of ``r2`` in every batch, so
        that the loss of the whole set is the mean over its batches, whatever their size.

    Raises
    ------
    DataError
        If ``r2`` is asked for and the targets do not vary.
    """
    if name != "r2":
        return RegressionLoss(name)
    variance = (targets - targets.mean(0)).square().mean().item()
    if not variance > 0:
        raise DataError("the covered variance of targets that do not vary is undefined.")
    return RegressionLoss(name, variance)
