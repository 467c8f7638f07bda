"""Losses: means over the rows of a batch, one value a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from xreg.core.errors import DataError

__all__ = ["Loss", "LossName", "regression_loss"]

# A module and one batch of each training tensor in, the (M,) loss of each network out.
Loss = Callable[..., Tensor]
LossName = Literal["r2", "mse", "mae", "huber"]


def regression_loss(name: LossName, targets: Tensor) -> Loss:
    """Return the loss ``f(module, x, y) -> (M,)`` of predicting y from x.

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
    variance = (targets - targets.mean(0)).square().mean()
    if name == "r2" and not variance > 0:
        raise DataError("the covered variance of targets that do not vary is undefined.")

    def pointwise(predicted: Tensor, true: Tensor) -> Tensor:
        if name == "mae":
            return (predicted - true).abs()
        if name == "huber":
            return F.huber_loss(predicted, true, reduction="none")
        return (predicted - true).square()

    def loss(module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        value = pointwise(module(x), y.expand(*x.shape[:-1], y.shape[-1])).mean(dim=(-2, -1))
        return value / variance if name == "r2" else value

    return loss
