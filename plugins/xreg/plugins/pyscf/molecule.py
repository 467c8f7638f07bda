"""A structure as a PySCF molecule, and the core orbital of one of its atoms."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
from ase.data import atomic_masses, atomic_numbers, chemical_symbols
from numpy.typing import NDArray
from pyscf import gto
from pyscf.lib.exceptions import BasisNotFoundError

from xreg.core.arrays import Array
from xreg.core.data.samples import Structure
from xreg.core.errors import ConfigError, SampleError
from xreg.plugins.pyscf.plugin import PySCFConfig

# Share of free-atom 1s functions in an orbital above which it counts as core: a core orbital
# has 0.99, spread over like atoms or not; a valence orbital has a core tail of some percent.
_CORE = 0.5
# The least share of the free atom's 1s that must lie within the core orbitals.
_LOCALISED = 0.9
# Atoms nearer than this are a mistake, in Å (the bond of H2 is 0.74).
_CLOSEST = 0.3


def principal_axes(numbers: NDArray[np.int32], positions: Array) -> Array:
    """Return the principal axes of inertia, along which a molecule is laid before it is computed.

    The angular grids of the numerical integration lie fixed in space. Without this step a
    rotated molecule meets another grid and its spectrum moves by the integration error; with
    it the spectrum is a function of the internal coordinates alone. (Reflections of an axis
    do not matter: the grids have the full symmetry of the cube.)

    Parameters
    ----------
    numbers : (a,) array
        Atomic numbers.
    positions : (a, 3) array
        In Å.

    Returns
    -------
    (3, 3) array
        Axes as columns.
    """
    masses = atomic_masses[numbers]
    centred = positions - masses @ positions / masses.sum()
    _, axes = np.linalg.eigh((centred * masses[:, None]).T @ centred)
    return np.asarray(axes)


def build(structure: Structure, config: PySCFConfig, charge: int) -> tuple[Any, Any]:
    """Return the structure as a PySCF ``Mole``, the absorber at the origin, and its (3, 3) axes.

    Positions seen from the absorber, multiplied by the axes, are positions beside the molecule.

    Raises
    ------
    SampleError
        If it is no molecule, or its number of electrons does not fit charge and spin.
    ConfigError
        If the basis set does not know an element.
    """
    name = f"sample '{structure.id}'"
    _require_molecule(structure, name)
    electrons = int(structure.numbers.sum()) - charge
    if electrons < 2 + config.spin or (electrons - config.spin) % 2:
        raise SampleError(
            f"{name} has {electrons} electrons at charge {charge}, which do not go with "
            f"{config.spin} unpaired ones; set 'charge' and 'spin'."
        )
    symbols = [chemical_symbols[z] for z in structure.numbers]
    axes = principal_axes(structure.numbers, structure.positions)
    positions = (structure.positions - structure.positions[structure.absorber]) @ axes
    asked = {symbol: config.basis_for.get(symbol, config.basis) for symbol in set(symbols)}
    site = symbols[structure.absorber]
    if config.absorber_basis:
        symbols[structure.absorber] = f"{site}1"  # PySCF's way to tell atoms of an element apart
        asked[f"{site}1"] = config.absorber_basis
    potentials = {
        symbol: basis for symbol, basis in sorted(asked.items()) if _has_potential(symbol, basis)
    }
    molecule = gto.M(
        atom=list(zip(symbols, positions, strict=True)),
        basis=asked,
        ecp=potentials,
        charge=charge,
        spin=config.spin,
        verbose=0,
    )
    return molecule, axes


def _has_potential(symbol: str, basis: str) -> bool:
    """Say whether a basis goes with an effective core potential, which PySCF does not set itself.

    Raises
    ------
    ConfigError
        If there is no such basis for the element.
    """
    element = symbol.rstrip("1")
    if os.path.isfile(basis):  # PySCF would take it before its own, and run it
        raise ConfigError(
            f"generator 'pyscf': the working folder has a file '{basis}', which PySCF "
            "would read in place of its basis set of that name; work in another folder."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an advertisement for another package
            gto.basis.load(basis, element)
            return bool(gto.basis.load_ecp(basis, element))
    except (BasisNotFoundError, KeyError, AssertionError):
        raise ConfigError(
            f"generator 'pyscf': PySCF has no basis set '{basis}' for {element}; set "
            "'basis' or 'basis_for'."
        ) from None


def _require_molecule(structure: Structure, name: str) -> None:
    """Refuse what is not a molecule: periodic, not finite, or with atoms on top of each other."""
    if structure.pbc.any():
        raise SampleError(f"{name} is periodic; generator 'pyscf' computes molecules: set 'cut'.")
    if not np.isfinite(structure.positions).all():
        raise SampleError(f"{name} has positions that are not finite.")
    distances = np.linalg.norm(structure.positions[:, None] - structure.positions, axis=2)
    distances[np.tril_indices(len(distances))] = np.inf
    i, j = np.unravel_index(np.argmin(distances), distances.shape)
    if distances[i, j] < _CLOSEST:
        raise SampleError(
            f"{name}: atoms {i} and {j} are {distances[i, j]:.2f} Å apart; check the structure "
            "and its unit of length (Å)."
        )


def core_orbital(mol: Any, site: int, orbitals: Array, occupied: NDArray[np.bool_]) -> Array:
    """Find the 1s orbital of one atom in the space of the occupied orbitals.

    Like atoms share their canonical 1s orbitals: two equivalent oxygens have a gerade and an
    ungerade one, each half on either atom. So the occupied orbitals that are 1s of atoms of
    this element are picked first, and the combination of them that looks most like the 1s of
    the free atom at the site is the site's own.

    Parameters
    ----------
    mol : pyscf.gto.Mole
        The molecule.
    site : int
        The atom.
    orbitals : (m, m) array
        Coefficients of the orbitals, as columns.
    occupied : (m,) array
        Which orbitals are occupied.

    Returns
    -------
    (m,) array
        The 1s orbital as a unit vector over the orbitals.

    Raises
    ------
    SampleError
        If the atom has no 1s core in this basis, or it cannot be told from its neighbours'.
    """
    symbol = mol.atom_pure_symbol(site)
    charge = int(mol.atom_charge(site))
    if charge != atomic_numbers[symbol]:
        raise SampleError(
            f"atom {site} ({symbol}) has an effective core potential in this basis set and no 1s "
            "electrons; give it an all-electron basis in 'basis_for'."
        )
    if charge < 3:
        raise SampleError(f"atom {site} ({symbol}) has no core electrons; choose a heavier atom.")
    like = [i for i in range(mol.natm) if mol.atom_pure_symbol(i) == symbol]
    amplitude = orbitals.T @ _free_1s(mol, like)
    core = occupied & ((amplitude**2).sum(axis=1) > _CORE)
    vector = np.where(core, amplitude[:, like.index(site)], 0.0)
    population = float(vector @ vector)
    if population < _LOCALISED:
        raise SampleError(
            f"the 1s orbital of atom {site} ({symbol}) cannot be localised: only {population:.2f} "
            "of it lies in core orbitals; look for atoms on top of each other."
        )
    return np.asarray(vector / np.sqrt(population))


def atomic_core(mol: Any, site: int) -> Array:
    """Return the free atom's 1s orbital at a site, (m,) normalised coefficients in the basis."""
    overlap = mol.intor_symmetric("int1e_ovlp")
    vector = np.linalg.solve(overlap, _free_1s(mol, [site])[:, 0])
    return np.asarray(vector / np.sqrt(vector @ overlap @ vector))


def _free_1s(mol: Any, atoms: list[int]) -> Array:
    """Overlap of the basis with the 1s functions of free atoms, (m, len(atoms))."""
    free = gto.M(
        atom=[(mol.atom_pure_symbol(i), mol.atom_coord(i)) for i in atoms],
        unit="Bohr",
        basis="minao",
        spin=None,
        verbose=0,
    )
    # The first function of each atom of a minimal basis is its 1s.
    first = free.aoslice_by_atom()[:, 2]
    return np.asarray(gto.mole.intor_cross("int1e_ovlp", mol, free)[:, first])
