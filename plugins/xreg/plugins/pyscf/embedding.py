"""Charges around a molecule: what they do to its electrons and nuclei."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyscf import df, gto, lib
from pyscf.data.nist import BOHR
from scipy.special import erf

from xreg.core.arrays import Array

__all__ = ["Embedding"]

# Exponent (1/Bohr²) of a charge that is a point to electrons and nuclei.
_POINT = 1e16
# Charges whose integrals are held in memory together.
_TOGETHER = 64


class Embedding:
    """The potential of charges that do not move, for a molecule.

    Parameters
    ----------
    mol : pyscf.gto.Mole
        The molecule.
    places : (q, 3) array
        In Å.
    charges : (q,) array
        In units of the elementary charge.
    width : float
        Width w in Å of charges spread as exp(-r²/w²); 0 for points.
    """

    def __init__(self, mol: Any, places: Array, charges: Array, width: float) -> None:
        self.mol = mol
        self.places, self.charges = places / BOHR, charges
        self.exponent = (BOHR / width) ** 2 if width else _POINT

    def electrons(self) -> Array:
        """Return the (m, m) matrix of the charges' potential on an electron, in Hartree."""
        packed = np.zeros(self.mol.nao * (self.mol.nao + 1) // 2)
        for start in range(0, len(self.charges), _TOGETHER):
            part = slice(start, start + _TOGETHER)
            places = self.places[part]
            spread = gto.fakemol_for_charges(places, np.full(len(places), self.exponent))
            integrals = df.incore.aux_e2(self.mol, spread, intor="int3c2e", aosym="s2ij")
            packed -= integrals @ self.charges[part]
        return np.asarray(lib.unpack_tril(packed))

    def nuclei(self) -> float:
        """Return the energy of the nuclei among the charges, in Hartree."""
        gaps = np.linalg.norm(self.mol.atom_coords()[:, None] - self.places, axis=2)
        pairs = self.mol.atom_charges()[:, None] * self.charges
        return float((pairs * erf(np.sqrt(self.exponent) * gaps) / gaps).sum())
