"""Whether a predicted spread fits the errors, and what it must be scaled by to do so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["spread_factor"]


def spread_factor(errors: NDArray[np.float64], spread: NDArray[np.float64]) -> float:
    """Return the factor that gives standardised errors unit variance.

    Parameters
    ----------
    errors
        (n, m) true minus predicted, of samples that training did not see.
    spread
        (n, m) predicted standard deviations; where they are zero nothing is claimed, and the error
        does not count.
    """
    claimed = spread > 0
    if not claimed.any():
        return 1.0
    factor = float(np.sqrt(np.mean(np.square(errors[claimed] / spread[claimed]))))
    return factor if factor > 0 else 1.0
