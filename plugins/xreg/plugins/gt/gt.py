"""Gaussian tensors: rotation invariants of Gaussian-weighted moments about the absorber.

Published studies of spectra use descriptors of this name without spelling them out. That they are
the fingerprint of Chandrasekaran, Kamal, Batra, Kim, Chen and Ramprasad, npj Comput. Mater. 5, 22
(2019), is an inference from their name, their settings and their number of columns.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xreg.core.arrays import Array
from xreg.core.atoms.neighbours import cosine_cutoff, neighbours
from xreg.core.data.samples import Structure
from xreg.core.descriptors.sites import Describe, SiteDescriptor
from xreg.core.interfaces import FeatureLabel
from xreg.core.text import superscript
from xreg.plugins.gt.plugin import GTConfig

__all__ = ["GT"]

# The six components of r r that differ, in the order of a (..., 6) axis: xx yy zz yz zx xy.
FIRST, SECOND = [0, 1, 2, 1, 2, 0], [0, 1, 2, 2, 0, 1]


class GT(SiteDescriptor[GTConfig]):
    r"""Invariants of sums over the neighbours j of one element, one for each width σ.

    With the weight :math:`g_j = c\,e^{-r_j^2/2\sigma^2} f(r_j)`, the cutoff
    :math:`f(r) = [\cos(\pi r/r_c) + 1]/2` and :math:`c = (2\pi\sigma^2)^{-3/2}` (or 1, see
    ``normalization``), distances in Å:

    - scalar :math:`S = \sum_j g_j`
    - vector :math:`V^\alpha = \sum_j g_j r_j^\alpha/2\sigma^2`, of which :math:`|V|` is a feature
    - tensor :math:`T^{\alpha\beta} = \sum_j g_j r_j^\alpha r_j^\beta/4\sigma^4`, of which two are:
      :math:`T_{xx}T_{yy} + T_{yy}T_{zz} + T_{zz}T_{xx} - T_{xy}^2 - T_{yz}^2 - T_{zx}^2` ("minors")
      and :math:`\det T`

    Columns, for each element: S, |V|, minors, det, each along the widths. The source of the
    definition is an inference (see the module).
    """

    name = "gt"
    Config = GTConfig

    def prepare(self) -> tuple[Describe, list[FeatureLabel]]:
        """Lay out the widths."""
        widths = {kind: self._widths(kind) for kind in ("scalar", "vector", "tensor")}
        # Widths that two kinds share are evaluated once.
        every, where = np.unique(np.concatenate(list(widths.values())), return_inverse=True)
        scalar, vector, tensor = np.split(where, np.cumsum([len(w) for w in widths.values()])[:-1])
        rate = 1 / (2 * every**2)
        constant = (rate / np.pi) ** 1.5 if self.config.normalization == "gaussian" else np.ones(1)

        def describe(structure: Structure) -> Array:
            around = neighbours(structure, self.config.cutoff, periodic=self.config.periodic)
            f = cosine_cutoff(around.distances, self.config.cutoff)
            gauss = np.exp(-np.outer(around.distances**2, rate)) * f[:, None] * constant
            r = around.vectors
            moments = np.concatenate([np.ones((len(r), 1)), r, r[:, FIRST] * r[:, SECOND]], axis=1)
            found = []
            for number in self.species_:
                like = around.numbers == number
                m = moments[like].T @ gauss[like]  # (10, widths)
                t = m[4:, tensor] * rate[tensor] ** 2
                found += [
                    m[0, scalar],
                    np.linalg.norm(m[1:4, vector], axis=0) * rate[vector],
                    *_invariants(t),
                ]
            return np.concatenate(found)

        return describe, list(self._labels())

    def _widths(self, kind: str) -> Array:
        return np.linspace(
            self.config.width_first, self.config.end, getattr(self.config, f"{kind}_count")
        )

    def _labels(self) -> Iterator[FeatureLabel]:
        kinds = (("S", "scalar", 0), ("|V|", "vector", 1), ("minors T", "tensor", 4),
                 ("det T", "tensor", 6))  # fmt: skip
        # A Gaussian of volume 1 is a density (1/Å³) that enters as often as the tensor does.
        often = {"S": 1, "|V|": 1, "minors T": 2, "det T": 3}
        for element in self.symbols_:
            for name, kind, power in kinds:
                density = 3 * often[name] if self.config.normalization == "gaussian" else 0
                unit = {0: "", 1: "1/Å"}.get(power + density, f"1/Å{superscript(power + density)}")
                block = f"{name} {element}"
                for at in self._widths(kind).tolist():
                    yield FeatureLabel(
                        f"{block} σ={at:.5g} Å", unit, block=block, axis="width σ (Å)", at=at
                    )


def _invariants(t: Array) -> tuple[Array, Array]:
    """Return the sum of the principal minors and the determinant of (6, n) symmetric tensors."""
    xx, yy, zz, yz, zx, xy = t
    minors = xx * yy + yy * zz + zz * xx - xy**2 - yz**2 - zx**2
    determinant = xx * yy * zz + 2 * xy * yz * zx - xx * yz**2 - yy * zx**2 - zz * xy**2
    return minors, determinant
