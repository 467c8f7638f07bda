"""Broadening of spectra on any grid: exact for a curve of straight pieces."""

from __future__ import annotations

import numpy as np

from xreg.core.arrays import Array

__all__ = ["arctangent_broadened", "arctangent_width", "gaussian_matrix", "lorentzian_matrix"]


def arctangent_width(
    energy: Array, hole: float, gamma_max: float, e_cent: float, e_larg: float
) -> Array:
    r"""Return the width (FWHM, eV) at energies (eV) from the Fermi level, as FDMNES has it.

    .. math::
        \Gamma(E) = \Gamma_h + \Gamma_m\left[\frac12 + \frac1\pi\arctan\left(
        \frac\pi3\frac{\Gamma_m}{E_l}\left(e - \frac1{e^2}\right)\right)\right],\quad e = E/E_c

    and :math:`\Gamma_h` below the Fermi level (O. Bunău and Y. Joly, J. Phys.: Condens. Matter 21,
    345501 (2009); FDMNES manual).
    """
    e = np.maximum(energy / e_cent, 1e-9)
    grown = 0.5 + np.arctan(np.pi / 3 * gamma_max / e_larg * (e - e**-2)) / np.pi
    return np.where(energy > 0, hole + gamma_max * grown, hole)


def lorentzian_matrix(nodes: Array, at: Array, widths: Array, *, below: bool = True) -> Array:
    """Return the matrix that broadens a curve of straight pieces by Lorentzians.

    Beyond its ends the curve goes on at its end values.

    Parameters
    ----------
    nodes
        (r,) energies of the curve in eV, rising.
    at
        (m,) energies at which the broadened curve is wanted.
    widths
        (m,) width (FWHM, eV) of the Lorentzian about each of them.
    below
        Whether the curve goes on below its first node; otherwise it is zero there.

    Returns
    -------
    (m, r) array
        To be multiplied by the values at the nodes.
    """
    half = widths[:, None] / 2
    u = nodes[None, :] - at[:, None]
    integral = 0.5 + np.arctan(u / half) / np.pi
    moment = half / (2 * np.pi) * np.log(u**2 + half**2)
    return _matrix(u, integral, moment, below)


def arctangent_broadened(
    grid: Array,
    values: Array,
    fermi: float,
    hole: float,
    gamma_max: float,
    e_cent: float,
    e_larg: float,
    *,
    occupied: bool = False,
) -> Array:
    """Return spectra broadened by a width that grows with the energy (:func:`arctangent_width`).

    Parameters
    ----------
    grid, values
        (m,) energies in eV and (n, m) spectra.
    fermi
        Energy (eV) below which states are occupied; it lies on the grid.
    hole, gamma_max, e_cent, e_larg
        Widths and energies in eV.
    occupied
        Whether the spectrum below it stays; otherwise it absorbs nothing.
    """
    widths = arctangent_width(grid - fermi, hole, gamma_max, e_cent, e_larg)
    nodes = np.unique(np.append(grid, fermi))
    nodes = nodes if occupied else nodes[nodes >= fermi]
    matrix = lorentzian_matrix(nodes, grid, widths, below=occupied)
    return np.array([matrix @ np.interp(nodes, grid, row) for row in values]).reshape(values.shape)


def gaussian_matrix(nodes: Array, at: Array, width: float) -> Array:
    """Return the matrix that broadens a curve of straight pieces by a Gaussian.

    Beyond its ends the curve goes on at its end values.

    Parameters
    ----------
    nodes, at
        As for :func:`lorentzian_matrix`.
    width
        Width (FWHM, eV).

    Returns
    -------
    (m, r) array
        To be multiplied by the values at the nodes.
    """
    from scipy.special import ndtr

    sigma = width / np.sqrt(8 * np.log(2))
    u = nodes[None, :] - at[:, None]
    moment = -sigma / np.sqrt(2 * np.pi) * np.exp(-0.5 * (u / sigma) ** 2)
    return _matrix(u, ndtr(u / sigma), moment, below=True)


def _matrix(u: Array, integral: Array, moment: Array, below: bool) -> Array:
    """Return the matrix of a kernel, given at ``u``, (m, r) distances of nodes from energies.

    ``integral`` is that of the kernel from minus infinity to ``u``; ``moment``, an antiderivative
    of ``u`` times the kernel.
    """
    low, high, step = u[:, :-1], u[:, 1:], np.diff(u, axis=1)
    zeroth, first = np.diff(integral, axis=1), np.diff(moment, axis=1)
    matrix = np.zeros(u.shape)
    matrix[:, :-1] += (high * zeroth - first) / step
    matrix[:, 1:] += (first - low * zeroth) / step
    matrix[:, -1] += 1 - integral[:, -1]
    if below:
        matrix[:, 0] += integral[:, 0]
    return matrix
