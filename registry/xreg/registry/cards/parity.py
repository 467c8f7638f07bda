"""Predicted against true intensities of the test part, in few enough numbers for a card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.registry.versions.entries import ParityEntry

__all__ = ["parity_of"]

BINS = 40
FEWEST = 20
"""Intensities below which a bin says nothing."""
QUANTILES = (0.16, 0.5, 0.84)


def parity_of(run: Path) -> ParityEntry | None:
    """Return how predicted intensities of test samples spread about true ones.

    True intensities are put into bins of equal width; of each with enough of them the median of
    the predicted ones is kept, and the quantiles between which 68 % lie. None where a run predicts
    features, which differ in unit, or kept no predictions.
    """
    import zarr

    place = run / "predictions.zarr"
    if not place.is_dir():
        return None
    root = zarr.open_group(place, mode="r")
    if not {"part", "known", "predicted", "energy"} <= set(root.array_keys()):
        return None
    test = np.array([str(part) == "test" for part in _read(place, "part")])
    if not test.any():
        return None
    known, predicted = (_read(place, name)[test].ravel() for name in ("known", "predicted"))
    good = np.isfinite(known) & np.isfinite(predicted)
    known, predicted = known[good], predicted[good]
    if not len(known) or known.min() == known.max():
        return None
    edges = np.linspace(known.min(), known.max(), BINS + 1)
    number = np.clip(np.searchsorted(edges, known, side="right") - 1, 0, BINS - 1)
    rows = []
    for i in range(BINS):
        own = predicted[number == i]
        if len(own) >= FEWEST:
            rows.append((float(known[number == i].mean()), *np.quantile(own, QUANTILES).tolist()))
    if len(rows) < 2:
        return None
    digits = [[float(f"{value:.5g}") for value in row] for row in rows]
    true, low, median, high = (list(column) for column in zip(*digits, strict=True))
    return ParityEntry(true=true, low=low, median=median, high=high)


def _read(place: Path, name: str) -> NDArray[Any]:
    import zarr

    return np.asarray(zarr.open_array(place, path=name, mode="r")[...])
