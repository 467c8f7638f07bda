"""True and predicted targets of one part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PartResult"]


@dataclass(frozen=True, eq=False)
class PartResult:
    """Targets of one part (train, validation, test) in the units of the data.

    Attributes
    ----------
    ids
        (n,) sample ids.
    known, predicted
        (n, m) true and predicted targets.
    spread
        (n, m) predictive standard deviation, where the emulator has one.
    """

    ids: NDArray[np.str_]
    known: NDArray[np.float64]
    predicted: NDArray[np.float64]
    spread: NDArray[np.float64] | None = None
