"""Components whose answers are known, for models that join them."""

from __future__ import annotations

from typing import Any

import numpy as np

from xreg.core.config import Config, setting
from xreg.core.interfaces import Decomposer, Descriptor, Emulator, FeatureLabel


class Empty(Config):
    """No settings."""


class Power(Config):
    power: int = setting(1, ge=1, le=3, description="Power of the distance.")


class Distances(Descriptor):
    name = "distances"
    Config = Power

    def transform(self, samples: Any) -> np.ndarray:
        return np.array(
            [
                np.linalg.norm(s.positions[1:3] - s.positions[0], axis=1) ** self.config.power
                for s in samples
            ]
        ).reshape(-1, 2)

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        return [FeatureLabel("r1", "Å"), FeatureLabel("r2", "Å")]


class Linear(Emulator):
    name = "linear"
    Config = Empty

    def _fit(self, X: Any, Y: Any, validation: Any) -> None:
        self.had_validation_ = validation is not None
        self.weights_ = np.linalg.lstsq(np.c_[X, np.ones(len(X))], Y, rcond=None)[0]

    def _predict(self, X: Any) -> Any:
        mean = np.c_[X, np.ones(len(X))] @ self.weights_
        return mean, np.full_like(mean, 0.5)


class OnSamples(Emulator):
    name = "on-samples"
    Config = Empty
    takes = "samples"

    def _fit(self, X: Any, Y: Any, validation: Any) -> None:
        self.mean_ = Y.mean(0)

    def _predict(self, X: Any) -> Any:
        return np.tile(self.mean_, (len(X), 1)), None


class FirstAxis(Decomposer):
    name = "first-axis"
    Config = Empty

    def fit(self, X: Any, Y: Any, emulator: Any = None) -> FirstAxis:
        self.components_ = np.eye(np.shape(X)[1])
        return self

    @property
    def rank(self) -> int:
        return len(self.components_)

    def transform(self, X: Any) -> np.ndarray:
        return np.asarray(X) @ self.components_.T

    def inverse_transform(self, t: Any) -> np.ndarray:
        return np.asarray(t) @ self.components_[: np.shape(t)[1]]
