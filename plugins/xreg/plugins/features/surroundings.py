"""What importances are drawn beside: where atoms stand, and which features selection takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.atoms.neighbours import neighbours
from xreg.core.data.samples import Structures
from xreg.core.data.splits import make_folds
from xreg.plugins.features.selection import BudgetSpentError, RidgeScorer, forward

__all__ = ["radial_distribution", "selected"]

MOST_STRUCTURES, BINS, FOLDS, ALPHA = 500, 120, 3, 1e-3
Histogram = tuple[NDArray[np.float64], NDArray[np.float64]]


def radial_distribution(context: AnalysisContext, reach: float) -> Histogram | None:
    """Return how many atoms a sample has at which distance (Å) from its absorber.

    Returns
    -------
    edges, counts
        (b + 1,) ends of intervals and (b,) mean number of atoms in each; None for samples that are
        no structures.
    """
    rows = context.rows[context.judged]
    samples = context.samples_of(rows[:: max(1, len(rows) // MOST_STRUCTURES)])
    if not isinstance(samples, Structures):
        return None
    edges = np.linspace(0, reach, BINS + 1)
    counts = np.zeros(BINS)
    for structure in samples:
        counts += np.histogram(neighbours(structure, reach).distances, edges)[0]
    return edges, counts / len(samples)


def selected(context: AnalysisContext, count: int) -> NDArray[np.intp]:
    """Return the first features that forward selection by ridge takes, in their order.

    Of the training samples where they are known, else of the judged ones.
    """
    train = context.rows.get("train", np.empty(0, np.intp))
    rows = train if len(train) else context.rows[context.judged]
    folds = make_folds(len(rows), FOLDS, seed=context.seed)
    scorer = RidgeScorer(context.features_of(rows), context.known[rows], folds, ALPHA)
    calls = 0

    def judge(sets: Sequence[NDArray[np.intp]]) -> NDArray[np.float64]:
        nonlocal calls
        if calls == count:
            raise BudgetSpentError
        calls += 1
        return scorer(sets)

    singles = [np.array([i]) for i in range(len(context.features))]
    return np.array(forward(singles, judge).order, dtype=np.intp)
