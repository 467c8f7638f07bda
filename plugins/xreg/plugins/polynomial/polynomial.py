"""Polynomial features of parameter tables."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.samples import Parameters, Samples
from xreg.core.descriptors.parameters import finite_values, known_values
from xreg.core.descriptors.products import powers, product_names, products
from xreg.core.errors import DataError, SampleError
from xreg.core.interfaces import Descriptor, FeatureLabel, TorchView
from xreg.plugins.polynomial.plugin import PolynomialConfig

if TYPE_CHECKING:
    import torch

__all__ = ["Polynomial"]

ROWS = 65_536


class Polynomial(Descriptor[PolynomialConfig]):
    """Products of box-normalised parameters up to a degree.

    The input layer of Lüder's networks (arXiv:2107.13149 (2021)): each parameter is mapped
    to a box by its limits, and scikit-learn's ``PolynomialFeatures`` makes all their products up
    to degree M: (p + M choose M) - 1 columns for p parameters, the constant being left out. Nine
    parameters give 219 columns for M = 3. Values outside the limits are mapped linearly on.

    A parameter that has one value in all of training, and no stated limits, enters no column;
    another value of it is refused, for a model cannot know what it does.

    Attributes
    ----------
    names_, units_
        The p parameters.
    limits_
        (p, 2) values that become the ends of the box.
    varies_
        (p,) whether the columns contain the parameter.
    """

    name = "polynomial"
    accepts = Parameters
    Config = PolynomialConfig
    names_: list[str]
    units_: list[str]
    limits_: Array
    varies_: NDArray[np.bool_]

    def fit(self, samples: Samples, y: Any = None) -> Self:
        """Learn names, units and limits of the parameters.

        Raises
        ------
        DataError
            If there are no samples, or limits are stated for a parameter that they do not have.
        """
        assert isinstance(samples, Parameters)
        if not len(samples):
            raise DataError("descriptor 'polynomial' cannot be fitted without samples.")
        stated: dict[str, tuple[float, float]] = self.config.limits
        if unknown := sorted(set(stated) - set(samples.names)):
            raise DataError(
                f"descriptor 'polynomial' has limits for '{unknown[0]}', which is none of the "
                f"parameters {', '.join(samples.names)}."
            )
        parts = [finite_values(part) for part in samples.batches(ROWS)]
        low = np.min([part.min(axis=0) for part in parts], axis=0)
        high = np.max([part.max(axis=0) for part in parts], axis=0)
        # Rounding (a table in single precision) leaves no signal in a constant.
        self.varies_ = high - low > 1e-7 * np.maximum(np.abs(low), np.abs(high))
        self.limits_ = np.column_stack([low, high])
        for i, name in enumerate(samples.names):
            if name in stated:
                self.limits_[i], self.varies_[i] = stated[name], True
        self.names_, self.units_ = list(samples.names), list(samples.units)
        return self

    def transform(self, samples: Samples) -> Array:
        """Return the (n, d) products.

        Raises
        ------
        DataError
            If the samples have other parameters than those of ``fit``, or in other units.
        SampleError
            If a value is not finite, or differs for a parameter that was constant in training.
        """
        self.require_fitted()
        assert isinstance(samples, Parameters)
        values = known_values(self.name, samples, self.names_, self.units_)
        low, high = self.limits_.T
        width = 1e-6 * np.maximum(np.abs(low), np.abs(high))
        strange = ~self.varies_ & ((values < low - width) | (values > high + width))
        if strange.any():
            i, j = np.argwhere(strange)[0]
            raise SampleError(
                f"sample '{samples.ids[i]}' has {self.names_[j]} = {values[i, j]:g}, but it was "
                f"{low[j]:g} in all of training; train on samples in which it varies."
            )
        boxed = (values * self._scale + self._shift)[:, self.varies_]
        if not boxed.shape[1]:
            raise DataError("descriptor 'polynomial': no parameter varied in training.")
        return products(boxed, self.config.degree)

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        """``Dq²·Ds``: the product of such powers of box-normalised parameters, a pure number."""
        self.require_fitted()
        names = np.array(self.names_, dtype=object)[self.varies_].tolist()
        return [FeatureLabel(name) for name in product_names(names, self._powers)]

    def torch_view(self) -> TorchView:
        """Return the products as a differentiable function of (n, p) parameters in their units.

        Parameters that were constant in training do not count here, whatever their value.
        """
        import torch

        self.require_fitted()
        columns = torch.as_tensor(np.flatnonzero(self.varies_))
        scale, shift = torch.as_tensor(self._scale), torch.as_tensor(self._shift)
        levels = _recursion(self._powers)

        def view(values: torch.Tensor) -> torch.Tensor:
            boxed = (values * scale.to(values.dtype) + shift.to(values.dtype))[:, columns]
            degrees = [boxed]
            for parent, factor in levels:
                degrees.append(degrees[-1][:, parent] * boxed[:, factor])
            return torch.cat(degrees, dim=1)

        return view

    @property
    def _scale(self) -> Array:
        low, high = self.limits_.T
        width = np.where(self.varies_, high - low, 1.0)
        return np.asarray((1 if self.config.box == "unit" else 2) / width)

    @property
    def _shift(self) -> Array:
        return np.asarray(-self.limits_[:, 0] * self._scale - (self.config.box == "symmetric"))

    @property
    def _powers(self) -> NDArray[np.int64]:
        """(d, p) power of each varying parameter in each column."""
        return powers(int(self.varies_.sum()), self.config.degree)


def _recursion(powers: NDArray[np.int64]) -> list[tuple[list[int], list[int]]]:
    """Return, for each degree from the second, every column's factors.

    One is a column of the degree before (its place within that degree), the other a parameter.
    """
    degrees = [list(rows) for _, rows in groupby(powers.tolist(), key=sum)]
    levels = []
    for before, rows in pairwise(degrees):
        place = {tuple(row): i for i, row in enumerate(before)}
        last = [max(j for j, power in enumerate(row) if power) for row in rows]
        parent = [
            place[tuple(power - (j == factor) for j, power in enumerate(row))]
            for row, factor in zip(rows, last, strict=True)
        ]
        levels.append((parent, last))
    return levels
