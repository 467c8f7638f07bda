"""Checks of decomposers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from numpy.typing import ArrayLike

from xreg.core.arrays import Array
from xreg.core.config import Config
from xreg.core.errors import DataError, NotFittedError, XregError
from xreg.core.interfaces import Decomposer, Emulator, TorchView
from xreg.core.testing.base import (
    ComponentSuite,
    close,
    disturb,
    offered,
    refuses,
    same,
    untouched,
)

__all__ = ["DecomposerSuite", "Quadratic"]


class QuadraticConfig(Config):
    """The kit's emulator has no settings."""


class Quadratic(Emulator):
    """Least squares on all products of two features: exact where the truth is quadratic."""

    name: ClassVar[str] = "kit-quadratic"
    Config: ClassVar[type[Config]] = QuadraticConfig
    takes: ClassVar[Literal["features", "samples"]] = "features"

    def _fit(self, X: Any, Y: Array, validation: Any) -> None:
        self.weight_ = np.linalg.lstsq(_terms(X, np), Y, rcond=None)[0]

    def _predict(self, X: Any) -> tuple[Array, None]:
        return _terms(X, np) @ self.weight_, None

    def torch_view(self) -> TorchView:
        """Return the polynomial in torch, in the precision of its input."""
        import torch

        weight = torch.as_tensor(self.weight_)
        return lambda x: _terms(x, torch) @ weight.to(x.dtype)


def _terms(x: Any, library: Any) -> Any:
    """Return 1, x_i and x_i x_j as columns, in NumPy or torch."""
    pairs = [x[:, i : i + 1] * x[:, i:] for i in range(x.shape[1])]
    return library.concatenate([library.ones_like(x[:, :1]), x, *pairs], 1)


