"""The decomposer ``ednn`` where the scores are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from xreg.core.errors import ConfigError, DataError
from xreg.core.nn.bottleneck import _mean_over_decoders
from xreg.core.nn.losses import regression_loss
from xreg.core.testing import DecomposerSuite
from xreg.plugins.ednn.ednn import EDNN
from xreg.plugins.ednn.inverse import features_with_scores

SMALL = {"starts": 3, "width": 24, "depth": 2, "epochs": 80, "batch": 50, "learning_rate": 0.01}


class TestSuite(DecomposerSuite):
    component = EDNN
    constant = 0.4
    settings = {**SMALL, "starts": 2, "width": 16, "depth": 1, "epochs": 30}


@pytest.fixture(scope="module")
def ring():
    """Features whose radius rules the spectra and whose angle adds a little."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    radius = np.hypot(X[:, 0], X[:, 1])
    energy = np.linspace(0, 3, 10)
    Y = np.exp(-((energy - radius[:, None]) ** 2)) + 0.1 * X[:, :1] * np.cos(energy)
    return X, (Y - Y.mean(axis=0)) / Y.std(), radius


@pytest.fixture(scope="module")
def found(ring):
    return EDNN(**SMALL).fit(*ring[:2])


def test_a_score_that_no_straight_direction_has(ring, found):
    X, Y, radius = ring
    t = found.transform(X)
    assert (
        abs(np.corrcoef(np.argsort(np.argsort(t[:, 0])), np.argsort(np.argsort(radius)))[0, 1])
        > 0.97
    )
    best_line = max(np.corrcoef(t[:, 0], X[:, i])[0, 1] ** 2 for i in range(4))
    assert best_line < 0.2
    covered = found.covered_variance(X, Y)
    assert covered[0] > 0.85
    assert covered[1] > 0.95


