"""The decomposer ``pca`` against scikit-learn and the eigenvectors of the covariance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA as Principal

from xreg.core.errors import CorruptError, DataError
from xreg.core.metrics import covered_variance
from xreg.plugins.pca.pca import PCA
from xreg.plugins.ridge.ridge import Ridge


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 6)) @ rng.normal(size=(6, 6)) + rng.normal(size=6)
    return X, X @ rng.normal(size=(6, 4))


def test_scikit_learn(data):
    X, Y = data
    ours, theirs = PCA(rank=3).fit(X, Y), Principal(3).fit(X)
    sign = np.sign(np.sum(ours.components_ * theirs.components_, axis=1))
    np.testing.assert_allclose(ours.components_, sign[:, None] * theirs.components_, atol=1e-12)
    np.testing.assert_allclose(ours.transform(X), sign * theirs.transform(X), atol=1e-10)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        theirs.inverse_transform(theirs.transform(X)),
        atol=1e-10,
    )
    np.testing.assert_allclose(ours.explained_variance_ratio_, theirs.explained_variance_ratio_)


def test_eigenvectors_of_the_covariance(data):
    X, Y = data
    values, vectors = np.linalg.eigh(np.cov(X.T))
    pca = PCA(rank=2).fit(X, Y)
    np.testing.assert_allclose(pca.explained_variance_, values[::-1][:2])
    overlap = np.abs(np.sum(pca.components_ * vectors.T[::-1][:2], axis=1))
    np.testing.assert_allclose(overlap, 1)


def test_sign(data):
    pca = PCA(rank=4).fit(*data)
    assert all(vector[np.abs(vector).argmax()] > 0 for vector in pca.components_)


def test_covered_spectral_variance_goes_through_the_emulator(data):
    X, Y = data
    emulator = Ridge(alpha=1e-9).fit(X, Y)
    pca = PCA(rank=6).fit(X, Y)
    pca.emulator = emulator
    covered = pca.covered_variance(X, Y)
    seen = Principal(2).fit(X)
    projected = seen.inverse_transform(seen.transform(X))
    assert covered[1] == pytest.approx(covered_variance(Y, emulator.predict(projected)))
    assert covered[5] == pytest.approx(emulator.score(X, Y))


def test_reconstruction_of_a_linear_map_is_least_squares(data):
    X, Y = data
    pca = PCA(rank=3).fit(X, Y)
    pca.emulator = Ridge(alpha=1e-9).fit(X, Y)
    slope = pca.components_ @ pca.emulator.coefficients_
    offset = pca.emulator.predict(pca.mean_[None])
    expected = np.linalg.lstsq(slope.T, (Y[:9] - offset).T, rcond=None)[0].T
    np.testing.assert_allclose(pca.reconstruct(Y[:9]), expected, atol=1e-5)


def test_too_many_components(data):
    X, Y = data
    with pytest.raises(DataError, match="7 directions among 6"):
        PCA(rank=7).fit(X, Y)


def test_directions_beyond_what_varies_are_refused() -> None:
    X = np.zeros((20, 3))
    X[:, 0] = np.arange(20)
    with pytest.raises(DataError, match="cannot find 2 directions among 1 features"):
        PCA(rank=2).fit(X, X)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean_", np.zeros((3, 5, 2))),
        ("mean_", np.array(7.0)),
        ("mean_", np.zeros(5)),
        ("components_", np.zeros(6)),
        ("components_", np.zeros((3, 5))),
        ("candidates_", np.zeros((4, 2))),
        ("candidates_", np.zeros(3)),
    ],
)
def test_saved_arrays_that_do_not_fit_together_are_told(name: str, value: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6))
    fitted = PCA(rank=3).fit(X, X[:, :2], Ridge().fit(X, X[:, :2]))
    values, arrays = fitted.state()
    again = PCA(rank=3)
    again.restore(values, arrays)
    np.testing.assert_array_equal(again.transform(X), fitted.transform(X))
    assert name in arrays
    with pytest.raises(CorruptError, match="do not fit together"):
        PCA(rank=3).restore(values, {**arrays, name: value})
