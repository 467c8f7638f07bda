"""A small fitted model, for checks of what looks at models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.config import Config
from xreg.core.data.dataset import Metadata
from xreg.core.data.samples import Parameters, Samples
from xreg.core.interfaces import Descriptor, Emulator, FeatureLabel
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.core.testing.examples import parameters

__all__ = ["fitted_context"]


class _Settings(Config):
    """No settings."""


class _Columns(Descriptor[_Settings]):
    """The parameters themselves."""

    name: ClassVar[str] = "columns"
    Config = _Settings
    accepts: ClassVar[type[Samples]] = Parameters

    def fit(self, samples: Samples, y: object = None) -> _Columns:
        assert isinstance(samples, Parameters)
        self.names_ = list(samples.names)
        return self

    def transform(self, samples: Samples) -> Array:
        assert isinstance(samples, Parameters)
        return np.asarray(samples.values, dtype=np.float64)

    @property
    def feature_labels(self) -> Sequence[FeatureLabel]:
        return [FeatureLabel(name) for name in self.names_]


class _Line(Emulator[_Settings]):
    """Least squares, with the spread of its residuals as that of every prediction."""

    name: ClassVar[str] = "line"
    Config = _Settings
    weights_: NDArray[Any]
    spread_: NDArray[Any]

    def _fit(self, X: Array, Y: Array, validation: tuple[Array, Array] | None) -> None:
        table = np.column_stack([X, np.ones(len(X))])
        self.weights_ = np.linalg.lstsq(table, Y, rcond=None)[0]
        self.spread_ = (Y - table @ self.weights_).std(axis=0) + 1e-6

    def _predict(self, X: Array) -> tuple[Array, Array | None]:
        mean = np.column_stack([X, np.ones(len(X))]) @ self.weights_
        # Further out it is less sure, so that the spread says something.
        far = 1 + np.abs(X).mean(axis=1, keepdims=True)
        return mean, far * self.spread_


def fitted_context(n: int = 60, seed: int = 0) -> AnalysisContext:
    """Return a linear model of n parameter sets, whose spectra have two groups of lines.

    Two thirds of the samples train, half of the rest validate, the last test.
    """
    samples = parameters(n, seed)
    energy = np.linspace(0.0, 30.0, 121)
    rng = np.random.default_rng(seed)
    table = np.asarray(samples.values)
    place, split, scale = table[:, :1], table[:, 1:2], table[:, 2:]
    known = scale * np.exp(-(((energy - 6 - place) / 0.8) ** 2))
    known = known + 0.5 * np.exp(-(((energy - 20 - place - 4 * split) / 1.2) ** 2))
    known = known + 1e-3 * rng.random(known.shape)
    cut, last = 2 * n // 3, (5 * n) // 6
    order = rng.permutation(n)
    rows = {
        "train": np.sort(order[:cut]),
        "validation": np.sort(order[cut:last]),
        "test": np.sort(order[last:]),
    }
    target = Target("xas", energy, (), "arb. units")
    model = Pipeline(_Line(), _Columns()).fit(samples[rows["train"]], known[rows["train"]], target)
    return AnalysisContext(
        Metadata(name="example", version="1.0.0", title="Example", licence="CC0-1.0"),
        target,
        samples,
        known,
        rows,
        labels={"kind": np.where(table[:, 0] > 1.5, "high", "low"), "place": table[:, 0]},
        label_units={"place": "eV"},
        retrainable=True,
        model=model,
    )