class DecomposerSuite(ComponentSuite):
    """Checks of a decomposer; it is fitted beside an exactly known, differentiable emulator.

    Attributes
    ----------
    component
        The decomposer class.
    tolerance
        Largest relative deviation that exact identities allow.
    slack
        By how much the covered variance may fall from one rank to the next.
    constant
        Value of a feature that never varies: zero where features are standardised.
    """

    component: ClassVar[type[Decomposer]]
    tolerance: ClassVar[float] = 1e-5
    slack: ClassVar[float] = 0.01
    constant: ClassVar[float] = 0.0

    def data(self) -> tuple[Array, Array]:
        """Return (n, d) features of zero mean and (n, m) targets that two directions rule."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(120, 6)) * np.linspace(1.5, 0.5, 6)
        X -= X.mean(axis=0)
        t = X @ np.linalg.qr(rng.normal(size=(6, 2)))[0]
        terms = np.column_stack([t, t[:, 0] ** 2, t[:, 0] * t[:, 1]])
        Y = terms @ (rng.normal(size=(4, 5)) * np.array([[1.0], [0.7], [0.2], [0.2]]))
        return X, Y - Y.mean(axis=0)

    def emulator(self) -> Emulator:
        """Return the trained emulator."""
        return Quadratic().fit(*self.data())

    def fitted(self) -> Any:
        """Return the decomposer, fitted, with the emulator attached as a pipeline does."""
        emulator = self.emulator()
        component = self.build()
        component.fit(*self.data(), emulator if component.needs_emulator else None)
        component.emulator = emulator
        return component

    def output(self, component: Any) -> Array:
        """Return the scores of the data."""
        return np.asarray(component.transform(self.data()[0]))

    # Scores and basis --------------------------------------------------------------------------

    def test_fit_returns_self(self) -> None:
        """``fit`` returns the decomposer."""
        component = self.build()
        emulator = self.emulator() if component.needs_emulator else None
        assert component.fit(*self.data(), emulator) is component

    def test_scores(self) -> None:
        """Scores are a finite (n, k) matrix of float64 with 1 <= k <= d."""
        X, _ = self.data()
        component = self.fitted()
        t = component.transform(X)
        assert isinstance(t, np.ndarray)
        assert t.dtype == np.float64
        assert t.shape == (len(X), component.rank)
        assert 1 <= component.rank <= X.shape[1]
        assert np.isfinite(t).all()
        assert np.ptp(t, axis=0).min() > 0, "a score that never varies"

    def test_orthonormal(self) -> None:
        """The basis of a linear method is orthonormal, and scores are projections on it."""
        X, _ = self.data()
        component = self.fitted()
        basis = getattr(component, "components_", None)
        if basis is None:
            pytest.skip("not linear: has no components_")
        assert basis.shape == (component.rank, X.shape[1])
        close(basis @ basis.T, np.eye(component.rank), self.tolerance)
        shift = component.transform(np.zeros_like(X[:1]))
        close(component.transform(X) - shift, X @ basis.T, self.tolerance)

    def test_round_trip(self) -> None:
        """Scores come back from the features that they stand for."""
        X, _ = self.data()
        component = self.fitted()
        t = component.transform(X)
        close(component.transform(component.inverse_transform(t)), t, self.tolerance)

    def test_partial_inverse(self) -> None:
        """The first j scores give (n, d) features, for every j up to the rank."""
        X, _ = self.data()
        component = self.fitted()
        t = component.transform(X)
        for j in range(1, component.rank + 1):
            part = component.inverse_transform(t[:, :j])
            assert part.shape == X.shape
            assert part.dtype == np.float64
            assert np.isfinite(part).all()

    def test_constant_features_stay(self) -> None:
        """A feature that never varies has no weight and keeps its value in expanded features.

        So does one that is nearly empty, such as the tail of a narrow Gaussian.
        """
        X, Y = self.data()
        X = np.insert(X, [3, 3], self.constant, axis=1)
        X[:, 4] += 1e-8 * np.sin(np.arange(len(X)))
        emulator = Quadratic().fit(X, Y)
        component = self.build()
        component.fit(X, Y, emulator if component.needs_emulator else None)
        component.emulator = emulator
        expanded = component.inverse_transform(component.transform(X[:20]))
        np.testing.assert_allclose(expanded[:, 3], self.constant, atol=1e-9)
        np.testing.assert_allclose(expanded[:, 4], self.constant, atol=1e-6)
        if (vectors := getattr(component, "components_", None)) is not None:
            np.testing.assert_allclose(vectors[:, 3], 0.0, atol=1e-9)
            np.testing.assert_allclose(vectors[:, 4], 0.0, atol=1e-6)

    def test_batches(self) -> None:
        """A row's scores do not depend on the rows beside it."""
        X, _ = self.data()
        component = self.fitted()
        whole = component.transform(X)
        parts = [component.transform(X[i : i + 7]) for i in range(0, len(X), 7)]
        close(np.concatenate(parts), whole, self.tolerance)

    def test_determinism(self) -> None:
        """The same seed and data give the same bits, whatever the global random state."""
        disturb(1)
        first = self.output(self.fitted())
        disturb(2)
        same(self.output(self.fitted()), first)

    def test_no_side_effects(self) -> None:
        """Neither the data nor the emulator changes while directions are sought."""
        X, Y = self.data()
        emulator = self.emulator()
        before = emulator.predict(X)
        component = self.build()
        with untouched(X, Y):
            component.fit(X, Y, emulator if component.needs_emulator else None)
            component.emulator = emulator
            component.covered_variance(X, Y)
        same(emulator.predict(X), before)

    # Spectra -----------------------------------------------------------------------------------

    def test_predict(self) -> None:
        """Spectra seen through the first j directions have the targets' shape."""
        X, Y = self.data()
        component = self.fitted()
        for j in range(1, component.rank + 1):
            seen = component.predict(X, j)
            assert seen.shape == Y.shape
            same(component.decode(component.transform(X)[:, :j]), seen)
        close(component.predict(X), component.predict(X, component.rank), 1e-12)

    def test_covered_variance(self) -> None:
        """One value a rank, at most one, never falling."""
        component = self.fitted()
        covered = component.covered_variance(*self.data())
        assert covered.shape == (component.rank,)
        assert np.isfinite(covered).all()
        assert (covered <= 1 + 1e-9).all()
        assert (np.diff(covered) >= -self.slack).all(), covered

    def test_reconstruct(self) -> None:
        """Scores found from spectra explain them at least as well as the structure's scores."""
        X, Y = self.data()
        component = self.fitted()
        t = offered(lambda: component.reconstruct(Y[:12]), self.component.name)
        if t is None:
            pytest.skip("offers no reconstruction")
        assert t.shape == (12, component.rank)
        assert t.dtype == np.float64
        seen = component.decode(t)
        known = component.predict(X[:12])
        assert np.sum((seen - Y[:12]) ** 2) <= 1.05 * np.sum((known - Y[:12]) ** 2) + 1e-9

    def test_loaded_predicts(self, tmp_path: Path) -> None:
        """A loaded decomposer needs its emulator back, or brings its own prediction along."""
        X, _ = self.data()
        component = self.fitted()
        component.save(tmp_path / "a")
        loaded = self.component.load(tmp_path / "a")
        if loaded.emulator is None and not self._own_prediction():
            with refuses(NotFittedError, self.component.name):
                loaded.predict(X)
            loaded.emulator = component.emulator
        same(loaded.predict(X), component.predict(X))

    def test_own_prediction(self) -> None:
        """A method with its own prediction takes no notice of the emulator that is attached."""
        if not self._own_prediction():
            pytest.skip("predicts with the emulator")
        assert not self.component.needs_emulator
        X, Y = self.data()
        component = self.fitted()
        before = component.predict(X)
        component.emulator = Quadratic().fit(X, Y[::-1])
        same(component.predict(X), before)
        component.emulator = None
        same(component.predict(X), before)

    def _own_prediction(self) -> bool:
        return self.component.decode is not Decomposer.decode

    # Bad input ---------------------------------------------------------------------------------

    def test_not_fitted(self) -> None:
        """``transform`` and ``inverse_transform`` before ``fit`` are refused."""
        for use in (self.build().transform, self.build().inverse_transform):
            with refuses(NotFittedError, self.component.name):
                use(np.zeros((2, 1)))

    def test_needs_emulator(self) -> None:
        """A method that needs an emulator says so when it gets none."""
        component = self.build()
        if not component.needs_emulator:
            pytest.skip("needs no emulator")
        with refuses(XregError, "emulator"):
            component.fit(*self.data(), None)

    def test_more_directions_than_features_vary(self) -> None:
        """As many directions as features are refused where one feature never varies."""
        X, Y = self.data()
        still = np.column_stack([X[:, :3], np.ones(len(X))])
        if "rank" not in self.component.Config.model_fields:
            pytest.skip("has no setting 'rank'")
        component = self.component(**{**self.settings, "rank": 4})
        emulator = Quadratic().fit(still, Y) if component.needs_emulator else None
        with refuses(DataError, "4 directions", "3 features"):
            component.fit(still, Y, emulator)

    def test_wrong_width(self) -> None:
        """Another number of features, or more scores than directions, is refused."""
        X, Y = self.data()
        component = self.fitted()
        too_many: ArrayLike = np.zeros((2, component.rank + 1))
        with refuses(DataError, str(X.shape[1] - 1)):
            component.transform(X[:, :-1])
        with refuses(DataError, str(component.rank + 1)):
            component.inverse_transform(too_many)
        with refuses(DataError):
            self.build().fit(X, Y[:-1], self.emulator() if component.needs_emulator else None)
