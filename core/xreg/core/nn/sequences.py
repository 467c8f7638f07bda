"""Layers on sequences (positions along an energy axis) of an ensemble: M networks of one shape.

Inputs are (M, n, length, channels). As in :mod:`xreg.core.nn.layers`, all weights carry the model
index first, so that one network of the ensemble is ``tensor[i]`` of everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xreg.core.nn.layers import Init, draw_weights

__all__ = ["Convolution", "LocallyConnected", "TransposedConvolution", "locally_connected"]


class LocallyConnected(nn.Module):
    """A convolution whose weights differ from position to position; the length is kept.

    Parameters
    ----------
    models, length, n_in, n_out, kernel
        M networks; positions; channels of input and output; positions that each neuron sees, its
        own in the middle, zeros beyond the ends. ``weight`` is (M, length, kernel, n_in, n_out),
        ``bias`` (M, length, n_out).
    """

    def __init__(self, models: int, length: int, n_in: int, n_out: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(models, length, kernel, n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(models, length, n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, n, length, n_in) to (M, n, length, n_out)."""
        padded = _padded(x, self.weight.shape[2])
        # One network after another: side by side, their windows could not be views.
        every = [locally_connected(p, w) for p, w in zip(padded, self.weight, strict=True)]
        return torch.stack(every) + self.bias[:, None].to(every[0].dtype)

    @torch.no_grad()
    def reset(self, init: Init, generators: Sequence[torch.Generator]) -> None:
        """Draw the weights of network i from generator i; biases become zero."""
        _, _, kernel, n_in, n_out = self.weight.shape
        draw_weights(self.weight, init, kernel * n_in, kernel * n_out, generators)
        self.bias.zero_()


class Convolution(nn.Module):
    """A convolution that keeps the length, with zeros beyond the ends.

    ``weight`` is (M, kernel, n_in, n_out), ``bias`` (M, n_out).
    """

    def __init__(self, models: int, n_in: int, n_out: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(models, kernel, n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(models, n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, n, length, n_in) to (M, n, length, n_out)."""
        models, kernel, n_in, n_out = self.weight.shape
        filters = self.weight.permute(0, 3, 2, 1).reshape(models * n_out, n_in, kernel)
        y = F.conv1d(_side_by_side(_padded(x, kernel)), filters, self.bias.flatten(), groups=models)
        return _apart(y, models)

    @torch.no_grad()
    def reset(self, init: Init, generators: Sequence[torch.Generator]) -> None:
        """Draw the weights of network i from generator i; biases become zero."""
        _, kernel, n_in, n_out = self.weight.shape
        draw_weights(self.weight, init, kernel * n_in, kernel * n_out, generators)
        self.bias.zero_()


class TransposedConvolution(Convolution):
    """A transposed convolution of stride one: it lengthens the sequence by ``kernel`` - 1."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, n, length, n_in) to (M, n, length + kernel - 1, n_out)."""
        models, kernel, n_in, n_out = self.weight.shape
        filters = self.weight.permute(0, 2, 3, 1).reshape(models * n_in, n_out, kernel)
        y = F.conv_transpose1d(_side_by_side(x), filters, self.bias.flatten(), groups=models)
        return _apart(y, models)


def locally_connected(x: Tensor, weight: Tensor) -> Tensor:
    """Apply different weights at every position of padded sequences.

    Parameters
    ----------
    x
        (n, length + kernel - 1, n_in).
    weight
        (length, kernel, n_in, n_out).

    Returns
    -------
    Tensor
        (n, length, n_out): ``y[:, p] = sum_j x[:, p + j] @ weight[p, j]``.

    Notes
    -----
    One batched matrix product over positions. The windows that it reads overlap in memory and are
    never copied out, forward or backward, so that memory grows with n · length · channels and not
    with the kernel too. It can be differentiated again, forward and backward, and under ``vmap``.
    """
    place = x.device.type
    if place != "meta" and torch.is_autocast_enabled(place):
        # Before the windows are taken: autocast would copy each of them.
        low = torch.get_autocast_dtype(place)
        x, weight = x.to(low), weight.to(low)
    product: Tensor = _Product.apply(x.contiguous(), weight)
    return product.transpose(0, 1)


class _Product(torch.autograd.Function):
    """``(n, length + kernel - 1, n_in), (length, kernel, n_in, n_out) -> (length, n, n_out)``."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor) -> Tensor:
        return torch.bmm(_windows(x, weight.shape[1]), weight.flatten(1, 2))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def jvp(ctx: Any, dx: Tensor | None, dweight: Tensor | None) -> Tensor:
        x, weight = ctx.saved_tensors
        parts = []
        if dx is not None:
            parts.append(_Product.apply(dx.contiguous(), weight))
        if dweight is not None:
            parts.append(_Product.apply(x, dweight))
        return sum(parts[1:], start=parts[0])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        (grad,) = grads
        dx = dweight = None
        if ctx.needs_input_grad[0]:
            # The adjoint is a locally connected map too, from outputs to inputs.
            beyond = weight.shape[1] - 1
            spread = F.pad(grad.transpose(0, 1), (0, 0, beyond, beyond))
            dx = _Product.apply(spread.contiguous(), _adjoint(weight)).transpose(0, 1)
        if ctx.needs_input_grad[1]:
            windows = _windows(x, weight.shape[1])
            dweight = torch.bmm(windows.transpose(1, 2), grad).view(weight.shape)
        return dx, dweight


def _windows(x: Tensor, kernel: int) -> Tensor:
    """Return the (length, n, kernel · n_in) windows of (n, length + kernel - 1, n_in), a view."""
    return x.unfold(1, kernel, 1).permute(1, 0, 3, 2).flatten(2)


def _adjoint(weight: Tensor) -> Tensor:
    """Return the weights (length + kernel - 1, kernel, n_out, n_in) of the transposed map."""
    kernel = weight.shape[1]
    # Input q reaches output p = q - j through weight[p, j]: in the window of outputs about q, the
    # i-th reads place kernel - 1 - i. Flipped first, for a flip copies; the rest are views.
    padded = F.pad(weight.flip(1), (0, 0, 0, 0, 0, 0, kernel - 1, kernel - 1))
    return padded.unfold(0, kernel, 1).diagonal(dim1=1, dim2=4).permute(0, 3, 2, 1)


def _padded(x: Tensor, kernel: int) -> Tensor:
    """Add zeros at both ends of (M, n, length, channels), kernel - 1 in all."""
    return F.pad(x, (0, 0, (kernel - 1) // 2, kernel // 2))


def _side_by_side(x: Tensor) -> Tensor:
    """Turn (M, n, length, c) into (n, M · c, length)."""
    return x.permute(1, 0, 3, 2).flatten(1, 2)


def _apart(x: Tensor, models: int) -> Tensor:
    """Undo :func:`_side_by_side`."""
    return x.unflatten(1, (models, -1)).permute(1, 0, 3, 2)
