"""Networks sent backward layer by layer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from xreg.core.analysis.needs import ONE_TO_ONE
from xreg.core.nn.bottleneck import Bottleneck
from xreg.core.nn.layers import ACTIVATIONS, MLP
from xreg.plugins.decomposition.depths import depth_errors, draw_depths
from xreg.plugins.decomposition.inversion import INVERSES, Layer, invert_layers, layers_of


def test_settings_know_which_activations_have_an_inverse() -> None:
    assert {ACTIVATIONS[name].__name__ for name in ONE_TO_ONE} == set(INVERSES)  # type: ignore[index]


@pytest.mark.parametrize("name", INVERSES)
def test_inverses_undo_torch_s_activations(name: str) -> None:
    undo, low, high = INVERSES[name]
    z = np.linspace(-3, 3, 61)
    y = getattr(torch.nn, name)()(torch.from_numpy(z)).numpy()
    assert ((y > low) & (y < high)).all()
    np.testing.assert_allclose(undo(y), z, atol=1e-7)


def chain(widths: list[int], activation: str) -> list[Layer]:
    rng = np.random.default_rng(0)
    pairs = list(itertools.pairwise(widths))
    return [
        Layer(f"{i}", rng.normal(size=pair), rng.normal(size=pair[1]),
              activation if i < len(pairs) - 1 else "")
        for i, pair in enumerate(pairs)
    ]  # fmt: skip


@pytest.mark.parametrize("activation", INVERSES)
def test_a_chain_that_never_narrows_is_undone(activation: str) -> None:
    x = 0.1 * np.random.default_rng(1).normal(size=(50, 4))
    errors = invert_layers(chain([4, 4, 6, 9], activation), x, None)
    np.testing.assert_allclose(errors.whole, 0, atol=1e-6)
    assert not errors.outside.any()


def test_out_of_range_is_what_the_activation_after_a_layer_never_gives() -> None:
    x = 0.1 * np.random.default_rng(1).normal(size=(50, 3))
    eye = np.eye(3)
    layers = [Layer("1", eye, np.zeros(3), "Tanh"), Layer("2", eye, np.zeros(3))]
    y = np.tanh(x)
    y[:10, 0] = 1.5  # 10 of the 150 numbers that the second layer takes in
    errors = invert_layers(layers, x, y)
    assert errors.outside == pytest.approx([10 / 150, 0])


def test_a_narrow_layer_loses_what_lies_outside_its_rows() -> None:
    x = np.random.default_rng(1).normal(size=(400, 5))
    layers = chain([5, 2, 8], "LeakyReLU")
    errors = invert_layers(layers, x, None)
    weight = layers[0].weight
    kept = weight @ np.linalg.pinv(weight)  # projection that the first layer leaves
    lost = x - x @ kept
    centred = x - x.mean(axis=0)
    expected = np.sqrt((lost**2).sum() / (centred**2).sum())
    assert errors.whole[0] == pytest.approx(expected, rel=1e-9)
    assert errors.single[0] == pytest.approx(expected, rel=1e-9)
    assert errors.whole[1] < 1e-9


def test_the_chain_of_a_network_gives_its_prediction() -> None:
    def perceptron(n_in: int, n_out: int) -> MLP:
        return MLP(n_in, (6, 5), n_out, activation="leaky-relu")

    network = Bottleneck(perceptron(4, 2), [perceptron(1, 7), perceptron(2, 7)])
    network.reset([torch.Generator().manual_seed(0)])
    network.double()
    x = torch.randn(10, 4, dtype=torch.float64)
    with torch.no_grad():
        expected = network.decoders[-1](network.encoder(x))[0].numpy()
    value = x.numpy()
    layers = layers_of(network)
    assert [layer.name for layer in layers] == [
        *(f"{part} {i}" for part in ("encoder", "decoder") for i in (1, 2, 3))
    ]
    for layer in layers:
        value = value @ layer.weight + layer.bias
        if layer.activation:
            value = getattr(torch.nn, layer.activation)()(torch.from_numpy(value)).numpy()
    np.testing.assert_allclose(value, expected, atol=1e-12)


def test_largest_errors_layer_by_layer_are_those_of_a_loop() -> None:
    """Anew: the study of Passilahti et al., supplement, Fig. 6, in a dozen lines of NumPy."""
    rng = np.random.default_rng(2)
    layers = chain([3, 3, 1, 4, 4], "LeakyReLU")
    x = rng.normal(size=(30, 3))

    def act(z: np.ndarray) -> np.ndarray:
        return np.where(z > 0, z, 0.01 * z)

    states = [x]
    for i, layer in enumerate(layers):
        z = states[-1] @ layer.weight + layer.bias
        states.append(act(z) if i < 3 else z)
    noisy = states[-1] + 0.1 * rng.normal(size=states[-1].shape)

    def undo(i: int, y: np.ndarray, threshold: float) -> np.ndarray:
        z = np.where(y > 0, y, y / 0.01) if i < 3 else y
        u, s, v = np.linalg.svd(layers[i].weight, full_matrices=False)
        keep = s > threshold * s[0]
        return (z - layers[i].bias) @ (v[keep].T / s[keep]) @ u[:, keep].T

    for threshold in (1e-15, 0.3):
        found = depth_errors(states[:-1], states[1:], undo, threshold, noisy)
        for start, got in ((states[-1], found.from_output), (noisy, found.with_noise)):
            value = start
            for i in (3, 2, 1, 0):
                value = undo(i, value, threshold)
                assert got[i] == pytest.approx(np.abs(value - states[i]).max(), rel=1e-9)
        for depth in range(4):
            value = states[depth + 1]
            for i in range(depth, -1, -1):
                value = undo(i, value, threshold)
            assert found.to_depth[depth] == pytest.approx(np.abs(value - x).max(), rel=1e-9)
    exact = depth_errors(states[:-1], states[1:], undo, 1e-15, noisy)
    assert exact.to_depth[0] < 1e-12 < exact.to_depth[1]  # the bottleneck forgets
    names = [layer.name for layer in layers]
    assert len(draw_depths(names, 2, {1e-15: exact}).axes) == 2
