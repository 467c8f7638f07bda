"""Self-consistent states of a molecule: ground, half and full core hole, core-excited, ionised.

A core hole is kept by giving the site's 1s orbital a fixed occupation in every cycle: among
the orbitals of a cycle it is the one that overlaps most with the ground state's localised 1s
(the initial maximum overlap method, Barca, Gilbert and Gill, J. Chem. Theory Comput. 14, 1501
(2018)); the other electrons fill the lowest orbitals.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyscf import dft
from pyscf.lib.exceptions import BasisNotFoundError

from xreg.core.arrays import Array
from xreg.core.data.samples import Structure
from xreg.core.errors import ConfigError, SampleError
from xreg.plugins.pyscf.coulomb import FittedCoulomb
from xreg.plugins.pyscf.embedding import Embedding
from xreg.plugins.pyscf.molecule import atomic_core, build, core_orbital
from xreg.plugins.pyscf.numint import CachedNumInt
from xreg.plugins.pyscf.plugin import PySCFConfig
from xreg.plugins.pyscf.surroundings import Cluster

# Share of the ground state's 1s that the orbital with the hole must keep: relaxation leaves
# 0.98 and more, a hole that jumped to another atom or level has next to nothing.
_SAME_ORBITAL = 0.7
# Orbital gradient below which an SCF needs no level shift any more.
_NEARLY = 0.3
# Cycles that are damped, without extrapolation, at the start of an attempt with damping.
_DAMPED = 15


@dataclass(frozen=True)
class _Rung:
    """A way to converge an SCF that did not.

    Attributes
    ----------
    shift
        Raises the empty orbitals, in Hartree.
    damp
        Share of the old Fock matrix that is kept in early cycles.
    cycles
        Most cycles, in units of the settings'.
    """

    shift: float
    damp: float
    cycles: int


def _lower(cycle: dict[str, Any]) -> None:
    """Take the level shift away once the orbitals are nearly what they will be."""
    if cycle["norm_gorb"] < _NEARLY:
        cycle["mf"].level_shift = 0.0


_LADDER = (_Rung(0.3, 0.0, 1), _Rung(0.3, 0.5, 2), _Rung(1.0, 0.7, 4))


class _FixedCore:
    """Mixin for PySCF's Kohn–Sham classes: occupations with a fixed core orbital."""

    core_reference: Array  # (m,) 1s of the site, multiplied by the overlap matrix
    core_occupation: float  # of one spin
    others: int  # fully occupied further orbitals of that spin

    def find_core(self, coefficients: Array) -> tuple[int, float]:
        """Return the index of the core orbital and its share of the reference."""
        shares = (self.core_reference @ coefficients) ** 2
        index = int(np.argmax(shares))
        return index, float(shares[index])

    def occupy(self, energies: Array, coefficients: Array) -> Array:
        """Return the (m,) occupations of one spin."""
        core, _ = self.find_core(coefficients)
        order = np.argsort(energies, kind="stable")
        occupation = np.zeros(len(energies))
        occupation[order[order != core][: self.others]] = 1.0
        occupation[core] = self.core_occupation
        return occupation


class _CoreHoleUKS(_FixedCore, dft.uks.UKS):
    """Unrestricted; the hole is in spin α."""

    def get_occ(self, mo_energy: Any = None, mo_coeff: Any = None) -> Array:
        energies = self.mo_energy if mo_energy is None else mo_energy
        coefficients = self.mo_coeff if mo_coeff is None else mo_coeff
        beta = np.zeros(len(energies[1]))
        beta[np.argsort(energies[1], kind="stable")[: self.nelec[1]]] = 1.0
        return np.array([self.occupy(energies[0], coefficients[0]), beta])


class _CoreHoleRKS(_FixedCore, dft.rks.RKS):
    """Restricted; half of a hole in either spin's share of the orbital."""

    def get_occ(self, mo_energy: Any = None, mo_coeff: Any = None) -> Array:
        energies = self.mo_energy if mo_energy is None else mo_energy
        coefficients = self.mo_coeff if mo_coeff is None else mo_coeff
        return 2 * self.occupy(energies, coefficients)


