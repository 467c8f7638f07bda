"""Weights and buffers of a module as arrays to be stored, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["stored", "taken"]


def stored(module: nn.Module, prefix: str) -> dict[str, NDArray[Any]]:
    """Return the weights of a module by name, a prefix and a point before each."""
    return {f"{prefix}.{key}": value.numpy() for key, value in module.state_dict().items()}


def taken(
    arrays: Mapping[str, NDArray[Any]], prefix: str
) -> tuple[dict[str, Tensor], dict[str, NDArray[Any]]]:
    """Return the weights that :func:`stored` left among arrays, as a state, and the others."""
    start = f"{prefix}."
    own = {key for key in arrays if key.startswith(start)}
    weights = {key.removeprefix(start): torch.tensor(arrays[key]) for key in arrays if key in own}
    return weights, {key: arrays[key] for key in arrays.keys() - own}
