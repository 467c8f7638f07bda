"""Weighted atom-centred symmetry functions of the absorber.

Gastegger, Schwiedrzik, Bittermann, Berzsenyi and Marquetand, J. Chem. Phys. 148, 241709 (2018), in
the set of 97 functions of Rankine and Penfold, J. Chem. Phys. 156, 164102 (2022).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.atoms.elements import SYMBOLS
from xreg.core.atoms.neighbours import Neighbours, cosine_cutoff, neighbours
from xreg.core.data.samples import Structure
from xreg.core.descriptors.sites import Describe, SiteDescriptor
from xreg.core.errors import ConfigError
from xreg.core.interfaces import FeatureLabel
from xreg.plugins.wacsf.plugin import Grid, WACSFConfig

__all__ = ["WACSF"]


class WACSF(SiteDescriptor[WACSFConfig]):
    r"""Sums over neighbours j, and over pairs j, k, of whatever elements.

    With :math:`f(r) = [\cos(\pi r/r_c) + 1]/2` inside the cutoff, distances r in Å and the weight
    w of an atom's element (its atomic number by default):

    - G1 :math:`= \sum_j f(r_j)`
    - G2 :math:`= \sum_j w_j e^{-\eta(r_j - \mu)^2} f(r_j)`
    - G4 :math:`= 2^{1-\zeta} \sum_{j<k} w_j w_k (1 + \lambda\cos\theta_{jk})^\zeta
      \prod_{r = r_j, r_k, r_{jk}} e^{-\eta(r - \mu)^2} f(r)`

    Each pair counts once; ``pairs: ordered`` sums over :math:`j \neq k` and so doubles G4. The
    number of columns does not depend on the elements. Columns: G1, G2 along its grid, then for
    each λ and ζ G4 along its grid.
    """

    name = "wacsf"
    Config = WACSFConfig

    def prepare(self) -> tuple[Describe, list[FeatureLabel]]:
        """Lay out the grids and the weight of each element."""
        weights = np.zeros(len(SYMBOLS))
        weights[self.species_] = [self._weight(symbol) for symbol in self.symbols_]
        more = [z for z in range(1, len(SYMBOLS)) if self.takes(z)]
        weights[more] = [self._weight(SYMBOLS[z]) for z in more]

        def describe(structure: Structure) -> Array:
            around = neighbours(structure, self.config.cutoff, periodic=self.config.periodic)
            w, f = weights[around.numbers], cosine_cutoff(around.distances, self.config.cutoff)
            r = around.distances
            eta, mu = self._grid("radial")
            radial = np.exp(-eta[:, None] * (r - mu[:, None]) ** 2) @ (w * f)
            return np.concatenate([[f.sum()], radial, self._angular(around, w * f)])

        return describe, list(self._labels())

    def takes(self, number: int) -> bool:
        """Take every element that has a weight, for columns do not depend on the elements."""
        weights = self.config.weights
        return self.open_ and (isinstance(weights, str) or SYMBOLS[number] in weights)

    def _angular(self, around: Neighbours, weight: Array) -> Array:
        """Return G4 by λ, ζ and grid point; ``weight`` is w f of each neighbour."""
        j, k = _pairs(len(weight))
        products = around.vectors @ around.vectors.T
        squares = around.distances**2
        third = squares[j] + squares[k] - 2 * products[j, k]
        near = np.flatnonzero(third < self.config.cutoff**2)
        j, k, third = j[near], k[near], third[near]
        r, s, t = around.distances[j], around.distances[k], np.sqrt(third)
        cosine = products[j, k] / (r * s)
        weight = weight[j] * weight[k] * cosine_cutoff(t, self.config.cutoff)
        # Three squares (r - μ)² make one: their sum needs Σr² and Σr alone.
        eta, mu = self._grid("angular")
        sums, squared = r + s + t, squares[j] + squares[k] + third
        exponent = squared - 2 * mu[:, None] * sums + 3 * mu[:, None] ** 2
        radial = weight * np.exp(-eta[:, None] * exponent)
        zeta = np.array(self.config.angular_zeta)[:, None]
        rows = []
        with np.errstate(divide="ignore"):
            for sign in self.config.angular_lambda:
                logarithm = np.log(np.maximum((1 + sign * cosine) / 2, 0.0))
                rows.append(2 * np.exp(zeta * logarithm) @ radial.T)
        times = 2 if self.config.pairs == "ordered" else 1
        return times * np.concatenate(rows).ravel()

    def _points(self, name: Grid) -> Array:
        count: int = getattr(self.config, f"{name}_count")
        return np.linspace(*self.config.ends(name), count)

    def _grid(self, name: Grid) -> tuple[Array, Array]:
        """Return η (1/Å²) and μ (Å) of each point of a grid."""
        points = self._points(name)
        if getattr(self.config, name) == "centred":
            return 1 / (2 * points**2), np.zeros_like(points)
        first, last = self.config.ends(name)
        step = (last - first) / max(len(points) - 1, 1)
        return np.full_like(points, 1 / (2 * step**2)), points

    def _weight(self, symbol: str) -> float:
        given = self.config.weights
        if given == "one":
            return 1.0
        if given == "Z":
            return float(SYMBOLS.index(symbol))
        if symbol not in given:
            raise ConfigError(f"descriptor wacsf: 'weights' gives {symbol} no number; add one.")
        return float(given[symbol])

    def _labels(self) -> Iterator[FeatureLabel]:
        axes = {"shifted": "distance (Å)", "centred": "width (Å)"}
        yield FeatureLabel("G1", block="G1")
        for at in self._points("radial").tolist():
            yield FeatureLabel(
                f"G2 at {at:.4g} Å", block="G2", axis=axes[self.config.radial], at=at
            )
        for sign, zeta in product(self.config.angular_lambda, self.config.angular_zeta):
            block = f"G4 λ={sign:+g} ζ={zeta:g}"
            for at in self._points("angular").tolist():
                yield FeatureLabel(
                    f"{block} at {at:.4g} Å", block=block, axis=axes[self.config.angular], at=at
                )


@lru_cache(maxsize=32)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return all j < k below n."""
    j, k = np.triu_indices(n, k=1)
    return j, k
