"""Emulators: features, or samples themselves, to spectra."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, PluginError, SampleError
from xreg.core.interfaces.component import Component, ConfigT
from xreg.core.interfaces.descriptor import TorchView
from xreg.core.interfaces.outputs import real_numbers
from xreg.core.metrics import covered_variance

__all__ = ["Emulator"]


class Emulator(Component[ConfigT]):
    """Predicts spectra from features, or from samples themselves where ``takes`` says so.

    A method implements :meth:`_fit` and :meth:`_predict` on clean arrays.

    Attributes
    ----------
    takes
        Features, or samples themselves.
    accepts
        The kind of samples, where it takes samples.
    fits_together
        Settings in which emulators may differ that :meth:`fit_many` trains at the cost of fewer.
    sources
        (d,) which of several descriptors each feature comes from; a pipeline says so before
        ``fit``. None for one descriptor.
    architecture
        Settings that decide which weights there are. Training can begin with the weights of an
        emulator that agrees in them (:meth:`start_from`); empty for a method that begins with none.
    zero_intensity
        (m,) targets that stand for zero intensity, where targets are scaled; a pipeline says so
        before ``fit``. None means zero itself.
    start
        The trained emulator with whose weights ``fit`` begins; None to begin anew.
    """

    kind: ClassVar[str] = "emulator"
    takes: ClassVar[Literal["features", "samples"]] = "features"
    accepts: ClassVar[type] = Samples
    fits_together: ClassVar[frozenset[str]] = frozenset()
    sources: Sequence[str] | None = None
    architecture: ClassVar[frozenset[str]] = frozenset()
    zero_intensity: NDArray[np.float64] | None = None
    start: Self | None = None
    _estimator_type = "regressor"
    n_features_in_: int
    target_ndim_: int

    def start_from(self, trained: Emulator) -> None:
        """Have ``fit`` begin with the weights of a trained emulator, on inputs scaled as its were.

        Raises
        ------
        DataError
            If the method does not begin with weights, or these are of another method or
            architecture; in one sentence with both settings.
        """
        if not self.architecture:
            raise DataError(
                f"emulator '{self.name}' is not trained step by step from first weights, so it "
                "cannot start from a trained model; leave 'start' out, or take one that can (mlp)."
            )
        if not isinstance(trained, type(self)):
            raise DataError(
                f"emulator '{self.name}' cannot start from a trained '{trained.name}'; name that."
            )
        trained.require_fitted()
        mine, theirs = dict(self.config), dict(trained.config)
        for setting in sorted(self.architecture & mine.keys()):
            if mine[setting] != theirs[setting]:
                raise DataError(
                    f"emulator '{self.name}' is to start from one with '{setting}: "
                    f"{theirs[setting]}', which cannot become {mine[setting]}; leave it out."
                )
        self.start = cast("Self", trained)

    def __sklearn_clone__(self) -> Self:
        fresh = super().__sklearn_clone__()
        fresh.start = self.start
        return fresh

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

    def size(self, features: int, targets: int) -> tuple[int, int] | None:
        """Return how large the method would be, where it knows that without training.

        Parameters
        ----------
        features, targets
            Columns of both.

        Returns
        -------
        tuple or None
            Trained parameters, and products that one sample costs on its way forward.
        """
        return None

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
            emulator._forget_computed()
            emulator.target_ndim_ = targets.ndim
            if cls.takes == "features":
                emulator.n_features_in_ = int(inputs.shape[1])
                start = emulator.start
                if start is not None and start.n_features_in_ != emulator.n_features_in_:
                    raise DataError(
                        f"emulator '{cls.name}' is to start from one of {start.n_features_in_} "
                        f"features and got {emulator.n_features_in_}."
                    )
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
        mean, std = self.predict_with_spread(X)
        if not return_std:
            return mean
        if std is None:
            raise DataError(f"emulator '{self.name}' has no predictive spread with its settings.")
        return mean, std

    def predict_with_spread(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the prediction, and its standard deviation where the method has one, else None.

        Raises
        ------
        DataError
            If the number of features is not that of training.
        PluginError
            If the method gives anything else than finite real numbers of those shapes.
        """
        self.require_fitted()
        inputs = self._inputs(X)
        if self.takes == "features" and inputs.shape[1] != self.n_features_in_:
            raise DataError(
                f"emulator '{self.name}' was trained on {self.n_features_in_} features and got "
                f"{inputs.shape[1]}."
            )
        found = self._predict(inputs)
        if not isinstance(found, tuple) or len(found) != 2:
            raise PluginError(
                f"emulator '{self.name}' returned {type(found).__name__} in place of a prediction "
                "and its spread (or None); its plugin is at fault."
            )
        mean = self._sound(found[0], "prediction", len(inputs))
        std = None if found[1] is None else self._sound(found[1], "spread", len(inputs))
        if std is not None and (std.shape != mean.shape or (std < 0).any()):
            raise PluginError(
                f"the spread of emulator '{self.name}' is negative, or of another shape than its "
                "prediction; its plugin is at fault."
            )
        if self.target_ndim_ == 1:
            mean, std = mean[:, 0], None if std is None else std[:, 0]
        return mean, std

    def _sound(self, values: Any, word: str, n: int) -> NDArray[Any]:
        """Return (n, m) real numbers that a method gave; refuse anything else."""
        found = real_numbers(values, f"the {word} of emulator '{self.name}'")
        if found.ndim != 2 or len(found) != n:
            raise PluginError(
                f"the {word} of emulator '{self.name}' has the shape {found.shape} for {n} inputs; "
                "its plugin is at fault."
            )
        if not np.isfinite(found).all():
            raise PluginError(
                f"the {word} of emulator '{self.name}' is not finite for input {_first_bad(found)} "
                f"of {n} (from 0); its plugin is at fault, or the model is damaged."
            )
        return found

    def unusable(self, samples: Samples) -> dict[int, SampleError]:
        """Return, by row, why it can neither learn from some samples nor predict them.

        A method that takes samples says so before it is fitted too; whoever uses it names these
        samples, leaves them out or refuses them, and goes on with the others. An
        :class:`~xreg.core.errors.OutsideError` is for those whose data are in order. Elements that
        were not trained on are judged without it.
        """
        return {}

    def _inputs(self, X: Any) -> Any:
        if self.takes == "samples":
            if not isinstance(X, self.accepts):
                wanted = getattr(self.accepts, "kind", "samples")
                given = X.in_words if isinstance(X, Samples) else "an array"
                raise DataError(f"emulator '{self.name}' takes {wanted}, not {given}.")
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


def _columns(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:, None] if values.ndim == 1 else values


def _first_bad(values: NDArray[np.float64]) -> int:
    return int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
