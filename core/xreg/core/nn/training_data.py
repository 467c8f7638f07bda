"""What a network is trained on: tensors of single precision, and rows set aside to stop."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xreg.core.nn.settings import TrainingConfig
from xreg.core.nn.training import hold_out

__all__ = ["single", "with_validation"]


def with_validation(
    data: list[Tensor], held: list[Tensor] | None, config: TrainingConfig
) -> tuple[list[Tensor], list[Tensor] | None]:
    """Return training and validation tensors.

    Where none are given and early stopping needs them, rows of the training data are set aside.
    """
    if held is not None or not config.early_stopping:
        return data, held
    kept, aside = hold_out(len(data[0]), config.validation_share, config.seed)
    return [t[kept] for t in data], [t[aside] for t in data]


def single(*arrays: NDArray[np.float64]) -> list[Tensor]:
    """Return arrays as tensors of single precision, in which networks are trained."""
    return [torch.tensor(array, dtype=torch.float32) for array in arrays]
