"""The blocks into which fourfold axis, twofold axes and time reversal split the Hamiltonian.

The fourfold axis keeps M_J mod 4. The twofold rotation about x turns M_J round. With an even number
of electrons it splits the blocks M_J ≡ 0 and 2 in two and makes ±1 equal (A1, A2, B1, B2 and E
of D4); with an odd number, where it stands for time reversal too (the Hamiltonian is real), it
makes ±1/2 and ±3/2 equal. One block of each equal pair is kept, with weight 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from xreg.core.arrays import Array
from xreg.plugins.multiplet.atomic import Configuration, transition
from xreg.plugins.multiplet.fock import Matrix, Space

__all__ = ["Block", "Transition", "Transitions", "transitions_of"]


@dataclass(frozen=True, eq=False)
class Block:
    """One block of a configuration's Hamiltonian.

    Attributes
    ----------
    weight
        1, or 2 where another block has the same levels.
    terms
        (b, b) matrix of each term.
    """

    weight: int
    terms: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.terms.values())))


@dataclass(frozen=True, eq=False)
class Transition:
    """The dipole operator between two blocks.

    Attributes
    ----------
    initial, final
        Numbers of the blocks.
    along
        True for light polarised along z; False for the two circular components about z, whose
        sum is the sum of x and y.
    matrix
        (final, initial) matrix elements, weighted so that the sum of their squares over the
        kept blocks is the sum over all.
    """

    initial: int
    final: int
    along: bool
    matrix: Array


@dataclass(frozen=True, eq=False)
class Transitions:
    """All that 2p⁶3dⁿ → 2p⁵3dⁿ⁺¹ needs: blocks of both configurations, and the dipole between."""

    initial: tuple[Block, ...]
    final: tuple[Block, ...]
    dipole: tuple[Transition, ...]


@dataclass(frozen=True, eq=False)
class _Symmetry:
    """A block's basis: orthonormal columns, and those of its partner where there is one."""

    basis: Any
    partner: Any = None

    @property
    def weight(self) -> int:
        return 1 if self.partner is None else 2


def _split(space: Space) -> list[_Symmetry]:
    residue = space.two_m % 8
    turned = space.reversed
    found = []
    if residue[0] % 2:
        found = [_with_partner(turned, np.flatnonzero(residue == r)) for r in (1, 3)]
    else:
        found.append(_with_partner(turned, np.flatnonzero(residue == 2)))
        for r in (0, 4):
            found += _halves(turned, np.flatnonzero(residue == r))
    return [symmetry for symmetry in found if symmetry.basis.shape[1]]


def _with_partner(turned: NDArray[np.intp], states: NDArray[np.intp]) -> _Symmetry:
    return _Symmetry(_columns(len(turned), states), _columns(len(turned), turned[states]))


def _columns(size: int, states: NDArray[np.intp]) -> Matrix:
    count = len(states)
    return sparse.csr_array((np.ones(count), (states, np.arange(count))), shape=(size, count))


def _halves(turned: NDArray[np.intp], states: NDArray[np.intp]) -> list[_Symmetry]:
    """Return the even and the odd half of a block that the rotation maps to itself."""
    own = states[turned[states] == states]
    one = states[turned[states] > states]
    size = len(turned)
    plain, other = _columns(size, one), _columns(size, turned[one])
    even = sparse.hstack([(plain + other) / np.sqrt(2), _columns(size, own)], format="csr")
    return [_Symmetry(even), _Symmetry((plain - other) / np.sqrt(2))]


def _blocks(configuration: Configuration, symmetries: list[_Symmetry]) -> tuple[Block, ...]:
    terms = configuration.terms()
    return tuple(
        Block(
            symmetry.weight,
            {
                name: (symmetry.basis.T @ operator @ symmetry.basis).toarray()
                for name, operator in terms.items()
            },
        )
        for symmetry in symmetries
    )


@lru_cache(maxsize=16)
def transitions_of(n: int) -> Transitions:
    """Return blocks and dipole operators of an ion with n d electrons (0 … 9), built once."""
    ground, excited = Configuration(6, n), Configuration(5, n + 1)
    initial, final = _split(ground.space), _split(excited.space)
    dipole: list[Transition] = []
    for q in (-1, 0, 1):
        operator = transition(ground, q)
        for f, above in enumerate(final):
            for i, below in enumerate(initial):
                for basis in (below.basis, below.partner):
                    if basis is None:
                        continue
                    matrix = (above.basis.T @ operator @ basis).toarray() * np.sqrt(above.weight)
                    if np.any(matrix):
                        _add(dipole, Transition(i, f, q == 0, matrix))
    return Transitions(
        _blocks(ground, initial),
        _blocks(excited, final),
        tuple(sorted(dipole, key=lambda t: (t.final, t.along, t.initial))),
    )


def _add(dipole: list[Transition], new: Transition) -> None:
    """Append a transition, or join it with one that is the same up to its sign."""
    for at, old in enumerate(dipole):
        same = (old.initial, old.final, old.along) == (new.initial, new.final, new.along)
        if same and any(np.allclose(old.matrix, sign * new.matrix) for sign in (1, -1)):
            dipole[at] = Transition(new.initial, new.final, new.along, old.matrix * np.sqrt(2))
            return
    dipole.append(new)
