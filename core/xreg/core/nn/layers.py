"""Layers of an ensemble: M networks of one shape, every product over all of them at once.

Inputs and outputs are (M, n, width). All weights and buffers carry the model index first, so that
one network of the ensemble is ``tensor[i]`` of everything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "Activation",
    "BatchNorm",
    "Dropout",
    "Init",
    "Linear",
    "draw_weights",
    "side_by_side",
]

Activation = Literal["elu", "relu", "leaky-relu", "silu", "gelu", "tanh", "softplus"]
Init = Literal["he-uniform", "he-normal", "glorot-uniform", "lecun-uniform"]

ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "elu": nn.ELU,
    "relu": nn.ReLU,
    "leaky-relu": nn.LeakyReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
}


class Linear(nn.Module):
    """M affine maps ``x @ weight + bias``.

    Parameters
    ----------
    models, n_in, n_out
        M and the widths; ``weight`` is (M, n_in, n_out), ``bias`` (M, 1, n_out), both zero until
        :meth:`reset`.
    trained_bias
        Whether the bias is a parameter. Before batch normalisation it must not be: its gradient
        is rounding noise, which Adam would blow up into a random walk of the running mean.
    """

    bias: Tensor

    def __init__(self, models: int, n_in: int, n_out: int, *, trained_bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(models, n_in, n_out))
        bias = torch.zeros(models, 1, n_out)
        if trained_bias:
            self.bias = nn.Parameter(bias)
        else:
            self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, n, n_in) to (M, n, n_out)."""
        if len(self.weight) > 1 and x.stride(0) == 0:
            # All share one x, which baddbmm would copy M times.
            y = (x[0] @ side_by_side(self.weight)).unflatten(1, (len(self.weight), -1))
            return y.transpose(0, 1) + self.bias
        return torch.baddbmm(self.bias, x, self.weight)

    @torch.no_grad()
    def reset(self, init: Init, generators: Sequence[torch.Generator]) -> None:
        """Draw the weights of network i from generator i; biases become zero."""
        n_in, n_out = self.weight.shape[1:]
        draw_weights(self.weight, init, n_in, n_out, generators)
        self.bias.zero_()


def side_by_side(weight: Tensor) -> Tensor:
    """Return the (M, n_in, n_out) weights of M maps as those of one, (n_in, M n_out)."""
    return weight.transpose(0, 1).flatten(1)


def draw_weights(
    weights: Tensor, init: Init, n_in: int, n_out: int, generators: Sequence[torch.Generator]
) -> None:
    """Draw ``weights[i]`` from generator i for neurons with n_in inputs that feed n_out others.

    He et al. (2015) for ``he-…``, Glorot & Bengio (2010), LeCun et al. (1998).
    """
    bound = {
        "he-uniform": math.sqrt(6 / n_in),
        "he-normal": math.sqrt(2 / n_in),
        "glorot-uniform": math.sqrt(6 / (n_in + n_out)),
        "lecun-uniform": math.sqrt(3 / n_in),
    }[init]
    for weight, generator in zip(weights, generators, strict=True):
        if init == "he-normal":
            weight.normal_(0, bound, generator=generator)
        else:
            weight.uniform_(-bound, bound, generator=generator)


class BatchNorm(nn.Module):
    """Batch normalisation of each network by its own batch (Ioffe & Szegedy 2015)."""

    mean: Tensor
    variance: Tensor

    def __init__(self, models: int, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(models, width))
        self.shift = nn.Parameter(torch.zeros(models, width))
        self.register_buffer("mean", torch.zeros(models, width))
        self.register_buffer("variance", torch.ones(models, width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (M, n, width) over n in training, by running moments in evaluation."""
        models, n, width = x.shape
        flat = x.transpose(0, 1).reshape(n, models * width)
        y = F.batch_norm(
            flat,
            self.mean.view(-1),  # views: the running moments are updated in place
            self.variance.view(-1),
            self.gain.view(-1),
            self.shift.view(-1),
            self.training and n > 1,
            momentum=0.1,
            eps=1e-5,
        )
        return y.view(n, models, width).transpose(0, 1)


class Dropout(nn.Module):
    """Dropout whose mask for network i comes from generator i, which the training loop lends."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generators: Sequence[torch.Generator] = ()

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share of (M, n, width) in training and scale the rest up."""
        if not self.training or self.share == 0:
            return x
        keep = 1 - self.share
        mask = torch.empty(x.shape, dtype=x.dtype)  # on the CPU, where the generators are
        for part, generator in zip(mask, self.generators, strict=True):
            part.bernoulli_(keep, generator=generator)
        return x * mask.div_(keep).to(x.device)


class MLP(nn.Module):
    """M multilayer perceptrons: (linear, [batch norm], activation, [dropout]) × depth, linear.

    Parameters
    ----------
    n_in, n_out
        Widths of input and output.
    widths
        Widths of the hidden layers; none makes a linear map.
    models
        Number M of networks.
    activation, batch_norm, dropout
        What stands between the linear maps.
    """

    def __init__(
        self,
        n_in: int,
        widths: Sequence[int],
        n_out: int,
        *,
        models: int = 1,
        activation: Activation = "elu",
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.models, self.n_in, self.n_out = models, n_in, n_out
        previous, *others = (n_in, *widths, n_out)
        linears: list[Linear] = []
        for width in others:
            hidden = len(linears) < len(widths)
            linears.append(
                Linear(models, previous, width, trained_bias=not (batch_norm and hidden))
            )
            previous = width
        self.first, *later = linears
        steps: list[nn.Module] = []
        for width, linear in zip(widths, later, strict=True):
            if batch_norm:
                steps.append(BatchNorm(models, width))
            steps.append(ACTIVATIONS[activation]())
            if dropout:
                steps.append(Dropout(dropout))
            steps.append(linear)
        self.rest = nn.Sequential(*steps)

    def reset(self, init: Init, generators: Sequence[torch.Generator]) -> None:
        """Draw all weights of network i from generator i."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset(init, generators)

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, n, n_in), or (n, n_in) that all share, to (M, n, n_out)."""
        if x.ndim == 2:
            x = x.expand(self.models, *x.shape)
        return self.after_first(self.first(x))

    def after_first(self, z: Tensor) -> Tensor:
        """Map what the first linear map gives, (M, n, h), to (M, n, n_out)."""
        out: Tensor = self.rest(z)
        return out
