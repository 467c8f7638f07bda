"""Candidates of a search: how they are judged."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.data.samples import Samples
from xreg.core.data.splits import make_folds
from xreg.core.errors import RunError, SampleError
from xreg.core.interfaces import Decomposer, Emulator
from xreg.core.metrics import covered_variance
from xreg.core.model.preprocessing import Preprocessing
from xreg.core.text import counted

__all__ = ["MOST_UNUSABLE", "Fold", "cross_validate", "cross_validation_folds", "score_folds"]

log = logging.getLogger("xreg.search")
# Share of the samples up to which a method may say nothing of them and still be a candidate.
MOST_UNUSABLE = 0.1


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows that train, rows that stop training early, and rows held out that judge."""

    train: NDArray[np.intp]
    stop: NDArray[np.intp]
    held: NDArray[np.intp]


def cross_validation_folds(
    n: int, folds: int, *, repeats: int = 1, seed: int = 0, groups: NDArray[Any] | None = None
) -> list[Fold]:
    """Divide n rows for cross-validation; about a tenth of each training part stops training."""
    found = []
    for rows, held in make_folds(n, folds, repeats=repeats, seed=seed, groups=groups):
        own = None if groups is None else groups[rows]
        parts = min(10, len(rows) if own is None else len(np.unique(own)))
        train, stop = make_folds(len(rows), parts, seed=seed, groups=own)[0]
        found.append(Fold(rows[train], rows[stop], held))
    return found


def cross_validate(
    models: Sequence[Emulator] | Sequence[Decomposer],
    X: Any,
    Y: Array,
    folds: Sequence[Fold],
    preprocessing: Preprocessing,
) -> Array:
    """Return the (c, f) covered variance of c models of one class on f held-out parts.

    Emulators that their class can train together are trained together, fold by fold. Decomposers
    that train their own network are judged by what all their scores predict. Targets are scored as
    they are scaled: raw spectra for one common spread, standardised ones otherwise.

    Parameters
    ----------
    models
        Settings to judge; they are left fitted on the last fold.
    X
        (n, d) features, or n samples; or what gives them for a fold, learned from its training
        rows alone.
    Y
        (n, m) targets.
    folds
        See :func:`cross_validation_folds`.
    preprocessing
        Filter and scalings, learned anew on the training rows of each fold.
    """
    found = score_folds(models, X, Y, folds, preprocessing)
    return np.stack(list(found), axis=1)


def score_folds(
    models: Sequence[Emulator] | Sequence[Decomposer],
    X: Any,
    Y: Array,
    folds: Sequence[Fold],
    preprocessing: Preprocessing,
) -> Iterator[Array]:
    """Do what :func:`cross_validate` does, yielding the (c,) scores of each fold as it ends."""
    given, unusable = X, set[int]()
    for fold in folds:
        X = given(fold) if callable(given) else given
        if isinstance(X, Samples):
            try:
                yield _fold_scores(models, X, Y, fold, preprocessing, unusable)
                continue
            except SampleError:
                # Only then are all looked at, which takes its time.
                found = [m.unusable(X) for m in models if isinstance(m, Emulator)]
                if not any(set(one) - unusable for one in found):
                    raise
                unusable = unusable.union(*found)
                if len(unusable) > MOST_UNUSABLE * len(X):
                    raise
                first = {row: why for one in found for row, why in one.items()}
                log.warning(
                    "%s not used, so predicted by the mean of the training samples (%s): %s",
                    counted(len(unusable), "sample is", "samples are"),
                    ", ".join(X.ids[sorted(unusable)[:5]].tolist())
                    + (", …" if len(unusable) > 5 else ""),
                    first[min(first)],
                )
        else:
            unusable = set(np.flatnonzero(~np.isfinite(X).all(axis=1)).tolist())
        yield _fold_scores(models, X, Y, fold, preprocessing, unusable)


def _fold_scores(
    models: Sequence[Emulator] | Sequence[Decomposer],
    X: Any,
    Y: Array,
    fold: Fold,
    preprocessing: Preprocessing,
    unusable: set[int],
) -> Array:
    """Return the (c,) scores of one fold.

    Samples that a model cannot use are not trained on; their prediction is the mean of the training
    samples, so that all families are judged by the same ones.
    """
    out = sorted(unusable)
    rows = {part: getattr(fold, part) for part in ("train", "stop", "held")}
    rows = {part: own[~np.isin(own, out)] for part, own in rows.items()}
    if not len(rows["stop"]):
        rows["stop"] = rows["train"]
    train, stop = rows["train"], rows["stop"]
    data = preprocessing.prepare(X[train], Y[train], (X[stop], Y[stop]))
    emulators = [model for model in models if isinstance(model, Emulator)]
    if emulators:
        data.fit(emulators)
    for model in models:
        if isinstance(model, Decomposer):  # which stops on a share of its own
            model.fit(data.X, data.Y)
    known = data.targets.transform(Y[fold.held])
    guess = np.tile(data.Y.mean(axis=0), (len(known), 1))
    held = data.scaling.transform(X[rows["held"]])
    usable = ~np.isin(fold.held, out)
    scores = []
    for model in models:
        if usable.any():
            guess[usable] = model.predict(held)
        scores.append(covered_variance(known, guess))
    if not np.isfinite(scores).all():
        first = models[0]
        raise RunError(f"{first.kind} '{first.name}' predicts values that are not finite.")
    return np.array(scores)
