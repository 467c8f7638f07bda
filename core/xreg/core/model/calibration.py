"""Whether a predicted spread fits the errors, and what it must be scaled by to do so."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["spread_factor"]

WITHIN = math.erf(math.sqrt(0.5))  # 68.3 % of normal errors lie within one standard deviation


def spread_factor(errors: NDArray[np.float64], spread: NDArray[np.float64]) -> float:
    """Return the factor after which as many errors lie within the spread as if they were normal.

    That is 68.3 %. A root mean square of errors over spreads would be no measure: where two
    networks happen to agree the spread is nearly zero, and a few such points decide it.

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
    factor = float(np.quantile(np.abs(errors[claimed]) / spread[claimed], WITHIN))
    return factor if factor > 0 else 1.0
