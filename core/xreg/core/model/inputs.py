"""What a model's emulator takes, made from samples: scaled features, or the samples themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Samples
from xreg.core.errors import SampleError
from xreg.core.interfaces import Component, Descriptor, Emulator, FeatureLabel
from xreg.core.interfaces.blocks import parts_of
from xreg.core.model.domain import Domain
from xreg.core.model.features import Featurizer, build_features
from xreg.core.model.preprocessing import ScaledColumns, Unscaled
from xreg.core.model.saved import calling

__all__ = ["FeatureInputs", "Inputs", "SampleInputs"]


class Inputs(Protocol):
    """From samples to what an emulator takes, fitted."""

    @property
    def scaling(self) -> ScaledColumns | Unscaled:
        """What is done last, to features or to samples."""

    @property
    def labels(self) -> list[FeatureLabel]:
        """What each of the k columns means that the emulator sees; empty for samples."""

    @property
    def steps(self) -> dict[str, Component]:
        """Its own components, by their place in a saved model."""

    def __call__(self, samples: Samples) -> Any:
        """Return (n, k) scaled features, or the n samples themselves."""

    def refusals(self, samples: Samples, domain: Domain) -> dict[int, str]:
        """Return why nothing can be said of some samples, by row."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of what it learned besides its components, to be stored."""


@dataclass(eq=False)
class FeatureInputs:
    """For an emulator of features.

    Attributes
    ----------
    descriptor
        Fitted.
    scaling
        Which of its columns the emulator sees, and how they are scaled.
    featurize
        Builds features; a caller may put in one with a cache.
    """

    descriptor: Descriptor
    scaling: ScaledColumns
    featurize: Featurizer = build_features

    @property
    def labels(self) -> list[FeatureLabel]:
        """What each of the k columns means that the emulator sees."""
        return self.scaling.labels(self.descriptor.feature_labels)

    @property
    def steps(self) -> dict[str, Component]:
        """The descriptor, or each of several."""
        parts = parts_of(self.descriptor)
        return {f"descriptor/{label}" if label else "descriptor": p for label, p in parts.items()}

    def __call__(self, samples: Samples) -> NDArray[np.float64]:
        """Return the (n, k) scaled features of n samples."""
        with calling(self.descriptor):
            described = self.featurize(self.descriptor, samples)
        return self.scaling.transform(described)

    def refusals(self, samples: Samples, domain: Domain) -> dict[int, str]:
        """Return why nothing can be said of samples with an absorber never trained on, by row.

        An element that was never trained on is one more reason, unless the descriptor takes it, as
        one does whose columns do not depend on elements.
        """
        lacking = {row: str(why) for row, why in self.descriptor.unusable(samples).items()}
        found = lacking | domain.outside_domain(samples)
        for row, why in list(found.items()):
            one = samples[row : row + 1]
            if row in lacking or int(one.absorbers()[0]) not in domain.absorbers:
                continue
            try:
                self.descriptor.transform(one)
            except SampleError:
                found[row] = why
            else:
                del found[row]
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the scaler, to be stored."""
        return self.scaling.scaler.arrays("features")


@dataclass(frozen=True, eq=False)
class SampleInputs:
    """For an emulator that takes samples themselves."""

    emulator: Emulator
    scaling: Unscaled = field(default_factory=Unscaled)

    @property
    def labels(self) -> list[FeatureLabel]:
        """No labels: there are no columns."""
        return []

    @property
    def steps(self) -> dict[str, Component]:
        """No component besides the emulator."""
        return {}

    def __call__(self, samples: Samples) -> Samples:
        """Return the samples themselves."""
        return samples

    def refusals(self, samples: Samples, domain: Domain) -> dict[int, str]:
        """Return why samples lie outside, or which the emulator says it cannot use, by row."""
        unusable = self.emulator.unusable(samples)
        return {row: str(why) for row, why in unusable.items()} | domain.outside_domain(samples)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return no arrays."""
        return {}
