"""Local many-body tensor representation of the absorber's surroundings.

Huo and Rupp, Mach. Learn.: Sci. Technol. 3, 045017 (2022), in the local form of dscribe (Himanen et
al., Comput. Phys. Commun. 247, 106949 (2020)), whose numbers these are.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.neighbours import Neighbours, neighbours
from xreg.core.data.samples import Structure
from xreg.core.descriptors.sites import Describe, SiteDescriptor
from xreg.core.errors import SampleError
from xreg.core.interfaces import FeatureLabel
from xreg.core.text import with_unit
from xreg.plugins.lmbtr.broadening import Broadening
from xreg.plugins.lmbtr.plugin import LMBTRConfig
from xreg.plugins.lmbtr.terms import Terms, pairs, triples

__all__ = ["LMBTR"]

Index = NDArray[np.int64]
Rows = Callable[[Structure], list[Array]]  # of one structure, a row for each part

UNITS = {"distance": "Å", "inverse_distance": "1/Å", "angle": "°", "cosine": ""}
# Of a distribution over the quantity: how many terms there are in a unit of it.
DENSITIES = {"distance": "1/Å", "inverse_distance": "Å", "angle": "1/°", "cosine": ""}
TERMS = {"distance": "r", "inverse_distance": "1/r", "angle": "angle", "cosine": "cos"}
QUANTITIES: dict[str, Callable[[Terms], Array]] = {
    "distance": lambda terms: terms.values,
    "inverse_distance": lambda terms: 1 / terms.values,
    "angle": lambda terms: np.degrees(terms.angles),
    "cosine": lambda terms: terms.values,
}


class LMBTR(SiteDescriptor[LMBTRConfig]):
    r"""Broadened distributions, one block for each combination of elements with the absorber X.

    Two-body blocks :math:`\sum_j e^{-s r_j} \bar g(x, r_j)` over the atoms j of an element.
    Three-body blocks :math:`\sum e^{-s L} \bar g(x, \theta)` over the triples of X and two atoms
    with the angle :math:`\theta` at the middle one and the perimeter L: A–X–B for each pair of
    elements, then X–A–B. Each triple counts once. Here :math:`\bar g(x, v)` is the normalised
    Gaussian about v *averaged over the cell* of the grid point x, with the step d of the grid:
    :math:`[\Phi((x + d/2 - v)/\sigma) - \Phi((x - d/2 - v)/\sigma)]/d`, as dscribe has it, and not
    its value at x; the two differ where :math:`\sigma` is not much larger than d. Blocks in which X
    meets itself (X–X, A–X–X, X–A–X) are empty; dscribe has them, ``empty_blocks: false`` has not.
    With the weight ``unity`` every pair or triple counts 1.
    """

    name = "lmbtr"
    Config = LMBTRConfig

    def prepare(self) -> tuple[Describe, list[FeatureLabel]]:
        """Lay out the two-body and the three-body part."""
        parts = [name for name in ("distance", "angle") if getattr(self.config, f"{name}_points")]
        engine = self._by_dscribe if self.config.engine == "dscribe" else self._vectorised
        rows = engine(parts)

        def describe(structure: Structure) -> Array:
            self._refuse_endless(structure, parts)
            found = rows(structure)
            if self.config.normalization == "l2":
                found = [row / (np.linalg.norm(row) or 1.0) for row in found]
            return np.concatenate(found)

        return describe, [label for name in parts for label in self._labels(name)]

    def _refuse_endless(self, structure: Structure, parts: list[str]) -> None:
        """Refuse a crystal whose images would all count."""
        if not (self.config.periodic and structure.pbc.any()):
            return
        by_dscribe = self.config.engine == "dscribe"  # which asks a crystal for a weight
        for name in parts:
            unity = getattr(self.config, f"{name}_weight") == "unity"
            if unity and (by_dscribe or np.isinf(self.config.cutoff_of(name))):
                raise SampleError(
                    f"sample '{structure.id}' is periodic, and descriptor 'lmbtr' with "
                    f"'{name}_weight: unity' would count its images without end; set "
                    f"'{name}_weight: exp', or 'molecules'."
                )

    def _vectorised(self, parts: list[str]) -> Rows:
        sums = [self._sum(name) for name in parts]
        cutoff = max(self.config.cutoff_of(name) for name in parts)

        def rows(structure: Structure) -> list[Array]:
            around = neighbours(structure, cutoff, periodic=self.config.periodic)
            # Of a hundred elements few meet in one structure: only their blocks are summed.
            present, element = np.unique(around.numbers, return_inverse=True)
            names = np.searchsorted(self.species_, present) + 1
            return [one(around, element, names) for one in sums]

        return rows

    def _sum(self, name: str) -> Callable[[Neighbours, Index, Index], Array]:
        """Return what sums one part over neighbours, their elements and the elements' names."""
        points, sigma = getattr(self.config, f"{name}_points"), self.config.sigma_of(name)
        broadened = Broadening(*self.config.range_of(name), points, sigma)
        height = 1.0 if self.config.normalize_gaussians else sigma * np.sqrt(2 * np.pi)
        weight: str = getattr(self.config, f"{name}_weight")
        decay: float = getattr(self.config, f"{name}_decay") if weight == "exp" else 0.0
        collect = pairs if name == "distance" else triples
        if getattr(self.config, name) == "angle":
            collect = partial(triples, angles=True)
        quantity = QUANTITIES[getattr(self.config, name)]
        cutoff, width = self.config.cutoff_of(name), len(self._names(name))
        kept = self._kept(name)

        def describe(around: Neighbours, element: Index, names: Index) -> Array:
            terms = collect(around, element, len(names), cutoff)
            weights = height * np.exp(-decay * terms.lengths)
            found, place = self._places(name, names)
            sums = broadened(quantity(terms), weights, terms.blocks, len(found))
            row = np.zeros((width, points))
            row[place] = sums[found]
            return row[kept].ravel()

        return describe

    def _places(self, name: str, names: Index) -> tuple[NDArray[np.bool_], Index]:
        """Return which blocks of :mod:`terms` can be filled, and where they stand among all.

        Parameters
        ----------
        name : str
            The part.
        names : (e,) array
            Numbers of a structure's elements in dscribe's order, ascending; 0 is the absorber.
        """
        if name == "distance":
            return np.ones(len(names), dtype=bool), names
        n = len(self.species_) + 1
        a, b = np.repeat(names, len(names)), np.tile(names, len(names))
        ordered = a <= b  # A–X–B and B–X–A are one
        middle = a * n - a * (a - 1) // 2 + b - a
        ends = n * (n + 1) // 2 + (a - 1) * n + b
        found = np.concatenate([ordered, np.ones(len(a), dtype=bool)])
        return found, np.concatenate([middle[ordered], ends])

    def _by_dscribe(self, parts: list[str]) -> Rows:
        from dscribe.descriptors import LMBTR as Engine

        engines = [
            Engine(
                species=self.species_.tolist(),
                geometry={"function": getattr(self.config, name)},
                grid={
                    "min": self.config.range_of(name)[0],
                    "max": self.config.range_of(name)[1],
                    "n": getattr(self.config, f"{name}_points"),
                    "sigma": self.config.sigma_of(name),
                },
                weighting=self._weighting(name),
                normalize_gaussians=self.config.normalize_gaussians,
                # Which a structure without periodicity does not notice.
                periodic=getattr(self.config, f"{name}_weight") == "exp",
            )
            for name in parts
        ]
        kept = [self._kept(name) for name in parts]
        points = [getattr(self.config, f"{name}_points") for name in parts]

        def rows(structure: Structure) -> list[Array]:
            atoms = self.atoms(structure)
            with warnings.catch_warnings():
                # dscribe asks the atoms for their calculator in a way that ASE deprecates.
                warnings.simplefilter("ignore", FutureWarning)
                found = [e.create_single(atoms, [structure.absorber])[0] for e in engines]
            return [
                row.reshape(-1, n)[own].ravel()
                for row, n, own in zip(found, points, kept, strict=True)
            ]

        return rows

    def _weighting(self, name: str) -> dict[str, Any]:
        """Return a part's weighting as dscribe asks for it."""
        if getattr(self.config, f"{name}_weight") == "unity":
            return {"function": "unity"}
        scale = getattr(self.config, f"{name}_decay")
        return {"function": "exp", "scale": scale, "threshold": self.config.threshold}

    def _labels(self, name: str) -> Iterator[FeatureLabel]:
        """Yield labels in dscribe's order; the tests check it against explicit sums."""
        quantity = getattr(self.config, name)
        unit, term = UNITS[quantity], TERMS[quantity]
        # Gaussians of height 1 are pure numbers, and so is a part divided by its own length.
        density = self.config.normalize_gaussians and self.config.normalization == "none"
        places = np.linspace(*self.config.range_of(name), getattr(self.config, f"{name}_points"))
        words = quantity.replace("_", " ")
        for block in self._blocks(name):
            for at in places.tolist():
                yield FeatureLabel(
                    f"{term}({block}) at {at:.5g} {unit}".rstrip(),
                    DENSITIES[quantity] if density else "",
                    block=f"{term}({block})",
                    axis=with_unit(words, unit),
                    at=at,
                )

    def _blocks(self, name: str) -> list[str]:
        """Return the names of the blocks that have columns."""
        return [
            block for block, own in zip(self._names(name), self._kept(name), strict=True) if own
        ]

    def _kept(self, name: str) -> NDArray[np.bool_]:
        """Return which of dscribe's blocks have columns: all, or those that can be filled."""
        meets = [block.split("–").count("X") > 1 for block in self._names(name)]
        return np.full(len(meets), True) if self.config.empty_blocks else ~np.array(meets)

    def _names(self, name: str) -> list[str]:
        """Return the names of dscribe's blocks, in its order."""
        names = ["X", *self.symbols_]
        if name == "distance":
            return [f"X–{a}" for a in names]
        middle = [f"{a}–X–{b}" for i, a in enumerate(names) for b in names[i:]]
        return middle + [f"X–{a}–{b}" for a in names[1:] for b in names]
