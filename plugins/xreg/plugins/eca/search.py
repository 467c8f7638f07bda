"""The search for one ECA vector from many random starts at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy

import torch
from torch import Tensor

from xreg.core import progress
from xreg.core.nn.minimise import lbfgs
from xreg.core.nn.training import generators
from xreg.core.nn.view import AffineView
from xreg.plugins.eca.plugin import ECAConfig

__all__ = ["Projection", "preconditioner", "search"]

CHUNK = 2_000_000  # first-layer activations in memory at once: stays near the cache
CHUNK_GPU = 64_000_000  # keeps all of it busy
FINALISTS = 3
ROUND = 8  # evaluations in each round of halving before the last
RIDGE = 0.1


class Projection:
    """Missing covered variance of spectra seen through earlier vectors and one more.

    The emulator's first step is affine, so projected features never have to be built: with t = v·x,
    its value at x^(k) is (that at x^(k-1)) + t (v W), an outer product. A start then costs one sum
    over the d features for each sample in place of one for each neuron.

    Parameters
    ----------
    view
        The emulator.
    X, Y
        (n, d) features and (n, m) targets.
    found
        (j, d) orthonormal vectors found before.
    """

    def __init__(self, view: AffineView, X: Tensor, Y: Tensor, found: Tensor) -> None:
        self.X, self.Y, self.found = X, Y, found
        self.tail, self.weight = view.tail, view.weight.to(X.dtype)
        self.before = (X @ found.T) @ (found @ self.weight) + view.bias.to(X.dtype)

    def outside(self, u: Tensor) -> Tensor:
        """Return the part of (s, d) vectors that is orthogonal to the vectors found before."""
        return u - (u @ self.found.T) @ self.found

    def on(self, rows: Tensor) -> Projection:
        """Return the same problem on a subset of the samples."""
        part = copy(self)
        part.X, part.Y, part.before = self.X[rows], self.Y[rows], self.before[rows]
        return part

    def __call__(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return the (s,) missing variance of directions u, and its (s, d) gradient."""
        u = u.detach().requires_grad_()
        with torch.enable_grad():
            v = u / u.norm(dim=1, keepdim=True)
            seen, scores = v @ self.weight, v @ self.X.T
        # Chunk by chunk down to v and back, then once from v to u.
        total = u.new_zeros(len(u))
        pulls = [torch.zeros_like(seen), torch.zeros_like(scores)]
        size = _rows(seen)
        for start in range(0, len(self.X), size):
            part = slice(start, start + size)
            error, pull, push = self._chunk(seen, scores[:, part], part)
            total += error
            pulls[0] += pull
            pulls[1][:, part] = push
        (gradient,) = torch.autograd.grad([seen, scores], u, pulls)
        spread = (self.Y - self.Y.mean(0)).square().sum()
        return total / spread, self.outside(gradient) / spread

    def _chunk(self, seen: Tensor, scores: Tensor, part: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Return the error over some samples and its gradients by ``seen`` and ``scores``."""
        before = self.before[part].expand(len(seen), -1, -1)
        seen, scores = seen.detach().requires_grad_(), scores.detach().requires_grad_()
        with torch.enable_grad():
            z = torch.baddbmm(before, scores[:, :, None], seen[:, None])
            error = (self.tail(z) - self.Y[part]).square().sum((1, 2))
            pull, push = torch.autograd.grad(error.sum(), (seen, scores))
        return error.detach(), pull, push

    @torch.no_grad()
    def r2(self, u: Tensor) -> Tensor:
        """Return the (s,) covered variance of directions u on all samples."""
        v = u / u.norm(dim=1, keepdim=True)
        seen, scores = v @ self.weight, v @ self.X.T
        total = u.new_zeros(len(u), dtype=torch.float64)
        size = _rows(seen)
        for start in range(0, len(self.X), size):
            part = slice(start, start + size)
            z = self.before[part] + scores[:, part, None] * seen[:, None]
            total += (self.tail(z) - self.Y[part]).square().sum((1, 2)).double()
        return 1 - total / (self.Y - self.Y.mean(0)).square().sum().double()


def _rows(seen: Tensor) -> int:
    """Return how many samples are taken at once."""
    return max(1, (CHUNK if seen.device.type == "cpu" else CHUNK_GPU) // seen.numel())


def _eye(like: Tensor, n: int) -> Tensor:
    return torch.eye(n, device=like.device)


def preconditioner(X: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the inverse of the features' covariance (plus a ridge) as a map of gradients.

    v enters through t = v·x, so the error curves along v as the covariance of x does; undoing it
    makes correlated descriptors as easy as independent ones. v also enters as the direction in
    which t is laid out, where the emulator's own slopes give the curvature: the ridge, a tenth of
    the mean variance, stands for those.
    """
    n, d = X.shape
    ridge = float(RIDGE * X.square().mean().clamp_min(1e-30))
    if d <= n:
        factor = torch.linalg.cholesky(X.T @ X / n + ridge * _eye(X, d))
        return lambda g: torch.cholesky_solve(g.T, factor).T
    # Woodbury: an n × n system where there are more features than samples.
    small = torch.linalg.cholesky(X @ X.T / n + ridge * _eye(X, n))
    return lambda g: (g - torch.cholesky_solve(X @ g.T, small).T @ X / n) / ridge


def search(
    problem: Projection,
    u: Tensor,
    config: ECAConfig,
    precondition: Callable[[Tensor], Tensor],
    task: str,
) -> tuple[Tensor, Tensor]:
    """Optimise all starts together.

    Parameters
    ----------
    problem
        What is minimised.
    u
        (s, d) random starts.
    config
        Optimiser and its settings.
    precondition
        Inverse metric of feature space.
    task
        Name under which progress is reported.

    Returns
    -------
    Tensor, Tensor
        The best direction, (d,) and of unit length, and the (s,) covered variance on all samples
        that each start had reached when it was last optimised.
    """
    u = problem.outside(u)
    u = u / u.norm(dim=1, keepdim=True)
    if config.optimiser == "adam":
        u = _adam(problem, u, config, task)
        reached = problem.r2(u)
    else:
        u, reached = _successive_halving(problem, u, config, precondition, task)
    best = u[reached.argmax()]
    return best / best.norm(), reached


def _successive_halving(
    problem: Projection,
    u: Tensor,
    config: ECAConfig,
    precondition: Callable[[Tensor], Tensor],
    task: str,
) -> tuple[Tensor, Tensor]:
    """L-BFGS; starts are halved and samples doubled from round to round (successive halving)."""
    n, starts = len(problem.X), len(u)

    def metric(gradient: Tensor) -> Tensor:
        return problem.outside(precondition(problem.outside(gradient)))

    rounds = max(0, math.ceil(math.log2(starts / FINALISTS))) if config.halving else 0
    order = torch.randperm(n, generator=generators(config.seed, 1)[0]).to(u.device)
    reached = problem.r2(u)
    alive = torch.arange(starts, device=u.device)
    for left in range(rounds, -1, -1):
        size = max(config.batch, n >> left)
        moved, _ = lbfgs(
            problem.on(order[:size].sort().values) if left and size < n else problem,
            u[alive],
            iterations=ROUND if left else config.epochs,
            tolerance=config.tolerance,
            precondition=metric,
        )
        u[alive] = moved / moved.norm(dim=1, keepdim=True)
        reached[alive] = problem.r2(u[alive])
        progress.report(task, rounds - left + 1, rounds + 1, f"R² {reached.max():.4f}")
        if left:
            ranking = reached[alive].argsort(descending=True, stable=True)
            alive = alive[ranking[: math.ceil(len(alive) / 2)]].sort().values
    return u, reached


def _adam(problem: Projection, u: Tensor, config: ECAConfig, task: str) -> Tensor:
    """Adam on shuffled mini-batches that all starts share."""
    n = len(problem.X)
    (draw,) = generators(config.seed, 1)
    u = u.clone().requires_grad_()
    optimiser = torch.optim.Adam([u], config.learning_rate, fused=True)
    steps = math.ceil(n / config.batch)
    best, marks = problem.r2(u), [problem.r2(u)]
    kept = u.detach().clone()
    for epoch in range(config.epochs):
        for rows in torch.randperm(n, generator=draw).to(u.device).tensor_split(steps):
            _, u.grad = problem.on(rows)(u)
            optimiser.step()
            with torch.no_grad():
                u.copy_(problem.outside(u))
                u.div_(u.norm(dim=1, keepdim=True))
        reached = problem.r2(u)
        better = reached > best
        best = torch.where(better, reached, best)
        kept[better] = u.detach()[better]
        marks.append(best)
        progress.report(task, epoch + 1, config.epochs, f"R² {best.max():.4f}")
        if len(marks) > 5 and not (best - marks[-6] > config.tolerance).any():
            break
    return kept
