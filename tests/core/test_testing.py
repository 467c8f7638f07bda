"""The conformance kit passes honest toys and catches each kind of dishonest one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase.data import chemical_symbols

from xreg.core.config import Config
from xreg.core.data.samples import Parameters
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import SampleError
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.interfaces import (
    Descriptor,
    Emulator,
    FeatureLabel,
)
from xreg.core.testing import DecomposerSuite, DescriptorSuite, EmulatorSuite, GeneratorSuite
from xreg_tests.kit import TOY, Absolute, Axes, Line, Linear, Shell, check


class TestShell(DescriptorSuite):
    component = Shell
    waive = TOY


class RowConfig(Config):
    pass


class Rows(Descriptor):
    """The parameters themselves."""

    name = "toy-rows"
    Config = RowConfig
    accepts = Parameters

    def fit(self, samples: Any, y: Any = None) -> Rows:
        self.names_ = list(samples.names)
        return self

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        self.require_fitted()
        return [FeatureLabel(name) for name in self.names_]

    def transform(self, samples: Any) -> np.ndarray:
        self.require_fitted()
        return np.array(samples.values[: len(samples)], dtype=float)


class TestRows(DescriptorSuite):
    component = Rows
    waive = TOY


class TestLinear(EmulatorSuite):
    component = Linear
    waive = TOY


class BondLinear(Linear):
    """The same on the O–H distances of water molecules: an emulator that takes samples."""

    name = "toy-bond-linear"
    takes = "samples"

    @staticmethod
    def bonds(samples: Any) -> np.ndarray:
        rows = []
        for s in samples:
            if strange := set(s.numbers.tolist()) - {1, 8}:
                raise SampleError(f"sample '{s.id}' contains {chemical_symbols[min(strange)]}.")
            if not np.isfinite(s.positions).all():
                raise SampleError(f"sample '{s.id}' has positions that are not finite.")
            ends = s.positions[s.numbers == 1] - s.positions[s.absorber]
            rows.append(np.sort(np.linalg.norm(ends, axis=1)))
        return np.array(rows).reshape(-1, 2)

    def _fit(self, X: Any, Y: np.ndarray, validation: Any) -> None:
        super()._fit(self.bonds(X), Y, validation)

    def _predict(self, X: Any) -> tuple[np.ndarray, None]:
        return super()._predict(self.bonds(X))


class TestBondLinear(EmulatorSuite):
    component = BondLinear
    waive = TOY


class TestAxes(DecomposerSuite):
    component = Axes
    waive = TOY


class TestLine(GeneratorSuite):
    component = Line
    waive = TOY


class Ordered(Shell):
    """Depends on the order of the atoms."""

    def transform(self, samples: Any) -> np.ndarray:
        extra = [
            [s.positions[-1] @ s.positions[-1] - s.positions[0] @ s.positions[0]] for s in samples
        ]
        return super().transform(samples) + extra


class Random(Shell):
    """Uses the global random state."""

    def transform(self, samples: Any) -> np.ndarray:
        return super().transform(samples) + np.random.normal()  # noqa: NPY002


class Centring(Shell):
    """Moves its input."""

    def transform(self, samples: Any) -> np.ndarray:
        samples.positions -= samples.positions.mean(axis=0)
        return super().transform(samples)


class Batchwise(Shell):
    """Subtracts the mean of whatever stands in one call."""

    def transform(self, samples: Any) -> np.ndarray:
        features = super().transform(samples)
        return features - (features.mean(axis=0) if len(features) else 0)


class Constant(Shell):
    """Says nothing."""

    def transform(self, samples: Any) -> np.ndarray:
        return np.ones_like(super().transform(samples))


class Single(Shell):
    """Returns single precision."""

    def transform(self, samples: Any) -> np.ndarray:
        return super().transform(samples).astype(np.float32)


class Mislabelled(Shell):
    """Has one label too many."""

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        return [*super().feature_labels, FeatureLabel("one more")]


class Twice(Shell):
    """Gives two columns one name."""

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        return [FeatureLabel("r") for _ in super().feature_labels]


class Lenient(Shell):
    """Ignores elements that it does not know."""

    def transform(self, samples: Any) -> np.ndarray:
        try:
            return super().transform(samples)
        except SampleError:
            return np.zeros((len(samples), len(self.species_)))


class Remembering(Shell):
    """A second fit adds to the first."""

    def fit(self, samples: Any, y: Any = None) -> Shell:
        self.count_ = getattr(self, "count_", 0) + 1
        return super().fit(samples)

    def transform(self, samples: Any) -> np.ndarray:
        return super().transform(samples) + self.count_


class Forgetful(Shell):
    """Does not save all that it learned."""

    def fit(self, samples: Any, y: Any = None) -> Shell:
        self._scale = float(len(samples))
        return super().fit(samples)

    def transform(self, samples: Any) -> np.ndarray:
        return super().transform(samples) * getattr(self, "_scale", 1.0)


@pytest.mark.parametrize(
    ("component", "name"),
    [
        (Absolute, "translation"),
        (Absolute, "rotation"),
        (Ordered, "permutation"),
        (Random, "determinism"),
        (Random, "no_side_effects"),
        (Centring, "no_side_effects"),
        (Batchwise, "batches"),
        (Constant, "features"),
        (Single, "features"),
        (Mislabelled, "feature_labels"),
        (Twice, "feature_labels"),
        (Lenient, "unknown_element"),
        (Remembering, "refit"),
    ],
)
def test_catches_descriptor(component: type, name: str) -> None:
    with pytest.raises((AssertionError, ValueError, pytest.fail.Exception)):
        check(DescriptorSuite, component, name)


def test_catches_lost_state(tmp_path: Any) -> None:
    case = type("Case", (DescriptorSuite,), {"component": Forgetful})()
    with pytest.raises(AssertionError):
        case.test_save_load(tmp_path)


class Careless(Linear):
    """Predicts before it was fitted."""

    def require_fitted(self) -> None:
        self.n_features_in_, self.target_ndim_, self.weight_ = 5, 2, np.zeros((6, 7))


class Detached(Linear):
    """Its view is another function than its prediction."""

    def torch_view(self) -> Any:
        view = super().torch_view()
        return lambda x: view(x.detach()) + 1e-3 * x.sum(1, keepdim=True)


class Mean(Linear):
    """Learns nothing but the mean."""

    def _fit(self, X: Any, Y: np.ndarray, validation: Any) -> None:
        self.weight_ = np.vstack([Y.mean(axis=0), np.zeros((X.shape[1], Y.shape[1]))])


@pytest.mark.parametrize(
    ("component", "name"),
    [
        (Careless, "not_fitted"),
        (Detached, "torch_view"),
        (Detached, "torch_gradient"),
        (Mean, "learns"),
    ],
)
def test_catches_emulator(component: type, name: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(EmulatorSuite, component, name)


class Skewed(Axes):
    """Its directions are not orthogonal."""

    def fit(self, X: Any, Y: Any, emulator: Emulator | None = None) -> Axes:
        super().fit(X, Y, emulator)
        self.components_ = self.components_ + 0.1
        return self


@pytest.mark.parametrize("name", ["orthonormal", "round_trip"])
def test_catches_decomposer(name: str) -> None:
    with pytest.raises(AssertionError):
        check(DecomposerSuite, Skewed, name)


class Swallowing(Line):
    """Fills what it cannot compute with zeros."""

    def generate(self, sample: Any) -> Spectrum:
        try:
            return super().generate(sample)
        except SampleError:
            return Spectrum({"xas": np.zeros(41)})


def test_catches_generator() -> None:
    with pytest.raises(pytest.fail.Exception):
        check(GeneratorSuite, Swallowing, "bad_sample")


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Declare the toy wrongly: another settings class."""
    return [ComponentSpec("descriptor", "toy-shell", RowConfig, f"{__name__}:Shell", "A toy.")]
