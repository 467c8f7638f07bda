"""Local many-body tensor representation of the absorber's surroundings.

Huo and Rupp, Mach. Learn.: Sci. Technol. 3, 045017 (2022), in the local form of dscribe (Himanen et
al., Comput. Phys. Commun. 247, 106949 (2020)), which computes it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from dscribe.descriptors import LMBTR as Engine
from numpy.typing import NDArray

from xreg.core.interfaces import FeatureLabel
from xreg.core.samples import Structure
from xreg.core.sites import Describe, SiteDescriptor
from xreg.plugins.lmbtr.plugin import LMBTRConfig

__all__ = ["LMBTR"]

UNITS = {"distance": "Å", "inverse_distance": "1/Å", "angle": "°", "cosine": ""}
TERMS = {"distance": "r", "inverse_distance": "1/r", "angle": "angle", "cosine": "cos"}


class LMBTR(SiteDescriptor):
    r"""Broadened distributions, one block for each combination of elements with the absorber X.

    Two-body blocks :math:`\sum_j e^{-s r_j} g(x - r_j)` over the atoms j of an element. Three-body
    blocks :math:`\sum e^{-s L} g(x - \theta)` over the triples of X and two atoms with the angle
    :math:`\theta` at the middle one and the perimeter L: A–X–B for each pair of elements, then
    X–A–B. Each triple counts once. Blocks in which X meets itself (X–X, A–X–X, X–A–X) are empty;
    they stand here because dscribe and the published feature counts have them.
    """

    name = "lmbtr"
    Config = LMBTRConfig

    def prepare(self) -> tuple[Describe, list[FeatureLabel]]:
        """Build the dscribe objects of the two-body and the three-body part."""
        config: LMBTRConfig = self.config
        parts = [name for name in ("distance", "angle") if getattr(config, f"{name}_points")]
        engines = [self._engine(name) for name in parts]

        def describe(structure: Structure) -> NDArray[np.float64]:
            atoms = self.atoms(structure)
            with warnings.catch_warnings():
                # dscribe asks the atoms for their calculator in a way that ASE deprecates.
                warnings.simplefilter("ignore", FutureWarning)
                rows = [e.create_single(atoms, [structure.absorber])[0] for e in engines]
            return np.concatenate(rows)

        return describe, [label for name in parts for label in self._labels(name)]

    def _engine(self, name: str) -> Any:
        config: LMBTRConfig = self.config
        low, high = config.range_of(name)
        return Engine(
            species=self.species_.tolist(),
            geometry={"function": getattr(config, name)},
            grid={
                "min": low,
                "max": high,
                "n": getattr(config, f"{name}_points"),
                "sigma": config.sigma_of(name),
            },
            weighting={
                "function": "exp",
                "scale": getattr(config, f"{name}_decay"),
                "threshold": config.threshold,
            },
            normalize_gaussians=config.normalize_gaussians,
            normalization=config.normalization,
            periodic=True,  # which a structure without periodicity does not notice
        )

    def _labels(self, name: str) -> Iterator[FeatureLabel]:
        """Yield labels in dscribe's order; the tests check it against explicit sums."""
        config: LMBTRConfig = self.config
        quantity = getattr(config, name)
        unit, term = UNITS[quantity], TERMS[quantity]
        places = np.linspace(*config.range_of(name), getattr(config, f"{name}_points"))
        words = quantity.replace("_", " ")
        for block in self._blocks(name):
            for at in places.tolist():
                yield FeatureLabel(
                    f"{term}({block}) at {at:.5g} {unit}".rstrip(),
                    block=f"{term}({block})",
                    axis=f"{words} ({unit})" if unit else words,
                    at=at,
                )

    def _blocks(self, name: str) -> list[str]:
        names = ["X", *self.symbols_]
        if name == "distance":
            return [f"X–{a}" for a in names]
        middle = [f"{a}–X–{b}" for i, a in enumerate(names) for b in names[i:]]
        return middle + [f"X–{a}–{b}" for a in names[1:] for b in names]
