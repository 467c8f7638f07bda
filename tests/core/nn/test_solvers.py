"""Batched minimisation and least squares, against NumPy and known minima."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xreg.core.nn.inverse import fit_scores
from xreg.core.nn.minimise import lbfgs
from xreg.core.nn.view import AffineView, as_affine


def quadratics(count=4, d=6, seed=0):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(count, d, d))
    matrix = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(d)
    centre = rng.normal(size=(count, d))
    return torch.tensor(matrix), torch.tensor(centre)


class TestLBFGS:
    def test_quadratics(self):
        matrix, centre = quadratics()
        evaluations = 0

        def objective(u):
            nonlocal evaluations
            evaluations += 1
            pull = torch.einsum("sij,sj->si", matrix, u - centre)
            return 0.5 * ((u - centre) * pull).sum(1), pull

        start = torch.ones_like(centre)
        u, value = lbfgs(objective, start, iterations=200, tolerance=1e-14)
        torch.testing.assert_close(u, centre, atol=1e-5, rtol=0)
        assert (value < 1e-9).all()
        assert evaluations < 100

    def test_exact_metric_needs_few_evaluations(self):
        matrix, centre = quadratics(count=3)
        matrix = matrix[:1].expand(3, -1, -1)
        inverse = torch.linalg.inv(matrix[0])
        evaluations = 0

        def objective(u):
            nonlocal evaluations
            evaluations += 1
            pull = torch.einsum("sij,sj->si", matrix, u - centre)
            return 0.5 * ((u - centre) * pull).sum(1), pull

        u, _ = lbfgs(
            objective,
            torch.ones_like(centre),
            iterations=100,
            tolerance=1e-12,
            precondition=lambda g: g @ inverse,
        )
        torch.testing.assert_close(u, centre, atol=1e-6, rtol=0)
        assert evaluations < 25

    def test_rosenbrock_from_many_starts(self):
        def objective(u):
            u = u.detach().requires_grad_()
            f = (1 - u[:, 0]) ** 2 + 100 * (u[:, 1] - u[:, 0] ** 2) ** 2
            (gradient,) = torch.autograd.grad(f.sum(), u)
            return f.detach(), gradient

        starts = torch.tensor([[-1.2, 1.0], [2.0, -1.0], [0.1, 3.0]], dtype=torch.float64)
        u, value = lbfgs(objective, starts, iterations=300, tolerance=1e-14)
        torch.testing.assert_close(u, torch.ones_like(u), atol=1e-4, rtol=0)
        assert (value < 1e-8).all()
        alone, _ = lbfgs(objective, starts[1:2], iterations=300, tolerance=1e-14)
        torch.testing.assert_close(alone[0], u[1], atol=1e-4, rtol=0)

    def test_values_never_rise(self):
        def objective(u):
            u = u.detach().requires_grad_()
            f = (torch.sin(5 * u) + u.square()).sum(1)
            (gradient,) = torch.autograd.grad(f.sum(), u)
            return f.detach(), gradient

        starts = torch.linspace(-3, 3, 20, dtype=torch.float64)[:, None]
        first, _ = objective(starts)
        for iterations in (1, 2, 5, 20):
            _, value = lbfgs(objective, starts, iterations=iterations, tolerance=1e-12)
            assert (value <= first).all()
            first = value


class TestFitScores:
    def test_linear_is_least_squares(self):
        rng = np.random.default_rng(0)
        basis = rng.normal(size=(3, 9))
        Y = rng.normal(size=(5, 9))
        matrix = torch.tensor(basis)
        found = fit_scores(
            lambda t: t @ matrix + 1, torch.tensor(Y), torch.tensor(rng.normal(size=(20, 3)))
        )
        expected = np.linalg.lstsq(basis.T, (Y - 1).T, rcond=None)[0].T
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_finds_the_right_one_of_two_basins(self):
        def decode(t):
            return torch.cat([t.square(), 0.05 * t], dim=1)

        wanted = torch.tensor([[1.3], [-1.3], [0.4]], dtype=torch.float64)
        candidates = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None] + 0.1
        found = fit_scores(decode, decode(wanted), candidates)
        np.testing.assert_allclose(found, wanted, atol=1e-6)

    def test_unseen_score_stays_finite(self):
        candidates = torch.tensor(np.random.default_rng(0).normal(size=(12, 2)))
        found = fit_scores(
            lambda t: t[:, :1] * torch.ones(4), torch.ones(3, 4).double(), candidates
        )
        np.testing.assert_allclose(found[:, 0], 1, atol=1e-6)
        assert torch.isfinite(found).all()

    def test_no_spectra(self):
        found = fit_scores(lambda t: t, torch.zeros(0, 2).double(), torch.eye(2).double())
        assert found.shape == (0, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_views_agree(dtype):
    rng = np.random.default_rng(0)
    weight, bias = torch.tensor(rng.normal(size=(3, 5))), torch.tensor(rng.normal(size=5))
    affine = AffineView(weight, bias, torch.tanh)
    plain = as_affine(affine.__call__, 3)
    x = torch.tensor(rng.normal(size=(2, 4, 3)), dtype=dtype)
    assert affine(x).dtype == dtype
    assert as_affine(affine, 3) is affine
    torch.testing.assert_close(plain(x), affine(x))
