"""From parameters to transition energies and intensities by exact diagonalisation.

One code for NumPy arrays on the CPU and torch tensors on any device: both libraries offer the
functions used here by the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from xreg.core.ions.model import BOLTZMANN, Ion
from xreg.plugins.multiplet.symmetry import Block, transitions_of

__all__ = ["Solver", "Sticks"]

Array = Any  # numpy.ndarray or torch.Tensor

# Initial states with a smaller Boltzmann factor contribute nothing that 1e-8 of a spectrum shows.
POPULATED = 1e-10
# From about this size on, one matrix at a time by tridiagonal form beats a stacked eigensolver.
LARGE = 32


@dataclass(frozen=True, eq=False)
class Sticks:
    """Transitions of B parameter sets.

    Attributes
    ----------
    energy
        (B, s) energies E_f − E_i in eV, from averages of configuration.
    along, across
        (B, s) dipole strengths for light polarised along z, and for the sum of x and y,
        Boltzmann weighted; the unit is ⟨2p|r|3d⟩².
    """

    energy: Array
    along: Array
    across: Array

    def of(self, rows: NDArray[np.intp]) -> Sticks:
        """Return those of some parameter sets, any of them more than once."""
        if len(rows) == len(self.energy) and (rows == np.arange(len(rows))).all():
            return self
        return Sticks(*(values[rows] for values in (self.energy, self.along, self.across)))


class Solver:
    """Diagonalises the Hamiltonian of one ion for batches of parameters.

    It does so with torch on the device, with NumPy where none is given.
    """

    def __init__(self, ion: Ion, device: str | None = None) -> None:
        self.ion = ion
        self.device = device
        self.xp: Any = np
        if device is not None:
            import torch

            self.xp = torch
        built = transitions_of(ion.electrons)
        self.initial = [(b.weight, self._stack(b, ion.initial)) for b in built.initial]
        self.final = [(b.weight, self._stack(b, ion.final)) for b in built.final]
        self.dipole = [(t.initial, t.final, t.along, self.array(t.matrix)) for t in built.dipole]

    @property
    def largest(self) -> int:
        """Rows of the largest block."""
        return max(int(stack.shape[-1]) for _, stack in self.final)

    def array(self, values: Any) -> Array:
        """Return values in double precision where this solver computes."""
        if self.xp is np:
            return np.asarray(values, dtype=np.float64)
        return self.xp.as_tensor(values, dtype=self.xp.float64, device=self.device)

    def _stack(self, block: Block, integrals: Mapping[str, float]) -> Array:
        """Return (6, b, b): what to add up with the factors 1, S1, S2, Dq, Ds and Dt."""
        zero = np.zeros((len(block), len(block)))

        def total(*names: str) -> Any:
            return sum((integrals[n] * block.terms[n] for n in names if n in block.terms), zero)

        return self.array(
            np.stack(
                [
                    total("zeta3d", "zeta2p"),
                    total("F2dd", "F4dd", "F2pd"),
                    total("G1pd", "G3pd"),
                    *(block.terms[name] for name in ("Dq", "Ds", "Dt")),
                ]
            )
        )

    def solve(self, parameters: Mapping[str, Array], every: bool = False) -> Sticks:
        """Return all transitions from populated states.

        Parameters
        ----------
        parameters
            (B,) values of ``Dq``, ``Ds``, ``Dt``, ``S1``, ``S2`` and ``T``.
        every
            Keep transitions from unpopulated states too: then their number is always the same.
        """
        xp = self.xp
        names = ("S1", "S2", "Dq", "Ds", "Dt")
        factors = xp.stack([xp.ones_like(parameters["T"]), *(parameters[n] for n in names)], -1)
        kt = (BOLTZMANN * parameters["T"])[:, None]
        factors, same = _once(xp, factors)  # those that differ in temperature alone

        levels = [
            tuple(values[same] for values in xp.linalg.eigh(_combine(factors, stack)))
            for _, stack in self.initial
        ]
        lowest = xp.amin(xp.stack([energy[:, 0] for energy, _ in levels], -1), -1)[:, None]
        boltzmann = [xp.exp((lowest - energy) / kt) for energy, _ in levels]
        partition = sum(
            weight * factor.sum(-1)
            for (weight, _), factor in zip(self.initial, boltzmann, strict=True)
        )
        states = []  # energies, and vectors times the root of their population
        for (energy, vectors), factor in zip(levels, boltzmann, strict=True):
            count = energy.shape[1] if every else int((factor > POPULATED).sum(-1).max())
            root = xp.sqrt(factor[:, :count] / partition[:, None])
            states.append((energy[:, :count], vectors[..., :count] * root[:, None, :]))

        parts = []
        for number, (_, stack) in enumerate(self.final):
            into = [t for t in self.dipole if t[1] == number and states[t[0]][0].shape[1]]
            if not into:
                continue
            excited = xp.concatenate([matrix @ states[i][1] for i, _, _, matrix in into], -1)
            energy, amplitude = _project(xp, _combine(factors, stack), excited, same)
            strength = amplitude**2
            below = xp.concatenate([states[i][0] for i, *_ in into], -1)
            along = self.array(
                np.concatenate([np.full(states[i][0].shape[1], a) for i, _, a, _ in into])
            )
            parts.append(
                tuple(
                    x.reshape(len(kt), -1)
                    for x in (
                        energy[:, :, None] - below[:, None, :],
                        strength * along,
                        strength * (1 - along),
                    )
                )
            )
        return Sticks(*(xp.concatenate(part, -1) for part in zip(*parts, strict=True)))


def _combine(factors: Array, stack: Array) -> Array:
    """Return Σ_k factors[:, k] stack[k], (B, b, b).

    Term by term and not as a matrix product, so that a sample's bits do not depend on its batch.
    """
    total = factors[:, 0, None, None] * stack[0]
    for k in range(1, len(stack)):
        total = total + factors[:, k, None, None] * stack[k]
    return total


def _once(xp: Any, factors: Array) -> tuple[Array, Any]:
    """Return the rows that differ, and which of them each row is."""
    if xp is not np or len(factors) == 1:
        return factors, slice(None)
    unique, same = np.unique(factors, axis=0, return_inverse=True)
    return (factors, slice(None)) if len(unique) == len(factors) else (unique, same)


def _project(xp: Any, matrices: Array, vectors: Array, same: Any) -> tuple[Array, Array]:
    """Return eigenvalues (B, b), and vectors (B, b, k) in the basis of eigenvectors.

    The matrix of each of the B is that of place ``same``.
    """
    if xp is np and matrices.shape[-1] >= LARGE:
        pairs = [_project_one(m, v) for m, v in zip(matrices[same], vectors, strict=True)]
        return np.stack([e for e, _ in pairs]), np.stack([a for _, a in pairs])
    energy, eigenvectors = (values[same] for values in xp.linalg.eigh(matrices))
    return energy, xp.swapaxes(eigenvectors, -1, -2) @ vectors


def _project_one(matrix: Array, vectors: Array) -> tuple[Array, Array]:
    """Do the same for one matrix, without ever forming its eigenvectors.

    A = Q T Qᵀ with tridiagonal T = Z Λ Zᵀ gives Zᵀ(Qᵀ v): turning the few v to the tridiagonal
    basis is cheaper than turning the many columns of Z back, which a full eigensolver does.
    """
    size = len(matrix)
    reflectors, diagonal, beside, tau, _ = lapack.dsytrd(
        matrix.T, lower=1, lwork=64 * size, overwrite_a=1
    )
    energy, z, failed = lapack.dstevd(diagonal, beside)
    if failed:
        raise np.linalg.LinAlgError("the tridiagonal eigensolver did not converge")
    turned = np.array(vectors, order="F")
    turned[1:] = lapack.dormqr(
        "L", "T", reflectors[1:, :-1], tau, turned[1:], lwork=64 * max(1, vectors.shape[1])
    )[0]
    return energy, z.T @ turned
