"""The module behind all eight networks: dense layers, then one or two rows of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xreg.core.nn.layers import ACTIVATIONS, Activation, Init, Linear
from xreg.core.nn.sequences import Convolution, LocallyConnected, TransposedConvolution

__all__ = ["SEQUENCE_LAYERS", "Network", "Residual", "dense_row", "sequence_row"]

Row = Callable[[int, int], nn.Sequential]
"""Makes the layers of one subnetwork from M and the width before them."""

AnyActivation = Activation | Literal["prelu", "swish"]
SYNONYMS: Mapping[AnyActivation, Activation] = {"swish": "silu"}

SEQUENCE_LAYERS = {
    "cnn": lambda models, length, n_in, n_out, kernel: Convolution(models, n_in, n_out, kernel),
    "tcnn": lambda models, length, n_in, n_out, kernel: TransposedConvolution(
        models, n_in, n_out, kernel
    ),
    "lcnn": LocallyConnected,
}


class PReLU(nn.Module):
    """M rectifiers with a learned slope below zero, one a layer, that begins at a quarter.

    He et al., ICCV 2015, 1026.
    """

    def __init__(self, models: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.full((models,), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, n, …) to the same shape."""
        slope = self.slope.view(-1, *[1] * (x.ndim - 1)).to(x.dtype)
        return torch.where(x > 0, x, slope * x)


def _activation(name: AnyActivation, models: int) -> nn.Module:
    if name == "prelu":
        return PReLU(models)
    return ACTIVATIONS[SYNONYMS.get(name, cast("Activation", name))]()


class Residual(nn.Module):
    """Adds to its input what a layer of equal width and an activation make of it.

    He et al., CVPR 2016, 770.

    Parameters
    ----------
    layer, activation
        What is added.
    share
        Factor on the initial weights, so that the sum over many layers starts at order one.
    """

    def __init__(self, layer: nn.Module, activation: nn.Module, share: float) -> None:
        super().__init__()
        self.layer, self.activation, self.share = layer, activation, share

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, n, …) to the same shape."""
        added: Tensor = self.activation(self.layer(x))
        return x + added


class Network(nn.Module):
    """M networks: shared dense layers, a row of characteristic layers for each part, linear output.

    Parameters
    ----------
    n_in
        Number d of features.
    parts
        Channels of each part of the spectrum, m in all; each has its own row.
    dense
        Widths of the shared layers.
    row
        Makes the characteristic layers of one part.
    models
        M.
    activation
        What follows every layer but the last.
    non_negative
        Whether the output is the softplus of the last layer, above :attr:`zero`.
    bfloat16
        Whether training multiplies in bfloat16.

    Attributes
    ----------
    mean, spread
        (M, 1, m) and (M, 1, 1): the last layer's unit and origin, so that it works on targets of
        order one whatever their scaling.
    zero
        (M, 1, m) targets that stand for zero intensity.
    """

    mean: Tensor
    spread: Tensor
    zero: Tensor

    def __init__(
        self,
        n_in: int,
        parts: Sequence[int],
        dense: Sequence[int],
        row: Row,
        *,
        models: int,
        activation: AnyActivation,
        non_negative: bool,
        bfloat16: bool,
    ) -> None:
        super().__init__()
        self.models, self.non_negative, self.in_bfloat16 = models, non_negative, bfloat16
        steps: list[nn.Module] = []
        for width in dense:
            steps += [Linear(models, n_in, width), _activation(activation, models)]
            n_in = width
        self.shared = nn.Sequential(*steps)
        rows = [row(models, n_in) for _ in parts]
        self.rows = nn.ModuleList(rows)
        self.last = nn.ModuleList(
            Linear(models, _width(r, models, n_in), part)
            for r, part in zip(rows, parts, strict=True)
        )
        m = sum(parts)
        self.register_buffer("mean", torch.zeros(models, 1, m))
        self.register_buffer("spread", torch.ones(models, 1, 1))
        self.register_buffer("zero", torch.zeros(models, 1, m))

    @torch.no_grad()
    def reset(
        self, init: Init, generators: Sequence[torch.Generator], targets: Tensor, zero: Tensor
    ) -> None:
        """Draw the weights of network i from generator i, and take the targets' mean and spread.

        Parameters
        ----------
        targets
            (n, m) training targets.
        zero
            (m,) targets that stand for zero intensity.
        """
        for module in self.modules():
            if isinstance(module, Linear | LocallyConnected | Convolution):
                module.reset(init, generators)
        for module in self.modules():
            if isinstance(module, Residual):
                module.layer.get_parameter("weight").mul_(module.share)
        mean = targets.mean(0)
        spread = (targets - mean).square().mean().sqrt()
        self.spread.fill_(float(spread) if spread > 0 else 1.0)
        self.zero.copy_(zero.expand_as(self.zero))
        # A new network predicts the mean spectrum, its channels half as varied as the targets.
        for linear in self.last:
            linear.get_parameter("weight").mul_(0.5)
        if self.non_negative:
            height = ((mean - zero) / self.spread[0, 0, 0]).clamp_min(1e-3)
            mean = height + torch.log(-torch.expm1(-height))  # the inverse of the softplus
        self.mean.copy_(mean.expand_as(self.mean))

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, n, d), or (n, d) that all share, to (M, n, m)."""
        if x.ndim == 2:
            x = x.expand(self.models, *x.shape)
        low = self.in_bfloat16 and self.training
        with torch.autocast(x.device.type, torch.bfloat16) if low else nullcontext():
            shared = self.shared(x)
            hidden = [row(shared) for row in self.rows]
        raw = torch.cat(
            [last(h.to(x.dtype)) for last, h in zip(self.last, hidden, strict=True)], dim=-1
        )
        if self.non_negative:
            return self.zero + self.spread * F.softplus(self.mean + raw)
        return self.mean + self.spread * raw


def dense_row(layers: int, neurons: int, activation: AnyActivation, residual: bool) -> Row:
    """Return a maker of dense layers."""

    def make(models: int, n_in: int) -> nn.Sequential:
        widths = [n_in, *[neurons] * layers]
        every = [Linear(models, *pair) for pair in pairwise(widths)]
        return nn.Sequential(*_joined(every, activation, models, residual))

    return make


def sequence_row(
    kind: str,
    layers: int,
    positions: int,
    filters: int,
    kernel: int,
    activation: AnyActivation,
    residual: bool,
) -> Row:
    """Return a maker of layers of one of :data:`SEQUENCE_LAYERS`, on ``positions`` positions."""

    def make(models: int, n_in: int) -> nn.Sequential:
        channels = [n_in // positions, *[filters] * layers]
        every = [
            SEQUENCE_LAYERS[kind](models, positions, *pair, kernel) for pair in pairwise(channels)
        ]
        cut = nn.Unflatten(-1, (positions, channels[0]))
        return nn.Sequential(cut, *_joined(every, activation, models, residual), nn.Flatten(2))

    return make


def _joined(
    layers: Sequence[nn.Module], activation: AnyActivation, models: int, residual: bool
) -> Iterator[nn.Module]:
    """Follow each layer by an activation; from the second on, as a residual where asked for."""
    for i, layer in enumerate(layers):
        after = _activation(activation, models)
        if residual and i:
            yield Residual(layer, after, len(layers) ** -0.5)
        else:
            yield from (layer, after)


def _width(row: nn.Sequential, models: int, n_in: int) -> int:
    with torch.no_grad():
        return int(row(torch.zeros(models, 1, n_in)).shape[-1])
