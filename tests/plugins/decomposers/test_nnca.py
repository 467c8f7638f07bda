"""The decomposer ``nnca`` where the directions are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.errors import DataError
from xreg.core.metrics import covered_variance
from xreg.core.nn.bottleneck import Orthonormal
from xreg.core.nn.training import generators
from xreg.core.testing import DecomposerSuite
from xreg.plugins.eca.eca import ECA
from xreg.plugins.mlp.mlp import MLP
from xreg.plugins.nnca import nnca as module
from xreg.plugins.nnca.nnca import NNCA

SMALL = {"starts": 3, "width": 24, "depth": 2, "epochs": 200, "batch": 50, "learning_rate": 0.01}


class TestSuite(DecomposerSuite):
    component = NNCA
    constant = 0.4
    settings = {**SMALL, "starts": 2, "width": 16, "depth": 1, "epochs": 30}


@pytest.fixture(scope="module")
def curved():
    """Mildly correlated features, the two directions that rule the spectra, and the spectra."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(500, 8)) @ (np.eye(8) + 0.1 * rng.normal(size=(8, 8)))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    axes = np.linalg.qr(rng.normal(size=(8, 2)))[0]
    t = X @ axes
    energy = np.linspace(-2, 2, 12)
    Y = np.exp(-((energy - 0.5 * t[:, :1]) ** 2)) * (1 + 0.3 * np.tanh(t[:, 1:]))
    return X, (Y - Y.mean(axis=0)) / Y.std(), axes


@pytest.fixture(scope="module")
def trained(curved):
    """A decomposer of rank two, and what its networks gave for the training set when trained."""
    X, Y, _ = curved
    seen = []

    def spy(build, x, y, config, task):
        network, reached = fit(build, x, y, config, task)
        t = network.encoder(torch.tensor(x)[None])
        seen.append([d(t[..., : d.n_in])[0].numpy() for d in network.decoders])
        return network, reached

    fit = module.fit_bottleneck
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "fit_bottleneck", spy)
        found = NNCA(**SMALL).fit(X, Y)
    return found, seen


def test_finds_the_space_that_rules(curved, trained):
    X, Y, axes = curved
    found, _ = trained
    overlap = np.linalg.svd(found.components_ @ axes, compute_uv=False)
    assert overlap.min() > 0.99
    assert found.covered_variance(X, Y)[1] > 0.98


def test_orthonormal_to_double_precision(trained):
    basis = trained[0].components_
    np.testing.assert_allclose(basis @ basis.T, np.eye(2), atol=1e-12)
    assert all(vector[np.abs(vector).argmax()] > 0 for vector in basis)


def test_turning_the_basis_changes_no_prediction(curved, trained):
    X, _, _ = curved
    found, ((whole,), (first,)) = trained
    np.testing.assert_allclose(found.predict(X), whole, atol=1e-10)
    np.testing.assert_allclose(found.predict(X, 1), first, atol=1e-10)


def test_order_of_covered_variance():
    """A linear map of white features: vectors in the order of its singular values."""
    rng = np.random.default_rng(0)
    left, _, right = np.linalg.svd(rng.normal(size=(400, 5)), full_matrices=False)
    X = left @ right * 20
    v = np.linalg.qr(rng.normal(size=(5, 2)))[0]
    Y = X @ (v * [1.0, 2.0]) @ np.linalg.qr(rng.normal(size=(6, 2)))[0].T
    found = NNCA(**{**SMALL, "depth": 0}).fit(X, Y)
    np.testing.assert_allclose(np.abs(found.components_ @ v), [[0, 1], [1, 0]], atol=0.05)
    np.testing.assert_allclose(found.covered_variance(X, Y), [0.8, 1], atol=5e-3)


def test_at_least_eca(curved, trained):
    X, Y, _ = curved
    emulator = MLP(width=24, depth=2, epochs=80, batch=50, learning_rate=0.01).fit(X, Y)
    eca = ECA(rank=2, starts=5).fit(X, Y, emulator)
    assert (trained[0].covered_variance(X, Y) > eca.covered_variance_ - 0.01).all()


def test_reconstruction_finds_the_spectra_again(curved, trained):
    X, _, _ = curved
    found, _ = trained
    spectra = found.predict(X[:30])
    np.testing.assert_allclose(found.decode(found.reconstruct(spectra)), spectra, atol=1e-5)


def test_each_start_is_what_it_would_be_alone(curved):
    X, Y, _ = curved
    settings = {**SMALL, "rank": 1, "epochs": 5, "early_stopping": False}
    three = NNCA(**{**settings, "starts": 3}).fit(X, Y)
    alone = NNCA(**{**settings, "starts": 1, "seed": 2}).fit(X, Y)
    assert three.start_r2_.shape == (3,)
    assert len(set(three.start_r2_)) == 3
    assert three.start_r2_[2] == pytest.approx(alone.start_r2_[0], abs=1e-4)


def test_best_start_is_kept(curved):
    X, Y, _ = curved
    settings = {**SMALL, "rank": 1, "epochs": 3, "starts": 6, "early_stopping": False}
    many = NNCA(**settings).fit(X, Y)
    best = int(many.start_r2_.argmax())
    alone = NNCA(**{**settings, "starts": 1, "seed": best}).fit(X, Y)
    assert abs(many.components_[0] @ alone.components_[0]) > 0.999
    assert covered_variance(Y, many.predict(X)) == pytest.approx(
        covered_variance(Y, alone.predict(X)), abs=1e-3
    )


def test_orthonormal_layer():
    layer = Orthonormal(3, 6, 2)
    layer.reset(generators(0, 3))
    gram = layer.weight.transpose(1, 2) @ layer.weight
    torch.testing.assert_close(gram, torch.eye(2).expand(3, 2, 2), atol=1e-6, rtol=0)
    before = layer.weight.detach().clone()
    layer.get_parameter("parametrizations.weight.original").data.mul_(0.1)  # as weight decay does
    torch.testing.assert_close(layer.weight.detach(), before)
    assert not torch.equal(before[0], before[1])


class TestBadInput:
    def test_constant_targets(self, curved):
        with pytest.raises(DataError, match="do not vary"):
            NNCA(**SMALL).fit(curved[0], np.ones((500, 3)))

    def test_too_many_directions(self, curved):
        with pytest.raises(DataError, match="9 directions among 8"):
            NNCA(rank=9).fit(*curved[:2])

    def test_spectra_not_finite(self, trained):
        with pytest.raises(DataError, match="finite"):
            trained[0].reconstruct(np.full((1, 12), np.nan))
