"""How a model learned: the training history that it carries, drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xreg.core import storage
from xreg.core.errors import XregError
from xreg.registry.versions.entries import ModelEntry
from xreg.workbench.pages.charts import Chart, Line, chart
from xreg.workbench.pages.places import Place

__all__ = ["training_chart"]

EMULATOR = "model/emulator"
HISTORY = "history_"
MOST_POINTS = 300


def training_chart(place: Place, entry: ModelEntry, *, fetch: bool = False) -> Chart | None:
    """Return the loss of training by epoch.

    None where the model keeps no history, or is not on this machine.
    """
    try:
        folder = place.folder(entry, fetch=fetch)
        if folder is None or not (folder / EMULATOR).is_dir():
            return None
        history = storage.read(folder / EMULATOR)[1].get(HISTORY)
    except (XregError, OSError):
        return None
    if history is None or history.ndim != 2 or len(history) < 2 or history.shape[1] % 2 == 0:
        return None
    rows = history[:: -(-len(history) // MOST_POINTS)].astype(np.float64)
    members = (rows.shape[1] - 1) // 2
    epochs, losses = rows[:, 0], (rows[:, 1 : 1 + members], rows[:, 1 + members :])
    lines = [
        Line(epochs, _logarithm(column), style)
        for style, found in zip(("train", "validation"), losses, strict=True)
        for column in found.T
        if np.isfinite(column).any()
    ]
    if not lines:
        return None
    return chart("Loss by epoch of training", lines, "epoch", "log₁₀ of the loss")


def _logarithm(values: NDArray[np.float64]) -> NDArray[np.float64]:
    good = np.isfinite(values) & (values > 0)
    return np.where(good, np.log10(np.where(good, values, 1.0)), np.nan)
