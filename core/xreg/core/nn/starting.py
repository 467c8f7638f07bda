"""Weights of a trained network as those that another's training begins with."""

from __future__ import annotations

from itertools import zip_longest

import torch
from torch import nn

from xreg.core.errors import DataError

__all__ = ["begin_with"]


@torch.no_grad()
def begin_with(module: nn.Module, trained: nn.Module, name: str, copies: int = 1) -> None:
    """Give a module weights and buffers of a trained one, which stays as it is.

    Parameters
    ----------
    module
        Of the same make.
    trained
        Its parameters have the model index first where ``copies`` is more than one.
    name
        Name of the emulator, for messages.
    copies
        How often the trained networks stand in ``module``, side by side.

    Raises
    ------
    DataError
        If the shapes differ, as where there are more or fewer targets.
    """
    own = module.state_dict()
    # By their order: a layer without weights, such as dropout, may stand in one and not the other.
    theirs = list(trained.state_dict().values())
    if copies > 1:
        theirs = [torch.cat([value] * copies) for value in theirs]
    shapes = [[tuple(value.shape) for value in values] for values in (own.values(), theirs)]
    for needed, given in zip_longest(*shapes):
        if needed != given:
            raise DataError(
                f"emulator '{name}' cannot start from these weights: theirs have the shape {given} "
                f"where {needed} is needed; numbers of inputs and outputs must be the same."
            )
    for value, weights in zip(own.values(), theirs, strict=True):
        value.copy_(weights)
