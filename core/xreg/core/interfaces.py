"""The four kinds of method: descriptor, emulator, decomposer, spectrum generator.

A method is a class with validated settings (its ``Config``) that follows scikit-learn's
conventions: the constructor only stores settings, ``fit`` learns attributes that end in an
underscore and returns ``self``, ``get_params``/``set_params``/``clone`` work.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.component import Component, State
from xreg.core.errors import DataError, NotFittedError, SampleError, XregError
from xreg.core.hooks import Kind
from xreg.core.metrics import covered_variance
from xreg.core.samples import Samples, Structures
from xreg.core.spaces import Parameter, ParameterSpace
from xreg.core.spectra import LineList, Spectrum

if TYPE_CHECKING:
    import torch

__all__ = [
    "Availability",
    "Component",
    "Decomposer",
    "Descriptor",
    "Emulator",
    "FeatureLabel",
    "SpectrumGenerator",
    "State",
]

TorchView = Callable[["torch.Tensor"], "torch.Tensor"]


@dataclass(frozen=True, slots=True)
class FeatureLabel:
    """What one column of a descriptor means.

    Attributes
    ----------
    name
        Physical meaning (``"r(O–H) long"``, ``"k2 S–O at 1.45 Å"``).
    unit
        Unit of the value; empty for a pure number.
    block
        Columns that belong together (an element pair); drawn as one curve.
    axis
        Quantity and unit along the block (``"distance (Å)"``); empty where there is none.
    at
        Position of this column on that axis.
    """

    name: str
    unit: str = ""
    block: str = ""
    axis: str = ""
    at: float | None = None


class Descriptor(Component):
    """Turns samples into numbers: one row of features a sample."""

    kind: ClassVar[Kind] = "descriptor"
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


class Emulator(Component):
    """Predicts spectra from features, or from samples themselves where ``takes`` says so.

    A method implements :meth:`_fit` and :meth:`_predict` on clean arrays.

    Attributes
    ----------
    takes
        Features, or samples themselves.
    fits_together
        Settings in which emulators may differ that :meth:`fit_many` trains at the cost of fewer.
    zero_intensity
        (m,) targets that stand for zero intensity, where targets are scaled; a pipeline says so
        before ``fit``. None means zero itself.
    """

    kind: ClassVar[Kind] = "emulator"
    takes: ClassVar[Literal["features", "samples"]] = "features"
    fits_together: ClassVar[frozenset[str]] = frozenset()
    zero_intensity: NDArray[np.float64] | None = None
    _estimator_type = "regressor"
    n_features_in_: int
    target_ndim_: int

    def fit(self, X: Any, Y: ArrayLike, *, validation: tuple[Any, ArrayLike] | None = None) -> Self:
        """Train.

        Parameters
        ----------
        X
            (n, d) features, or n samples.
        Y
            (n, m) or (n,) targets.
        validation
            Features and targets for early stopping; a method that needs none ignores them, and one
            that does sets part of the training data aside where they are not given.
        """
        self.fit_many([self], X, Y, validation=validation)
        return self

    @classmethod
    def fit_many(
        cls,
        emulators: Sequence[Self],
        X: Any,
        Y: ArrayLike,
        *,
        validation: tuple[Any, ArrayLike] | None = None,
    ) -> None:
        """Train several emulators of this class on the same data; each ends as ``fit`` leaves it.

        A method that can train them faster together overrides :meth:`_fit_many`.
        """
        first = emulators[0]
        targets = np.asarray(Y, dtype=np.float64)
        held = None
        if validation is not None:
            held = (first._inputs(validation[0]), _columns(np.asarray(validation[1], float)))
        inputs = first._inputs(X)
        if len(inputs) != len(targets):
            raise DataError(f"{len(inputs)} inputs do not match {len(targets)} targets.")
        if not np.isfinite(targets).all():
            raise DataError(
                f"emulator '{cls.name}': target row {_first_bad(targets)} is not finite."
            )
        for emulator in emulators:
            emulator.target_ndim_ = targets.ndim
            if cls.takes == "features":
                emulator.n_features_in_ = int(inputs.shape[1])
        cls._fit_many(emulators, inputs, _columns(targets), held)

    @classmethod
    def _fit_many(
        cls,
        emulators: Sequence[Self],
        X: Any,
        Y: NDArray[np.float64],
        validation: tuple[Any, NDArray[np.float64]] | None,
    ) -> None:
        for emulator in emulators:
            emulator._fit(X, Y, validation)

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the (n, m) prediction, and its (n, m) standard deviation where asked for.

        Raises
        ------
        DataError
            If the number of features is not that of training, or the method has no spread.
        """
        self.require_fitted()
        inputs = self._inputs(X)
        if self.takes == "features" and inputs.shape[1] != self.n_features_in_:
            raise DataError(
                f"emulator '{self.name}' was trained on {self.n_features_in_} features and got "
                f"{inputs.shape[1]}."
            )
        mean, std = self._predict(inputs)
        if self.target_ndim_ == 1:
            mean, std = mean[:, 0], None if std is None else std[:, 0]
        if not return_std:
            return mean
        if std is None:
            raise DataError(f"emulator '{self.name}' has no predictive spread with its settings.")
        return mean, std

    def _inputs(self, X: Any) -> Any:
        if self.takes == "samples":
            return X
        features = np.asarray(X, dtype=np.float64)
        if features.ndim != 2:
            raise DataError(f"features must be a matrix; got an array of shape {features.shape}.")
        if not np.isfinite(features).all():
            raise DataError(
                f"emulator '{self.name}': feature row {_first_bad(features)} is not finite."
            )
        return features

    @abstractmethod
    def _fit(
        self, X: Any, Y: NDArray[np.float64], validation: tuple[Any, NDArray[np.float64]] | None
    ) -> None:
        """Train on clean (n, d) and (n, m) arrays."""

    @abstractmethod
    def _predict(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the (n, m) mean, and its spread or None."""

    def torch_view(self) -> TorchView:
        """Return ``predict`` as a differentiable function of a torch tensor (n, d) -> (n, m)."""
        raise DataError(f"emulator '{self.name}' has no differentiable view.")

    def score(self, X: Any, Y: ArrayLike) -> float:
        """Return the generalised covered variance of the prediction (see metrics)."""
        return covered_variance(np.asarray(Y), self.predict(X))

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import RegressorTags

        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


class Decomposer(Component):
    """Finds the few directions of feature space that the spectrum sees.

    Attributes
    ----------
    needs_emulator
        Whether ``fit`` needs a trained emulator; one that trains its own network does not.
    components_
        (k, d) basis vectors as rows, for a linear method.
    """

    kind: ClassVar[Kind] = "decomposer"
    needs_emulator: ClassVar[bool] = True
    emulator: Emulator | None = None

    @abstractmethod
    def fit(self, X: ArrayLike, Y: ArrayLike, emulator: Emulator | None = None) -> Self:
        """Find the directions.

        Parameters
        ----------
        X
            (n, d) standardised features.
        Y
            (n, m) targets, scaled as the emulator's are.
        emulator
            Trained on such X and Y.
        """

    @property
    @abstractmethod
    def rank(self) -> int:
        """Number k of directions found."""

    @abstractmethod
    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, k) scores t."""

    @abstractmethod
    def inverse_transform(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, d) features that j <= k scores (n, j) stand for."""

    def decode(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, m) spectra that j <= k scores (n, j) stand for.

        By default the emulator predicts them from the features of the scores; a method that brings
        its own prediction overrides this, and then an attached emulator plays no part.
        """
        if self.emulator is None:
            raise NotFittedError(
                f"decomposer '{self.name}' has no emulator; attach the one it was fitted with."
            )
        return np.asarray(self.emulator.predict(self.inverse_transform(t)))

    def predict(self, X: ArrayLike, rank: int | None = None) -> NDArray[np.float64]:
        """Return the (n, m) spectra seen through the first ``rank`` directions (all by default)."""
        return self.decode(self.transform(X)[:, :rank])

    def covered_variance(self, X: ArrayLike, Y: ArrayLike) -> NDArray[np.float64]:
        """Return the (k,) covered spectral variance of the first 1…k directions."""
        known = np.asarray(Y)
        return np.array(
            [covered_variance(known, self.predict(X, j)) for j in range(1, self.rank + 1)]
        )

    def reconstruct(self, Y: ArrayLike) -> NDArray[np.float64]:
        """Return the (n, k) scores whose predicted spectra fit given spectra best."""
        raise DataError(f"decomposer '{self.name}' cannot reconstruct scores from spectra.")

    def _clean(self, X: ArrayLike, Y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return features and targets of ``fit`` as matrices, or say what is wrong with them."""
        x, y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
        y = y[:, None] if y.ndim == 1 else y
        if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
            raise DataError(
                f"decomposer '{self.name}' cannot match features of shape {x.shape} with targets "
                f"of shape {y.shape}."
            )
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise DataError(f"decomposer '{self.name}': features and targets must be finite.")
        return x, y

    def _require_rank(self, rank: int, X: NDArray[np.float64]) -> None:
        if rank > min(X.shape):
            raise DataError(
                f"decomposer '{self.name}' cannot find {rank} directions among {X.shape[1]} "
                f"features of {X.shape[0]} samples; lower its rank."
            )

    def _features(self, X: ArrayLike, d: int) -> NDArray[np.float64]:
        """Return features to transform as a matrix of the d columns that ``fit`` saw."""
        x = np.asarray(X, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != d:
            raise DataError(
                f"decomposer '{self.name}' was fitted on {d} features and got an array of shape "
                f"{x.shape}."
            )
        return x

    def _scores(self, t: ArrayLike) -> NDArray[np.float64]:
        """Return scores as an (n, j) matrix with 1 <= j <= k."""
        scores = np.asarray(t, dtype=np.float64)
        if scores.ndim != 2 or not 1 <= scores.shape[1] <= self.rank:
            raise DataError(
                f"decomposer '{self.name}' has {self.rank} directions and got scores of shape "
                f"{scores.shape}."
            )
        return scores

    def _spectra(self, Y: ArrayLike) -> NDArray[np.float64]:
        """Return spectra to reconstruct from as a matrix."""
        known = np.asarray(Y, dtype=np.float64)
        if known.ndim != 2 or not np.isfinite(known).all():
            raise DataError(
                f"decomposer '{self.name}' reconstructs from a finite (n, m) matrix of spectra."
            )
        return known


@dataclass(frozen=True)
class Availability:
    """Whether a generator can run here, and why not where it cannot."""

    ok: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.ok


class SpectrumGenerator(Component):
    """Computes spectra of samples; drivers do batching, parallel execution, retries, resume."""

    kind: ClassVar[Kind] = "generator"
    accepts: ClassVar[type[Samples]] = Structures
    deterministic: ClassVar[bool] = True

    @abstractmethod
    def grids(self) -> dict[str, NDArray[np.float64]]:
        """Return the (m,) energy grid in eV of each channel that ``generate`` fills."""

    def label_units(self) -> dict[str, str]:
        """Return name and unit of each label that ``generate`` fills."""
        return {}

    def parameters(self) -> Mapping[str, Parameter]:
        """Return the parameters of a sample and their bounds; none where they are not fixed.

        For generators that take :class:`~xreg.core.samples.Parameters`: what is out of bounds is
        refused before anything is computed.
        """
        return {}

    def spaces(self) -> Mapping[str, ParameterSpace]:
        """Return the parameter spaces that recipes may ask for by name."""
        return {}

    @abstractmethod
    def generate(self, sample: Any) -> Spectrum:
        """Compute one sample (a ``Structure`` or ``ParameterSet``).

        Raises
        ------
        SampleError
            If this sample cannot be computed; the driver records it and goes on.
        """

    def generate_many(self, samples: Samples) -> list[Spectrum | XregError]:
        """Compute many samples; a failed one gives its error in its place."""
        results: list[Spectrum | XregError] = []
        for i in range(len(samples)):
            try:
                results.append(self.generate(samples[i]))
            except SampleError as error:
                results.append(error)
        return results

    def sticks(self, sample: Any) -> LineList | None:
        """Return the transitions that :meth:`generate` broadens; None where it knows none.

        Raises
        ------
        SampleError
            If this sample cannot be computed.
        """
        return None

    def available(self) -> Availability:
        """Say whether the method can run here."""
        return Availability(True)

    @abstractmethod
    def version(self) -> str:
        """Return name and version of the program or library that does the work."""


def _columns(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:, None] if values.ndim == 1 else values


def _first_bad(values: NDArray[np.float64]) -> int:
    return int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
