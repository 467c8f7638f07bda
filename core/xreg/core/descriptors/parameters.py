"""Parameters as numbers, for the descriptors that take them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters
from xreg.core.errors import SampleError

__all__ = ["finite_values"]


def finite_values(samples: Parameters) -> NDArray[np.float64]:
    """Return the (n, p) values of samples.

    Raises
    ------
    SampleError
        If one of them is not finite.
    """
    values = np.asarray(samples.values[:], dtype=np.float64)
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        i, j = bad[0]
        raise SampleError(
            f"sample '{samples.ids[i]}': the parameter {samples.names[j]} is not finite."
        )
    return values
