"""Atom-centred symmetry functions of the absorber.

Behler, J. Chem. Phys. 134, 074106 (2011), equations 5 to 9; computed by dscribe (Himanen et al.,
Comput. Phys. Commun. 247, 106949 (2020)).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from dscribe.descriptors import ACSF as Engine
from numpy.typing import NDArray

from xreg.core.data.samples import Structure
from xreg.core.descriptors.sites import Describe, SiteDescriptor
from xreg.core.interfaces import FeatureLabel
from xreg.plugins.acsf.plugin import ACSFConfig

__all__ = ["ACSF"]


class ACSF(SiteDescriptor[ACSFConfig]):
    r"""Sums over neighbours j of one element, and over pairs j < k of two.

    With :math:`f(r) = [\cos(\pi r/r_c) + 1]/2` inside the cutoff and distances r in Å:

    - G1 :math:`= \sum_j f(r_j)`
    - G2 :math:`= \sum_j e^{-\eta(r_j - R_s)^2} f(r_j)`
    - G3 :math:`= \sum_j \cos(\kappa r_j) f(r_j)`
    - G4 :math:`= 2^{1-\zeta} \sum_{j<k} (1 + \lambda\cos\theta_{jk})^\zeta
      e^{-\eta(r_j^2 + r_k^2 + r_{jk}^2)} f(r_j) f(r_k) f(r_{jk})`; G5 leaves :math:`r_{jk}` out.

    Columns: for each element G1, G2, G3; then for each pair of elements the angular functions.
    """

    name = "acsf"
    Config = ACSFConfig

    def prepare(self) -> tuple[Describe, list[FeatureLabel]]:
        """Build the dscribe object."""
        radial = [[self._eta(centre), centre] for centre in self._centres()]
        angular = [list(entry) for entry in self._angular()]
        engine = Engine(
            species=self.species_.tolist(),
            r_cut=self.config.cutoff,
            g2_params=radial or None,
            g3_params=list(self.config.kappa) or None,
            g4_params=angular if angular and self.config.angular == "g4" else None,
            g5_params=angular if angular and self.config.angular == "g5" else None,
            periodic=True,  # which a structure without periodicity does not notice
        )

        def describe(structure: Structure) -> NDArray[np.float64]:
            row: NDArray[np.float64] = engine.create_single(
                self.atoms(structure), [structure.absorber]
            )[0]
            return row

        return describe, list(self._labels())

    def _centres(self) -> list[float]:
        """Return R_s of every G2; none stands on the cutoff unless it is the last asked for."""
        first, last, count = (
            self.config.radial_first,
            self.config.radial_last,
            self.config.radial_count,
        )
        if last is None:
            centres = np.linspace(first, self.config.cutoff, count, endpoint=False)
        else:
            centres = np.linspace(first, last, count)
        return [float(centre) for centre in centres]

    def _eta(self, centre: float) -> float:
        """Return η (1/Å²) of the G2 about a centre (Å)."""
        if self.config.radial_eta_relative is not None:
            return float(self.config.radial_eta_relative / centre**2)
        if self.config.radial_eta is not None:
            return float(self.config.radial_eta)
        first, last, count = (
            self.config.radial_first,
            self.config.radial_last,
            self.config.radial_count,
        )
        if last is None:
            step = (self.config.cutoff - first) / max(count, 1)
        else:
            step = (last - first) / max(count - 1, 1)
        return float(1 / (2 * step**2))

    def _angular(self) -> list[tuple[float, float, float]]:
        """Return η, ζ, λ of every angular function."""
        if self.config.angular == "none":
            return []
        return list(product(self.config.etas, self.config.angular_zeta, self.config.angular_lambda))

    def _labels(self) -> Iterator[FeatureLabel]:
        """Yield labels in dscribe's order, which the tests check against Behler's equations."""
        names = self.symbols_
        for a in names:
            yield FeatureLabel(f"G1 {a}", block=f"G1 {a}")
            for at in self._centres():
                yield FeatureLabel(
                    f"G2 {a} at {at:.4g} Å", block=f"G2 {a}", axis="distance (Å)", at=at
                )
            for kappa in self.config.kappa:
                yield FeatureLabel(f"G3 {a} κ={kappa:g}/Å", block=f"G3 {a}")
        kind = self.config.angular.upper()
        for i, a in enumerate(names):
            for b in names[: i + 1]:
                for eta, zeta, sign in self._angular():
                    yield FeatureLabel(
                        f"{kind} {b}–{a} η={eta:g}/Å² ζ={zeta:g} λ={sign:+g}",
                        block=f"{kind} {b}–{a}",
                    )
