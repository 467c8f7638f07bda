"""Predictions of samples by models that were not trained on them, fold by fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.arrays import Array
from xreg.core.data.splits import make_folds
from xreg.core.errors import SampleError

__all__ = ["HeldOut", "out_of_fold"]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Predictions of n samples by models that did not see them.

    Attributes
    ----------
    rows
        (n,) row numbers of the samples.
    predicted, spread
        (n, m) targets in the units of the data, and their spread where the emulator has one.
    distance
        (n,) distance to the samples that were trained on, among the model's features; ones
        without features.
    trained
        Row numbers that each fold was trained on, and where in ``rows`` those stand that it
        predicted.
    """

    rows: NDArray[np.intp]
    predicted: Array
    spread: Array | None
    distance: Array
    trained: list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def out_of_fold(
    context: AnalysisContext,
    pool: NDArray[np.intp],
    folds: int,
    groups: NDArray[Any] | None,
    validation: NDArray[np.intp] | None = None,
) -> HeldOut | None:
    """Predict each sample by a model trained on the other folds.

    Parameters
    ----------
    context
        Whose emulator is trained anew.
    pool
        Row numbers of the samples.
    folds
        Number of folds; fewer where there are fewer groups.
    groups
        Group of each, which no fold divides; None for none.
    validation
        Row numbers of samples for early stopping and for the scale of a spread, none of ``pool``.

    Returns
    -------
    HeldOut or None
        Without the samples of folds that hold what the others do not know; None where that leaves
        nothing, or there are fewer than two groups.
    """
    parts = min(folds, len(pool) if groups is None else len(np.unique(groups)))
    if parts < 2:
        return None
    shape = len(pool), context.known.shape[1]
    predicted, spread = np.full(shape, np.nan), np.full(shape, np.nan)
    distance, certain, trained = np.ones(len(pool)), True, []
    for fit, held in make_folds(len(pool), parts, seed=context.seed, groups=groups):
        # Not those with elements of which the others know nothing.
        judged = held[context.known_from(pool[fit], pool[held])]
        if not len(judged):
            continue
        try:
            model = context.refit(pool[fit], validation)
            inputs = model.inputs(pool[judged])
            mean, std = model.emulator.predict_with_spread(inputs)
        except SampleError:
            continue  # a fold from which nothing can be learned; its samples judge nothing
        predicted[judged] = model.targets.inverse_transform(mean)
        certain &= std is not None
        if std is not None:
            spread[judged] = model.targets.inverse_transform_std(std, mean)
        novelty = context.model.novelty
        distance[judged] = novelty.distance(context.inputs(pool[judged]), context.inputs(pool[fit]))
        trained.append((pool[fit], judged))
    done = np.isfinite(predicted).all(axis=1)
    if not done.any():
        return None
    place = np.cumsum(done) - 1
    return HeldOut(
        pool[done],
        predicted[done],
        spread[done] if certain else None,
        distance[done],
        [(fit, place[judged[done[judged]]]) for fit, judged in trained],
    )
