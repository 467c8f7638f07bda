"""Descriptors: samples to numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Samples, Structures
from xreg.core.errors import DataError, SampleError
from xreg.core.interfaces.component import Component, ConfigT
from xreg.core.text import with_unit

if TYPE_CHECKING:
    import torch

__all__ = ["Descriptor", "FeatureLabel", "TorchView"]

TorchView = Callable[["torch.Tensor"], "torch.Tensor"]


@dataclass(frozen=True, slots=True)
class FeatureLabel:
    """What one column of a descriptor means.

    Attributes
    ----------
    name
        Physical meaning (``"r(O–H) long"``, ``"r(X–O) at 1.45 Å"``, where X is the absorber).
    unit
        Unit of the value; empty for a pure number.
    block
        Columns that belong together (an element pair); drawn as one curve.
    axis
        Quantity and unit along the block (``"distance (Å)"``); empty where there is none.
    at
        Position of this column on that axis.
    source
        Which of several descriptors it comes from; empty for one alone.
    """

    name: str
    unit: str = ""
    block: str = ""
    axis: str = ""
    at: float | None = None
    source: str = ""

    @property
    def title(self) -> str:
        """The name, and the unit where there is one."""
        return with_unit(self.name, self.unit)


class Descriptor(Component[ConfigT]):
    """Turns samples into numbers: one row of features a sample."""

    kind: ClassVar[str] = "descriptor"
    accepts: ClassVar[type[Samples]] = Structures

    def fit(self, samples: Samples, y: Any = None) -> Self:
        """Learn what the features depend on (species, counts); by default only that it may run."""
        self.fitted_ = True
        return self

    @abstractmethod
    def transform(self, samples: Samples) -> NDArray[np.float64]:
        """Return the (n, d) features of n samples.

        Raises
        ------
        SampleError
            If a sample cannot be described (an element that ``fit`` never saw); it names the
            sample.
        """

    @property
    @abstractmethod
    def feature_labels(self) -> Sequence[FeatureLabel]:
        """What each of the d columns means."""

    @property
    def remarks(self) -> Sequence[str]:
        """What a reader of results must know of what ``fit`` met, a sentence each; none by default.

        A run logs them, and puts them into its summary and on its page.
        """
        return ()

    @property
    def needs_labels(self) -> Sequence[str]:
        """Labels of samples that it reads (``samples.labels``); none by default.

        Whoever has samples from a file takes these from there.
        """
        return ()

    def unusable(self, samples: Samples) -> dict[int, SampleError]:
        """Return, by row, why it cannot describe samples that lack a label; none by default."""
        return {}

    def torch_view(self) -> TorchView:
        """Return ``transform`` as a differentiable function of a torch tensor (n, p) -> (n, d).

        For descriptors of parameter tables: the tensor holds the parameters in their own units.
        """
        raise DataError(f"descriptor '{self.name}' has no differentiable view.")

    def readable(
        self, features: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], Sequence[FeatureLabel]]:
        """Return (n, d) features as (n, q) quantities that a reader can picture, and their labels.

        The features themselves by default; NaN where there is nothing to picture.
        """
        return features, self.feature_labels

    def fit_transform(self, samples: Samples, y: Any = None) -> NDArray[np.float64]:
        """Fit, then transform the same samples."""
        return self.fit(samples, y).transform(samples)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns, as scikit-learn asks for them."""
        return np.array([label.name for label in self.feature_labels], dtype=object)
