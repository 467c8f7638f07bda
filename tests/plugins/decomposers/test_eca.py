"""The decomposer ``eca`` where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.errors import DataError, RunError
from xreg.core.metrics import covered_variance
from xreg.core.nn.view import as_affine
from xreg.plugins.eca.eca import ECA
from xreg.plugins.eca.search import Projection, preconditioner
from xreg.plugins.mlp.mlp import MLP
from xreg.plugins.ridge.ridge import Ridge


def white(n=400, d=12, seed=0):
    """Features whose covariance is exactly the identity."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    X -= X.mean(axis=0)
    left, _, right = np.linalg.svd(X, full_matrices=False)
    return left @ right * np.sqrt(n)


@pytest.fixture(scope="module")
def linear():
    """Whitened features, a linear map of known singular vectors, and an emulator equal to it."""
    X = white()
    rng = np.random.default_rng(1)
    left = np.linalg.qr(rng.normal(size=(12, 4)))[0]
    right = np.linalg.qr(rng.normal(size=(7, 4)))[0]
    strength = np.array([2.0, 1.2, 0.7, 0.4])
    Y = X @ (left * strength) @ right.T
    return X, Y, Ridge(alpha=1e-9).fit(X, Y), left.T, strength


@pytest.fixture(scope="module")
def curved():
    """Correlated features and spectra that two of their directions rule, with a trained network."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(500, 10)) @ (np.eye(10) + 0.5 * rng.normal(size=(10, 10)))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    axes = np.linalg.qr(rng.normal(size=(10, 2)))[0]
    t = X @ axes
    energy = np.linspace(-2, 2, 12)
    Y = np.exp(-((energy - 0.5 * t[:, :1]) ** 2)) * (1 + 0.3 * np.tanh(t[:, 1:]))
    Y = (Y - Y.mean(axis=0)) / Y.std()
    model = MLP(width=24, depth=2, epochs=60, batch=50, learning_rate=5e-3).fit(X, Y)
    return X, Y, model


@pytest.fixture(scope="module")
def found(curved):
    X, Y, model = curved
    return ECA(rank=3, batch=100).fit(X, Y, model)


class TestLinearEmulator:
    @pytest.mark.parametrize("optimiser", ["lbfgs", "adam"])
    def test_dominant_singular_vectors(self, linear, optimiser):
        X, Y, emulator, singular, strength = linear
        settings = {"epochs": 100, "batch": 100} if optimiser == "adam" else {}
        eca = ECA(rank=3, starts=5, tolerance=1e-8, optimiser=optimiser, **settings)
        eca.fit(X, Y, emulator)
        overlap = np.abs(np.sum(eca.components_ * singular[:3], axis=1))
        np.testing.assert_allclose(overlap, 1, atol=1e-4 if optimiser == "lbfgs" else 1e-2)
        covered = np.cumsum(strength**2)[:3] / np.sum(strength**2)
        np.testing.assert_allclose(
            eca.covered_variance_, covered, atol=1e-5 if optimiser == "lbfgs" else 2e-3
        )

    def test_numpy_svd(self, linear):
        X, Y, emulator, _, _ = linear
        eca = ECA(rank=2, starts=5, tolerance=1e-8).fit(X, Y, emulator)
        right = np.linalg.svd(emulator.coefficients_.T)[2]
        assert np.abs(np.sum(eca.components_ * right[:2], axis=1)).min() > 0.9999

    def test_all_features(self, linear):
        X, Y, emulator, _, _ = linear
        X = X[:, :3]
        emulator = Ridge(alpha=1e-9).fit(X, Y)
        eca = ECA(rank=3, starts=4).fit(X, Y, emulator)
        assert eca.covered_variance_[-1] == pytest.approx(emulator.score(X, Y), abs=1e-5)
        with pytest.raises(DataError, match="4 directions among 3"):
            ECA(rank=4).fit(X, Y, emulator)


class TestNetwork:
    def test_orthonormal_to_double_precision(self, found):
        basis = found.components_
        np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-12)

    def test_sign(self, found):
        for vector in found.components_:
            assert vector[np.abs(vector).argmax()] > 0

    def test_record(self, curved, found):
        X, Y, _ = curved
        assert found.start_r2_.shape == (3, 25)
        np.testing.assert_array_equal(found.covered_variance_, found.start_r2_.max(axis=1))
        np.testing.assert_allclose(found.covered_variance_, found.covered_variance(X, Y), atol=1e-5)
        assert (np.diff(found.covered_variance_) > 0).all()

    def test_finds_the_two_that_rule(self, curved, found):
        X, Y, model = curved
        assert found.covered_variance_[1] > 0.93 * model.score(X, Y)

    def test_better_than_any_of_many_random_directions(self, curved, found):
        X, Y, model = curved
        v = np.random.default_rng(0).normal(size=(300, 10))
        v /= np.linalg.norm(v, axis=1, keepdims=True)
        scores = [covered_variance(Y, model.predict(np.outer(X @ u, u))) for u in v]
        assert found.covered_variance_[0] > max(scores)

    def test_more_starts_are_no_worse(self, curved, found):
        X, Y, model = curved
        one = ECA(rank=1, starts=1).fit(X, Y, model)
        assert found.covered_variance_[0] >= one.covered_variance_[0] - 1e-5

    def test_halving_loses_nothing(self, curved, found):
        X, Y, model = curved
        full = ECA(rank=2, halving=False).fit(X, Y, model)
        np.testing.assert_allclose(found.covered_variance_[:2], full.covered_variance_, atol=2e-4)

    def test_adam_agrees(self, curved, found):
        X, Y, model = curved
        adam = ECA(rank=2, optimiser="adam", batch=100).fit(X, Y, model)
        np.testing.assert_allclose(found.covered_variance_[:2], adam.covered_variance_, atol=0.01)
        assert np.abs(adam.components_[0] @ found.components_[0]) > 0.99

    def test_seed(self, curved, found):
        X, Y, model = curved
        again = ECA(rank=3, batch=100).fit(X, Y, model)
        np.testing.assert_array_equal(again.components_, found.components_)
        other = ECA(rank=3, batch=100, seed=1).fit(X, Y, model)
        assert not np.array_equal(other.start_r2_, found.start_r2_)

    def test_any_differentiable_view(self, curved, found, monkeypatch):
        X, Y, model = curved
        affine = model.torch_view()
        monkeypatch.setattr(MLP, "torch_view", lambda self: affine.__call__)
        plain = ECA(rank=2, batch=100).fit(X, Y, model)
        np.testing.assert_allclose(plain.components_, found.components_[:2], atol=2e-2)
        np.testing.assert_allclose(plain.covered_variance_, found.covered_variance_[:2], atol=1e-5)

    def test_reconstruction_finds_the_scores_again(self, curved, found):
        X, _, model = curved
        two = ECA(rank=2)
        two.restore({}, {"components_": found.components_[:2], "mean_": found.mean_})
        two.candidates_ = found.candidates_[:, :2]
        two.emulator = model
        t = two.transform(X[:40])
        spectra = model.predict(two.inverse_transform(t))
        recovered = two.reconstruct(spectra)
        again = model.predict(two.inverse_transform(recovered))
        assert np.abs(again - spectra).max() < 1e-4
        assert np.median(np.abs(recovered - t)) < 1e-3


class TestProjection:
    @pytest.mark.parametrize("chunk", [1, 10_000_000])
    def test_value_and_gradient(self, curved, found, monkeypatch, chunk):
        monkeypatch.setattr("xreg.plugins.eca.search.CHUNK", chunk)
        X, Y, model = curved
        x, y = torch.tensor(X[:60]), torch.tensor(Y[:60])
        basis = torch.tensor(found.components_[:1])
        view = as_affine(model.torch_view(), 10)
        problem = Projection(view, x, y, basis)
        u = problem.outside(torch.tensor(np.random.default_rng(0).normal(size=(3, 10))))
        value, gradient = problem(u)
        for i in range(3):
            way = u[i].clone().requires_grad_()
            v = way / way.norm()
            seen = (x @ basis.T) @ basis + (x @ v)[:, None] * v
            missing = (view(seen) - y).square().sum() / (y - y.mean(0)).square().sum()
            (expected,) = torch.autograd.grad(missing, way)
            expected = expected - (basis @ expected) @ basis
            torch.testing.assert_close(value[i], missing.detach(), check_dtype=False)
            torch.testing.assert_close(gradient[i], expected, check_dtype=False)
        torch.testing.assert_close(problem.r2(u), 1 - value, check_dtype=False)

    @pytest.mark.parametrize("n", [30, 8])
    def test_preconditioner_is_the_inverse(self, n):
        X = torch.tensor(np.random.default_rng(0).normal(size=(n, 12)), dtype=torch.float32)
        ridge = 0.1 * X.square().mean()
        metric = X.T @ X / n + ridge * torch.eye(12)
        g = torch.eye(12)
        torch.testing.assert_close(preconditioner(X)(g) @ metric, g, atol=1e-3, rtol=0)


class TestBadInput:
    def test_constant_targets(self, curved):
        X, Y, model = curved
        with pytest.raises(DataError, match="do not vary"):
            ECA().fit(X, np.ones_like(Y), model)

    def test_not_finite(self, curved):
        X, Y, model = curved
        bad = X.copy()
        bad[0, 0] = np.nan
        with pytest.raises(DataError, match="finite"):
            ECA().fit(bad, Y, model)

    def test_broken_emulator(self, curved, monkeypatch):
        X, Y, model = curved
        monkeypatch.setattr(MLP, "torch_view", lambda self: lambda x: x[:, :1] / 0 * torch.ones(12))
        with pytest.raises(RunError, match="not finite"):
            ECA().fit(X, Y, model)
