"""Products of box-normalised numbers up to a degree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import PolynomialFeatures

from xreg.core.text import superscript

__all__ = ["powers", "product_names", "products"]


def powers(count: int, degree: int) -> NDArray[np.int64]:
    """Return the (d, p) power of each of p numbers in each product; the constant is left out.

    There are (p + M choose M) - 1 of them for the degree M, in scikit-learn's order.
    """
    if not count:
        return np.empty((0, 0), dtype=np.int64)
    found = PolynomialFeatures(degree, include_bias=False).fit(np.zeros((1, count)))
    return np.asarray(found.powers_, dtype=np.int64)


def products(values: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Return the (n, d) products of (n, p) numbers, in the order of :func:`powers`."""
    if not len(values):
        return np.empty((0, len(powers(values.shape[1], degree))))
    made = PolynomialFeatures(degree, include_bias=False).fit_transform(values)
    return np.asarray(made, dtype=np.float64)


def product_names(names: Sequence[str], powers: NDArray[np.int64]) -> list[str]:
    """Return what each product is called (``Dq²·Ds``)."""
    return [
        "·".join(
            names[i] if row[i] == 1 else names[i] + superscript(int(row[i]))
            for i in np.flatnonzero(row).tolist()
        )
        for row in powers
    ]
