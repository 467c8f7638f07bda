"""The decomposer ``pls`` against scikit-learn, linear algebra and known directions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cross_decomposition import PLSSVD, PLSRegression

from xreg.core.errors import DataError
from xreg.core.metrics import covered_variance
from xreg.core.testing import DecomposerSuite
from xreg.plugins.pls.pls import PLS


class TestSuite(DecomposerSuite):
    component = PLS
    constant = 0.4


class TestRegressionSuite(DecomposerSuite):
    component = PLS
    settings = {"method": "regression"}
    constant = 0.4


def regression(rank: int) -> PLS:
    return PLS(rank=rank, method="regression")


@pytest.fixture(scope="module")
def data():
    """Correlated features off the origin; spectra of them with noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 7)) @ rng.normal(size=(7, 7)) + rng.normal(size=7)
    Y = X @ rng.normal(size=(7, 5)) + np.sin(X[:, :1]) + 0.3 * rng.normal(size=(90, 5))
    return X, Y


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_directions_are_singular_vectors_of_the_covariance(data, rank):
    X, Y = data
    pls = PLS(rank=rank).fit(X, Y)
    theirs = PLSSVD(rank, scale=False).fit(X, Y)
    np.testing.assert_allclose(np.abs(pls.components_ @ theirs.x_weights_), np.eye(rank), atol=1e-8)
    left, size, _ = np.linalg.svd((X - X.mean(axis=0)).T @ (Y - Y.mean(axis=0)))
    np.testing.assert_allclose(np.abs(pls.components_ @ left[:, :rank]), np.eye(rank), atol=1e-8)
    reached = np.linalg.norm(pls.transform(X).T @ (Y - Y.mean(axis=0)), axis=1)
    np.testing.assert_allclose(reached, size[:rank], rtol=1e-9)


@pytest.mark.parametrize("method", ["svd", "regression"])
def test_each_rank_is_least_squares_on_its_scores(data, method):
    X, Y = data
    pls = PLS(rank=4, method=method).fit(X, Y)
    for rank in range(1, 5):
        A = np.column_stack([np.ones(len(X)), pls.transform(X)[:, :rank]])
        expected = A @ np.linalg.lstsq(A, Y, rcond=None)[0]
        np.testing.assert_allclose(pls.predict(X, rank), expected, atol=1e-9)


def test_both_methods_begin_alike(data):
    X, Y = data
    one, other = PLS(rank=1).fit(X, Y), regression(1).fit(X, Y)
    np.testing.assert_allclose(one.components_, other.components_, atol=1e-3)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_last_rank_is_the_regression_of_scikit_learn(data, rank):
    X, Y = data
    ours, theirs = regression(rank).fit(X, Y), PLSRegression(rank, scale=False).fit(X, Y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-8)
    # The same space: the part of their rotations outside our basis is nothing.
    basis = ours.components_
    outside = theirs.x_rotations_ - basis.T @ (basis @ theirs.x_rotations_)
    assert np.abs(outside).max() < 1e-8


def test_all_directions_are_least_squares(data):
    X, Y = data
    A = np.column_stack([np.ones(len(X)), X])
    expected = A @ np.linalg.lstsq(A, Y, rcond=None)[0]
    np.testing.assert_allclose(regression(7).fit(X, Y).predict(X), expected, atol=1e-6)


def test_order_is_that_of_the_singular_values(data):
    X, Y = data
    pls = regression(4).fit(X, Y)
    fitted = PLSRegression(4, scale=False).fit(X, Y).predict(X) - Y.mean(axis=0)
    size = np.linalg.svd(fitted, compute_uv=False)[:4] ** 2
    expected = np.cumsum(size) / np.sum((Y - Y.mean(axis=0)) ** 2)
    np.testing.assert_allclose(pls.covered_variance(X, Y), expected, atol=1e-9)


def test_no_turn_of_the_basis_covers_more(data):
    X, Y = data
    pls = regression(3).fit(X, Y)
    best = pls.covered_variance(X, Y)[0]
    T = pls.transform(X)
    for v in np.random.default_rng(1).normal(size=(200, 3)):
        A = np.column_stack([np.ones(len(T)), T @ v])
        assert covered_variance(Y, A @ np.linalg.lstsq(A, Y, rcond=None)[0]) <= best + 1e-12


def test_one_direction_that_rules():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6))
    v = np.linalg.qr(rng.normal(size=(6, 1)))[0][:, 0]
    pls = PLS(rank=1).fit(X, np.outer(X @ v, [1.0, -2.0, 0.5]))
    assert abs(pls.components_[0] @ v) > 0.99


@pytest.mark.parametrize("method", ["svd", "regression"])
def test_reconstruction_is_least_squares(data, method):
    X, Y = data
    pls = PLS(rank=2, method=method).fit(X, Y)
    expected = np.linalg.lstsq(pls.slopes_[-1].T, (Y - pls.intercept_).T, rcond=None)[0].T
    np.testing.assert_allclose(pls.reconstruct(Y), expected, atol=1e-10)
    np.testing.assert_allclose(pls.reconstruct(pls.predict(X)), pls.transform(X), atol=1e-8)


def test_one_channel_and_several_directions(data):
    X, Y = data
    pls = regression(3).fit(X, Y[:, :1])
    covered = pls.covered_variance(X, Y[:, :1])
    # One channel is seen through one direction; the others add nothing.
    np.testing.assert_allclose(covered, covered[0], atol=1e-9)
    np.testing.assert_allclose(pls.components_ @ pls.components_.T, np.eye(3), atol=1e-12)


class TestBadInput:
    def test_constant_targets(self, data):
        with pytest.raises(DataError, match="do not vary"):
            PLS().fit(data[0], np.ones((90, 2)))

    def test_too_many_directions(self, data):
        with pytest.raises(DataError, match="8 directions among 7"):
            PLS(rank=8).fit(*data)

    @pytest.mark.parametrize("method", ["svd", "regression"])
    def test_fewer_directions_than_asked(self, data, method):
        X = np.repeat(data[0][:, :2], 2, axis=1)
        with pytest.raises(DataError, match="fewer than 3"):
            PLS(rank=3, method=method).fit(X, X[:, :2] @ np.arange(1.0, 11.0).reshape(2, 5) ** 2)

    def test_more_directions_than_channels(self, data):
        with pytest.raises(DataError, match="fewer than 6"):
            PLS(rank=6).fit(*data)
