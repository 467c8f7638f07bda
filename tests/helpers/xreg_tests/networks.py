"""Small networks and what they are trained on."""

from __future__ import annotations

import torch

from xreg.core.nn import layers, training
from xreg.core.nn.settings import TrainingConfig


def config(**settings):
    defaults = {"early_stopping": False, "epochs": 20, "batch": 16, "check_every": 1}
    return TrainingConfig(**{**defaults, **settings})


def cloud(n=60, d=4, m=3, seed=0):
    draw = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=draw)
    Y = torch.tanh(X @ torch.randn(d, m, generator=draw)) + 0.1 * torch.randn(n, m, generator=draw)
    return X, Y


def mlp(models=1, seed=0, **settings):
    network = layers.MLP(4, (8, 8), 3, models=models, **settings)
    network.reset("he-uniform", training.generators(seed, models))
    return network
