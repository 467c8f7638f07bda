"""Honest components, and one dishonest, for the conformance kit."""

from __future__ import annotations

from typing import Any

import numpy as np

from xreg.core.config import Config, setting
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import DataError, SampleError
from xreg.core.interfaces import (
    Decomposer,
    Descriptor,
    Emulator,
    FeatureLabel,
    SpectrumGenerator,
)

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


# Dishonest toys: the named check, and the kit's own rules, must fail on each ----------------------


def check(suite: type, component: type, name: str, **attributes: Any) -> None:
    """Run one check of a suite on a component."""
    body = {"component": component, **attributes}
    getattr(type("Case", (suite,), body)(), f"test_{name}")()


class Absolute(Shell):
    """Keeps where the absorber stands: neither turning nor shifting leaves it alone."""

    def transform(self, samples: Any) -> np.ndarray:
        return super().transform(samples) + [[s.positions[s.absorber].sum()] for s in samples]