def test_scores_are_standardised(ring, found):
    t = found.transform(ring[0])
    np.testing.assert_allclose(t.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(t.std(axis=0), 1, atol=1e-9)


def test_sign(ring, found):
    X, _, _ = ring
    t = found.transform(X)
    for score in t.T:
        correlation = [np.corrcoef(score, column)[0, 1] for column in X.T]
        assert correlation[np.abs(correlation).argmax()] > 0


def test_each_rank_has_its_decoder(ring, found):
    X, _, _ = ring
    t = found.transform(X)
    np.testing.assert_array_equal(found.predict(X, 1), found.decode(t[:, :1]))
    # What the second score says cannot reach the first decoder.
    assert not np.allclose(found.predict(X, 1), found.predict(X), atol=1e-3)


def test_features_have_the_scores(ring, found):
    X, _, _ = ring
    t = found.transform(X[:40]) * 0.9
    for j in (1, 2):
        again = found.transform(found.inverse_transform(t[:, :j]))[:, :j]
        np.testing.assert_allclose(again, t[:, :j], atol=1e-6)


def test_scores_that_nothing_has(found):
    t = np.array([[0.0, 0.0], [1e9, -1e9]])
    with pytest.raises(DataError, match="1 of 2 rows, the first of them row 1"):
        found.inverse_transform(t)
    with pytest.raises(DataError, match="finite"):
        found.inverse_transform(np.array([[np.nan, 0.0]]))


def test_least_norm_where_the_encoder_is_linear():
    rng = np.random.default_rng(0)
    A, x, t = rng.normal(size=(5, 2)), rng.normal(size=(7, 5)), rng.normal(size=(7, 2))
    weight = torch.tensor(A)
    moved, left = features_with_scores(lambda x: x @ weight, torch.tensor(t), torch.tensor(x))
    np.testing.assert_allclose(moved, x + (t - x @ A) @ np.linalg.pinv(A), atol=1e-10)
    assert left.max() < 1e-9


def test_steps_are_shortened_where_they_overshoot():
    x = torch.full((3, 1), 3.0, dtype=torch.float64)  # Newton on tanh from here runs away
    wanted = torch.tensor([[0.0], [0.5], [2.0]], dtype=torch.float64)
    moved, left = features_with_scores(torch.tanh, wanted, x)
    np.testing.assert_allclose(moved[:2, 0], np.arctanh([0, 0.5]), atol=1e-8)
    assert left[2] > 0.9  # no number has this tanh


def test_reconstruction_finds_the_spectra_again(ring, found):
    spectra = found.predict(ring[0][:30])
    again = found.decode(found.reconstruct(spectra))
    assert np.sqrt(np.mean((again - spectra) ** 2)) < 1e-3


def test_best_start_is_kept(ring):
    X, Y, _ = ring
    settings = {**SMALL, "epochs": 3, "starts": 4, "early_stopping": False}
    many = EDNN(**settings).fit(X, Y)
    best = int(many.start_r2_.argmax())
    alone = EDNN(**{**settings, "starts": 1, "seed": best}).fit(X, Y)
    assert len(set(many.start_r2_)) == 4
    np.testing.assert_allclose(many.start_r2_[best], alone.start_r2_[0], atol=1e-4)
    np.testing.assert_allclose(many.transform(X), alone.transform(X), atol=1e-2)


class TestBadInput:
    def test_constant_targets(self, ring):
        with pytest.raises(DataError, match="do not vary"):
            EDNN(**SMALL).fit(ring[0], np.ones((400, 3)))

    def test_dead_encoder(self, ring):
        settings = {**SMALL, "weight_decay": 10, "optimiser": "sgd", "learning_rate": 0.05}
        with pytest.raises(DataError, match="same for every sample"):
            EDNN(**{**settings, "activation": "relu", "early_stopping": False}).fit(*ring[:2])

    def test_too_many_scores(self, ring):
        with pytest.raises(DataError, match="5 directions among 4"):
            EDNN(rank=5).fit(*ring[:2])

    def test_spectra_not_finite(self, found):
        with pytest.raises(DataError, match="finite"):
            found.reconstruct(np.full((1, 10), np.inf))


def test_each_half_and_each_layer_has_its_own_width() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 5))

    def shapes(**settings: Any) -> list[tuple[int, ...]]:
        network = EDNN(rank=1, starts=1, epochs=1, **settings).fit(x, y).network_
        named = network.named_parameters()
        return [tuple(p.shape[1:]) for name, p in named if name.endswith("weight")]

    weights = shapes(encoder_widths=(7, 4), decoder_widths=(6,))
    assert weights == [(3, 7), (7, 4), (4, 1), (1, 6), (6, 5)]
    square = shapes(square=True, encoder_depth=2, decoder_depth=1, activation="leaky-relu")
    assert square == [(3, 3), (3, 3), (3, 1), (1, 5), (5, 5)]
    for settings, said in (
        ({"encoder_widths": (4,), "square": True}, "'encoder_widths' and 'square'"),
        ({"decoder_widths": (4,), "decoder_depth": 2}, "'decoder_widths' and 'decoder_depth'"),
    ):
        with pytest.raises(ConfigError, match=said):
            EDNN(**settings)


def test_an_encoder_that_serves_all_scores_together_learns_nothing_from_fewer() -> None:
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(20, 3)), dtype=torch.float32)
    y = torch.tensor(rng.normal(size=(20, 4)), dtype=torch.float32)
    network = EDNN(rank=2, depth=1, width=5)._build(3, 4)
    network.reset([torch.Generator().manual_seed(0)])

    def gradients(decoder: Any, nested: bool) -> list[torch.Tensor]:
        network.zero_grad()
        _mean_over_decoders(y, nested)(network, x, y).sum().backward()
        return [p.grad.clone() for p in decoder.parameters()]

    own = gradients(network.encoder, False)
    # Anew: the loss of the last decoder alone, but for the weight of the other.
    network.zero_grad()
    regression_loss("r2", y)(network.decoders[1], network.encoder(x), y).sum().backward()
    alone = [p.grad / 1.001 for p in network.encoder.parameters()]
    for a, b in zip(own, alone, strict=True):
        torch.testing.assert_close(a, b)
    assert any(g.abs().max() > 0 for g in gradients(network.decoders[0], False))
