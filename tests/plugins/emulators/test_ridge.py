"""The emulator ``ridge`` against the closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.metrics import covered_variance
from xreg.plugins.ridge.ridge import Ridge


def noisy(n=40, d=12, m=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    weight = np.random.default_rng(9).normal(size=(d, m))
    return X, X @ weight + 4 * rng.normal(size=(n, m)) + 1


def closed_form(X, Y, alpha):
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    weight = np.linalg.solve(x.T @ x + alpha * np.eye(X.shape[1]), x.T @ y)
    return weight, Y.mean(axis=0) - X.mean(axis=0) @ weight


@pytest.mark.parametrize("alpha", [1e-3, 3.0, 1e4])
def test_closed_form(alpha):
    X, Y = noisy()
    model = Ridge(alpha=alpha).fit(X, Y)
    weight, intercept = closed_form(X, Y, alpha)
    np.testing.assert_allclose(model.coefficients_, weight, atol=1e-9)
    np.testing.assert_allclose(model.intercept_, intercept, atol=1e-9)
    assert model.alpha_ == alpha


@pytest.mark.parametrize("d", [12, 90])
def test_validation_set_chooses(d):
    data, held = noisy(d=d), noisy(d=d, seed=1)
    alphas = (1e-2, 1.0, 30.0, 1e4)
    model = Ridge(alphas=alphas).fit(*data, validation=held)
    scores = []
    for alpha in alphas:
        weight, intercept = closed_form(*data, alpha)
        scores.append(covered_variance(held[1], held[0] @ weight + intercept))
    assert model.alpha_ == alphas[int(np.argmax(scores))]
    weight, intercept = closed_form(*data, model.alpha_)
    np.testing.assert_allclose(model.coefficients_, weight, atol=1e-9)
    np.testing.assert_allclose(model.intercept_, intercept, atol=1e-9)


def test_leave_one_out_chooses():
    X, Y = noisy()
    alphas = (1e-2, 1.0, 30.0, 1e4)
    errors = []
    for alpha in alphas:
        left = np.empty_like(Y)
        for i in range(len(X)):
            keep = np.arange(len(X)) != i
            weight, intercept = closed_form(X[keep], Y[keep], alpha)
            left[i] = X[i] @ weight + intercept
        errors.append(np.sum((left - Y) ** 2))
    assert Ridge(alphas=alphas).fit(X, Y).alpha_ == alphas[int(np.argmin(errors))]


def test_view_gradient_is_the_coefficients():
    X, Y = noisy()
    model = Ridge(alpha=1.0).fit(X, Y)
    jacobian = torch.autograd.functional.jacobian(model.torch_view(), torch.tensor(X[:1]))
    np.testing.assert_allclose(jacobian[0, :, 0].T, model.coefficients_)
