"""The six functionals of one atom, from tabulated integrals.

Each integral depends on one distance or one angle alone, apart from a factor that leaves it: it is
evaluated on a fine grid once, by the quadrature that defines it, and interpolated by cubic splines
(error below 1e-11 of the largest value), from one end of the grid to the other.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from xreg.core.arrays import Array

__all__ = ["BOHR", "functionals"]

BOHR = 1 / 1.88973
"""Å, with the digits of the reference implementation."""

RADII = 0.1 * np.arange(81)
"""Quadrature points of the two-body functionals (Bohr)."""
ANGLES = 0.02 * np.arange(158)
"""Quadrature points of the three-body functionals (rad)."""
DENSITY = 600
"""Steps of the table of distances to a Bohr."""
ON_THE_EDGE = 1e-12
"""Share of the cutoff by which rounding, as of a rotation, may carry an atom across it."""
STRAIGHT = 1 - 1e-5
"""Cosines beyond this size are too near ±1 to take an angle from."""


class Table:
    """Functions of one variable on [0, end], as cubic splines over even steps.

    Parameters
    ----------
    values
        (n + 1, f) values of f functions at n + 1 evenly spaced points.
    end
        Last point.
    """

    def __init__(self, values: Array, end: float) -> None:
        steps = len(values) - 1
        self.rate = steps / end
        # In units of the step, so that the place within one is between 0 and 1.
        spline = CubicSpline(np.arange(steps + 1), values)
        self.coefficients = np.ascontiguousarray(spline.c.transpose(2, 0, 1))  # (f, 4, steps)

    def __call__(self, x: Array) -> Array:
        """Return (f, p) values at p points; beyond the end, something finite."""
        place = x * self.rate
        step = place.astype(np.intp)
        # The end itself is one step into the last interval, not at the beginning of it.
        np.minimum(step, self.coefficients.shape[2] - 1, out=step)
        place -= step
        values = np.empty((len(self.coefficients), len(x)))
        # One function after the other: its numbers stay in the processor's nearest cache.
        for value, (cubic, *others) in zip(values, self.coefficients, strict=True):
            cubic.take(step, mode="clip", out=value)
            for coefficient in others:
                np.multiply(value, place, out=value)
                np.add(value, coefficient.take(step, mode="clip"), out=value)
        return values


@lru_cache(maxsize=4)
def two_body(cutoff: float) -> Table:
    """Tabulate the integrals of F1…F4 over distances up to ``cutoff`` (Bohr), without weights."""
    distance = np.linspace(0, cutoff, math.ceil(DENSITY * cutoff) + 1)[:, None]
    x = RADII - distance
    gauss = np.exp(-(x**2))
    steep, far = np.exp(-10.8 * RADII), 2.2508 * (RADII + 1) ** 3
    integrands = (
        gauss * steep,
        gauss / far,
        -2 * x * gauss / (2.2508 * (RADII + 1) ** 6),
        (4 * x**2 - 2) * gauss * np.exp(-1.5 * RADII),
    )
    return Table(np.stack([np.trapezoid(i, dx=0.1) for i in integrands], axis=1), cutoff)


@lru_cache(maxsize=1)
def three_body() -> Table:
    """Tabulate the integrals over angles 0…π: F5's, and F6's without and with cos θ."""
    y = ANGLES - np.linspace(0, np.pi, 4097)[:, None]
    gauss = np.exp(-2 * y**2)
    waves = 3 + 100 * np.cos(ANGLES) - 200 * np.cos(2 * ANGLES) - 164 * np.cos(3 * ANGLES)
    integrands = gauss * waves, -4 * y * gauss, -4 * y * gauss * np.cos(ANGLES)
    return Table(np.stack([np.trapezoid(i, dx=0.02) for i in integrands], axis=1), np.pi)


def functionals(
    numbers: NDArray[np.int64], positions: Array, centres: NDArray[np.intp], cutoff: float
) -> Array:
    """Return F1…F6 of some atoms of a cluster.

    Parameters
    ----------
    numbers, positions
        (n,) atomic numbers and (n, 3) positions in Bohr.
    centres
        (m,) indices of the atoms to describe.
    cutoff
        Distance in Bohr beyond which an atom is no neighbour; one that stands on it is.

    Returns
    -------
    ndarray
        (m, 6), in atomic units.
    """
    charges = numbers.astype(np.float64)
    powers = charges**0.8
    arms = positions - positions[centres, None]
    squares = np.einsum("max,max->ma", arms, arms)
    squares[np.arange(len(centres)), centres] = np.inf  # an atom is no neighbour of its own
    near = squares < (cutoff * (1 + ON_THE_EDGE)) ** 2
    centre, neighbour = np.nonzero(near)
    found = np.zeros((len(centres), 6))
    radial = two_body(cutoff)(np.sqrt(squares[near])) * charges[neighbour]
    for column, values in enumerate(radial):
        found[:, column] = np.bincount(centre, values, minlength=len(centres))
    for row, inside, arm, square in zip(found, near, arms, squares, strict=True):
        row[4:] = _three_body(arm[inside], square[inside], powers[inside])
    return found * powers[centres, None]


def _three_body(arms: Array, squares: Array, powers: Array) -> Array:
    """Return F5 and F6 of an atom with (n, 3) arms to its neighbours, without its own charge."""
    n = len(arms)
    j, k, flat = _pairs(n)
    dot = (arms @ arms.T).take(flat)
    b, c = squares.take(j), squares.take(k)
    bc = b * c
    a = b + c
    a -= 2 * dot
    abc = bc * a
    cosine = dot / np.sqrt(bc)
    first, second, third = three_body()(_angles(arms, cosine, dot, b))
    # Both orders of a pair count.
    weight = 2 * np.outer(powers, powers).take(flat)
    weight /= abc * abc
    # The cosines of a triangle's three angles, from its squared sides, multiply to this.
    b -= dot
    c -= dot
    cosines = dot * b * c / abc
    cosines *= third
    cosines += second
    return np.array([weight @ first, weight @ cosines])


def _angles(arms: Array, cosine: Array, dot: Array, square: Array) -> Array:
    """Return the angle between two arms of each pair from its cosine, exact near 0 and π too.

    A cosine near ±1 holds half the digits of its angle. There the tangent is taken, from what is
    left of the second arm, less its part along the first, whose squared length is ``square``.
    """
    straight = np.flatnonzero(np.abs(cosine) > STRAIGHT)
    if not straight.size:
        return np.arccos(cosine)
    cosine[straight] = 0.0  # which rounding may have carried beyond ±1
    angle = np.arccos(cosine)
    j, k, _ = _pairs(len(arms))
    along, length = dot[straight], square[straight]
    across = arms[k[straight]] - (along / length)[:, None] * arms[j[straight]]
    sine = np.sqrt(np.einsum("px,px->p", across, across) * length)
    angle[straight] = np.arctan2(sine, along)
    return angle


@lru_cache(maxsize=256)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return all j < k below n, and their places in a flattened (n, n) array."""
    j, k = np.triu_indices(n, k=1)
    return j, k, j * n + k
