"""Losses and their gradients, batch by batch: by autograd, or written out where that pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from xreg.core.nn.layers import MLP, Linear, side_by_side
from xreg.core.nn.losses import Loss, RegressionLoss

__all__ = ["Autograd", "Gradients", "Perceptrons", "gradients_of"]

aten = torch.ops.aten

# Activations whose derivative follows from their result y: the activation in place, and how the
# gradient g by y becomes that by the argument, which takes the place of y.
IN_PLACE: dict[type[nn.Module], tuple[Callable[..., Any], Callable[[Tensor, Tensor], Any]]] = {
    nn.ELU: (
        aten.elu_,
        lambda g, y: aten.elu_backward.grad_input(g, 1, 1, 1, True, y, grad_input=y),
    ),
    nn.ReLU: (
        aten.relu_,
        lambda g, y: aten.threshold_backward.grad_input(g, y, 0, grad_input=y),
    ),
    nn.LeakyReLU: (
        aten.leaky_relu_,
        lambda g, y: aten.leaky_relu_backward.grad_input(g, y, 0.01, True, grad_input=y),
    ),
    nn.Tanh: (
        aten.tanh_,
        lambda g, y: aten.tanh_backward.grad_input(g, y, grad_input=y),
    ),
}


class Gradients(Protocol):
    """Calculates the losses of M networks on a batch, and leaves their gradients.

    Attributes
    ----------
    parameters
        What an optimiser moves; a call leaves the gradient of the sum of the losses in ``grad``.
    """

    parameters: list[nn.Parameter]

    def __call__(self, *batch: Tensor) -> Tensor:
        """Return the (M,) losses, or the one of an ordinary module."""
        ...

    def by_network(self) -> list[Tensor]:
        """Return all gradients, the model index first."""
        ...

    def spread(self, values: Tensor) -> list[Tensor]:
        """Return (M,) numbers in shapes that multiply the parameters of each network."""
        ...

    def release(self) -> None:
        """Let the module have its parameters alone again."""
        ...


def gradients_of(module: nn.Module, loss: Loss, models: int | None) -> Gradients:
    """Return the quickest way to the gradients of a loss of a module."""
    if (
        models is not None
        and type(module) is MLP
        and isinstance(loss, RegressionLoss)
        and Perceptrons.supports(module)
    ):
        return Perceptrons(module, loss)
    return Autograd(module, loss)


class Autograd:
    """Gradients of any loss of any module."""

    def __init__(self, module: nn.Module, loss: Loss) -> None:
        self.module, self.loss = module, loss
        self.parameters = [p for p in module.parameters() if p.requires_grad]

    def __call__(self, *batch: Tensor) -> Tensor:
        """Return the losses."""
        values = self.loss(self.module, *batch)
        for p in self.parameters:
            p.grad = None
        values.sum().backward()
        return values.detach()

    def by_network(self) -> list[Tensor]:
        """Return all gradients."""
        return [p.grad for p in self.parameters if p.grad is not None]

    def spread(self, values: Tensor) -> list[Tensor]:
        """Return the numbers in shapes that are broadcast to those of the parameters."""
        return [
            values.to(p.device, p.dtype).view(-1, *[1] * (p.dim() - 1)) for p in self.parameters
        ]

    def release(self) -> None:
        """Do nothing: the parameters are the module's."""


