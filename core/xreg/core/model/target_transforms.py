"""How the spectra of a dataset become what an emulator learns, and predictions become spectra."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.arrays import Array
from xreg.core.model.scaling import Scaler

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TargetScaling", "TargetTransform"]

TargetScaling = Literal["none", "global", "channel", "box"]
"""The kinds of transform: what :meth:`TargetTransform.fit` can learn."""


@dataclass(frozen=True, eq=False)
class TargetTransform:
    """An invertible map of targets, learned on the training set.

    Attributes
    ----------
    scaler
        The affine map of each column.
    """

    scaler: Scaler

    @classmethod
    def fit(cls, values: ArrayLike, kind: TargetScaling) -> Self:
        """Learn a transform of (n, m) training spectra; see :meth:`Scaler.fit` for the kinds."""
        return cls(Scaler.fit(values, kind))

    @property
    def width(self) -> int:
        """Number m of columns."""
        return len(self.scaler.mean)

    @property
    def zero(self) -> Array:
        """(m,) what a spectrum without intensity becomes."""
        return self.scaler.transform(np.zeros((1, self.width)))[0]

    def transform(self, values: ArrayLike) -> Array:
        """Return what an emulator learns of (n, m) spectra."""
        return self.scaler.transform(values)

    def inverse_transform(self, values: ArrayLike) -> Array:
        """Return the (n, m) spectra of what an emulator predicts."""
        return self.scaler.inverse_transform(values)

    def inverse_transform_std(self, std: NDArray[np.floating], mean: NDArray[np.floating]) -> Array:
        """Return (n, m) standard deviations of spectra, of those that an emulator predicts.

        To first order about ``mean``, which it predicts with them; an affine map needs none.
        """
        return np.asarray(std * self.scaler.scale, np.float64)

    def torch_inverse(self) -> Callable[[Tensor], Tensor]:
        """Return :meth:`inverse_transform` as a differentiable function, in double precision."""
        import torch

        mean, scale = torch.as_tensor(self.scaler.mean), torch.as_tensor(self.scaler.scale)
        return lambda values: values * scale + mean

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return what :meth:`of` takes back, under keys that begin with ``name.``."""
        return self.scaler.arrays(name)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Self:
        """Return the transform that :meth:`arrays` stored under a name."""
        return cls(Scaler.of(arrays, name))
