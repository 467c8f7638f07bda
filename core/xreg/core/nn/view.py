"""A differentiable emulator whose first step is affine, which decomposers can exploit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["AffineView", "as_affine"]


@dataclass(frozen=True)
class AffineView:
    """The function ``tail(x @ weight + bias)`` of (…, d) tensors, in the precision of x.

    Features on a line or plane, ``x = a + t V``, need only ``a @ weight + bias + t (V @ weight)``
    here: the product over d features is done once, not at every step of a search over t or V.

    Attributes
    ----------
    weight, bias
        (d, h) and (h,).
    tail
        (…, h) to (…, m), differentiable, for any leading axes and in single or double precision.
    """

    weight: Tensor
    bias: Tensor
    tail: Callable[[Tensor], Tensor]

    def __call__(self, x: Tensor) -> Tensor:
        """Return the (…, m) prediction."""
        return self.tail(x @ self.weight.to(x.dtype) + self.bias.to(x.dtype))


def as_affine(view: Callable[[Tensor], Tensor], d: int) -> AffineView:
    """Return any differentiable view (n, d) -> (n, m) as an :class:`AffineView`."""
    if isinstance(view, AffineView):
        return view

    def tail(z: Tensor) -> Tensor:
        out = view(z.reshape(-1, d))
        return out.reshape(*z.shape[:-1], out.shape[-1])

    return AffineView(torch.eye(d, dtype=torch.float64), torch.zeros(d, dtype=torch.float64), tail)
