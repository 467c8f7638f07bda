"""A decomposer in the place of an emulator: spectra seen through its scores."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.config import Config
from xreg.core.errors import DataError
from xreg.core.interfaces import Decomposer, Emulator

__all__ = ["ThroughScores"]


class ThroughScores(Emulator[Config]):
    """Predicts what all scores of a fitted decomposer say of the spectrum.

    Parameters
    ----------
    decomposer
        One with a network of its own (ednn, nnca), or with its emulator attached.
    features
        Number d of features that it was fitted on.
    """

    name: ClassVar[str] = "through-scores"
    Config = Config

    def __init__(self, decomposer: Decomposer, features: int) -> None:
        super().__init__()
        self.decomposer = decomposer
        self.n_features_in_, self.target_ndim_ = features, 2

    def _fit(self, X: Any, Y: NDArray[np.float64], validation: Any) -> None:
        raise DataError("what a decomposer predicts is trained with the decomposer, not by itself.")

    def _predict(self, X: Any) -> tuple[NDArray[np.float64], None]:
        return self.decomposer.predict(X), None
