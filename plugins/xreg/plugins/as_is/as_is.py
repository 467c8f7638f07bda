"""Tables of numbers that are features already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters, Samples
from xreg.core.descriptors.parameters import known_values
from xreg.core.interfaces import Descriptor, FeatureLabel, TorchView
from xreg.plugins.as_is.plugin import AsIsConfig

if TYPE_CHECKING:
    import torch

__all__ = ["AsIs"]


class AsIs(Descriptor[AsIsConfig]):
    """The parameters of each sample, in their own units and order.

    For tables of features that another program made (XANESNET's ``dataset.npz``), and as the
    yardstick of ``polynomial``.

    Attributes
    ----------
    names_, units_
        The p parameters.
    """

    name = "as-is"
    accepts = Parameters
    Config = AsIsConfig
    names_: list[str]
    units_: list[str]

    def fit(self, samples: Samples, y: Any = None) -> Self:
        """Learn names and units of the parameters."""
        assert isinstance(samples, Parameters)
        self.names_, self.units_ = list(samples.names), list(samples.units)
        return self

    def transform(self, samples: Samples) -> NDArray[np.float64]:
        """Return the (n, p) parameters.

        Raises
        ------
        DataError
            If the samples have other parameters than those of ``fit``, or in other units.
        SampleError
            If a value is not finite.
        """
        self.require_fitted()
        assert isinstance(samples, Parameters)
        return known_values(self.name, samples, self.names_, self.units_)

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        """Each parameter with its unit."""
        self.require_fitted()
        return [
            FeatureLabel(name, unit) for name, unit in zip(self.names_, self.units_, strict=True)
        ]

    def torch_view(self) -> TorchView:
        """Return the identity."""

        def view(values: torch.Tensor) -> torch.Tensor:
            return values

        return view
