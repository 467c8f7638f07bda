"""The minima of each of many spectra: found by the network, led on by the exact engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.workbench.fit.maps.descent import Descent, Pixels, felt, projected
from xreg.workbench.fit.maps.rendering import Renderer
from xreg.workbench.fit.maps.table import Table
from xreg.workbench.fit.minima import AS_GOOD, BLIND, distinct, mirrored
from xreg.workbench.fit.problem import Problem

__all__ = ["KEPT", "Found", "Minima", "Searcher", "noise_of"]

Found = tuple[NDArray[np.intp], Array, Array]  # owners, coordinates and χ² of points

STARTS, FOLLOWED = 16, 5  # of a spectrum: starts, and those followed further
FIRST_STEPS, SEARCH_STEPS, IMAGE_STEPS, LAST_STEPS = 3, 6, 5, 14
# Steps with the exact engine, and the rise of χ² above the best, in units of the noise, from which
# a point is not followed further.
ROUNDS = ((2, 400.0), (2, 100.0), (3, 25.0))
SECANTS = 3
CANDIDATES = 5  # minima of the network that the exact engine goes on from
KEPT = 3  # of those, the ones that are followed to the end
PROMISING = 0.02  # of the spectrum: what they may miss beside twice what the best one does
APART, ALIKE = 0.05, 0.02
ONE_VALLEY = 1.0  # rise of χ² that a step from one minimum to another one is expected to make


@dataclass(frozen=True, eq=False)
class Minima:
    """Minima of n spectra that the noise does not tell from the best of each.

    Attributes
    ----------
    owner
        (s,) row of the spectrum of each; rows ascend, and of a row the best comes first.
    x
        (s, d) coordinates.
    chi2
        (s,) weighted squares that are left.
    scale, heights
        (s,) and (s, q) of spectrum and background.
    height
        (s,) greatest intensity of the model's spectrum with its scale.
    std
        (s, d) standard deviations from the curvature, for noise of one.
    neighbours
        (s,) correlation of what is left at neighbouring points.
    """

    owner: NDArray[np.intp]
    x: Array
    chi2: Array
    scale: Array
    heights: Array
    height: Array
    std: Array
    neighbours: Array


def noise_of(problem: Problem, chi2: Array, given: bool) -> Array:
    """Return (n,) the noise of a point of weight one; see :func:`xreg…fit.minima.noise_of`."""
    unknowns = len(problem.labels) + 1 + problem.curves.shape[1]
    noise = np.sqrt(np.maximum(chi2, 1e-300) / (len(problem.measured) - unknowns))
    return np.maximum(noise, 1.0) if given else noise


def _joined(one: Found, other: Found) -> Found:
    owner, x, chi2 = (np.concatenate(pair) for pair in zip(one, other, strict=True))
    return owner, x, chi2


@dataclass(frozen=True, eq=False)
class Searcher:
    """What finds minima.

    Attributes
    ----------
    problem
        Unknowns and energies.
    network
        The network as a renderer.
    table
        Its predictions.
    exact
        The exact engine; None to stay with the network.
    """

    problem: Problem
    network: Renderer
    table: Table
    exact: Renderer | None

    def search(
        self, pixels: Pixels, intensity: Array
    ) -> tuple[NDArray[np.intp], Array, Array, Array]:
        """Return owners, coordinates and χ² of minima of the network, mirror images among them.

        Last, (n, 2): the cosines of the most and the least similar spectrum of the table.
        """
        starts, likeness = self.table.starts(intensity, STARTS)
        owner = np.repeat(np.arange(len(starts)), [len(part) for part in starts])
        down = Descent(pixels, owner, np.concatenate(starts), self.network)
        down.run(FIRST_STEPS)
        down.keep(self._best(down.owner, down.x, down.chi2, FOLLOWED, APART))
        down.run(SEARCH_STEPS)
        owner, x, chi2 = down.owner, down.x, down.chi2
        images, theirs = [], []
        for row in range(len(pixels)):
            own = np.flatnonzero(owner == row)
            best = own[chi2[own].argmin()]
            found = [image for image, _ in mirrored(self.problem, x[best])]
            images += found
            theirs += [row] * len(found)
        if images:
            rows = np.array(theirs, dtype=np.intp)
            turned = Descent(pixels, rows, np.array(images), self.network)
            turned.run(IMAGE_STEPS)
            owner = np.append(owner, rows)
            x = np.concatenate([x, turned.x])
            chi2 = np.append(chi2, turned.chi2)
        return *self._promising(pixels, owner, x, chi2), likeness

    def _best(
        self, owner: NDArray[np.intp], x: Array, chi2: Array, count: int, apart: float
    ) -> NDArray[np.intp]:
        """Return the best points of each spectrum that differ, ``count`` at most."""
        kept: list[int] = []
        for row in np.unique(owner):
            own = np.flatnonzero(owner == row)
            own = own[np.argsort(chi2[own])]
            kept += own[distinct(list(x[own]), count, apart)].tolist()
        return np.array(kept, dtype=np.intp)

    def _promising(
        self, pixels: Pixels, owner: NDArray[np.intp], x: Array, chi2: Array
    ) -> tuple[NDArray[np.intp], Array, Array]:
        whole = (pixels.bare**2).sum(axis=1)
        kept = []
        for row in np.unique(owner):
            own = np.flatnonzero(owner == row)
            own = own[np.argsort(chi2[own])]
            own = own[chi2[own] <= 2 * chi2[own[0]] + PROMISING * whole[row]]
            kept += own[distinct(list(x[own]), CANDIDATES, APART)].tolist()
        return owner[kept], x[kept], chi2[kept]

    def refine(
        self,
        pixels: Pixels,
        owner: NDArray[np.intp],
        x: Array,
        given: bool,
        known: Found | None = None,
    ) -> Found:
        """Lead points on with the exact engine, and return them; the hopeless are left.

        They compete with ``known`` minima too, which are returned with them.
        """
        assert self.exact is not None
        none = np.zeros(0)
        old = known or (none.astype(np.intp), np.zeros((0, x.shape[1])), none)
        down = Descent(pixels, owner, x, self.exact, SECANTS)
        for steps, rise in ROUNDS:
            down.run(steps)
            kept = self._competing(*_joined((down.owner, down.x, down.chi2), old), rise, given)
            down.keep(kept[kept < len(down.owner)])
        down.run(LAST_STEPS)
        return _joined((down.owner, down.x, down.chi2), old)

    def aligned(self, pixels: Pixels, owner: NDArray[np.intp], x: Array) -> Array:
        """Return points with the shift at which the exact engine's spectra fit best."""
        assert self.exact is not None
        if self.exact.shift is None or not len(x):
            return x
        best, least = x, np.full(len(x), np.inf)
        for moved, spectra in self.exact.shifted(x):
            scale, rest, _ = projected(pixels[owner], spectra)
            left = np.where(scale > 0, (rest**2).sum(axis=1), np.inf)
            best = np.where((left < least)[:, None], moved, best)
            least = np.minimum(left, least)
        return best

    def _competing(
        self, owner: NDArray[np.intp], x: Array, chi2: Array, rise: float, given: bool
    ) -> NDArray[np.intp]:
        """Return those that differ and lie within a rise of the best of their spectrum."""
        kept: list[int] = []
        for row in np.unique(owner):
            own = np.flatnonzero(owner == row)
            own = own[np.argsort(chi2[own])]
            noise = noise_of(self.problem, chi2[own[:1]], given)[0]
            own = own[chi2[own] < chi2[own[0]] + rise * noise**2]
            kept += own[distinct(list(x[own]), KEPT, ALIKE)].tolist()
        return np.array(kept, dtype=np.intp)

    def told(
        self,
        pixels: Pixels,
        intensity: Array,
        owner: NDArray[np.intp],
        x: Array,
        chi2: Array,
        given: bool,
        *,
        exact: bool,
    ) -> Minima:
        """Return minima as good as the best of each spectrum, with their uncertainties."""
        fine = np.isfinite(chi2)
        owner, x, chi2 = owner[fine], x[fine], chi2[fine]
        kept = self._competing(owner, x, chi2, AS_GOOD, given)
        owner, x, chi2 = owner[kept], x[kept], chi2[kept]
        if not len(owner):
            none = np.zeros(0)
            return Minima(owner, x, chi2, none, np.zeros((0, self.problem.curves.shape[1])),
                          none, np.zeros_like(x), none)  # fmt: skip
        renderer = self.exact if exact and self.exact else self.network
        spectra, slopes = renderer.slopes(x)
        scale, rest, own = projected(pixels[owner], spectra)
        jacobian = felt(pixels[owner], slopes, scale, own)
        apart = self._valleys(owner, x, chi2, jacobian, given)
        owner, x, chi2, scale = owner[apart], x[apart], chi2[apart], scale[apart]
        jacobian, rest = jacobian[apart], rest[apart]
        weight = pixels.weight[owner]
        _, size, axes = np.linalg.svd(jacobian.transpose(0, 2, 1), full_matrices=False)
        size = np.maximum(size, BLIND * size[:, :1])
        std = np.sqrt(((axes / size[:, :, None]) ** 2).sum(axis=1))
        left = weight * (intensity[owner] - scale[:, None] * spectra[apart])
        return Minima(
            owner,
            x,
            chi2,
            scale,
            self._heights(left, weight),
            scale * spectra[apart].max(axis=1),
            std,
            (rest[:, 1:] * rest[:, :-1]).sum(axis=1) / np.maximum((rest**2).sum(axis=1), 1e-300),
        )

    def _heights(self, left: Array, weight: Array) -> Array:
        """Return (s, q) heights of the background in what the model's spectra leave."""
        curves = weight[:, :, None] * self.problem.curves
        if not curves.shape[2]:
            return np.zeros((len(left), 0))
        normal = curves.transpose(0, 2, 1) @ curves
        right = np.einsum("nkq,nk->nq", curves, left)
        return np.asarray(np.linalg.solve(normal, right[..., None])[..., 0])

    def _valleys(
        self, owner: NDArray[np.intp], x: Array, chi2: Array, jacobian: Array, given: bool
    ) -> NDArray[np.intp]:
        """Return minima without those that one curvature joins to a better one."""
        kept: list[int] = []
        for i in range(len(owner)):
            noise = noise_of(self.problem, chi2[i : i + 1], given)[0]
            alike = any(
                owner[k] == owner[i]
                and (((x[i] - x[k]) @ jacobian[k]) ** 2).sum() < ONE_VALLEY * noise**2
                for k in kept
            )
            if not alike:
                kept.append(i)
        return np.array(kept, dtype=np.intp)
