"""Features that have given scores."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import jacrev, vmap

__all__ = ["features_with_scores"]

ROWS = 1024  # Jacobians in memory at once
STEPS, NONE = 100, 1e-9  # most steps, and the distance in scores that counts as none


def features_with_scores(
    encode: Callable[[Tensor], Tensor], t: Tensor, x: Tensor
) -> tuple[Tensor, Tensor]:
    """Move features until their scores are given ones, by least-norm Newton steps.

    Scores are fewer than features, so each step is the shortest of the many that would do were the
    encoder linear; it is shortened where the scores do not come nearer.

    Parameters
    ----------
    encode
        (n, d) features to (n, j) scores, row by row.
    t
        (n, j) wanted scores.
    x
        (n, d) features to begin from.

    Returns
    -------
    Tensor, Tensor
        (n, d) features and the (n,) distance that is left.
    """

    def one(row: Tensor) -> tuple[Tensor, Tensor]:
        value = encode(row[None])[0]
        return value, value

    slopes = vmap(jacrev(one, has_aux=True), chunk_size=ROWS)
    x = x.clone()
    left = (t - encode(x)).norm(dim=1)
    length = torch.ones_like(left)
    for _ in range(STEPS):
        live = torch.nonzero((left > NONE) & (length > 1e-6))[:, 0]
        if not len(live):
            break
        jacobian, value = slopes(x[live])
        step = torch.linalg.pinv(jacobian, rtol=1e-8) @ (t[live] - value)[:, :, None]
        trial = x[live] + length[live, None] * step[:, :, 0]
        distance = (t[live] - encode(trial)).norm(dim=1)
        nearer = distance < left[live]
        x[live] = torch.where(nearer[:, None], trial, x[live])
        left[live] = torch.where(nearer, distance, left[live])
        length[live] = torch.where(nearer, (2 * length[live]).clamp_max(1), length[live] / 3)
    return x, left
