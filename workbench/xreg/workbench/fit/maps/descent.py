"""Gauss–Newton with damping (Levenberg, Marquardt) for many spectra at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.workbench.fit.maps.rendering import Renderer

__all__ = ["Descent", "Pixels", "felt", "projected"]

FIRST_DAMPING, LESS, MORE, MOST = 1e-2, 0.2, 5.0, 1e5
ENOUGH = 1e-4  # relative fall of χ² below which a descent ends
RELIABLE = 0.5  # share of the fall foretold from which derivatives are corrected, not computed
OLD = 1000
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Pixels:
    """Measured spectra with their background projected out.

    Attributes
    ----------
    weight
        (n, k) weight of each point.
    basis
        (n, k, q) orthonormal weighted curves of the background.
    bare
        (n, k) weighted spectra less all that the background can describe.
    """

    weight: Array
    basis: Array
    bare: Array

    @classmethod
    def of(cls, intensity: Array, weight: Array, curves: Array) -> Pixels:
        """Project the (k, q) curves of a background out of (n, k) spectra."""
        basis, _ = np.linalg.qr(weight[:, :, None] * curves)
        return cls(weight, basis, _less(weight * intensity, basis))

    def __getitem__(self, rows: NDArray[np.intp]) -> Pixels:
        return Pixels(self.weight[rows], self.basis[rows], self.bare[rows])

    def __len__(self) -> int:
        return len(self.bare)


def _less(rows: Array, basis: Array) -> Array:
    """Return (n, k) rows without what lies in (n, k, q) bases."""
    part = np.einsum("nkq,nk->nq", basis, rows)
    return rows - np.einsum("nkq,nq->nk", basis, part)


def projected(pixels: Pixels, spectra: Array) -> tuple[Array, Array, Array]:
    """Return (n,) scales, (n, k) residuals and (n, k) projected spectra of simulated ones.

    A spectrum with a negative scale counts as none: its scale is zero.
    """
    own = _less(pixels.weight * spectra, pixels.basis)
    square = np.maximum((own**2).sum(axis=1), TINY)
    scale = np.maximum((own * pixels.bare).sum(axis=1) / square, 0.0)
    return scale, pixels.bare - scale[:, None] * own, own


def felt(pixels: Pixels, slopes: Array, scale: Array, own: Array) -> Array:
    """Return (n, d, k) derivatives of residuals, scale and background following.

    Those of L. Kaufman, BIT 15, 49 (1975).
    """
    rows = pixels.weight[:, None, :] * slopes
    rows = rows - (rows @ pixels.basis) @ pixels.basis.transpose(0, 2, 1)
    square = np.maximum((own**2).sum(axis=1), TINY)
    along = np.einsum("ndk,nk->nd", rows, own) / square[:, None]
    return -scale[:, None, None] * (rows - along[:, :, None] * own[:, None, :])


@dataclass(eq=False)
class Descent:
    """Points on their way down, one or several for each spectrum; it can pause, and drop some.

    A coordinate at an end of its range that would leave it is held for that step. Where a step has
    gone as its derivatives foretold, the next ones are those derivatives, corrected by what the
    step has shown (C. G. Broyden, Math. Comp. 19, 577 (1965)): that takes no spectrum.

    Parameters
    ----------
    pixels
        The spectra.
    owner
        (s,) the spectrum of each point.
    x
        (s, d) starting points.
    renderer
        What gives spectra and derivatives: the network, or the exact engine.
    secants
        How many times in a row derivatives are corrected rather than computed.
    """

    pixels: Pixels
    owner: NDArray[np.intp]
    x: Array
    renderer: Renderer
    secants: int = 0

    def __post_init__(self) -> None:
        self.x = np.clip(self.x, 0, 1)
        n, d = self.x.shape
        self.scale = np.zeros(n)
        self.rest = self.own = np.zeros((n, self.pixels.bare.shape[1]))
        if n:
            self.scale, self.rest, self.own = projected(
                self.pixels[self.owner], self.renderer.spectra(self.x)
            )
        self.squares = (self.rest**2).sum(axis=1)
        self.damping = np.full(n, FIRST_DAMPING)
        self.jacobian = np.zeros((n, d, self.rest.shape[1]))
        self.age = np.full(n, OLD)  # steps since derivatives were computed; OLD: do it
        self.active = np.ones(n, dtype=bool)

    @property
    def chi2(self) -> Array:
        """(s,) χ²; infinite where the scale is not positive."""
        return np.where(self.scale > 0, self.squares, np.inf)

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Go on with some of the points only."""
        for name in (
            "owner", "x", "scale", "rest", "own", "squares", "damping", "jacobian", "age", "active",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name)[rows])

    def run(self, steps: int) -> None:
        """Go down by that many steps at most."""
        for _ in range(steps):
            rows = np.flatnonzero(self.active)
            if not rows.size:
                break
            self._differentiate(rows[self.age[rows] > self.secants])
            step = _step(self.jacobian[rows], self.rest[rows], self.x[rows], self.damping[rows])
            tried = np.clip(self.x[rows] + step, 0, 1)
            self._try(rows, tried)

    def _differentiate(self, rows: NDArray[np.intp]) -> None:
        if rows.size:
            _, slopes = self.renderer.slopes(self.x[rows])
            self.jacobian[rows] = felt(
                self.pixels[self.owner[rows]], slopes, self.scale[rows], self.own[rows]
            )
            self.age[rows] = 0

    def _try(self, rows: NDArray[np.intp], tried: Array) -> None:
        """Take the steps that lead down; damp the others more."""
        step = tried - self.x[rows]
        linear = self.rest[rows] + np.einsum("ndk,nd->nk", self.jacobian[rows], step)
        promised = self.squares[rows] - (linear**2).sum(axis=1)
        # What is hardly damped and promises nothing has arrived.
        over = (promised < ENOUGH * self.squares[rows]) & (self.damping[rows] <= FIRST_DAMPING)
        over &= self.age[rows] == 0
        self.active[rows[over]] = False
        rows, tried, step = rows[~over], tried[~over], step[~over]
        linear, promised = linear[~over], promised[~over]
        if not rows.size:
            return
        scale, rest, own = projected(self.pixels[self.owner[rows]], self.renderer.spectra(tried))
        squares = (rest**2).sum(axis=1)
        better = (squares < self.squares[rows]) & (scale > 0)
        fall = np.where(better, self.squares[rows] - squares, 0.0)
        fresh = self.age[rows] == 0
        little = fall < ENOUGH * self.squares[rows]
        secant = (fall > RELIABLE * promised) & ~(little & ~fresh)
        length = np.maximum((step**2).sum(axis=1), TINY)
        turn = (rest - linear) / length[:, None]
        self.jacobian[rows[secant]] += step[secant][:, :, None] * turn[secant][:, None, :]
        self.age[rows] = np.where(secant, self.age[rows] + 1, OLD)
        self.age[rows[~better & fresh]] = 0  # the same derivatives, damped more
        up = rows[better]
        self.x[up], self.scale[up], self.squares[up] = tried[better], scale[better], squares[better]
        self.rest[up], self.own[up] = rest[better], own[better]
        self.damping[up] *= LESS
        self.damping[rows[~better & fresh]] *= MORE
        self.active[rows[better & little & fresh]] = False
        self.active[rows] &= self.damping[rows] <= MOST


def _step(jacobian: Array, rest: Array, x: Array, damping: Array) -> Array:
    """Return the (n, d) damped steps."""
    gradient = np.einsum("ndk,nk->nd", jacobian, rest)
    held = ((x <= 0) & (gradient > 0)) | ((x >= 1) & (gradient < 0))
    free = ~held
    normal = np.einsum("nik,njk->nij", jacobian, jacobian, optimize=True)
    normal *= free[:, :, None] & free[:, None, :]
    size = np.einsum("nii->ni", normal)
    floor = 1e-6 * size.max(axis=1, keepdims=True) + TINY
    d = x.shape[1]
    normal[:, np.arange(d), np.arange(d)] += damping[:, None] * np.maximum(size, floor) + TINY
    normal[:, np.arange(d), np.arange(d)] += held
    return -np.linalg.solve(normal, (gradient * free)[..., None])[..., 0]
