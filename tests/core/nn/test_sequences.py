"""Layers on sequences against loops written out, and against torch's own layers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.func import jacfwd, jacrev, vmap

from xreg.core.nn import training
from xreg.core.nn.sequences import (
    Convolution,
    LocallyConnected,
    TransposedConvolution,
    locally_connected,
)


def numbers(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draw, dtype=torch.float64)


def naive(x, weight):
    """Sum one window after another."""
    n, length, n_out = len(x), len(weight), weight.shape[-1]
    y = torch.zeros(n, length, n_out, dtype=x.dtype)
    for i in range(n):
        for p in range(length):
            for j in range(weight.shape[1]):
                for c in range(weight.shape[2]):
                    y[i, p] += x[i, p + j, c] * weight[p, j, c]
    return y


shapes = st.tuples(*(st.integers(1, high) for high in (3, 5, 4, 3, 3)))


@settings(max_examples=15)
@given(shapes)
def test_locally_connected_is_the_loop(shape):
    n, length, kernel, n_in, n_out = shape
    x = numbers(n, length + kernel - 1, n_in).requires_grad_()
    weight = numbers(length, kernel, n_in, n_out, seed=1).requires_grad_()
    fast, slow = locally_connected(x, weight), naive(x, weight)
    torch.testing.assert_close(fast, slow)
    direction = numbers(*slow.shape, seed=2)
    got = torch.autograd.grad((fast * direction).sum(), (x, weight))
    want = torch.autograd.grad((slow * direction).sum(), (x, weight))
    torch.testing.assert_close(got, want)


def test_locally_connected_in_every_mode_of_differentiation():
    x = numbers(2, 5, 2).requires_grad_()
    weight = numbers(3, 3, 2, 2, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(locally_connected, (x, weight), check_forward_ad=True)
    assert torch.autograd.gradgradcheck(locally_connected, (x, weight))
    single = lambda row: locally_connected(row[None], weight)[0]  # noqa: E731
    want = locally_connected(x, weight)
    torch.testing.assert_close(vmap(single)(x), want)
    torch.testing.assert_close(jacfwd(single)(x[0]), jacrev(single)(x[0]))


def test_locally_connected_copies_no_windows():
    n, length, kernel, channels = 64, 100, 25, 4
    x = torch.zeros(n, length + kernel - 1, channels, requires_grad=True)
    weight = torch.zeros(length, kernel, channels, channels, requires_grad=True)
    windows = n * length * kernel * channels * 4  # bytes, were they copied
    with torch.profiler.profile(profile_memory=True) as watched:
        locally_connected(x, weight).sum().backward()
    largest = max(event.self_cpu_memory_usage for event in watched.events())
    assert 0 < largest < windows / 4


def built(layer, models, seed=0):
    layer.reset("he-uniform", training.generators(seed, models))
    return layer


LAYERS = {
    "locally connected": lambda models: LocallyConnected(models, 7, 3, 2, 4),
    "convolution": lambda models: Convolution(models, 3, 2, 4),
    "transposed": lambda models: TransposedConvolution(models, 3, 2, 4),
}


@pytest.mark.parametrize("name", LAYERS)
def test_ensemble_is_separate_networks(name):
    x = numbers(3, 5, 7, 3).float()
    together = built(LAYERS[name](3), 3)(x)
    for i in range(3):
        alone = built(LAYERS[name](1), 1, seed=i)(x[i : i + 1])
        torch.testing.assert_close(together[i], alone[0])


def test_equal_weights_at_all_positions_are_a_convolution():
    local, shared = LocallyConnected(1, 7, 3, 2, 5), built(Convolution(1, 3, 2, 5), 1)
    with torch.no_grad():
        shared.bias.uniform_(-1, 1)
        local.weight.copy_(shared.weight[:, None])
        local.bias.copy_(shared.bias[:, None])
    x = numbers(1, 4, 7, 3).float()
    torch.testing.assert_close(local(x), shared(x))


def test_transposed_convolution_is_the_adjoint_of_a_convolution():
    layer = built(TransposedConvolution(1, 3, 2, 4), 1)
    x, y = numbers(1, 1, 7, 3).float(), numbers(1, 1, 10, 2, seed=1).float()
    spread = layer(x)
    assert spread.shape == y.shape
    gathered = torch.nn.functional.conv1d(y[0].mT, layer.weight[0].permute(1, 2, 0))
    torch.testing.assert_close((spread * y).sum(), (x[0].mT * gathered).sum())


def test_half_precision_is_near():
    layer = built(LAYERS["locally connected"](1), 1)
    x = numbers(1, 4, 7, 3).float()
    with torch.autocast("cpu", torch.bfloat16):
        rough = layer(x)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), layer(x), rtol=0.05, atol=0.05)
