"""A differentiable emulator whose first step is affine, which decomposers can exploit."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["AffineView", "Copies", "as_affine"]


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
    any_device
        Whether ``tail`` also takes tensors that lie on a GPU, and answers there.
    """

    weight: Tensor
    bias: Tensor
    tail: Callable[[Tensor], Tensor]
    any_device: bool = False

    def to(self, device: torch.device) -> AffineView:
        """Return the same with its affine step on a device."""
        return replace(self, weight=self.weight.to(device), bias=self.bias.to(device))

    def __call__(self, x: Tensor) -> Tensor:
        """Return the (…, m) prediction."""
        return self.tail(x @ self.weight.to(x.dtype) + self.bias.to(x.dtype))


class Copies:
    """A trained network, on the CPU, for inputs of either precision on any device.

    The weights of the copies ask for no gradient: a view differentiates by features only.
    """

    any_device = True

    def __init__(self, network: nn.Module) -> None:
        self._copies: dict[tuple[torch.dtype, torch.device], nn.Module] = {}
        # At once: a copy made inside a transform of torch.func would be one of its own tensors.
        for dtype in (torch.float32, torch.float64):
            copy = deepcopy(network).to(dtype).requires_grad_(False)
            self._copies[dtype, torch.device("cpu")] = copy

    def like(self, x: Tensor) -> Any:
        """Return the copy of the precision of x, on its device."""
        key = (x.dtype, x.device)
        if key not in self._copies:
            near = self._copies[x.dtype, torch.device("cpu")]
            self._copies[key] = deepcopy(near).to(x.device)
        return self._copies[key]


def as_affine(view: Callable[[Tensor], Tensor], d: int) -> AffineView:
    """Return any differentiable view (n, d) -> (n, m) as an :class:`AffineView`."""
    if isinstance(view, AffineView):
        return view

    def tail(z: Tensor) -> Tensor:
        out = view(z.reshape(-1, d))
        return out.reshape(*z.shape[:-1], out.shape[-1])

    eye = torch.eye(d, dtype=torch.float64)
    any_device = getattr(view, "any_device", False)
    return AffineView(eye, torch.zeros(d, dtype=torch.float64), tail, any_device)
