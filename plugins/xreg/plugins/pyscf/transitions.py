"""From self-consistent states to lines, and from lines to spectra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from pyscf.data.nist import HARTREE2EV
from scipy.special import voigt_profile

from xreg.core.arrays import Array
from xreg.plugins.pyscf.corehole import CoreHoles

_SIGMA = 1 / np.sqrt(8 * np.log(2))  # of a Gaussian with full width 1 at half maximum
# Orbitals nearer to the 1s than this are cores of like atoms, in Hartree.
_LEAST_GAP = 1.0


@dataclass(frozen=True)
class Lines:
    """Transitions of one spectrum.

    Attributes
    ----------
    energy : (k,) array
        In eV.
    strength : (k,) array
        Oscillator strengths, both spins together.
    level : (k,) array
        Energy of the valence orbital in eV against the vacuum (zero for a photoline).
    """

    energy: Array
    strength: Array
    level: Array

    def broadened(self, grid: Array, gaussian: ArrayLike, lorentzian: float) -> Array:
        """Return the spectrum as strength per eV.

        Parameters
        ----------
        grid : (m,) array
            Energies in eV.
        gaussian : float or (k,) array
            Full width at half maximum of the Gaussian, in eV.
        lorentzian : float
            Full width at half maximum of the Lorentzian, in eV.
        """
        sigma = np.broadcast_to(np.asarray(gaussian, dtype=float) * _SIGMA, self.energy.shape)
        offsets = grid[:, None] - self.energy
        return np.asarray(voigt_profile(offsets, sigma, lorentzian / 2) @ self.strength)


def emission(states: CoreHoles) -> Lines:
    """Return the lines of valence electrons that fill the 1s hole: 2/3 ω |⟨1s|r|v⟩|² a spin.

    With ground-state orbitals this is the one-electron picture in which the hole does not
    relax the valence (Triguero, Pettersson and Ågren, J. Phys. Chem. A 102, 10599 (1998));
    with those of a restricted half core hole it relaxes by half.

    Energies are either orbital energy differences, or (``delta-scf``) shifted as a whole so
    that the highest line lies at the difference of two total energies, of the core and of the
    valence ionisation.

    Returns
    -------
    Lines
        One for each occupied orbital above the core (and spin, for an open shell).
    """
    if states.config.xes_orbitals == "half-hole":
        half = states.restricted_half_hole
        spins = [(half.mo_energy, half.mo_coeff, half.mo_occ > 0)] * 2
    else:
        spins = states.ground_spins
    dipole = states.mol.intor_symmetric("int1e_r")
    energies, strengths, levels = [], [], []
    for level, coefficients, occupied in spins[:1] if spins[0] is spins[1] else spins:
        core, core_energy = states.core_of(level, coefficients, occupied)
        above = occupied & (level - core_energy > _LEAST_GAP)
        moments = np.einsum("xij,i,jk->xk", dipole, core, coefficients[:, above])
        gap = level[above] - core_energy
        energies.append(gap)
        strengths.append(2 / 3 * gap * (moments**2).sum(axis=0))
        levels.append(level[above])
    if len(energies) == 1:
        strengths[0] *= 2
    energy = np.concatenate(energies) * HARTREE2EV
    if states.config.xes_reference == "delta-scf":
        highest = states.full_hole.e_tot - states.cation.e_tot
        energy += highest * HARTREE2EV - energy.max()
    return Lines(energy, np.concatenate(strengths), np.concatenate(levels) * HARTREE2EV)


def absorption(states: CoreHoles) -> Lines:
    """Return the lines of a 1s electron into empty orbitals, in the transition potential.

    Energies and strengths are those of the orbitals with half a core hole (Triguero,
    Pettersson and Ågren, Phys. Rev. B 58, 8097 (1998)), shifted as a whole so that the first
    line lies at the ΔSCF energy of the first core-excited state (Kolczewski et al., J. Chem.
    Phys. 115, 6426 (2001)).

    Returns
    -------
    Lines
        One for each empty α orbital; strengths count both spins.
    """
    half = states.half_hole
    level, coefficients = half.mo_energy[0], half.mo_coeff[0]
    core, _ = half.find_core(coefficients)
    empty = half.mo_occ[0] == 0
    gap = level[empty] - level[core]
    dipole = states.mol.intor_symmetric("int1e_r")
    moments = np.einsum("xij,i,jk->xk", dipole, coefficients[:, core], coefficients[:, empty])
    first = (states.excited.e_tot - states.ground.e_tot) * HARTREE2EV
    energy = gap * HARTREE2EV
    return Lines(
        energy + (first - energy.min()),
        2 * 2 / 3 * gap * (moments**2).sum(axis=0),
        level[empty] * HARTREE2EV,
    )


def photoline(states: CoreHoles) -> Lines:
    """Return the 1s photoline: unit area at the ΔSCF binding energy."""
    binding = (states.full_hole.e_tot - states.ground.e_tot) * HARTREE2EV
    return Lines(np.array([binding]), np.ones(1), np.zeros(1))
