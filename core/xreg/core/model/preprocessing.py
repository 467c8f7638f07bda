"""Filter, scale, fit: what a training learns before its model, from its training rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.arrays import Array
from xreg.core.data.samples import Samples
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces import Emulator, FeatureLabel
from xreg.core.interfaces.blocks import block_scales
from xreg.core.model.filters import FeatureFilter, KeptColumns
from xreg.core.model.scaling import FeatureScaling, Moments, Scaler
from xreg.core.model.target_transforms import TargetScaling, TargetTransform

__all__ = ["Inherited", "Preprocessing", "ScaledColumns", "TrainingData", "Unscaled"]


@dataclass(frozen=True, eq=False)
class ScaledColumns:
    """The columns of a descriptor that an emulator sees, and their scaling."""

    kept: KeptColumns
    scaler: Scaler

    def transform(self, described: ArrayLike) -> Array:
        """Return (n, k) scaled features of the (n, d) that a descriptor gives."""
        return self.scaler.transform(self.kept.transform(described))

    def inverse_transform(self, scaled: ArrayLike) -> Array:
        """Return the (n, k) columns kept, in their own units, of scaled ones."""
        return self.scaler.inverse_transform(scaled)

    def labels(self, labels: Sequence[FeatureLabel]) -> list[FeatureLabel]:
        """Return what each of the k columns means, of labels of all d."""
        return self.kept.labels(labels)


@dataclass(frozen=True)
class Unscaled:
    """In place of columns, for an emulator that takes samples themselves."""

    def transform(self, samples: Samples) -> Samples:
        """Return the samples as they are."""
        return samples

    def labels(self, labels: Sequence[FeatureLabel]) -> list[FeatureLabel]:
        """Return no label: there are no columns."""
        return []


ScalingT_co = TypeVar("ScalingT_co", bound=ScaledColumns | Unscaled, covariant=True)


@dataclass(frozen=True, eq=False)
class TrainingData(Generic[ScalingT_co]):
    """What emulators and decomposers are trained on.

    Attributes
    ----------
    scaling, targets
        What was learned of the inputs, and of the targets.
    X, Y
        (n, k) scaled features, or n samples, and their (n, m) scaled targets.
    validation
        The same of the rows for early stopping, where there are any.
    sources
        Which of several descriptors each of the k features comes from; None for one alone.
    """

    scaling: ScalingT_co
    targets: TargetTransform
    X: Any
    Y: Array
    validation: tuple[Any, Array] | None = None
    sources: Sequence[str] | None = None

    @classmethod
    def of(
        cls,
        scaling: ScalingT_co,  # type: ignore[misc]  # a constructor, as __init__ is
        targets: TargetTransform,
        X: Any,
        Y: ArrayLike,
        validation: tuple[Any, ArrayLike] | None,
        sources: Sequence[str],
    ) -> TrainingData[ScalingT_co]:
        """Scale inputs and targets; ``sources`` says where each of all columns comes from."""
        held = None
        if validation is not None:
            held = scaling.transform(validation[0]), targets.transform(validation[1])
        own = None
        if isinstance(scaling, ScaledColumns) and any(sources):
            own = [sources[column] for column in scaling.kept.columns.tolist()]
        return cls(scaling, targets, scaling.transform(X), targets.transform(Y), held, own)

    def fit(self, emulators: Sequence[Emulator]) -> None:
        """Train emulators of one class, together where that is faster."""
        for emulator in emulators:
            emulator.zero_intensity = self.targets.zero
            emulator.sources = self.sources
        type(emulators[0]).fit_many(emulators, self.X, self.Y, validation=self.validation)


@dataclass(frozen=True)
class Preprocessing:
    """How features and targets reach a model.

    Attributes
    ----------
    filter
        Which columns are left out before scaling.
    features, targets
        How features and targets are scaled.
    weights
        Weight of each block of features, where several descriptors make them; one for the others.
    anew
        Whether each training learns descriptor, filter and scalings of its own.
    """

    anew: ClassVar[bool] = True

    filter: FeatureFilter = field(default_factory=FeatureFilter)
    features: FeatureScaling = "standard"
    targets: TargetScaling = "global"
    weights: tuple[tuple[str, float], ...] = ()

    @overload
    def prepare(
        self,
        X: Samples,
        Y: ArrayLike,
        validation: tuple[Samples, ArrayLike] | None = None,
        columns: None = None,
        sources: Sequence[str] = (),
    ) -> TrainingData[Unscaled]: ...

    @overload
    def prepare(
        self,
        X: Array,
        Y: ArrayLike,
        validation: tuple[Array, ArrayLike] | None = None,
        columns: NDArray[np.intp] | None = None,
        sources: Sequence[str] = (),
    ) -> TrainingData[ScaledColumns]: ...

    def prepare(
        self,
        X: Any,
        Y: ArrayLike,
        validation: tuple[Any, ArrayLike] | None = None,
        columns: NDArray[np.intp] | None = None,
        sources: Sequence[str] = (),
    ) -> TrainingData[ScaledColumns | Unscaled]:
        """Learn filter and scalings, and apply them.

        Parameters
        ----------
        X, Y
            (n, d) features as a descriptor gives them, or n samples, and their (n, m) targets, all
            of the training rows: what is learned here is learned from them alone.
        validation
            The same of rows for early stopping.
        columns
            Columns of X to take in place of those that the filter keeps.
        sources
            Which of several descriptors each of the d columns comes from; nothing for one alone.
        """
        targets = TargetTransform.fit(Y, self.targets)
        scaling: ScaledColumns | Unscaled = Unscaled()
        if not isinstance(X, Samples):
            X = np.asarray(X, dtype=np.float64)
            moments = Moments.of(X)
            if columns is None:
                kept = self.filter.fit(X, moments)
            else:
                kept = KeptColumns(columns, X.shape[1])
            known = moments[kept.columns]
            scaler = Scaler.fit(kept.transform(X), self.features, known)
            if any(sources):
                varying = np.ones(len(kept.columns), dtype=bool)
                varying[list(scaler.constant)] = False
                own = [sources[column] for column in kept.columns.tolist()]
                scaler = scaler.weighted(block_scales(own, varying, dict(self.weights)))
            scaling = ScaledColumns(kept, scaler)
        return TrainingData.of(scaling, targets, X, Y, validation, sources)


@dataclass(frozen=True)
class Inherited(Preprocessing):
    """What a trained model has learned of inputs and targets, kept: its weights mean the same.

    Attributes
    ----------
    scaling, transform
        Those of the model.
    """

    anew: ClassVar[bool] = False

    scaling: ScaledColumns | Unscaled = field(default_factory=Unscaled)
    transform: TargetTransform | None = None

    def prepare(
        self,
        X: Any,
        Y: ArrayLike,
        validation: tuple[Any, ArrayLike] | None = None,
        columns: NDArray[np.intp] | None = None,
        sources: Sequence[str] = (),
    ) -> TrainingData[Any]:
        """Apply the model's filter and scalings.

        Raises
        ------
        NotApplicableError
            If other columns are asked for than those that the weights are for.
        """
        if columns is not None:
            raise NotApplicableError(
                "a model that starts from a trained one takes all of its features, so it cannot be "
                "trained on some of them."
            )
        assert self.transform is not None
        return TrainingData.of(self.scaling, self.transform, X, Y, validation, sources)
