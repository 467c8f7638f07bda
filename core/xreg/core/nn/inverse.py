"""Scores from spectra: many small least-squares problems, solved together."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import jvp, vmap

from xreg.core import progress

__all__ = ["fit_scores"]

Decode = Callable[[Tensor], Tensor]
CHUNK = 4_000_000  # residual derivatives in memory at once
STEPS, TOLERANCE = 50, 1e-6  # most steps, and the relative change of scores that ends a search


def fit_scores(
    decode: Decode,
    Y: Tensor,
    candidates: Tensor,
    *,
    starts: int = 8,
) -> Tensor:
    """Return the scores whose decoded spectra are nearest to given ones (least squares).

    Levenberg–Marquardt (Marquardt 1963) from several starts for every spectrum, all problems at
    once. The starts of a spectrum are its nearest candidates in spectrum, one from each of
    ``starts`` regions of score space, so that they sit in different basins where there are several.

    Parameters
    ----------
    decode
        (n, k) scores to (n, m) spectra, differentiable in forward mode.
    Y
        (n, m) spectra, in double precision.
    candidates
        (c, k) scores that samples have had.
    starts
        Searches for each spectrum.
    """
    k, m = candidates.shape[1], Y.shape[1]
    region = _regions(candidates, starts)
    count = int(region.max()) + 1
    with torch.no_grad():
        spectra = decode(candidates)
        found = []
        size = max(1, CHUNK // (count * m * (k + 1)))
        for start in range(0, len(Y), size):
            known = Y[start : start + size]
            distance = torch.cdist(known, spectra)
            first = torch.stack(
                [
                    candidates[distance.masked_fill(region != i, torch.inf).argmin(1)]
                    for i in range(count)
                ],
                dim=1,
            )
            wanted = known[:, None].expand(-1, count, -1).reshape(-1, m)
            scores, error = _levenberg_marquardt(decode, wanted, first.reshape(-1, k))
            best = error.view(-1, count).argmin(1)
            found.append(scores.view(-1, count, k)[torch.arange(len(known)), best])
            progress.report("reconstruction", min(start + size, len(Y)), len(Y))
    return torch.cat(found) if found else Y.new_empty(0, k)


def _regions(points: Tensor, count: int) -> Tensor:
    """Assign points to regions around centres that lie as far apart as can be."""
    scaled = points / points.std(0).clamp_min(1e-12) if len(points) > 1 else points
    nearest = (scaled - scaled.mean(0)).norm(dim=1)
    region = torch.zeros(len(points), dtype=torch.int64)
    reach = torch.full((len(points),), torch.inf)
    centre = nearest.argmin()
    for i in range(min(count, len(points))):
        distance = (scaled - scaled[centre]).norm(dim=1)
        region[distance < reach] = i
        reach = torch.minimum(reach, distance)
        centre = reach.argmax()
    return region


def _levenberg_marquardt(decode: Decode, Y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return scores and squared errors; problems that have ended leave the batch."""
    t = t.clone()
    error = (decode(t) - Y).square().sum(1)
    damping = torch.full_like(error, 1e-2)
    live = torch.arange(len(t))
    for _ in range(STEPS):
        here, wanted = t[live], Y[live]
        spectra, slopes = _derivatives(decode, here)
        normal = torch.einsum("inm,jnm->nij", slopes, slopes)
        pull = torch.einsum("inm,nm->ni", slopes, spectra - wanted)
        size = normal.diagonal(dim1=1, dim2=2)
        # A score that the spectrum does not see has no curvature; the last two terms hold it still.
        ridge = damping[live, None] * size + 1e-12 * size.sum(1, keepdim=True) + 1e-300
        step = torch.linalg.solve(normal + torch.diag_embed(ridge), -pull)
        value = (decode(here + step) - wanted).square().sum(1)
        better = value < error[live]
        t[live] += torch.where(better[:, None], step, 0.0)
        error[live] = torch.where(better, value, error[live])
        damping[live] = torch.where(better, damping[live] / 5, damping[live] * 4)
        live = live[step.norm(dim=1) > TOLERANCE * (here.norm(dim=1) + TOLERANCE)]
        if not len(live):
            break
    return t, error


def _derivatives(decode: Decode, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return (n, m) spectra and their (k, n, m) derivatives by each score, in forward mode."""

    def along(axis: Tensor) -> tuple[Tensor, Tensor]:
        value, slope, *_ = jvp(decode, (t,), (axis.expand_as(t),))
        return value, slope

    with warnings.catch_warnings():  # torch's own use of torch.jit on the first forward derivative
        warnings.simplefilter("ignore", DeprecationWarning)
        values, slopes = vmap(along, out_dims=(0, 0))(torch.eye(t.shape[1], dtype=t.dtype))
    return values[0], slopes
