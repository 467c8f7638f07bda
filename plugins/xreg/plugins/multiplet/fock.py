"""Slater determinants of open shells, and the operators of second quantisation between them.

A determinant is an integer: bit ``i`` is set where spin orbital ``i`` is occupied. Every
many-electron operator is built from *annihilation matrices* A_i, which take the determinants of
a configuration to those with one electron less:

    one body   Σ_ij  h_ij  a†_i a_j              = Aᵀ (h ⊗ 1) A
    two body   Σ_a<b,c<d V_ab,cd a†_a a†_b a_d a_c = Bᵀ (V ⊗ 1) B,   B_cd = A_d A_c

with the A_i (or B_cd) stacked above each other: one sparse triple product for each operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Orbital", "Shell", "Space", "one_body", "two_body"]

Matrix = Any  # a scipy.sparse array; scipy ships no types


@dataclass(frozen=True)
class Orbital:
    """A spin orbital |l m σ⟩ of complex (Condon–Shortley) harmonics; ``two_s`` is 2σ = ±1."""

    l: int  # noqa: E741
    m: int
    two_s: int


@dataclass(frozen=True)
class Shell:
    """The 2(2l + 1) spin orbitals of one l, in bits ``start`` … ``start + size - 1``.

    They are ordered by (m, σ), so that reversing a shell's bits turns every m and σ round.
    """

    l: int  # noqa: E741
    start: int

    @property
    def size(self) -> int:
        """Number of spin orbitals."""
        return 4 * self.l + 2

    @property
    def bits(self) -> range:
        """Their bits."""
        return range(self.start, self.start + self.size)

    @property
    def orbitals(self) -> list[Orbital]:
        """The spin orbitals in the order of their bits."""
        return [Orbital(self.l, m, s) for m in range(-self.l, self.l + 1) for s in (-1, 1)]


@dataclass(frozen=True)
class Space:
    """All determinants of a configuration.

    Attributes
    ----------
    shells
        The shells, in the order of their bits.
    electrons
        Number of electrons in each.
    """

    shells: tuple[Shell, ...]
    electrons: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.determinants)

    @cached_property
    def determinants(self) -> NDArray[np.int64]:
        """(d,) the determinants, ascending."""
        states = np.zeros(1, dtype=np.int64)
        for shell, n in zip(self.shells, self.electrons, strict=True):
            part = [sum(1 << bit for bit in chosen) for chosen in combinations(shell.bits, n)]
            states = (states[:, None] | np.array(part, dtype=np.int64)).ravel()
        return np.sort(states)

    @property
    def two_m(self) -> NDArray[np.int64]:
        """(d,) twice the projection M_J of each determinant."""
        total = np.zeros(len(self), dtype=np.int64)
        for shell in self.shells:
            for bit, orbital in zip(shell.bits, shell.orbitals, strict=True):
                total += (self.determinants >> bit & 1) * (2 * orbital.m + orbital.two_s)
        return total

    @property
    def reversed(self) -> NDArray[np.intp]:
        """(d,) index of the determinant with every m and σ turned round.

        This permutation is the twofold rotation about x: its phases, (−1)^l(−i) for an electron,
        and the sign of reversing a shell are the same for all determinants of a configuration.
        """
        turned = np.zeros(len(self), dtype=np.int64)
        for shell in self.shells:
            for bit, partner in zip(shell.bits, shell.bits[::-1], strict=True):
                turned |= (self.determinants >> bit & 1) << partner
        return np.searchsorted(self.determinants, turned)

    def without(self, shell: Shell) -> Space:
        """Return the configuration with one electron less in a shell."""
        at = self.shells.index(shell)
        electrons = list(self.electrons)
        electrons[at] -= 1
        return Space(self.shells, tuple(electrons))

    def annihilators(self, shell: Shell) -> list[Matrix]:
        """Return the A_i of a shell's orbitals, each ``(len(self.without(shell)), len(self))``."""
        rest = self.without(shell).determinants
        found = []
        for bit in shell.bits:
            columns = np.flatnonzero(self.determinants >> bit & 1)
            states = self.determinants[columns]
            # Fermi sign: the electrons that a_i has to pass.
            signs = 1.0 - 2.0 * (np.bitwise_count(states & ((1 << bit) - 1)) % 2)
            rows = np.searchsorted(rest, states ^ (1 << bit))
            shape = (len(rest), len(self))
            found.append(sparse.csr_array((signs, (rows, columns)), shape=shape))
        return found


def one_body(h: NDArray[np.float64], left: Sequence[Matrix], right: Sequence[Matrix]) -> Matrix:
    """Return Σ_ij h_ij a†_i a_j, sparse.

    Parameters
    ----------
    h
        (p, q) matrix elements between orbitals.
    left, right
        The p annihilation matrices of the final and the q of the initial configuration, into one
        and the same smaller configuration.
    """
    rest = left[0].shape[0]
    middle = sparse.kron(sparse.csr_array(h), sparse.eye_array(rest), format="csr")
    return (sparse.vstack(left).T @ middle @ sparse.vstack(right)).tocsr()


def two_body(v: NDArray[np.float64], pairs: Sequence[Matrix]) -> Matrix:
    """Return Σ V_ab,cd a†_a a†_b a_d a_c over pairs of orbitals, sparse.

    Parameters
    ----------
    v
        (p, p) antisymmetrised matrix elements ⟨ab|v|cd⟩ − ⟨ab|v|dc⟩.
    pairs
        The p matrices B_cd = A_d A_c.
    """
    return one_body(v, pairs, pairs)
