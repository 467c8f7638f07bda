"""A network of computed spectra, trained on with measured ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.arrays import Array
from xreg.core.data.samples import Samples
from xreg.core.data.splits import make_split, require_groups
from xreg.core.errors import DataError
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.transfer.calibration import (
    FEWEST_GROUPS,
    FEWEST_TO_CORRECT,
    Held,
    grouped_folds,
)
from xreg.core.model.transfer.instrument import Instrument

__all__ = ["FineTuned", "fine_tune"]

STOPPING = 0.15
"""Share of the spectra, of whole groups, that early stopping looks at."""


@dataclass(frozen=True, eq=False)
class FineTuned:
    """A model trained on, and what is done to its predictions behind it.

    Attributes
    ----------
    model
        The model after training; it predicts in the energies and units that it always did.
    instrument
        Shift and scale to measured spectra. The broadening is zero: the network has learned it.
    held
        Errors on held-out groups.
    """

    model: Model
    instrument: Instrument
    held: Held


def fine_tune(
    pipeline: Pipeline, samples: Samples, predicted: Array, known: Array, groups: NDArray[Any],
    reach: float, seed: int = 0,
) -> FineTuned:  # fmt: skip
    """Train the network of a model on with measured spectra, and judge that in folds.

    Shift and scale are found first and undone in the measured spectra, so that the network begins
    near them and sees targets of its own size. Part of the groups, whole ones, stops the training.

    Parameters
    ----------
    pipeline
        With the model to start from.
    samples
        n samples.
    predicted, known
        (n, m) spectra as that model predicts them, and as measured.
    groups
        (n,) what may not be divided between learning and judging.
    reach
        Largest shift that is looked for, in eV.
    seed
        Of the folds, those of :func:`~xreg.core.model.transfer.calibration.calibrate`.

    Raises
    ------
    DataError
        If there are too few spectra or groups, or the pipeline starts from no model.
    """
    start = pipeline.start
    if start is None:
        raise DataError("fine-tuning needs a trained model to start from.")
    require_groups(groups)
    count = len(np.unique(groups))
    if len(known) < FEWEST_TO_CORRECT or count < FEWEST_GROUPS:
        raise DataError(
            f"{len(known)} spectra of {count} group(s) are too few to fine-tune a network; "
            f"{FEWEST_TO_CORRECT} of {FEWEST_GROUPS} groups are needed, 50 and more are good."
        )
    energy, made = start.target.grid, np.empty_like(known)
    folds = list(grouped_folds(groups, seed))

    def train(rows: NDArray[np.intp], done: int) -> tuple[Model, Instrument]:
        progress.report("fine-tuning", done, len(folds) + 1)
        found = Instrument.fit(energy, predicted[rows], known[rows], reach)
        instrument = replace(found, broadening=0.0)
        parts = (1 - STOPPING, STOPPING, 0.0)
        split = make_split(samples.ids[rows], parts, seed=seed, groups=groups[rows])
        learn, stop = (split.indices(samples.ids)[part] for part in ("train", "validation"))
        targets = instrument.undo(energy, known)
        model = pipeline.fit(
            samples[learn], targets[learn], start.target, (samples[stop], targets[stop])
        )
        return model, instrument

    for done, held in enumerate(folds):
        model, instrument = train(np.flatnonzero(~held), done)
        spectra = model.predict_with_spread(model.inputs(samples[np.flatnonzero(held)]))[0]
        made[held] = spectra @ instrument.matrix(energy).T
    model, instrument = train(np.arange(len(known)), len(folds))
    progress.report("fine-tuning", len(folds) + 1, len(folds) + 1)
    return FineTuned(model, instrument, Held.of(energy, predicted, made, known, reach))
