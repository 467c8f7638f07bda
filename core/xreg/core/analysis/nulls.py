"""What a prediction without any model would score: the nulls that stand beside every rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.context import AnalysisContext
from xreg.core.atoms.fingerprint import fingerprints

__all__ = ["NULLS", "null_predictions"]

NULLS = {
    "nearest": "the most similar training sample",
    "mean": "the mean training spectrum",
    "random": "a random training spectrum",
}
"""The nulls, and what each predicts; without training samples, of the judged ones."""
MOST = 5000  # training samples among which the nearest is looked for
BLOCK = 512


def null_predictions(context: AnalysisContext) -> dict[str, NDArray[np.float64]]:
    """Return (n, m) predictions of the judged part that take no model, by name in :data:`NULLS`.

    The nearest training sample is found by the scaled features that the emulator sees or, for an
    emulator of samples, by :func:`~xreg.core.atoms.fingerprint.fingerprints`; of more than 5,000
    training samples, among so many drawn at random. Where the training samples are not at hand,
    mean and random spectrum are of the judged samples themselves (the random one is another
    sample's), and there is no nearest.
    """
    rng = np.random.default_rng(context.seed)
    judged = context.rows[context.judged]
    if "train" not in context.rows or context.judged == "train":
        known = context.known[judged]
        shift = rng.integers(1, len(judged), len(judged)) if len(judged) > 1 else 0
        return {
            "mean": np.tile(known.mean(axis=0), (len(judged), 1)),
            "random": known[(np.arange(len(judged)) + shift) % len(judged)],
        }
    train = context.rows["train"]
    near = _nearest(context, np.sort(rng.permutation(train)[:MOST]), judged)
    return {
        "nearest": context.known[near],
        "mean": np.tile(context.known[train].mean(axis=0), (len(judged), 1)),
        "random": context.known[rng.choice(train, len(judged))],
    }


def _nearest(
    context: AnalysisContext, train: NDArray[np.intp], judged: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the training row that is nearest to each judged one."""
    if context.model.descriptor is None:
        both = fingerprints(context.samples[np.concatenate([train, judged])])
        known, asked = both[: len(train)], both[len(train) :]
    else:
        known, asked = context.inputs(train), context.inputs(judged)
    squares = np.square(known).sum(axis=1)
    found = [
        (squares - 2 * part @ known.T).argmin(axis=1)
        for part in np.array_split(asked, max(1, len(asked) // BLOCK))
    ]
    return train[np.concatenate(found)]
