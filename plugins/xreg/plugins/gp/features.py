"""Features of sites whose distances the kernel of ``gp`` measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from dscribe.descriptors import SOAP
from numpy.typing import NDArray

from xreg.core.data.samples import Structure, Structures
from xreg.core.descriptors.composition import PROPERTIES, element_properties
from xreg.core.descriptors.sites import whole_atoms
from xreg.core.emulators.surroundings import describe

if TYPE_CHECKING:
    from xreg.plugins.gp.plugin import GPConfig

__all__ = ["site_features"]

WEIGHTS = ("electronegativity", "radius", "group", "number", "light")
"""Element properties that weigh the atoms in one density each, beside a density of equals."""


def site_features(
    samples: Structures, species: NDArray[np.int64], config: GPConfig
) -> list[NDArray[np.float64]]:
    """Return blocks of features, (n, d) each: SOAP, shells, composition, shares of the elements.

    All elements share one density (dscribe's ``mu2``; Darby, Kermode & Csányi, npj Comput. Mater.
    8, 166 (2022)), weighed in turn by several of their properties.
    """
    found = describe(samples, species, max(config.cutoff))
    engines = {p: _engines(species, config, p) for p in (False, True)}
    soap = np.array([_soap(engines[bool(s.pbc.any())], s) for s in samples])
    shares = len(species)
    return [
        soap,
        found.atoms[found.absorber].astype(float),
        found.context[:, :-shares].astype(float),
        found.context[:, -shares:].astype(float),
    ]


def _engines(species: NDArray[np.int64], config: GPConfig, periodic: bool) -> list[SOAP]:
    table = element_properties()
    columns = [np.ones(len(table)), *(table[:, PROPERTIES.index(name)] for name in WEIGHTS)]
    return [
        SOAP(
            species=species.tolist(),
            r_cut=cutoff,
            sigma=sigma,
            n_max=config.n_max,
            l_max=config.l_max,
            compression={
                "mode": "mu2",
                "species_weighting": {int(z): float(column[z]) for z in species},
            },
            periodic=periodic,
        )
        for cutoff, sigma in zip(config.cutoff, config.sigma, strict=True)
        for column in columns
    ]


def _soap(engines: list[SOAP], structure: Structure) -> NDArray[np.float64]:
    atoms = whole_atoms(structure, structure.pbc)
    row = np.concatenate([e.create_single(atoms, [structure.absorber])[0] for e in engines])
    # The square root, with its sign, tames the large values of near neighbours.
    return np.asarray(np.sign(row) * np.sqrt(np.abs(row)))
