"""Sorted Coulomb matrix of the atoms about the absorber.

Rupp, Tkatchenko, Müller and von Lilienfeld, Phys. Rev. Lett. 108, 058301 (2012), without its
diagonal, and with rows in an order that belongs to a site.
"""

from __future__ import annotations

import numpy as np

from xreg.core.arrays import Array
from xreg.core.data.samples import Structure
from xreg.core.descriptors.atom_rows import AtomRowDescriptor
from xreg.core.descriptors.sites import Describe
from xreg.core.errors import DataError
from xreg.core.interfaces import FeatureLabel
from xreg.plugins.coulomb.plugin import CoulombConfig

__all__ = ["Coulomb"]


class Coulomb(AtomRowDescriptor[CoulombConfig]):
    r"""Upper triangle of :math:`C_{ij} = Z_i Z_j/|R_i - R_j|`, without the diagonal.

    Distances are in Å, so columns are in e²/Å. Rows are those of
    :class:`~xreg.core.descriptors.atom_rows.AtomRowDescriptor`; columns follow row by row. An atom
    that is missing has zeros, as if it were infinitely far away.
    """

    name = "coulomb"
    Config = CoulombConfig

    def prepare(self) -> tuple[Describe, list[FeatureLabel]]:
        """Lay out the upper triangle.

        Raises
        ------
        DataError
            If there is one atom alone.
        """
        if self.counts_.sum() < 2:
            raise DataError(
                "descriptor 'coulomb' needs two atoms or more; ask for them in 'counts'."
            )
        first, second = np.triu_indices(int(self.counts_.sum()), k=1)
        charges = np.repeat(self.species_, self.counts_).astype(np.float64)
        products = charges[first] * charges[second]

        def describe(structure: Structure) -> Array:
            around, rows = self.nearest(structure)
            # Missing atoms are behind the neighbours, the absorber is last.
            places = np.vstack([around.vectors, np.full((1, 3), np.inf), np.zeros((1, 3))])[rows]
            with np.errstate(invalid="ignore"):
                apart = places[first] - places[second]
            features = products / np.sqrt(np.einsum("px,px->p", apart, apart))
            # Two atoms that are both missing are inf - inf apart.
            return np.asarray(np.nan_to_num(features, copy=False, nan=0.0))

        return describe, self._labels()

    def distances(self, features: Array) -> Array:
        """Return the (n, d) distances in Å that (n, d) features stand for; infinite where zero."""
        first, second = np.triu_indices(int(self.counts_.sum()), k=1)
        charges = np.repeat(self.species_, self.counts_).astype(np.float64)
        with np.errstate(divide="ignore"):
            return np.asarray(charges[first] * charges[second] / features)

    def readable(self, features: Array) -> tuple[Array, list[FeatureLabel]]:
        """Return the (n, d) distances in Å; NaN where an atom is missing.

        So it is where features are not positive, as no structure's are.
        """
        labels = [
            FeatureLabel(f"r{label.name[1:]}", "Å", f"r{label.block[1:]}")
            for label in self._labels()
        ]
        x = np.asarray(features, dtype=np.float64)[:, : len(labels)]
        return self.distances(np.where(x > 0, x, np.nan)), labels

    def _labels(self) -> list[FeatureLabel]:
        names = self.row_names()
        elements = np.repeat(self.symbols_, self.counts_).tolist()
        pairs = zip(*np.triu_indices(len(names), k=1), strict=True)
        return [
            FeatureLabel(f"C({names[i]}–{names[j]})", "e²/Å", f"C({elements[i]}–{elements[j]})")
            for i, j in pairs
        ]
