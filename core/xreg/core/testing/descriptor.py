"""Checks of descriptors."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.errors import NotFittedError
from xreg.core.interfaces import Descriptor, FeatureLabel
from xreg.core.model.features import build_features
from xreg.core.testing import examples
from xreg.core.testing.base import close, disturb, refuses, same, untouched
from xreg.core.testing.invariance import InvarianceChecks

__all__ = ["DescriptorSuite"]


class DescriptorSuite(InvarianceChecks):
    """Checks of a descriptor.

    Attributes
    ----------
    component
        The descriptor class.
    """

    component: ClassVar[type[Descriptor]]

    def samples(self) -> Samples:
        """Return the samples to test with (at least three); override for others."""
        if self.component.accepts is Parameters:
            return examples.parameters()
        return examples.clusters()

    def fitted(self) -> Any:
        """Return the descriptor, fitted on the samples."""
        return self.build().fit(self.samples())

    def output(self, component: Any) -> NDArray[np.float64]:
        """Return the features of the samples."""
        return np.asarray(component.transform(self.samples()))

    def structures(self) -> Structures:
        """Return the samples, or skip the check where they are no structures."""
        samples = self.samples()
        if not isinstance(samples, Structures):
            pytest.skip(f"the samples are {samples.kind}")
        return samples

    def answer(self, component: Any, samples: Structures) -> NDArray[np.float64]:
        """Return the features of samples."""
        return build_features(component, samples)

    # Shape and meaning -------------------------------------------------------------------------

    def test_fit_returns_self(self) -> None:
        """``fit`` returns the descriptor and ``fit_transform`` is fit, then transform."""
        component = self.build()
        assert component.fit(self.samples()) is component
        same(self.build().fit_transform(self.samples()), self.output(component))

    def test_features(self) -> None:
        """Features are a finite (n, d) matrix of float64, and not all samples look the same."""
        features = self.output(self.fitted())
        assert isinstance(features, np.ndarray)
        assert features.dtype == np.float64
        assert features.ndim == 2
        assert len(features) == len(self.samples())
        assert features.shape[1] > 0
        assert np.isfinite(features).all()
        assert np.ptp(features, axis=0).max() > 0, "the features do not tell samples apart"

    def test_feature_labels(self) -> None:
        """There is one label a column; names differ; a place on an axis comes with the axis."""
        component = self.fitted()
        labels = list(component.feature_labels)
        assert len(labels) == self.output(component).shape[1]
        assert all(isinstance(label, FeatureLabel) for label in labels)
        names = [label.name for label in labels]
        assert all(name.strip() for name in names)
        assert len(set(names)) == len(names), "two columns have one name"
        assert component.get_feature_names_out().tolist() == names
        axes: dict[str, set[str]] = {}
        places: dict[str, list[float]] = {}
        for label in labels:
            assert (label.at is None) == (not label.axis), label
            if label.at is not None:
                assert label.block, f"a column on an axis belongs to a block: {label}"
                assert np.isfinite(label.at)
                axes.setdefault(label.block, set()).add(label.axis)
                places.setdefault(label.block, []).append(label.at)
        assert all(len(found) == 1 for found in axes.values()), "one block has two axes"
        for block, at in places.items():
            assert np.all(np.diff(at) > 0), f"block '{block}' does not ascend along its axis"

    def test_not_fitted(self) -> None:
        """``transform`` before ``fit`` is refused."""
        with refuses(NotFittedError, self.component.name):
            self.build().transform(self.samples())

    # Continuity, determinism and batches ---------------------------------------------------------

    def test_continuity(self) -> None:
        """A displacement of 1e-6 Å changes features by about as little."""
        samples, rng = self.structures(), np.random.default_rng(5)
        step = 1e-6 * rng.normal(size=samples.positions.shape)
        component = self.fitted()
        near = component.transform(
            examples.replaced(samples, positions=np.asarray(samples.positions) + step)
        )
        close(near, self.output(component), 1e-3)

    def test_determinism(self) -> None:
        """The same samples give the same bits, whatever the global random state."""
        disturb(1)
        first = self.output(self.fitted())
        disturb(2)
        same(self.output(self.fitted()), first)

    def test_batches(self) -> None:
        """Samples one by one, in batches and all at once give the same features."""
        samples, component = self.samples(), self.fitted()
        whole = self.output(component)
        for size in (1, 3):
            parts = [component.transform(part) for part in samples.batches(size)]
            close(np.concatenate(parts), whole, 1e-12)
        close(build_features(component, samples, batch=2), whole, 1e-12)
        assert component.transform(samples[:0]).shape == (0, whole.shape[1])

    def test_lazy(self) -> None:
        """Samples that are read from disk on demand give what samples in memory give."""
        samples = self.samples()
        lazy: Samples
        if isinstance(samples, Structures):
            lazy = examples.replaced(
                samples,
                numbers=examples.Lazy(np.asarray(samples.numbers)),
                positions=examples.Lazy(np.asarray(samples.positions)),
            )
        elif isinstance(samples, Parameters):
            values = examples.Lazy(np.asarray(samples.values))
            lazy = Parameters(samples.ids, values, samples.names, samples.units)
            lazy = lazy.with_labels(samples.labels)
        else:
            pytest.skip(f"no lazy form of {samples.kind}")
        component = self.build().fit(lazy)
        same(build_features(component, lazy), self.output(self.fitted()))

    def test_refit(self) -> None:
        """A second ``fit`` forgets the first."""
        samples = self.samples()
        again = self.build().fit(samples[:1]).fit(samples)
        assert list(again.feature_labels) == list(self.fitted().feature_labels)
        same(self.output(again), self.output(self.fitted()))

    # Side effects -----------------------------------------------------------------------------

    def test_no_side_effects(self) -> None:
        """Neither ``fit`` nor ``transform`` changes its input."""
        samples = self.samples()
        with untouched(*vars(samples).values()):
            self.build().fit(samples).transform(samples)

    # scikit-learn ------------------------------------------------------------------------------

    def test_sklearn_pipeline(self) -> None:
        """The descriptor is a step of scikit-learn's ``Pipeline`` and survives cross-validation."""
        from sklearn.linear_model import Ridge
        from sklearn.model_selection import cross_val_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        samples = self.samples()
        y = np.linspace(0, 1, len(samples))
        # With max_iter unset, Ridge has a closed solution: features of any size will do.
        model = make_pipeline(self.component(**self.settings), StandardScaler(), Ridge())
        assert model.fit(samples, y).predict(samples).shape == y.shape
        folds = [(np.arange(len(y)), np.arange(2)), (np.arange(len(y)), np.arange(2, len(y)))]
        scores = cross_val_score(model, samples, y, cv=folds, error_score="raise")
        assert np.isfinite(scores).all()
