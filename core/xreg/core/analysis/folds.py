"""Folds of everything but the test part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.data.splits import make_folds

__all__ = ["learning_folds"]


def learning_folds(
    context: AnalysisContext, folds: int, repeats: int, group: str | None, seed: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return rows trained on and rows held out, of everything but the test part."""
    pool = np.sort(np.concatenate([rows for part, rows in context.rows.items() if part != "test"]))
    groups = None if group is None else context.label(group, pool)
    found = make_folds(len(pool), folds, repeats=repeats, seed=seed, groups=groups)
    return [(pool[train], pool[held]) for train, held in found]
