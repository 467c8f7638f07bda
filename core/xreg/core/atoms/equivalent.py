"""Sites of a crystal that its symmetry makes equal, so that one of them stands for all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.errors import MissingRequirementError, SampleError

__all__ = ["distinct_sites", "space_group"]

TOLERANCE = 1e-3
"""How far positions may be from those that symmetry gives, in Å."""


def distinct_sites(
    numbers: NDArray[np.int32],
    positions: NDArray[np.float64],
    cell: ArrayLike,
    pbc: ArrayLike,
    sites: Sequence[int],
    tolerance: float = TOLERANCE,
) -> dict[int, int]:
    """Return one site of each set that the space group makes equal, and how many the set has.

    The space group is found by spglib (A. Togo, K. Shinohara, I. Tanaka, Sci. Technol. Adv. Mater.
    Methods 4, 2384822 (2024)), from elements and positions alone: spins, charges and field
    gradients that differ between like sites are not seen.

    Parameters
    ----------
    numbers, positions
        (a,) atomic numbers and (a, 3) positions in Å.
    cell, pbc
        (3, 3) cell vectors as rows in Å, and (3,) periodicity.
    sites
        Atoms in question, all of one element.
    tolerance
        In Å.

    Returns
    -------
    dict
        The first site of each set, ascending, and the number of sites in the cell that it stands
        for. The numbers add up to the number of sites.

    Raises
    ------
    SampleError
        If the structure is no crystal, or no space group is found.
    MissingRequirementError
        If spglib is not installed.
    """
    if not np.asarray(pbc, bool).all():
        raise SampleError(
            "sites that symmetry makes equal are known for crystals alone, periodic in three "
            "directions; take all sites"
        )
    found = space_group(numbers, positions, cell, tolerance)
    if found is None:
        raise SampleError("no space group can be found; take all sites")
    orbit = np.asarray(found.equivalent_atoms)[list(sites)]
    _, first, counts = np.unique(orbit, return_index=True, return_counts=True)
    order = np.argsort(first)
    return {int(sites[first[i]]): int(counts[i]) for i in order}


def space_group(
    numbers: NDArray[np.int32],
    positions: NDArray[np.float64],
    cell: ArrayLike,
    tolerance: float = TOLERANCE,
) -> Any:
    """Return what spglib finds of a crystal's symmetry (its ``SpglibDataset``), or None.

    Raises
    ------
    MissingRequirementError
        If spglib is not installed.
    """
    try:
        import spglib
    except ImportError:
        raise MissingRequirementError(
            "symmetry needs spglib: pip install 'xreg[crystals]'."
        ) from None
    basis = np.asarray(cell, np.float64)
    scaled = np.linalg.solve(basis.T, np.asarray(positions).T).T
    crystal: Any = (basis, scaled, numbers)
    with warnings.catch_warnings():
        # It warns that later versions will raise where this one returns None.
        warnings.simplefilter("ignore", DeprecationWarning)
        return spglib.get_symmetry_dataset(crystal, symprec=tolerance)
