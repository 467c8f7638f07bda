"""Checks of emulators."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from xreg.core.arrays import Array
from xreg.core.data.samples import Structures
from xreg.core.errors import DataError, NotFittedError
from xreg.core.interfaces import Emulator
from xreg.core.metrics import covered_variance
from xreg.core.testing import examples
from xreg.core.testing.base import (
    close,
    disturb,
    offered,
    refuses,
    same,
    untouched,
)
from xreg.core.testing.invariance import InvarianceChecks

__all__ = ["EmulatorSuite"]


class EmulatorSuite(InvarianceChecks):
    """Checks of an emulator; one that takes structures also keeps their invariances.

    Attributes
    ----------
    component
        The emulator class.
    tolerance
        Largest relative deviation between two ways to one prediction (single precision).
    least_r2
        Covered variance that training data must reach: the method has learned something.
    """

    component: ClassVar[type[Emulator]]
    tolerance: ClassVar[float] = 1e-5
    least_r2: ClassVar[float] = 0.5

    def data(self) -> tuple[Any, Array]:
        """Return inputs and (n, m) targets; override for others (n of at least 20)."""
        rng = np.random.default_rng(0)
        if self.component.takes == "samples":
            samples = examples.waters(40)
            ends = np.asarray(samples.positions).reshape(-1, 3, 3)
            bonds = np.linalg.norm(ends[:, 1:] - ends[:, :1], axis=2)
            return samples, bonds @ rng.normal(size=(2, 4))
        X = rng.normal(size=(80, 5))
        return X, np.tanh(X @ rng.normal(size=(5, 7)) / 2) + 0.3

    def fitted(self) -> Any:
        """Return the emulator, trained on the data."""
        return self.build().fit(*self.data())

    def output(self, component: Any) -> Array:
        """Return the prediction for the training inputs."""
        return np.asarray(component.predict(self.data()[0]))

    def features(self) -> tuple[Array, Array]:
        """Return the data, or skip the check for an emulator that takes samples."""
        if self.component.takes == "samples":
            pytest.skip("takes samples, not features")
        return self.data()

    def structures(self) -> Structures:
        """Return the inputs, or skip the check for an emulator that takes no structures."""
        if self.component.takes == "features":
            pytest.skip("takes features, not samples")
        samples = self.data()[0]
        if not isinstance(samples, Structures):
            pytest.skip(f"the samples are {samples.kind}")
        return samples

    def answer(self, component: Any, samples: Structures) -> Array:
        """Return the prediction for samples."""
        return np.asarray(component.predict(samples))

    # Prediction --------------------------------------------------------------------------------

    def test_fit_returns_self(self) -> None:
        """``fit`` returns the emulator."""
        component = self.build()
        assert component.fit(*self.data()) is component

    def test_prediction(self) -> None:
        """A prediction is a finite (n, m) matrix of float64."""
        _, Y = self.data()
        guess = self.output(self.fitted())
        assert isinstance(guess, np.ndarray)
        assert guess.dtype == np.float64
        assert guess.shape == Y.shape
        assert np.isfinite(guess).all()

    def test_learns(self) -> None:
        """The training data are met far better than by their mean; ``score`` says so too."""
        X, Y = self.data()
        component = self.fitted()
        r2 = covered_variance(Y, component.predict(X))
        assert r2 >= self.least_r2
        assert component.score(X, Y) == pytest.approx(r2)

    def test_target_shapes(self) -> None:
        """A vector of targets gives vectors, a matrix of one column gives such a matrix."""
        X, Y = self.data()
        assert self.build().fit(X, Y[:, 0]).predict(X).shape == (len(Y),)
        assert self.build().fit(X, Y[:, :1]).predict(X).shape == (len(Y), 1)

    def test_validation(self) -> None:
        """Validation data are accepted, whether the method uses them or not."""
        X, Y = self.data()
        cut = 3 * len(Y) // 4
        component = self.build().fit(X[:cut], Y[:cut], validation=(X[cut:], Y[cut:]))
        assert component.predict(X).shape == Y.shape

    def test_spread(self) -> None:
        """``return_std`` gives the same mean and a spread of its shape, or is refused in words."""
        X, _ = self.data()
        component = self.fitted()
        pair = offered(lambda: component.predict(X, return_std=True), self.component.name)
        if pair is None:
            assert component.predict_with_spread(X)[1] is None
            pytest.skip("has no predictive spread with these settings")
        mean, std = pair
        close(mean, component.predict(X), self.tolerance)
        assert std.shape == mean.shape
        assert std.dtype == np.float64
        assert np.isfinite(std).all()
        assert (std >= 0).all()

    def test_batches(self) -> None:
        """A row's prediction does not depend on the rows beside it."""
        X, _ = self.data()
        component = self.fitted()
        whole = component.predict(X)
        parts = [component.predict(X[i : i + 7]) for i in range(0, len(whole), 7)]
        close(np.concatenate(parts), whole, self.tolerance)
        order = np.random.default_rng(1).permutation(len(whole))
        close(component.predict(X[order]), whole[order], self.tolerance)

    def test_determinism(self) -> None:
        """The same seed and data give the same bits, whatever the global random state."""
        disturb(1)
        first = self.output(self.fitted())
        disturb(2)
        same(self.output(self.fitted()), first)

    def test_refit(self) -> None:
        """A second ``fit`` forgets the first."""
        X, Y = self.data()
        again = self.build().fit(X[: len(Y) // 2], -Y[: len(Y) // 2, :1]).fit(X, Y)
        same(again.predict(X), self.output(self.fitted()))

    def test_no_side_effects(self) -> None:
        """Neither ``fit`` nor ``predict`` changes its input."""
        X, Y = self.data()
        inputs = [X] if isinstance(X, np.ndarray) else list(vars(X).values())
        with untouched(*inputs, Y):
            self.build().fit(X, Y).predict(X)

    def test_start(self) -> None:
        """Training begins with the weights of a trained one, which stays as it is; or is refused.

        The beginning matters: what is trained so on a part of the data is another than what that
        part alone would give. Weights for other inputs, and other methods, are refused.
        """
        X, Y = self.data()
        if not self.component.architecture:
            with refuses(DataError, self.component.name):
                self.build().start_from(self.build())
            pytest.skip("is not trained step by step from first weights")
        trained = self.fitted()
        before, part = self.output(trained), slice(0, len(Y) // 2)
        going_on = self.build()
        with refuses(NotFittedError, self.component.name):
            going_on.start_from(self.build())
        going_on.start_from(trained)
        started = self.output(going_on.fit(X[part], Y[part]))
        same(self.output(trained), before)
        assert started.shape == before.shape
        assert np.isfinite(started).all()
        assert not np.array_equal(started, self.output(self.build().fit(X[part], Y[part])))
        again = going_on.__sklearn_clone__().fit(X[part], Y[part])
        same(self.output(again), started)
        with refuses(DataError):
            going_on.fit(X, Y[:, :-1])

    # The differentiable view -------------------------------------------------------------------

    def _view(self, component: Any) -> Any:
        if self.component.takes == "samples":
            pytest.skip("takes samples, not features")
        view = offered(component.torch_view, self.component.name)
        if view is None:
            pytest.skip("offers no differentiable view")
        return view

    def test_torch_view(self) -> None:
        """The torch view is ``predict``: (n, d) -> (n, m) in double precision too."""
        import torch

        X, _ = self.features()
        component = self.fitted()
        view = self._view(component)
        with torch.no_grad():
            seen = view(torch.as_tensor(X))
        close(seen.numpy(), component.predict(X), self.tolerance)

    def test_torch_gradient(self) -> None:
        """Gradients of the torch view agree with finite differences of ``predict``."""
        import torch

        X, Y = self.features()
        component = self.fitted()
        view = self._view(component)
        rng = np.random.default_rng(2)
        weight = rng.normal(size=Y.shape[1])
        way = rng.normal(size=X.shape)
        step = 1e-3
        ahead, behind = (component.predict(X + s * step * way) @ weight for s in (1, -1))
        inputs = torch.as_tensor(X).requires_grad_()
        total = (view(inputs) * torch.as_tensor(weight)).sum()
        (gradient,) = torch.autograd.grad(total, inputs)
        slope = (gradient.numpy() * way).sum(axis=1)
        # The median forgives the few rows that step across a kink (ReLU) of the network.
        error = np.abs(slope - (ahead - behind) / (2 * step))
        assert np.median(error) <= 0.01 * np.median(np.abs(slope))

    # Bad input ---------------------------------------------------------------------------------

    def test_not_fitted(self) -> None:
        """``predict`` before ``fit`` is refused."""
        with refuses(NotFittedError, self.component.name):
            self.build().predict(self.data()[0])

    def test_wrong_features(self) -> None:
        """Another number of features than in training is refused, with both numbers."""
        X, Y = self.features()
        component = self.fitted()
        d = X.shape[1]
        with refuses(DataError, str(d), str(d - 1)):
            component.predict(X[:, :-1])
        with refuses(DataError):
            component.predict(X[0])
        with refuses(DataError):
            self.build().fit(X[:, 0], Y)

    def test_unmatched(self) -> None:
        """Inputs and targets of different number are refused."""
        X, Y = self.data()
        with refuses(DataError, str(len(Y)), str(len(Y) - 1)):
            self.build().fit(X, Y[:-1])

    def test_not_finite(self) -> None:
        """NaN and infinity in inputs or targets are refused, with the row or sample."""
        X, Y = self.data()
        bad = Y.copy()
        bad[3, 0] = np.nan
        with refuses(DataError, "3"):
            self.build().fit(X, bad)
        if self.component.takes == "features":
            spoiled = np.array(X)
            spoiled[4, 0] = np.inf
            with refuses(DataError, "4"):
                self.build().fit(spoiled, Y)
            with refuses(DataError, "4"):
                self.fitted().predict(spoiled)
        else:
            super().test_not_finite()

    # scikit-learn ------------------------------------------------------------------------------

    def test_sklearn(self) -> None:
        """The emulator is a regressor: cross-validation, ``Pipeline`` and ``clone`` work on it."""
        from sklearn.base import is_regressor
        from sklearn.model_selection import cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer, StandardScaler

        X, Y = self.data()
        component = self.build()
        assert is_regressor(component)
        first = FunctionTransformer() if self.component.takes == "samples" else StandardScaler()
        for model in (component, make_pipeline(first, component)):
            scores = cross_val_score(model, X, Y, cv=2, error_score="raise")
            assert scores.shape == (2,)
            assert np.isfinite(scores).all()
        assert not component.__sklearn_is_fitted__(), "cross-validation works on clones"
