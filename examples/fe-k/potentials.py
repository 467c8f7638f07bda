"""Interatomic potentials of the iron crystals in ``fe-k``, as ASE calculators.

Both keep one pair list for the whole run: in a crystal far below melting no atom changes place, so
the pairs within the cutoff plus a margin at the start are those that ever matter.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import neighbor_list
from numpy.typing import NDArray
from scipy.special import erfc

__all__ = ["BornMayer", "FinnisSinclair"]

Array = NDArray[np.float64]
COULOMB = units.Hartree * units.Bohr  # e²/4πε0 in eV Å
MARGIN = 1.0  # Å, by which a pair may come nearer than in the perfect crystal


class CrystalPotential(Calculator):
    """A potential of pairs whose list is made once."""

    implemented_properties: ClassVar = ["energy", "forces"]
    cutoff: float

    def set_pairs(self, atoms: Atoms) -> None:
        """List the pairs (each twice) of the perfect crystal."""
        self._i, self._j, vectors = neighbor_list("ijD", atoms, self.cutoff + MARGIN)
        self._vectors, self._start = vectors, atoms.get_positions()

    def pairs(self, atoms: Atoms) -> tuple[Array, Array]:
        """Return vectors i → j (Å) and lengths of all listed pairs."""
        moved = atoms.get_positions() - self._start
        vectors = self._vectors + moved[self._j] - moved[self._i]
        return vectors, np.sqrt((vectors**2).sum(axis=1))

    def gather(self, slopes: Array, vectors: Array, lengths: Array) -> Array:
        """Return forces from the derivatives dE/dr of the listed pairs' energies."""
        along = (slopes / lengths)[:, None] * vectors
        n = len(self._start)
        return np.column_stack(
            [np.bincount(self._i, along[:, k], n) - np.bincount(self._j, along[:, k], n)
             for k in range(3)]
        )  # fmt: skip