class Perceptrons:
    """Gradients of M plain perceptrons, by the chain rule written out.

    Autograd costs as much in a step of small networks as their products. Here every product and
    derivative is written where the next one reads it, all parameters lie in one vector, which the
    optimiser moves by one call, and the weights of the M first maps lie side by side there, as one
    product with features that all share takes them.

    Until :meth:`release` the parameters of the module are views of that vector.
    """

    def __init__(self, network: MLP, loss: RegressionLoss) -> None:
        self.loss, self.models = loss, network.models
        linears = [m for m in (network.first, *network.rest) if isinstance(m, Linear)]
        self.own = [(p, p.data) for linear in linears for p in (linear.weight, linear.bias)]
        count = sum(own.numel() for _, own in self.own)
        vector = nn.Parameter(self.own[0][1].new_zeros(count))
        vector.grad = torch.zeros_like(vector)
        self.parameters = [vector]
        values, slopes = self._views(vector.data), self._views(vector.grad)
        for (parameter, own), view in zip(self.own, values, strict=True):
            view.copy_(own)
            parameter.data = view
        self.weights, self.biases = values[::2], values[1::2]
        self.weight_slopes, self.bias_slopes = slopes[::2], slopes[1::2]
        # Views, as the first weights and their gradients lie in the vectors.
        self.first, self.first_slope = (side_by_side(views[0]) for views in (values, slopes))
        (kind,) = _activations(network) or {nn.ELU}  # without hidden layers it never acts
        self.activate, self.through = IN_PLACE[kind]
        self.buffers: dict[int, tuple[list[Tensor], Tensor, Tensor]] = {}

    @staticmethod
    def supports(network: MLP) -> bool:
        """Say whether perceptrons are plain: nothing but linear maps and one kind of activation."""
        kinds = _activations(network)
        return (
            len(kinds) < 2
            and kinds <= IN_PLACE.keys()
            and all(p.requires_grad and p.dtype == torch.float32 for p in network.parameters())
        )

    def __call__(self, *batch: Tensor) -> Tensor:
        """Return the (M,) losses for (M, b, d) features and (M, b, m) targets."""
        x, y = batch
        hidden, side, spare = self._buffers(x.shape[1])
        one = x[0] if self.models == 1 or x.stride(0) == 0 else None  # which all networks share
        if one is None:
            torch.baddbmm(self.biases[0], x, self.weights[0], out=hidden[0])
        else:
            torch.mm(one, self.first, out=side)
            torch.add(self._apart(side), self.biases[0], out=hidden[0])
        for i in range(1, len(hidden)):
            self.activate(hidden[i - 1])
            torch.baddbmm(self.biases[i], hidden[i - 1], self.weights[i], out=hidden[i])
        errors = hidden[-1].sub_(y)
        values = self.loss.of_errors(errors)
        slope = self.loss.slope_(errors)
        for i in range(len(hidden) - 1, 0, -1):
            below = hidden[i - 1]
            torch.bmm(below.transpose(1, 2), slope, out=self.weight_slopes[i])
            torch.sum(slope, 1, keepdim=True, out=self.bias_slopes[i])
            passed = spare[: below.numel()].view_as(below)
            torch.bmm(slope, self.weights[i].transpose(1, 2), out=passed)
            slope = self.through(passed, below)
        torch.sum(slope, 1, keepdim=True, out=self.bias_slopes[0])
        if one is None:
            torch.bmm(x.transpose(1, 2), slope, out=self.weight_slopes[0])
        else:
            self._apart(side).copy_(slope)
            torch.mm(one.t(), side, out=self.first_slope)
        return values

    def by_network(self) -> list[Tensor]:
        """Return all gradients, the model index first."""
        return [*self.weight_slopes, *self.bias_slopes]

    def spread(self, values: Tensor) -> list[Tensor]:
        """Return the number of each network at each of its parameters."""
        vector = torch.empty_like(self.parameters[0].data)
        for view in self._views(vector):
            view.copy_(values.view(-1, 1, 1))
        return [vector]

    def release(self) -> None:
        """Give the module its own tensors again, with what they have become."""
        for parameter, own in self.own:
            own.copy_(parameter.data)
            parameter.data = own

    def _views(self, vector: Tensor) -> list[Tensor]:
        """Return weight, bias, weight, … in a vector, (M, …) each."""
        parts = vector.split([own.numel() for _, own in self.own])
        models, n_in, n_out = self.own[0][1].shape
        first = parts[0].view(n_in, models, n_out).transpose(0, 1)
        later = [part.view_as(own) for part, (_, own) in zip(parts[1:], self.own[1:], strict=True)]
        return [first, *later]

    def _buffers(self, b: int) -> tuple[list[Tensor], Tensor, Tensor]:
        """Return memory for what each map gives for b rows, the first side by side, and more."""
        if b not in self.buffers:
            hidden = [bias.new_empty(self.models, b, bias.shape[2]) for bias in self.biases]
            side = hidden[0].new_empty(b, hidden[0].numel() // b)
            spare = side.new_empty(max(h.numel() for h in hidden))
            self.buffers[b] = hidden, side, spare
        return self.buffers[b]

    def _apart(self, side: Tensor) -> Tensor:
        """Return (b, M h) as (M, b, h)."""
        return side.view(len(side), self.models, -1).transpose(0, 1)


def _activations(network: MLP) -> set[type[nn.Module]]:
    """Return the kinds of whatever stands between the linear maps."""
    return {type(m) for m in network.rest} - {Linear}
