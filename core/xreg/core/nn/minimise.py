"""Minimisation of many functions of the same shape at once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["lbfgs"]

# (s, d) points in, (s,) values and (s, d) gradients out.
Objective = Callable[[Tensor], tuple[Tensor, Tensor]]
MEMORY = 10
PATIENCE = 5


def lbfgs(
    objective: Objective,
    u: Tensor,
    *,
    iterations: int,
    tolerance: float,
    precondition: Callable[[Tensor], Tensor] = lambda g: g,
) -> tuple[Tensor, Tensor]:
    """Minimise s functions by L-BFGS (Nocedal & Wright, Algorithm 7.4), one evaluation for all.

    Every evaluation tries each problem's own next point. A problem whose value fell enough (Armijo)
    takes its point and turns to a new direction; one whose value did not, shortens its step and
    tries again beside the others.

    Parameters
    ----------
    objective
        Values and gradients of all problems.
    u
        (s, d) starting points.
    iterations
        Most evaluations.
    tolerance
        Stop when no value fell by more in the last five evaluations.
    precondition
        Approximate inverse Hessian applied to (s, d) gradients, symmetric and positive.

    Returns
    -------
    Tensor, Tensor
        (s, d) points and (s,) values.
    """
    count, d = u.shape
    steps, turns = u.new_zeros(MEMORY, count, d), u.new_zeros(MEMORY, count, d)
    curvature = u.new_zeros(MEMORY, count)  # 1 / (step · turn); zero for an empty place
    value, gradient = objective(u)
    way = -precondition(gradient)
    # The first step moves each point by a third of its length; then the metric sets the scale.
    scale = u.norm(dim=1) / (3 * way.norm(dim=1).clamp_min(1e-30))
    way, length = way * scale[:, None], torch.ones_like(value)
    marks = [value]
    for _ in range(iterations):
        trial = u + length[:, None] * way
        tried, slope = objective(trial)
        fell = tried <= value + 1e-4 * length * _dot(gradient, way)
        step, turn = trial - u, slope - gradient
        product = _dot(step, turn)
        fresh = fell & (product > 1e-12)
        for store, new in ((steps, step), (turns, turn), (curvature, 1 / product)):
            rolled = torch.cat([store[1:], new[None]])
            store.copy_(torch.where(fresh[:, None] if new.ndim > 1 else fresh, rolled, store))
        scale = torch.where(fresh, product / _dot(turn, precondition(turn)).clamp_min(1e-30), scale)
        u, gradient = _choose(fell, trial, u), _choose(fell, slope, gradient)
        value = torch.where(fell, tried, value)
        way = _choose(
            fell, -_two_loops(gradient, steps, turns, curvature, scale, precondition), way
        )
        length = torch.where(fell, 1.0, length / 3)
        marks.append(value)
        if len(marks) > PATIENCE and not (marks[-1 - PATIENCE] - value > tolerance).any():
            break
    return u, value


def _two_loops(
    gradient: Tensor,
    steps: Tensor,
    turns: Tensor,
    curvature: Tensor,
    scale: Tensor,
    precondition: Callable[[Tensor], Tensor],
) -> Tensor:
    """Apply the L-BFGS inverse Hessian to the gradients (Algorithm 7.4)."""
    q = gradient
    weights = []
    for step, turn, rho in zip(steps.flip(0), turns.flip(0), curvature.flip(0), strict=True):
        weight = rho * _dot(step, q)
        weights.append(weight)
        q = q - weight[:, None] * turn
    q = scale[:, None] * precondition(q)
    for step, turn, rho, weight in zip(steps, turns, curvature, reversed(weights), strict=True):
        q = q + (weight - rho * _dot(turn, q))[:, None] * step
    downhill = _dot(q, gradient) > 0
    return _choose(downhill, q, scale[:, None] * precondition(gradient))


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(1)


def _choose(which: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    return torch.where(which[:, None], yes, no)
