"""Slater–Condon theory of 2p and 3d electrons: every term of the Hamiltonian, and the dipole.

Complex harmonics make every matrix real. Sources: Condon & Shortley, The Theory of Atomic Spectra
(1935), chapters 6 and 8; the crystal field of D4h as in König & Kremer, Ligand Field Energy
Diagrams (1977).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from math import factorial, sqrt

import numpy as np

from xreg.core.arrays import Array
from xreg.plugins.multiplet.fock import Matrix, Orbital, Shell, Space, one_body, two_body

__all__ = ["Configuration", "gaunt", "transition"]

P = Shell(l=1, start=0)
D = Shell(l=2, start=6)


@cache
def gaunt(k: int, l1: int, m1: int, l2: int, m2: int) -> float:
    """Return c^k(l1 m1, l2 m2) = ⟨l1 m1| C^k_(m1−m2) |l2 m2⟩ (Condon & Shortley, §8⁶)."""
    return (
        (-1.0) ** m1
        * sqrt((2 * l1 + 1) * (2 * l2 + 1))
        * _wigner(l1, k, l2, 0, 0, 0)
        * _wigner(l1, k, l2, -m1, m1 - m2, m2)
    )


def _wigner(j1: int, j2: int, j3: int, m1: int, m2: int, m3: int) -> float:
    """Return the 3j symbol of integers by Racah's formula."""
    fits = abs(j1 - j2) <= j3 <= j1 + j2 and m1 + m2 + m3 == 0
    if not fits or abs(m1) > j1 or abs(m2) > j2 or abs(m3) > j3:
        return 0.0
    f = factorial
    triangle = f(j1 + j2 - j3) * f(j1 - j2 + j3) * f(-j1 + j2 + j3) / f(j1 + j2 + j3 + 1)
    norm = triangle * f(j1 + m1) * f(j1 - m1) * f(j2 + m2) * f(j2 - m2) * f(j3 + m3) * f(j3 - m3)
    low = max(0, j2 - j3 - m1, j1 - j3 + m2)
    high = min(j1 + j2 - j3, j1 - m1, j2 + m2)
    total = sum(
        (-1) ** t
        / (
            f(t) * f(j3 - j2 + t + m1) * f(j3 - j1 + t - m2)
            * f(j1 + j2 - j3 - t) * f(j1 - t - m1) * f(j2 - t + m2)
        )
        for t in range(low, high + 1)
    )  # fmt: skip
    return float((-1) ** (j1 - j2 - m3) * sqrt(norm) * total)


def _coulomb(k: int, a: Orbital, b: Orbital, c: Orbital, d: Orbital) -> float:
    """Return the factor of R^k(ab, cd) in ⟨ab| 1/r₁₂ |cd⟩."""
    if a.two_s != c.two_s or b.two_s != d.two_s or a.m + b.m != c.m + d.m:
        return 0.0
    return gaunt(k, a.l, a.m, c.l, c.m) * gaunt(k, d.l, d.m, b.l, b.m)


def _spin_orbit(shell: Shell) -> Array:
    """Return l·s of one electron."""
    orbitals = shell.orbitals
    h: Array = np.diag([orbital.m * orbital.two_s / 2 for orbital in orbitals])
    for i, j in product(range(len(orbitals)), repeat=2):
        up, down = orbitals[i], orbitals[j]
        if up.two_s < down.two_s and up.m == down.m + 1:  # l₊ s₋
            h[i, j] = h[j, i] = sqrt(shell.l * (shell.l + 1) - down.m * up.m) / 2
    return h


# Energies of the d orbitals z², x²−y², xy, (xz, yz) for a unit of each parameter.
CRYSTAL_FIELD: Mapping[str, tuple[int, int, int, int]] = {
    "Dq": (6, 6, -4, -4),
    "Ds": (-2, 2, 2, -1),
    "Dt": (-6, -1, -1, 4),
}


def _crystal_field(parameter: str) -> Array:
    """Return a unit of Dq, Ds or Dt for one d electron."""
    a1, b1, b2, e = CRYSTAL_FIELD[parameter]
    # x²−y² and xy are the sum and the difference of m = ±2.
    by_m = np.diag([(b1 + b2) / 2, e, a1, e, (b1 + b2) / 2])
    by_m[0, 4] = by_m[4, 0] = (b1 - b2) / 2
    return np.asarray(np.kron(by_m, np.eye(2)), dtype=np.float64)


