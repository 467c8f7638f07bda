"""Many trainings of one emulator, several at once where that pays."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.analysis.context import AnalysisContext, Retrained
from xreg.core.executor import WorkerDiedError, cores, open_workers
from xreg.core.interfaces import Emulator
from xreg.core.model.preprocessing import TrainingData

__all__ = ["Training", "predictable", "retrain"]

log = logging.getLogger("xreg.run")
Rows = NDArray[np.intp]
T = TypeVar("T")
# Workers import everything anew, which takes seconds: shorter work is done here.
WORTHWHILE_SECONDS = 30.0


@dataclass(frozen=True, eq=False)
class Training:
    """One training.

    Attributes
    ----------
    train, validation, columns, seed
        The arguments of :meth:`~xreg.core.analysis.context.AnalysisContext.refit`.
    held
        Rows that the model is judged on; training does not see them.
    """

    train: Rows
    held: Rows
    validation: Rows | None = None
    columns: Rows | None = None
    seed: int | None = None


def retrain(
    context: AnalysisContext,
    trainings: Sequence[Training],
    judge: Callable[[Retrained, Training], T],
    task: str,
) -> list[T]:
    """Train anew, many times, and return what ``judge`` makes of each model, in order.

    The first training is done here. If the others would take long they go to processes, one for
    each core; each training has one thread wherever it runs, so that no number depends on that.
    """
    from threadpoolctl import threadpool_limits

    trainings = [replace(t, held=predictable(context, t.train, t.held)) for t in trainings]
    found: dict[int, T] = {}

    def keep(i: int, model: Retrained) -> None:
        found[i] = judge(model, trainings[i])
        progress.report(task, len(found), len(trainings))

    with threadpool_limits(1):
        start = time.perf_counter()
        keep(0, _fit(context, trainings[0]))
        expected = (time.perf_counter() - start) * (len(trainings) - 1)
        if cores() == 1 or expected < WORTHWHILE_SECONDS:
            for i in range(1, len(trainings)):
                keep(i, _fit(context, trainings[i]))
        else:
            for i, model in _in_processes(context, trainings):
                keep(i, model)
    return [found[i] for i in range(len(trainings))]


def predictable(context: AnalysisContext, train: Rows, held: Rows) -> Rows:
    """Return which held-out rows are judged: those that the training rows say something about."""
    known = context.known_from(train, held)
    if known.all():
        return held
    log.warning(
        "%d of %d held-out samples are not judged: the training samples of their fold hold none of "
        "their elements (first: %s)",
        (~known).sum(), len(known), context.samples.ids[held[~known][0]],
    )  # fmt: skip
    return held[known]


def _prepare(context: AnalysisContext, training: Training) -> tuple[Retrained, Any]:
    return context.prepare(
        training.train, training.validation, columns=training.columns, seed=training.seed
    )


def _fit(context: AnalysisContext, training: Training) -> Retrained:
    return context.refit(
        training.train, training.validation, columns=training.columns, seed=training.seed
    )


def _fitted(item: tuple[int, Emulator, TrainingData[Any]]) -> Emulator:
    _, emulator, data = item
    data.fit([emulator])
    return emulator


def _in_processes(
    context: AnalysisContext, trainings: Sequence[Training]
) -> Iterator[tuple[int, Retrained]]:
    """Yield number and model of all trainings but the first, as they finish."""
    waiting: dict[int, Retrained] = {}

    def items() -> Iterator[tuple[int, Emulator, TrainingData[Any]]]:
        for i in range(1, len(trainings)):
            waiting[i], data = _prepare(context, trainings[i])
            yield i, waiting[i].emulator, data

    with open_workers(workers=min(cores(), len(trainings) - 1)) as workers:
        for (i, _, _), outcome in workers.unordered(_fitted, items()):
            if isinstance(outcome, WorkerDiedError):
                raise outcome
            yield i, replace(waiting.pop(i), emulator=outcome)
