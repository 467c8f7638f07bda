"""Emulators that train networks: on a GPU they become what they become on the CPU."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from xreg.core import storage
from xreg.core.errors import ConfigError
from xreg.core.testing import waters
from xreg.plugins.graph.graph import Graph
from xreg.plugins.mlp.mlp import MLP
from xreg.plugins.networks.networks import CNN, DNN, LCNN, SDNN, SLCNN, STCNN
from xreg_tests.pretended import gpu

__all__ = ["gpu"]

SHORT = {"epochs": 4, "check_every": 2, "batch": 8, "threads": 1}
ROW = {**SHORT, "dense": (8,), "layers": 2}
SEQUENCE = {**ROW, "positions": 4, "filters": 2, "kernel": 3}
SITES = {**SHORT, "cutoff": 4.0, "radial": 3, "l_max": 1, "messages": 2, "depth": 1, "width": 8}

EMULATORS = {
    "mlp": (MLP, {**SHORT, "width": 8, "depth": 2, "ensemble": 2}),
    "mlp, normalised": (MLP, {**SHORT, "width": 8, "batch_norm": True, "dropout": 0.2}),
    "dnn": (DNN, {**ROW, "neurons": 8, "residual": True, "ensemble": 2}),
    "cnn": (CNN, {**SEQUENCE, "activation": "prelu"}),
    "lcnn": (LCNN, SEQUENCE),
    "sdnn": (SDNN, {**ROW, "neurons": 8, "border": 3, "non_negative": True}),
    "stcnn": (STCNN, {**SEQUENCE, "border": 3}),
    "slcnn": (SLCNN, {**SEQUENCE, "border": 3, "optimiser": "rmsprop"}),
    "graph": (Graph, {**SITES, "ensemble": 2}),
    "graph, registered": (Graph, {**SITES, "registration": 3, "dropout": 0.1}),
}


def data(component):
    draw = np.random.default_rng(3)
    X = waters(40) if component is Graph else draw.normal(size=(40, 5))
    return X, 1 + draw.random((40, 8)).cumsum(axis=1)


@pytest.mark.parametrize("name", EMULATORS)
def test_same_numbers(gpu, name, tmp_path):
    component, settings = EMULATORS[name]
    X, Y = data(component)
    here = component(**settings, device="cpu").fit(X, Y)
    with gpu() as pretended:
        there = component(**settings, device="cuda").fit(X, Y)
        assert pretended is None or pretended.operations > 100
    np.testing.assert_allclose(there.predict(X), here.predict(X), rtol=1e-4, atol=1e-5)
    # Saved, it is a model of no device.
    here.save(tmp_path / "here")
    there.save(tmp_path / "there")
    meta = json.loads((tmp_path / "there" / storage.META).read_text())
    assert "device" not in meta["config"]
    loaded = component.load(tmp_path / "there")
    assert loaded.config.device == "auto"
    np.testing.assert_array_equal(loaded.predict(X), there.predict(X))


def test_candidates_trained_together(gpu):
    X, Y = data(MLP)
    held = data(MLP)
    many = [
        {"learning_rate": rate, "weight_decay": decay, "seed": seed}
        for rate, decay, seed in [(1e-3, 0.0, 0), (1e-2, 1e-3, 1), (3e-3, 1e-2, 0)]
    ]
    alone = [MLP(**SHORT, **own, width=8, device="cpu").fit(X, Y, validation=held) for own in many]
    together = [MLP(**SHORT, **own, width=8, device="cuda") for own in many]
    with gpu():
        MLP.fit_many(together, X, Y, validation=held)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other.predict(X), one.predict(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["mlp", "slcnn", "graph"])
def test_without_a_gpu(monkeypatch, name):
    component, settings = EMULATORS[name]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    X, Y = data(component)
    with pytest.raises(ConfigError, match=r"there is no GPU here.*set device to auto or cpu\.$"):
        component(**settings, device="cuda").fit(X, Y)
    auto, cpu = (component(**settings, device=choice).fit(X, Y) for choice in ("auto", "cpu"))
    np.testing.assert_array_equal(auto.predict(X), cpu.predict(X))
