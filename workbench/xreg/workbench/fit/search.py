"""Minima of a misfit by gradient through a network, from many starts at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import qmc
from torch import Tensor

from xreg.core.arrays import Array
from xreg.core.errors import DataError
from xreg.core.nn.minimise import lbfgs
from xreg.workbench.fit.minima import distinct, mirrored
from xreg.workbench.fit.misfit import Misfit

__all__ = ["Starts", "search"]

TRIALS = 32  # points that compete for each start
MIRRORED = 8  # most different ends whose mirror images are searched from too
PROMISING = 0.02  # of the measured spectrum: what they may miss beside twice what the best one does
NEAR = 4  # a mirror image starts near its end and needs so much fewer evaluations
UPSIDE_DOWN = 0.2  # by how much more spectra resemble the negative of the measured one
ROWS = 256  # spectra computed together


@dataclass(frozen=True, eq=False)
class Starts:
    """Where searches from many starts ended, best first.

    Attributes
    ----------
    x
        (s, d) coordinates.
    misfit
        (s,) share of the measured spectrum, background apart, that is not met.
    """

    x: Array
    misfit: Array


def search(misfit: Misfit, *, starts: int = 64, iterations: int = 200, seed: int = 0) -> Starts:
    """Minimise a misfit by L-BFGS, all starts as one batch.

    Its simulator must be differentiable. A start is the best of some points of a scrambled Sobol
    sequence, so that the starts lie in promising places and yet everywhere. The best ends are
    mirrored (see :func:`xreg.workbench.fit.minima.mirrored`) and searched from again. Coordinates
    stay between 0 and 1 as x = (1 + sin u) / 2.

    Raises
    ------
    DataError
        If the model's spectra resemble the negative of the measured one.
    """
    d = len(misfit.problem.labels)
    count = (starts * TRIALS - 1).bit_length()
    sobol = qmc.Sobol(d, scramble=True, seed=seed).random_base2(count)[: starts * TRIALS]
    points = torch.as_tensor(sobol).clamp(1e-3, 1 - 1e-3)
    with torch.no_grad():
        tried = torch.cat([misfit.alignment(part) for part in points.split(ROWS)])
    if -tried.min() > tried.max().relu() + UPSIDE_DOWN:
        raise DataError(
            "the spectrum is upside down: its lines point down where the model's point up; give "
            "it with the other sign, absorption and not transmission."
        )
    best = tried.view(starts, TRIALS).argmax(1)
    first = points.view(starts, TRIALS, d)[torch.arange(starts), best]

    def objective(u: Tensor) -> tuple[Tensor, Tensor]:
        values, slopes = [], []
        for part in u.split(ROWS):
            here = part.detach().requires_grad_()
            value = misfit.relative(_coordinates(here))
            (slope,) = torch.autograd.grad(value.sum(), here)
            values.append(value.detach())
            slopes.append(slope)
        return torch.cat(values), torch.cat(slopes)

    def descended(x: Tensor, most: int) -> tuple[Tensor, Tensor]:
        u, value = lbfgs(objective, torch.asin(2 * x - 1), iterations=most, tolerance=1e-6)
        return _coordinates(u), value

    x, value = descended(first, iterations)
    ends = x[value.argsort()][value.sort().values <= 2 * value.min() + PROMISING]
    good = ends.numpy()
    images = [
        image
        for i in distinct(list(good), MIRRORED)
        for image, _ in mirrored(misfit.problem, good[i])
    ]
    if images:
        turned = torch.as_tensor(np.array(images)).clamp(1e-3, 1 - 1e-3)
        again, others = descended(turned, max(iterations // NEAR, 10))
        x, value = torch.cat([x, again]), torch.cat([value, others])
    order = value.argsort()
    return Starts(x[order].numpy(), value[order].numpy())


def _coordinates(u: Tensor) -> Tensor:
    return (1 + torch.sin(u)) / 2
