"""What a whole sample is made of, and properties of the elements."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.atoms.periodic_table import ELECTRONEGATIVITY, group, period
from xreg.core.data.samples import Structure
from xreg.core.interfaces import FeatureLabel

__all__ = ["PROPERTIES", "composition", "composition_labels", "element_properties"]

PROPERTIES = (
    "electronegativity", "radius", "group", "period", "valence", "number", "f block", "s block",
    "p block", "d block", "light",
)  # fmt: skip
"""Columns of :func:`element_properties`."""
UNITS = {"radius": "Å"}
PACKING = (
    ("volume of an atom", "Å³"),
    ("share of the volume inside covalent radii", ""),
    ("density of valence electrons", "1/Å³"),
)


def composition(structure: Structure, species: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the composition of a whole sample, (4 p + 3 + s,) numbers that know no positions.

    Mean, standard deviation, least and greatest of the p :data:`PROPERTIES` over all atoms; volume
    of an atom, packing and density of valence electrons (zero for what is no crystal); the share of
    each of the s elements. The energy of an edge follows them where it follows the Fermi level.
    """
    from ase.data import covalent_radii

    own = element_properties()[structure.numbers]
    shares = (structure.numbers[:, None] == species).mean(axis=0)
    packing = np.zeros(3)
    if structure.pbc.all():
        volume = abs(float(np.linalg.det(structure.cell))) / len(own)
        spheres = 4 / 3 * np.pi * (covalent_radii[structure.numbers] ** 3).mean()
        packing = np.array(
            [volume, spheres / volume, own[:, PROPERTIES.index("valence")].mean() / volume]
        )
    spread = [own.mean(axis=0), own.std(axis=0), own.min(axis=0), own.max(axis=0)]
    return np.concatenate([*spread, packing, shares])


def composition_labels(species: NDArray[np.int64]) -> list[FeatureLabel]:
    """Return what each number of :func:`composition` means."""
    labels = [
        FeatureLabel(f"{word} {name} of the sample", UNITS.get(name, ""), "composition")
        for word in ("mean", "spread of", "least", "greatest")
        for name in PROPERTIES
    ]
    labels += [FeatureLabel(name, unit, "composition") for name, unit in PACKING]
    return labels + [FeatureLabel(f"share of {SYMBOLS[z]}", "", "composition") for z in species]


@cache
def element_properties() -> NDArray[np.float64]:
    """Return (119, p) properties by atomic number; an electronegativity nobody knows is 0."""
    from ase.data import covalent_radii

    rows = np.zeros((len(SYMBOLS), len(PROPERTIES)))
    for z in range(1, len(SYMBOLS)):
        column = group(z)
        rows[z] = (
            ELECTRONEGATIVITY.get(SYMBOLS[z], 0.0),
            covalent_radii[z],
            column,
            period(z),
            column if column <= 12 else column - 10,  # valence electrons
            z,
            57 <= z <= 71 or 89 <= z <= 103,
            column <= 2,
            column >= 13,
            3 <= column <= 12,
            z <= 10,
        )
    return rows