class BornMayer(CrystalPotential):
    """Rigid ions with Born–Mayer repulsion, Σ qᵢqⱼ/r + A e^(−r/ρ) − C/r⁶, by Ewald summation.

    Repulsion of Lewis and Catlow, J. Phys. C 18, 1149 (1985), for formal charges: Fe(II)–O A =
    694.1 eV, ρ = 0.3399 Å; Fe(III)–O 1102.4, 0.3299; O–O 22764.3, 0.1490, C = 27.88 eV Å⁶. An ion
    of charge 2.5 takes the mean energy of both kinds of iron. No shells: the ions do not polarise.

    Parameters
    ----------
    atoms
        The perfect crystal.
    charges
        (n,) formal charges.
    cutoff
        Of the pair sum, Å.
    alpha
        Ewald parameter, 1/Å.
    """

    OXYGEN = (22764.3, 0.1490, 27.88)
    IRON = (694.1, 0.3399), (1102.4, 0.3299)

    def __init__(
        self, atoms: Atoms, charges: Array, cutoff: float = 7.5, alpha: float = 0.4
    ) -> None:
        super().__init__()
        self.cutoff, self.alpha, self.charges = cutoff, alpha, np.asarray(charges, float)
        self.set_pairs(atoms)
        oxygen = atoms.numbers == 8
        both = oxygen[self._i] & oxygen[self._j]
        mixed = oxygen[self._i] != oxygen[self._j]
        third = np.where(oxygen[self._i], self.charges[self._j], self.charges[self._i]) - 2.0
        self._weights = np.where(both, 1.0, 0.0), np.where(mixed, 1 - third, 0.0), np.where(
            mixed, third, 0.0
        )  # fmt: skip
        self._product = COULOMB * self.charges[self._i] * self.charges[self._j]
        self._waves, self._weight = self._reciprocal(atoms)
        self._self = -COULOMB * alpha / np.sqrt(np.pi) * (self.charges**2).sum()

    def _reciprocal(self, atoms: Atoms) -> tuple[Array, Array]:
        """Half of the reciprocal vectors that matter and their weights (both ends counted)."""
        lattice = 2 * np.pi * atoms.cell.reciprocal()
        longest = 2 * self.alpha * 3.5
        size = np.ceil(longest * atoms.cell.lengths() / (2 * np.pi)).astype(int)
        grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in size), indexing="ij"), -1)
        waves = grid.reshape(-1, 3)[len(grid.reshape(-1, 3)) // 2 + 1 :] @ lattice
        square = (waves**2).sum(axis=1)
        keep = square < longest**2
        waves, square = waves[keep], square[keep]
        weight = 4 * np.pi * COULOMB / atoms.get_volume() * np.exp(-square / 4 / self.alpha**2)
        return waves, weight / square

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Fill ``results`` with energy (eV) and forces (eV/Å)."""
        super().calculate(atoms, properties, system_changes)
        vectors, r = self.pairs(self.atoms)
        energy, slope = np.zeros_like(r), np.zeros_like(r)
        near = r < self.cutoff
        damped = erfc(self.alpha * r)
        energy += self._product * damped / r
        slope -= self._product * (
            damped / r**2 + 2 * self.alpha / np.sqrt(np.pi) * np.exp(-((self.alpha * r) ** 2)) / r
        )
        for weight, (a, rho, c) in zip(
            self._weights, (self.OXYGEN, *((*iron, 0.0) for iron in self.IRON)), strict=True
        ):
            repulsion = a * np.exp(-r / rho)
            energy += weight * (repulsion - c / r**6)
            slope += weight * (6 * c / r**7 - repulsion / rho)
        phase = self.atoms.get_positions() @ self._waves.T
        cosine, sine = np.cos(phase), np.sin(phase)
        a, b = self.charges @ cosine, self.charges @ sine
        wave_energy = (self._weight * (a**2 + b**2)).sum()
        wave_force = (
            2 * self.charges[:, None] * ((self._weight * (a * sine - b * cosine)) @ self._waves)
        )
        self.results = {
            "energy": 0.5 * energy[near].sum() + wave_energy + self._self,
            "forces": 0.5 * self.gather(np.where(near, slope, 0.0), vectors, r) + wave_force,
        }


class FinnisSinclair(CrystalPotential):
    """Iron after Finnis and Sinclair, Philos. Mag. A 50, 45 (1984), erratum 53, 161 (1986).

    E = ½ Σ V(r) − A Σ √ρᵢ, V = (r − c)²(c0 + c1 r + c2 r²) below c, ρᵢ = Σ (r − d)² + β(r − d)³/d
    below d. Made for a = 2.8665 Å, cohesive energy 4.28 eV and the elastic constants.
    """

    A, D, BETA = 1.828905, 3.569745, 1.8
    C, POLYNOMIAL = 3.40, (1.2371147, -0.3592185, -0.0385607)
    cutoff = D

    def __init__(self, atoms: Atoms) -> None:
        super().__init__()
        self.set_pairs(atoms)

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Fill ``results`` with energy (eV) and forces (eV/Å)."""
        super().calculate(atoms, properties, system_changes)
        vectors, r = self.pairs(self.atoms)
        c0, c1, c2 = self.POLYNOMIAL
        x = np.minimum(r - self.C, 0.0)
        pair = x**2 * (c0 + c1 * r + c2 * r**2)
        pair_slope = 2 * x * (c0 + c1 * r + c2 * r**2) + x**2 * (c1 + 2 * c2 * r)
        y = np.minimum(r - self.D, 0.0)
        density = np.bincount(self._i, y**2 + self.BETA * y**3 / self.D, len(self.atoms))
        root = np.sqrt(density)
        density_slope = 2 * y + 3 * self.BETA * y**2 / self.D
        slope = 0.5 * pair_slope - 0.5 * self.A * density_slope / root[self._i]
        self.results = {
            "energy": 0.5 * pair.sum() - self.A * root.sum(),
            "forces": self.gather(slope, vectors, r),
        }
