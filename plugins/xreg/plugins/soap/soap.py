"""Smooth overlap of atomic positions: the power spectrum of the density about the absorber.

Bartók, Kondor and Csányi, Phys. Rev. B 87, 184115 (2013); computed by dscribe (Himanen et al.,
Comput. Phys. Commun. 247, 106949 (2020)). Compression after Darby, Kermode and Csányi, npj Comput.
Mater. 8, 166 (2022).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from dscribe.descriptors import SOAP as Engine
from numpy.typing import NDArray

from xreg.core.data.samples import Structure
from xreg.core.descriptors.sites import Describe, SiteDescriptor
from xreg.core.errors import ConfigError
from xreg.core.interfaces import FeatureLabel
from xreg.plugins.soap.plugin import SOAPConfig
from xreg.plugins.soap.properties import weigh

__all__ = ["SOAP"]


class SOAP(SiteDescriptor[SOAPConfig]):
    r"""Power spectrum :math:`p^{ab}_{nn'l} = \pi\sqrt{8/(2l+1)}\sum_m c^a_{nlm} c^b_{n'lm}`.

    The coefficients c expand a density of Gaussians, one an atom of element a, about the absorber
    in radial functions n and spherical harmonics lm. Features are ordered by block (cutoff, then
    weight), element pair, l, n, n'. For S, O and H, n_max 8 and l_max 8 give 2,700.
    """

    name = "soap"
    Config = SOAPConfig

    def prepare(self) -> tuple[Describe, list[FeatureLabel]]:
        """Build one dscribe object for each cutoff and weight."""
        known = frozenset(self.species_.tolist())

        @lru_cache(maxsize=64)
        def engines(periodic: bool, more: frozenset[int]) -> list[Engine]:
            # Both kinds give a molecule the same numbers; that for crystals takes a third longer.
            numbers = sorted(known | more)
            return [self._engine(*s, weight, periodic, numbers) for s, weight in self._blocks()]

        engines(False, frozenset())  # what cannot be built shows here
        root = self.config.transform == "sqrt"

        def describe(structure: Structure) -> NDArray[np.float64]:
            atoms = self.atoms(structure)
            site = [structure.absorber]
            more = frozenset(structure.numbers.tolist()) - known
            built = engines(bool(atoms.pbc.any()), more)
            found = [e.create_single(atoms, site)[0] for e in built]
            row = np.concatenate(found)
            return np.sign(row) * np.sqrt(np.abs(row)) if root else row

        return describe, list(self._labels())

    def _blocks(self) -> list[tuple[tuple[float, float], Any]]:
        return list(product(self.config.scales, self.config.weights))

    def takes(self, number: int) -> bool:
        """Take every element that has the weighing properties, where all share one density."""
        if self.config.compression != "mu2" or not self.open_:
            return False
        try:
            return all(np.isfinite(weigh(weight, number)) for weight in self.config.weights)
        except (ConfigError, IndexError):
            return False

    def _engine(
        self, cutoff: float, sigma: float, weight: Any, periodic: bool, numbers: list[int]
    ) -> Engine:
        weighting: dict[str, Any] = {}
        if self.config.decay != "none":
            weighting = {
                "function": self.config.decay,
                "r0": self.config.decay_r0,
                "c": self.config.decay_c,
                "d": self.config.decay_d,
                "m": self.config.decay_m,
            }
        if self.config.center_weight is not None:
            weighting["w0"] = self.config.center_weight
        try:
            engine = Engine(
                species=numbers,
                r_cut=cutoff,
                sigma=sigma,
                n_max=self.config.n_max,
                l_max=self.config.l_max,
                rbf=self.config.basis,
                weighting=weighting or None,
                compression={
                    "mode": self.config.compression,
                    "species_weighting": {z: weigh(weight, z) for z in numbers},
                },
                periodic=periodic,
            )
            if self.config.basis == "polynomial":  # whose faults show only when it is used
                engine.get_basis_poly(cutoff, self.config.n_max)
        except ValueError as error:
            # The first of dscribe's two sentences says what; the cure is the same for all.
            text = str(error).partition(".")[0]
            raise ConfigError(
                f"descriptor soap with cutoff {cutoff:g} Å and n_max {self.config.n_max}: {text}; "
                "use fewer radial functions or a larger cutoff."
            ) from None
        return engine

    def _labels(self) -> Iterator[FeatureLabel]:
        """Yield labels in dscribe's order; the tests check it on the power spectrum's ranks."""
        blocks = self._blocks()
        for (cutoff, _), weight in blocks:
            word = weight if isinstance(weight, str) else f"{self.config.weights.index(weight) + 1}"
            place = f" r<{cutoff:g} Å, weight {word}" if len(blocks) > 1 else ""
            for a, b, symmetric in self._pairs():
                for degree, n, m in product(
                    range(self.config.l_max + 1),
                    range(1, self.config.n_max + 1),
                    range(1, self.config.n_max + 1),
                ):
                    if not symmetric or m >= n:
                        yield FeatureLabel(
                            f"p({a},{b}) n={n} n'={m} l={degree}{place}", block=f"{a}–{b}{place}"
                        )

    def _pairs(self) -> list[tuple[str, str, bool]]:
        """Return the pairs of densities, and whether n and n' may be exchanged."""
        names = self.symbols_
        mode = self.config.compression
        if mode == "mu2":
            return [("all", "all", True)]
        if mode == "mu1nu1":
            return [(name, "all", False) for name in names]
        if mode == "crossover":
            return [(name, name, True) for name in names]
        return [(a, b, a == b) for i, a in enumerate(names) for b in names[i:]]