@dataclass(frozen=True)
class Configuration:
    """The configuration 2p^p 3d^d and the terms of its Hamiltonian.

    Attributes
    ----------
    p, d
        Electrons in each shell.
    """

    p: int
    d: int

    @property
    def space(self) -> Space:
        """The determinants."""
        return Space((P, D), (self.p, self.d))

    def terms(self) -> dict[str, Matrix]:
        """Return the operator of each parameter, by name, sparse.

        ``F2dd``, ``F4dd``, ``zeta3d``, ``Dq``, ``Ds``, ``Dt``, and with a core hole ``F2pd``,
        ``G1pd``, ``G3pd``, ``zeta2p``. The monopole parts F0 are included such that every
        interaction averages to zero over the configuration: F0dd = 2/63 (F2 + F4) and
        F0pd = G1/15 + 3/70 G3.
        """
        space = self.space
        unit = _identity(len(space))
        found: dict[str, Matrix] = {}
        pairs_dd = self.d * (self.d - 1) / 2
        for k in (2, 4):
            found[f"F{k}dd"] = self._pairs_dd(k) + 2 / 63 * pairs_dd * unit
        one = space.annihilators(D) if self.d else []
        single = {
            "zeta3d": _spin_orbit(D),
            **{name: _crystal_field(name) for name in CRYSTAL_FIELD},
        }
        for name, h in single.items():
            found[name] = one_body(h, one, one) if one else 0 * unit
        if self.p == P.size:
            return found  # the full shell is inert
        direct, exchange = self._pairs_pd()
        found["F2pd"] = direct
        found["G1pd"] = exchange[1] + self.p * self.d / 15 * unit
        found["G3pd"] = exchange[3] + 3 / 70 * self.p * self.d * unit
        core = space.annihilators(P)
        found["zeta2p"] = one_body(_spin_orbit(P), core, core)
        return found

    def _pairs_dd(self, k: int) -> Matrix:
        """Return the operator of F^k(3d, 3d)."""
        if self.d < 2:
            return 0 * _identity(len(self.space))
        first = self.space.annihilators(D)
        second = self.space.without(D).annihilators(D)
        orbitals = D.orbitals
        pairs = list(combinations(range(D.size), 2))
        v = np.empty((len(pairs), len(pairs)))
        for x, (a, b) in enumerate(pairs):
            for y, (c, d) in enumerate(pairs):
                ab, cd = (orbitals[a], orbitals[b]), (orbitals[c], orbitals[d])
                v[x, y] = _coulomb(k, *ab, *cd) - _coulomb(k, *ab, *cd[::-1])
        return two_body(v, [second[d] @ first[c] for c, d in pairs])

    def _pairs_pd(self) -> tuple[Matrix, dict[int, Matrix]]:
        """Return the operators of F²(2p, 3d), and of G¹ and G³."""
        first = self.space.annihilators(P)
        second = self.space.without(P).annihilators(D)
        pairs = list(product(range(P.size), range(D.size)))
        removed = [second[d] @ first[p] for p, d in pairs]
        orbitals = [(P.orbitals[p], D.orbitals[d]) for p, d in pairs]
        direct = np.array([[_coulomb(2, *ab, *cd) for cd in orbitals] for ab in orbitals])
        exchange = {
            k: -np.array([[_coulomb(k, *ab, *cd[::-1]) for cd in orbitals] for ab in orbitals])
            for k in (1, 3)
        }
        return two_body(direct, removed), {k: two_body(v, removed) for k, v in exchange.items()}


def _identity(size: int) -> Matrix:
    from scipy import sparse

    return sparse.eye_array(size, format="csr")


def transition(ground: Configuration, q: int) -> Matrix:
    """Return the dipole operator C¹_q from 2p⁶3dⁿ to 2p⁵3dⁿ⁺¹, sparse (final, initial).

    The radial integral ⟨2p|r|3d⟩ is 1.
    """
    excited = Configuration(ground.p - 1, ground.d + 1)
    h = np.array(
        [
            [
                gaunt(1, d.l, d.m, p.l, p.m) * (d.two_s == p.two_s and d.m == p.m + q)
                for p in P.orbitals
            ]
            for d in D.orbitals
        ]
    )
    return one_body(h, excited.space.annihilators(D), ground.space.annihilators(P))
