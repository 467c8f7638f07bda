"""Gauss–Newton with damping (Levenberg, Marquardt) for many spectra at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xreg.workbench.fit.maps.rendering import Renderer

__all__ = ["Pixels", "descend", "felt", "projected"]

Array = NDArray[np.float64]

FIRST_DAMPING, LESS, MORE, MOST = 1e-2, 0.2, 5.0, 1e5
ENOUGH = 1e-4  # relative fall of χ² below which a descent ends
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


def descend(
    pixels: Pixels,
    x: Array,
    renderer: Renderer,
    steps: int,
    *,
    central: bool = False,
) -> tuple[Array, Array]:
    """Return (n, d) coordinates and (n,) χ² below starting points, one for each spectrum.

    A coordinate at an end of its range that would leave it is held for that step.

    Parameters
    ----------
    pixels
        n spectra.
    x
        (n, d) starting points.
    renderer
        What gives spectra and derivatives: the network, or the exact engine.
    steps
        Most steps.
    central
        Whether derivatives are two-sided.
    """
    x = np.clip(x, 0, 1)
    n, d = x.shape
    if not n:
        return x, np.zeros(0)
    scale, rest, own = projected(pixels, renderer.spectra(x))
    chi2 = (rest**2).sum(axis=1)
    damping = np.full(n, FIRST_DAMPING)
    jacobian = np.zeros((n, d, rest.shape[1]))
    stale = np.ones(n, dtype=bool)
    active = np.arange(n)
    for _ in range(steps):
        fresh = active[stale[active]]
        if fresh.size:
            _, slopes = renderer.slopes(x[fresh], central=central)
            jacobian[fresh] = felt(pixels[fresh], slopes, scale[fresh], own[fresh])
            stale[fresh] = False
        step = _step(jacobian[active], rest[active], x[active], damping[active])
        tried = np.clip(x[active] + step, 0, 1)
        new_scale, new_rest, new_own = projected(pixels[active], renderer.spectra(tried))
        new = (new_rest**2).sum(axis=1)
        better = (new < chi2[active]) & (new_scale > 0)
        rows = active[better]
        fall = 1 - new[better] / np.maximum(chi2[rows], TINY)
        x[rows], chi2[rows], scale[rows] = tried[better], new[better], new_scale[better]
        rest[rows], own[rows], stale[rows] = new_rest[better], new_own[better], True
        damping[rows] *= LESS
        damping[active[~better]] *= MORE
        done = np.zeros(n, dtype=bool)
        done[rows[fall < ENOUGH]] = True
        done |= damping > MOST
        active = active[~done[active]]
        if not active.size:
            break
    chi2[scale <= 0] = np.inf
    return x, chi2


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
