"""What models take in each fold of a search: learned from the fold's training rows alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, SampleError
from xreg.core.interfaces import Descriptor
from xreg.core.model.domain import Domain
from xreg.core.storage import canonical_json, digest
from xreg.core.text import counted
from xreg.workbench.run.features import FeatureCache, fit_descriptor
from xreg.workbench.search.candidates import MOST_UNUSABLE, Fold

__all__ = ["fold_inputs", "predictable_folds"]

log = logging.getLogger("xreg.search")


def fold_inputs(
    cache: FeatureCache,
    build: Callable[[], Descriptor],
    samples: Samples,
    rows: NDArray[np.intp],
    folds: Sequence[Fold],
    *,
    fitted_already: bool = False,
) -> tuple[Callable[[Fold], Any], float]:
    """Return the features of all rows for a fold, and what they cost in seconds for all folds.

    NaN for rows that cannot be described; those that a fold uses are named in the log. What
    ``build`` gives is fitted to each fold, unless it is ``fitted_already``.

    Raises
    ------
    SampleError
        If they are more than a tenth of those that a fold uses.
    """
    fitted: dict[int, Any] = {}
    cost: dict[str, float] = {}
    bad: dict[int, str] = {}
    start = time.process_time()
    for fold in folds:
        descriptor = build()
        fitted[id(fold)] = descriptor
        if fitted_already:
            continue
        for row, why in fit_descriptor(descriptor, samples, rows[fold.train]).items():
            log.warning("'%s' learns nothing from %s: %s", descriptor.name, samples.ids[row], why)
    fitting = time.process_time() - start
    learned = {}
    for fold in folds:
        descriptor = fitted[id(fold)]
        learned[id(fold)] = key = _learned(descriptor)
        if key not in cost:
            cache.build(descriptor)
            cost[key] = cache.seconds
        used = np.concatenate([fold.train, fold.stop, fold.held])
        if wrong := sorted(set(rows[used].tolist()) & set(cache.bad)):
            if len(wrong) > MOST_UNUSABLE * len(used):
                raise SampleError(cache.bad[wrong[0]])
            bad |= {row: cache.bad[row] for row in wrong}
    if bad:
        log.warning(
            "%s of %d not described by '%s', so neither trained on nor predicted but by the mean "
            "of the training samples (%s): %s",
            counted(len(bad), "sample is", "samples are"), len(rows), descriptor.name,
            ", ".join(samples.ids[sorted(bad)[:5]].tolist()) + (", …" if len(bad) > 5 else ""),
            bad[min(bad)],
        )  # fmt: skip
    last: dict[str, Any] = {}

    def give(fold: Fold) -> Any:
        key = learned[id(fold)]
        if key not in last:  # one at a time is in memory
            last.clear()
            descriptor = fitted[id(fold)]
            cache.build(descriptor)
            fine = ~np.isin(rows, list(cache.bad))
            table = np.full((len(rows), len(descriptor.feature_labels)), np.nan)
            table[fine] = cache(descriptor, samples[rows[fine]])
            last[key] = table
        return last[key]

    return give, fitting + sum(cost.values())


def predictable_folds(
    samples: Samples, rows: NDArray[np.intp], folds: Sequence[Fold], where: str
) -> list[Fold]:
    """Leave out, for all families alike, samples with an element that a fold never trains on.

    Else those families would win that say something of any element, or lose for it.
    """
    found, lost = [], set()
    for fold in folds:
        domain = Domain.of(samples[rows[fold.train]])
        parts = []
        for part in (fold.stop, fold.held):
            strange = list(domain.outside_domain(samples[rows[part]]))
            lost |= set(samples.ids[rows[part[strange]]].tolist())
            parts.append(np.delete(part, strange))
        if not all(map(len, parts)):
            raise DataError(
                "no sample of a fold holds only elements that the others train on; use fewer "
                "folds, or another group."
            )
        found.append(Fold(fold.train, *parts))
    if lost:
        log.warning(
            "%s: %s not judged where no training sample holds its elements (%s)",
            where, counted(len(lost), "sample is", "samples are"),
            ", ".join(sorted(lost)[:5]) + (", …" if len(lost) > 5 else ""),
        )  # fmt: skip
    return found


def _learned(descriptor: Any) -> str:
    """Return what stands for all that a descriptor has learned."""
    values, arrays = descriptor.state()
    digests = {key: digest(np.ascontiguousarray(array).tobytes()) for key, array in arrays.items()}
    return digest(canonical_json([values, digests]))