class CoreHoles:
    """The states of one molecule with and without a hole in the 1s orbital of one atom.

    Each state is computed when it is first asked for, and kept: the spectra share them.

    Parameters
    ----------
    structure : Structure
        The molecule; its absorber is the atom.
    config : PySCFConfig
        The settings.
    charge : int
        Charge of the molecule.
    around : Cluster, optional
        The molecule, as it was cut out of a liquid, and the charges around it.

    Attributes
    ----------
    attempt
        The highest number of an attempt that a state needed.

    Raises
    ------
    SampleError
        If the structure is not a molecule that the settings fit; on use of a state, if its
        SCF does not converge or its hole leaves the atom. The message names the state.
    ConfigError
        If PySCF does not know the functional or the basis set.
    """

    def __init__(
        self,
        structure: Structure,
        config: PySCFConfig,
        charge: int = 0,
        around: Cluster | None = None,
    ) -> None:
        self.config = config
        self.site = structure.absorber
        self.attempt = 1
        self._name = f"sample '{structure.id}'"
        self.mol, axes = build(structure, config, charge)
        self._embedding: Embedding | None = None
        if around is not None and len(around.charges):
            width = config.cut.charge_width if config.cut else 0.0
            self._embedding = Embedding(self.mol, around.places @ axes, around.charges, width)
        self.overlap: Array = self.mol.intor_symmetric("int1e_ovlp")
        # One grid, one cache of basis functions and one set of integrals serve all states.
        self._numint = CachedNumInt()
        self._grids = dft.gen_grid.Grids(self.mol)
        self._grids.level = config.grid_level
        named = {self.mol.atom_symbol(i) for i in range(self.mol.natm)}
        self._grids.atom_grid = {
            symbol: grid
            for symbol in named
            if (grid := config.grid_for.get(symbol.rstrip("1"))) is not None
        }
        self._integrals: dict[str, Any] = {}
        try:
            dft.libxc.parse_xc(config.functional)
        except (KeyError, ValueError) as error:
            raise ConfigError(
                f"generator 'pyscf': functional '{config.functional}' is not known to PySCF "
                f"({error})."
            ) from None

    # The states --------------------------------------------------------------------------------

    @cached_property
    def ground(self) -> Any:
        """Ground state: restricted for a closed shell, else unrestricted."""
        method = dft.rks.RKS if self.mol.spin == 0 else dft.uks.UKS
        return self._converge(self._prepare(method(self.mol)), None, "ground state")

    @cached_property
    def half_hole(self) -> Any:
        """Half an α electron taken from the core: the transition potential (unrestricted)."""
        density = self._ground_density.copy()
        density[0] -= 0.5 * np.outer(self.core, self.core)
        return self._core_hole(0.5, 0, density, "half core hole")

    @cached_property
    def full_hole(self) -> Any:
        """One α electron taken from the core: the ionised molecule."""
        # The density moves nearly in proportion to the hole: from none and a half, one follows.
        start = 2 * self.half_hole.make_rdm1() - self._ground_density
        return self._core_hole(1.0, 0, start, "full core hole")

    @cached_property
    def excited(self) -> Any:
        """One α electron from the core to the lowest empty orbital."""
        hole = self.full_hole
        empty = np.flatnonzero(hole.mo_occ[0] == 0)
        empty = empty[empty != hole.find_core(hole.mo_coeff[0])[0]]
        lowest = hole.mo_coeff[0][:, empty[np.argmin(hole.mo_energy[0][empty])]]
        start = hole.make_rdm1()
        start[0] += np.outer(lowest, lowest)
        return self._core_hole(1.0, 1, start, "first core-excited state")

    @cached_property
    def restricted_half_hole(self) -> Any:
        """Half an electron taken from the core of a closed shell, evenly from both spins."""
        ks = self._prepare(_CoreHoleRKS(self.mol))
        if self.config.half_hole_start == "atoms":
            density, core = ks.init_guess_by_minao(), atomic_core(self.mol, self.site)
        else:
            density, core = self._ground_density.sum(axis=0), self.core
        ks.core_reference = self.overlap @ core
        ks.core_occupation, ks.others = 0.75, self.mol.nelec[0] - 1
        start = np.asarray(density) - 0.5 * np.outer(core, core)
        step = "restricted half core hole"
        return self._require_site(self._converge(ks, start, step), step)

    @cached_property
    def cation(self) -> Any:
        """The molecule less one electron from its highest occupied orbital."""
        highest = [energies[occupied].max() for energies, _, occupied in self.ground_spins]
        # Of equal spins the β electron goes, so that α stays the majority.
        spin = 1 if highest[1] >= highest[0] else 0
        energies, coefficients, occupied = self.ground_spins[spin]
        orbital = coefficients[:, np.flatnonzero(occupied)[np.argmax(energies[occupied])]]
        ks = self._prepare(dft.uks.UKS(self.mol))
        ks.nelec = tuple(n - (s == spin) for s, n in enumerate(self.mol.nelec))
        start = self._ground_density.copy()
        start[spin] -= np.outer(orbital, orbital)
        return self._converge(ks, start, "valence-ionised state")

    # What follows from them --------------------------------------------------------------------

    @cached_property
    def ground_spins(self) -> list[tuple[Array, Array, NDArray[np.bool_]]]:
        """Energies (m,), coefficients (m, m) and which are occupied (m,), for α and β."""
        ks = self.ground
        if self.mol.spin == 0:
            return [(ks.mo_energy, ks.mo_coeff, ks.mo_occ > 0)] * 2
        return [(ks.mo_energy[s], ks.mo_coeff[s], ks.mo_occ[s] > 0) for s in (0, 1)]

    @cached_property
    def core(self) -> Array:
        """(m,) coefficients of the site's localised 1s orbital in the ground state, spin α."""
        _, coefficients, occupied = self.ground_spins[0]
        return coefficients @ self._core_vector(coefficients, occupied)

    def core_of(self, energies: Array, coefficients: Array, occupied: Any) -> tuple[Array, float]:
        """Return coefficients (m,) and energy (Hartree) of the localised 1s among orbitals."""
        vector = self._core_vector(coefficients, occupied)
        return coefficients @ vector, float(vector**2 @ energies)

    def _core_vector(self, coefficients: Array, occupied: NDArray[np.bool_]) -> Array:
        try:
            return core_orbital(self.mol, self.site, coefficients, occupied)
        except SampleError as error:
            raise SampleError(f"{self._name}: {error}") from None

    @cached_property
    def _ground_density(self) -> Array:
        """(2, m, m) density matrices of α and β."""
        density = self.ground.make_rdm1()
        return np.array([density, density]) / 2 if density.ndim == 2 else np.array(density)

    # How -----------------------------------------------------------------------------------

    def _prepare(self, ks: Any) -> Any:
        """Give a Kohn–Sham object the settings and what it shares with the others."""
        ks.xc = self.config.functional
        ks.grids = self._grids
        ks._numint = self._numint
        ks.conv_tol = self.config.convergence
        ks.max_cycle = self.config.max_cycles
        ks.chkfile = None
        if self.config.level_shift:
            ks.level_shift, ks.callback = self.config.level_shift, _lower
        if self.config.density_fitting:
            hybrid = dft.libxc.is_hybrid_xc(self.config.functional)
            ks = ks.density_fit(
                self.config.auxiliary_basis,
                None if hybrid else FittedCoulomb(self.mol, self.config.auxiliary_basis),
                only_dfj=not hybrid,
            )
            if "fitted" not in self._integrals:
                self._integrals["fitted"] = self._fitted(ks.with_df)
            ks.with_df = self._integrals["fitted"]
        else:
            ks._eri = self._integrals.get("exact")
        if self._embedding is not None:
            matrix, energy = self._core_hamiltonian, ks.energy_nuc() + self._embedding.nuclei()
            ks.get_hcore = lambda *_: matrix
            ks.energy_nuc = lambda *_: energy
        return ks

    @cached_property
    def _core_hamiltonian(self) -> Array:
        """(m, m) kinetic energy and attraction of the nuclei and of the charges around."""
        own: Array = dft.rks.RKS(self.mol).get_hcore()
        return own if self._embedding is None else own + self._embedding.electrons()

    def _fitted(self, fit: Any) -> Any:
        """Build the fitted integrals: left alone, PySCF computes them anew in each cycle."""
        try:
            return fit.build()
        except (BasisNotFoundError, KeyError):
            raise ConfigError(
                f"generator 'pyscf': PySCF has no auxiliary basis '{self.config.auxiliary_basis}' "
                f"for the elements of {self._name}; set 'auxiliary_basis'."
            ) from None

    def _core_hole(self, hole: float, excited: int, start: Array, step: str) -> Any:
        """Converge an unrestricted state with a hole and ``excited`` electrons more than it."""
        ks = self._prepare(_CoreHoleUKS(self.mol))
        ks.core_reference = self.overlap @ self.core
        ks.core_occupation, ks.others = 1.0 - hole, self.mol.nelec[0] - 1 + excited
        ks = self._converge(ks, start, step)
        return self._require_site(ks, step)

    def _require_site(self, ks: Any, step: str) -> Any:
        """Return the state if its hole is where it was put."""
        coefficients = ks.mo_coeff if ks.mo_coeff.ndim == 2 else ks.mo_coeff[0]
        _, share = ks.find_core(coefficients)
        if share < _SAME_ORBITAL:
            raise SampleError(
                f"{self._name}: the {step} left the 1s orbital of atom {self.site} (overlap "
                f"{share:.2f}); the structure may not be a bound molecule."
            )
        return ks

    def _converge(self, ks: Any, start: Array | None, step: str) -> Any:
        """Run an SCF; slower attempts follow a first that fails."""
        cycles = ks.max_cycle

        def attempt(density: Array | None) -> bool:
            try:
                ks.kernel(dm0=density)
            except (np.linalg.LinAlgError, FloatingPointError, ValueError) as error:
                raise SampleError(f"{self._name}: the {step} failed in PySCF ({error}).") from None
            return bool(ks.converged)

        done = attempt(start)
        number = 1
        for rung in _LADDER[: self.config.attempts - 1]:
            if done:
                break
            number += 1
            ks.callback = None
            ks.level_shift, ks.damp, ks.max_cycle = rung.shift, rung.damp, rung.cycles * cycles
            if rung.damp:  # from the first cycle on; afterwards DIIS alone
                ks.diis_start_cycle = _DAMPED
            attempt(start)
            # The shift moves the empty orbitals: the last word is without it.
            ks.level_shift, ks.damp, ks.diis_start_cycle = 0.0, 0.0, 1
            done = attempt(ks.make_rdm1())
        ks.max_cycle = cycles
        self.attempt = max(self.attempt, number)
        if not done:
            raise SampleError(
                f"{self._name}: the SCF of the {step} did not converge in {cycles} cycles, nor "
                f"with a level shift ({number} attempts); raise 'max_cycles' or 'attempts', or "
                "leave the sample out."
            )
        if not self.config.density_fitting:
            self._integrals["exact"] = ks._eri
        return ks
