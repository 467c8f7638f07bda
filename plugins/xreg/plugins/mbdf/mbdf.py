"""Many-body distribution functionals of the atoms about the absorber.

Khan, Heinen and von Lilienfeld, J. Chem. Phys. 159, 034106 (2023).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.samples import Samples, Structure, Structures
from xreg.core.descriptors.atom_rows import AtomRowDescriptor
from xreg.core.descriptors.sites import Describe
from xreg.core.interfaces import FeatureLabel
from xreg.core.progress import track
from xreg.plugins.mbdf.functionals import BOHR, functionals
from xreg.plugins.mbdf.plugin import MBDFConfig

__all__ = ["MBDF"]

NAMES = ("F1", "F2", "F3", "F4", "F5", "F6")


class MBDF(AtomRowDescriptor[MBDFConfig]):
    r"""Six functionals of each near atom i, in atomic units.

    Two-body, over the neighbours j with :math:`g = e^{-(r - R_{ij})^2}`, :math:`x = r - R_{ij}`:

    - F1 :math:`= \sum_j Z_i^{0.8} Z_j \int g\,e^{-10.8 r}\,dr`
    - F2 :math:`= \sum_j Z_i^{0.8} Z_j \int g\,[2.2508 (r + 1)^3]^{-1}\,dr`
    - F3 :math:`= \sum_j Z_i^{0.8} Z_j \int (-2x) g\,[2.2508 (r + 1)^6]^{-1}\,dr`
    - F4 :math:`= \sum_j Z_i^{0.8} Z_j \int (4x^2 - 2) g\,e^{-1.5 r}\,dr`

    Three-body, over ordered pairs :math:`j \neq k` of neighbours with :math:`G = e^{-2y^2}`,
    :math:`y = \theta - \theta_{jik}`, and :math:`W = (Z_i Z_j Z_k)^{0.8} (R_{ij} R_{ik}
    R_{jk})^{-4}`:

    - F5 :math:`= \sum_{jk} W \int G\,(3 + 100\cos\theta - 200\cos 2\theta -
      164\cos 3\theta)\,d\theta`
    - F6 :math:`= \sum_{jk} W \int (-4y) G\,(1 + \cos\theta \cos\theta_i \cos\theta_j
      \cos\theta_k)\,d\theta`

    by the trapezoid rule on the grids of the reference implementation (r to 8 Bohr in steps of
    0.1, θ to 3.14 in steps of 0.02). Atoms are the rows of
    :class:`~xreg.core.descriptors.atom_rows.AtomRowDescriptor`, six columns each; all atoms within
    the cutoff of a row's atom count, whether they have a row or not.

    Attributes
    ----------
    shift_, scale_
        (6,) what is taken off each functional, and what it is then divided by.
    constant_
        Functionals that did not vary in training; they have scale 1.
    """

    name = "mbdf"
    Config = MBDFConfig
    shift_: Array
    scale_: Array
    constant_: list[str]

    def fit(self, samples: Samples, y: Any = None) -> Self:
        """Learn elements, how many atoms of each, and the scaling of each functional."""
        super().fit(samples, y)
        assert isinstance(samples, Structures)
        self.shift_, self.scale_, self.constant_ = np.zeros(6), np.ones(6), []
        mode = self.config.normalization
        if mode == "none":
            return self
        low, high = np.full(6, np.inf), np.full(6, -np.inf)
        count, total, square = 0, np.zeros(6), np.zeros(6)
        structures = (one for block in samples.batches(256) for one in self.near(block))
        for structure in track(structures, "scaling of mbdf", len(samples)):
            with np.errstate(divide="ignore", invalid="ignore"):
                _, values = self._functionals(structure)
            if not np.isfinite(values).all():
                continue  # atoms in one place: `transform` names the sample
            low = np.minimum(low, values.min(axis=0, initial=np.inf))
            high = np.maximum(high, values.max(axis=0, initial=-np.inf))
            count += len(values)
            total += values.sum(axis=0)
            square += (values**2).sum(axis=0)
        mean = total / count
        spread = high - low
        still = ~(spread > 1e-12 * np.maximum(np.abs(low), np.abs(high)))
        if mode == "zscore":
            spread = np.sqrt(np.maximum(square / count - mean**2, 0.0))
            self.shift_ = mean
        self.scale_ = np.where(still | (spread == 0), 1.0, spread)
        self.constant_ = [name for name, flag in zip(NAMES, still, strict=True) if flag]
        return self

    def prepare(self) -> tuple[Describe, list[FeatureLabel]]:
        """Lay out the rows."""

        def describe(structure: Structure) -> Array:
            filled, values = self._functionals(structure)
            features = np.zeros((len(filled), 6))
            features[filled] = (values - self.shift_) / self.scale_
            return features.ravel()

        unit = "a.u." if self.config.normalization == "none" else ""  # else shares of a spread
        return describe, [
            FeatureLabel(f"{functional}({atom})", unit, f"{functional}({element})")
            for atom, element in zip(
                self.row_names(), np.repeat(self.symbols_, self.counts_).tolist(), strict=True
            )
            for functional in NAMES
        ]

    def _functionals(self, structure: Structure) -> tuple[NDArray[np.bool_], Array]:
        """Return which rows have an atom, and the (filled, 6) functionals of those."""
        cutoff: float = self.config.cutoff
        around, rows = self.nearest(structure, beyond=cutoff)
        filled = rows >= -1
        numbers = np.concatenate([[structure.numbers[structure.absorber]], around.numbers])
        positions = np.vstack([np.zeros((1, 3)), around.vectors]) / BOHR
        return filled, functionals(numbers, positions, rows[filled] + 1, cutoff / BOHR)
