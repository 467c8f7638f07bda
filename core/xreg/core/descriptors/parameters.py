"""Parameters as numbers, for the descriptors that take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters
from xreg.core.errors import DataError, SampleError
from xreg.core.text import with_unit

__all__ = ["finite_values", "known_values"]


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


def known_values(
    descriptor: str, samples: Parameters, names: Sequence[str], units: Sequence[str]
) -> NDArray[np.float64]:
    """Return the (n, p) values of samples that have the parameters a descriptor was fitted on.

    Raises
    ------
    DataError
        If they have others, or the same in another order or other units.
    SampleError
        If a value is not finite.
    """
    got = [with_unit(*one) for one in zip(samples.names, samples.units, strict=True)]
    known = [with_unit(*one) for one in zip(names, units, strict=True)]
    if got != known:
        pairs = zip(got, known, strict=False)
        differ = next(
            (f"'{mine}' where '{theirs}' was" for mine, theirs in pairs if mine != theirs),
            f"{len(got)} parameters for {len(known)}",
        )
        raise DataError(
            f"descriptor '{descriptor}' was fitted on other parameters, and got {differ}; give the "
            "same ones in the same order and units."
        )
    return finite_values(samples)
