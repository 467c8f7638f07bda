"""The conformance kit passes honest toys and catches each kind of dishonest one."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from ase.data import chemical_symbols
from pydantic import BaseModel

from xreg.core.config import Config, setting
from xreg.core.data.samples import Parameters
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import DataError, NotFittedError, SampleError
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.interfaces import (
    Decomposer,
    Descriptor,
    Emulator,
    FeatureLabel,
    SpectrumGenerator,
)
from xreg.core.settings_in_words import unbounded
from xreg.core.testing import DecomposerSuite, DescriptorSuite, EmulatorSuite, GeneratorSuite

TOY = {name: "a toy without a plugin" for name in ("declaration", "light_declaration")}


class ShellConfig(Config):
    cutoff: float = setting(6.0, unit="Å", gt=0, le=20, description="Radius of the shell.")


class Shell(Descriptor):
    """Number and mean distance of the atoms of each element about the absorber."""

    name = "toy-shell"
    Config = ShellConfig

    def fit(self, samples: Any, y: Any = None) -> Shell:
        self.species_ = np.array(samples.species())
        return self

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        self.require_fitted()
        return [FeatureLabel(f"sum exp(-r) of {z}") for z in self.species_]

    def transform(self, samples: Any) -> np.ndarray:
        self.require_fitted()
        features = np.zeros((len(samples), len(self.species_)))
        for i, s in enumerate(samples):
            shift = s.positions - s.positions[s.absorber]
            distance = np.linalg.norm(shift, axis=1)
            for j, z in enumerate(self.species_):
                features[i, j] = np.exp(-distance[s.numbers == z]).sum()
            if unknown := set(s.numbers.tolist()) - set(self.species_.tolist()):
                from ase.data import chemical_symbols

                symbol = chemical_symbols[unknown.pop()]
                raise SampleError(f"sample '{s.id}' holds {symbol}, which fit never saw.")
        return features


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


class LinearConfig(Config):
    alpha: float = setting(1e-3, ge=0, description="Strength of the ridge.")


class Linear(Emulator):
    """Ridge regression."""

    name = "toy-linear"
    Config = LinearConfig

    def _fit(self, X: Any, Y: np.ndarray, validation: Any) -> None:
        A = np.column_stack([np.ones(len(X)), X])
        self.weight_ = np.linalg.solve(A.T @ A + self.config.alpha * np.eye(A.shape[1]), A.T @ Y)

    def _predict(self, X: Any) -> tuple[np.ndarray, None]:
        return self.weight_[0] + X @ self.weight_[1:], None

    def torch_view(self) -> Any:
        import torch

        weight = torch.as_tensor(self.weight_)
        return lambda x: weight[0] + x @ weight[1:]


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


class AxesConfig(Config):
    components: int = setting(3, ge=1, le=100, description="Number of directions.")


class Axes(Decomposer):
    """Principal axes of X."""

    name = "toy-axes"
    Config = AxesConfig

    def fit(self, X: Any, Y: Any, emulator: Emulator | None = None) -> Axes:
        if emulator is None:
            raise DataError("decomposer 'toy-axes' needs an emulator.")
        if len(X) != len(Y):
            raise DataError(f"{len(X)} rows of features and {len(Y)} of targets differ.")
        self.components_ = np.linalg.svd(X, full_matrices=False)[2][: self.config.components]
        return self

    @property
    def rank(self) -> int:
        self.require_fitted()
        return len(self.components_)

    def transform(self, X: Any) -> np.ndarray:
        self.require_fitted()
        if X.shape[1] != self.components_.shape[1]:
            raise DataError(f"features have {X.shape[1]} columns, not those of fit.")
        return X @ self.components_.T

    def inverse_transform(self, t: Any) -> np.ndarray:
        self.require_fitted()
        if t.shape[1] > self.rank:
            raise DataError(f"{t.shape[1]} scores for {self.rank} directions.")
        return t @ self.components_[: t.shape[1]]


class TestAxes(DecomposerSuite):
    component = Axes
    waive = TOY


class LineConfig(Config):
    width: float = setting(1.0, unit="eV", gt=0, le=10, description="Width of the line.")


class Line(SpectrumGenerator):
    """A Gaussian at ten times the distance between the first two atoms."""

    name = "toy-line"
    Config = LineConfig

    def grids(self) -> dict[str, np.ndarray]:
        return {"xas": np.linspace(0, 20, 41)}

    def generate(self, sample: Any) -> Spectrum:
        at = 10 * float(np.linalg.norm(sample.positions[1] - sample.positions[0]))
        if not np.isfinite(at):
            raise SampleError(f"sample '{sample.id}' has positions that are not finite.")
        line = np.exp(-(((self.grids()["xas"] - at) / self.config.width) ** 2))
        return Spectrum({"xas": line})

    def version(self) -> str:
        return "toy 1.0"


class TestLine(GeneratorSuite):
    component = Line
    waive = TOY


# Dishonest toys: the named check, and the kit's own rules, must fail on each ----------------------


def check(suite: type, component: type, name: str, **attributes: Any) -> None:
    """Run one check of a suite on a component."""
    body = {"component": component, **attributes}
    getattr(type("Case", (suite,), body)(), f"test_{name}")()


class Absolute(Shell):
    """Keeps where the absorber stands: neither turning nor shifting leaves it alone."""

    def transform(self, samples: Any) -> np.ndarray:
        return super().transform(samples) + [[s.positions[s.absorber].sum()] for s in samples]


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


def test_waivers_need_a_name_and_a_reason() -> None:
    with pytest.raises(AssertionError, match="no such check"):
        check(DescriptorSuite, Shell, "waivers", waive={"rotations": "a slip of the pen"})
    with pytest.raises(AssertionError, match="reason"):
        check(DescriptorSuite, Shell, "waivers", waive={"rotation": " "})
    check(DescriptorSuite, Absolute, "waivers", waive={"rotation": "the beam fixes an axis"})


class Loose(Config):
    """Some settings are bounded, some are not."""

    class Inner(BaseModel):
        radius: float

    a: int = setting(1, description="Any integer.")
    b: str = setting("x", description="Any text.")
    c: float | None = setting(None, description="Any number or none.")
    d: list[float] = setting([], description="Any numbers.")
    e: Inner = setting(Inner(radius=1), description="A number inside.")
    f: dict[str, float] = setting({}, description="Any table.")
    g: bool = setting(True, description="A choice.")
    h: int | None = setting(None, ge=0, description="A bounded number or none.")
    i: list[float] = setting([1.0], min_length=1, description="At least one.")


def test_unbounded_settings_are_found() -> None:
    assert unbounded(Loose) == ["a", "b", "c", "d", "e", "f"]


def test_undeclared_component() -> None:
    with pytest.raises(AssertionError, match="no installed plugin declares descriptor 'toy-shell'"):
        check(DescriptorSuite, Shell, "declaration")


@hookimpl
def xreg_components() -> list[ComponentSpec]:
    """Declare the toy wrongly: another settings class."""
    return [ComponentSpec("descriptor", "toy-shell", RowConfig, f"{__name__}:Shell", "A toy.")]


class Wrongly(DescriptorSuite):
    component = Shell
    plugin: ClassVar[str] = __name__


def test_wrong_declaration() -> None:
    with pytest.raises(AssertionError):
        Wrongly().test_declaration()
    assert NotFittedError.exit_code == 2
