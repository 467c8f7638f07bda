"""Before training: samples divided, targets checked, features built into the cache."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.dataset import finite_rows, require_finite
from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, OutsideError, SampleError
from xreg.core.interfaces import Descriptor, FeatureLabel
from xreg.core.model.domain import Domain, Target, require_same_target
from xreg.registry.plugins import host
from xreg.workbench.run.features import Execution, FeatureCache, fit_descriptor
from xreg.workbench.run.recipe import Resolved

__all__ = ["Prepared", "Stages", "prepare", "require_training"]

log = logging.getLogger("xreg.run")


class Stages:
    """Wall time of each named stage, logged and told to whoever watches."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.current = ""
        self._start = time.perf_counter()

    @property
    def total(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._start

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what happens inside the block."""
        self.current = name
        log.info("%s …", name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
        log.info("%s done in %.1f s", name, self.seconds[name])


@dataclass(eq=False)
class Prepared:
    """What is ready before training: samples divided, targets in memory, features in the cache.

    Attributes
    ----------
    resolved
        Recipe and objects.
    target
        What is predicted.
    known
        (n, m) targets of all samples of the dataset.
    rows
        Row numbers of train, validation and test, without samples set aside.
    set_aside
        Id and reason of each sample that was left out.
    descriptor
        Fitted to the training samples; None for an emulator that takes samples.
    remarks
        What the descriptor says about the training samples, a sentence each.
    colours
        Features of the recipe's second descriptor, (n,) for all samples each, and their units.
    looks
        How often the lockbox was looked at, where the recipe tests on it.
    """

    resolved: Resolved
    target: Target
    known: NDArray[np.float64]
    rows: dict[str, NDArray[np.intp]]
    set_aside: list[dict[str, str]] = field(default_factory=list)
    descriptor: Descriptor | None = None
    remarks: list[str] = field(default_factory=list)
    colours: dict[str, tuple[NDArray[np.float64], str]] = field(default_factory=dict)
    looks: dict[str, Any] | None = None

    @property
    def features(self) -> list[FeatureLabel]:
        """What the descriptor's columns mean; empty without one."""
        return [] if self.descriptor is None else list(self.descriptor.feature_labels)


def prepare(resolved: Resolved, execution: Execution, stages: Stages) -> Prepared:
    """Divide the samples, check the targets, and build all features into the cache.

    Raises
    ------
    DataError, SampleError
        If a sample's spectrum or features are not finite, or the descriptor cannot describe it,
        and the recipe refuses bad samples.
    """
    recipe, dataset, channel = resolved.recipe, resolved.dataset, resolved.channel
    ids = dataset.samples.ids
    refuse = recipe.bad == "refuse"
    with stages("targets"):
        known = np.asarray(channel.intensity, dtype=np.float64)
        what = f"channel '{recipe.target.channel}' of dataset '{dataset.metadata.name}'"
        if refuse:
            require_finite(known, ids, what, "set them aside (bad: set-aside)")
        bad = {
            row: f"{what} is not finite there"
            for row in np.flatnonzero(~finite_rows(known)).tolist()
        }
        divided = resolved.split.indices(ids)
    ready_bad = dict(bad)
    target = Target(str(recipe.target.channel), channel.energy, channel.features, channel.unit)
    start = resolved.pipeline.start
    if start is not None:
        require_same_target(start.target, target)
    ready = Prepared(resolved, target, known, _without(divided, bad))
    require_training(len(ready.rows["train"]))
    if resolved.pipeline.descriptor is not None:
        with stages("features"):
            _describe(ready, resolved.pipeline.descriptor, divided, bad, execution)
    else:
        bad |= _not_described(ready, divided, bad)
        ready.rows = _without(divided, bad)
    ready.remarks += _of_start(ready)
    ready.remarks += _left_out(divided, {r: bad[r] for r in bad if r not in ready_bad}, ids)
    for remark in ready.remarks:
        log.warning("%s", remark)
    if recipe.report.descriptor is not None:
        with stages("colours"):
            ready.colours = _colours(ready, recipe.report.descriptor, execution)
    ready.set_aside = [{"id": str(ids[row]), "reason": bad[row]} for row in sorted(bad)]
    for entry in ready.set_aside:
        log.warning("set aside: %s: %s", entry["id"], entry["reason"])
    return ready


def _of_start(ready: Prepared) -> list[str]:
    """Say what the training starts from, what of its code has changed, and what it has seen."""
    start = ready.resolved.start
    if start is None:
        return []
    judged = ready.resolved.dataset.samples.ids[ready.rows["test"]].tolist()
    began = f"Training began with the weights of {start.section.title}"
    return [
        f"{began} (hash {start.section.hash}); its descriptor, filter and scalings are kept.",
        *(f"Of the model to start from: {change}" for change in start.model.changes()),
        *filter(None, [start.seen(judged)]),
    ]


def _describe(
    ready: Prepared,
    unfitted: Descriptor,
    divided: dict[str, NDArray[np.intp]],
    bad: dict[int, str],
    execution: Execution,
) -> None:
    """Build the features; note in ``bad`` which samples have none, or teach a descriptor none."""
    resolved, samples = ready.resolved, ready.resolved.dataset.samples
    refuse = resolved.recipe.bad == "refuse"
    start = resolved.pipeline.start
    descriptor = unfitted.__sklearn_clone__() if start is None else start.features.descriptor
    cache = _cache(resolved, execution)

    def without(new: dict[int, str], faults: dict[int, str]) -> None:
        if refuse and faults:
            raise SampleError(_refusal(faults, samples.ids))
        bad.update(new)
        ready.rows = _without(divided, bad)
        require_training(len(ready.rows["train"]))

    while True:
        given = start is not None
        unlearnt = {} if given else fit_descriptor(descriptor, samples, ready.rows["train"])
        if unlearnt:
            without(unlearnt, unlearnt)
        cache.build(descriptor)
        new = {row: why for row, why in cache.bad.items() if row not in bad}
        used = np.concatenate(list(ready.rows.values()))
        if not new or not np.isin(list(new), used).any():
            break
        # What is learned from the samples that remain may differ: fit and look again.
        without(new, _faults(new, descriptor, samples, ready))
    resolved.pipeline.featurize = cache
    ready.descriptor = descriptor
    log.info("%d of %d samples described anew", cache.computed, len(samples))
    ready.remarks = list(descriptor.remarks)


def _cache(resolved: Resolved, execution: Execution) -> FeatureCache:
    return FeatureCache(resolved.dataset.samples, resolved.dataset.hash, execution)


def _colours(
    ready: Prepared, name: str, execution: Execution
) -> dict[str, tuple[NDArray[np.float64], str]]:
    """Return the features of a second descriptor; NaN for samples that are not used."""
    samples = ready.resolved.dataset.samples
    descriptor: Descriptor = host().build("descriptor", name, {})
    fit_descriptor(descriptor, samples, ready.rows["train"])
    used = np.sort(np.concatenate(list(ready.rows.values())))
    labels = descriptor.feature_labels
    table = np.full((len(samples), len(labels)), np.nan)
    cache = _cache(ready.resolved, execution)
    cache.build(descriptor)
    used = used[~np.isin(used, list(cache.bad))]  # a sample without a colour is still a sample
    table[used] = cache(descriptor, samples[used])
    return {label.name: (table[:, i], label.unit) for i, label in enumerate(labels)}


def _not_described(
    ready: Prepared, divided: dict[str, NDArray[np.intp]], bad: dict[int, str]
) -> dict[int, str]:
    """Return why an emulator of samples says nothing of some, by row.

    It cannot use them, or they hold an element that it never saw.

    Raises
    ------
    SampleError
        If the recipe refuses bad samples, and one is trained on or has a fault of its own.
    """
    resolved = ready.resolved
    samples = resolved.dataset.samples
    rows = np.sort(np.concatenate(list(ready.rows.values())))
    found_unusable = dict(resolved.pipeline.emulator.unusable(samples[rows]))
    if start := resolved.pipeline.start:  # whose network has no place for other elements
        for place, reason in start.domain.outside_domain(samples[rows]).items():
            found_unusable.setdefault(place, OutsideError(reason))
    unusable = {int(rows[place]): why for place, why in found_unusable.items()}
    trained = set(ready.rows["train"].tolist())
    faults = {
        row: str(why)
        for row, why in unusable.items()
        if row in trained or not isinstance(why, OutsideError)
    }
    if resolved.recipe.bad == "refuse" and faults:
        raise SampleError(_refusal(faults, samples.ids))
    found = {row: str(why) for row, why in unusable.items()}
    ready.rows = _without(divided, bad | found)
    require_training(len(ready.rows["train"]))
    return found | _outside_domain(samples, ready)


def _outside_domain(samples: Samples, ready: Prepared) -> dict[int, str]:
    """Return why a sample that is not trained on holds what no training sample does, by row."""
    rows = np.concatenate([ready.rows["validation"], ready.rows["test"]])
    found = Domain.of(samples[ready.rows["train"]]).outside_domain(samples[rows])
    return {int(rows[place]): why for place, why in found.items()}


def _faults(
    new: dict[int, str], descriptor: Descriptor, samples: Samples, ready: Prepared
) -> dict[int, str]:
    """Return those samples that cannot be described through a fault of their own.

    A sample that is only judged and lies outside of what was trained on is none of them.
    """
    judged = set(np.concatenate([ready.rows["validation"], ready.rows["test"]]).tolist())
    trained = set(ready.rows["train"].tolist())
    outside = set(_outside_domain(samples, ready)) if judged & set(new) else set()
    faults = {}
    for row, why in new.items():
        if row not in judged | trained:
            continue
        if row in judged and row not in outside:
            try:
                descriptor.transform(samples[row : row + 1])
            except OutsideError:
                outside.add(row)
            except SampleError:
                pass
        if row not in judged or row not in outside:
            faults[row] = why
    return faults


def _left_out(
    divided: dict[str, NDArray[np.intp]], bad: dict[int, str], ids: NDArray[np.str_]
) -> list[str]:
    """Return a sentence for each part that lost samples to what the method cannot describe."""
    found = []
    for part, rows in divided.items():
        lost = [row for row in rows.tolist() if row in bad]
        if lost:
            names = ", ".join(str(ids[row]) for row in lost[:5]) + (", …" if len(lost) > 5 else "")
            found.append(
                f"{len(lost):,} of {len(rows):,} {part} samples are left out, and scores are over "
                f"the rest ({names}): {bad[lost[0]].rstrip('.')}."
            )
    return found


def _without(
    divided: dict[str, NDArray[np.intp]], bad: dict[int, str]
) -> dict[str, NDArray[np.intp]]:
    out = np.array(sorted(bad), dtype=np.intp)
    return {part: rows[~np.isin(rows, out)] for part, rows in divided.items()}


def require_training(count: int) -> None:
    """Refuse to train on fewer than two samples."""
    if count < 2:
        raise DataError("fewer than two training samples remain; use another split or dataset.")


def _refusal(bad: dict[int, str], ids: NDArray[np.str_]) -> str:
    first = min(bad)
    text = bad[first].rstrip(".")
    named = text if str(ids[first]) in text else f"sample '{ids[first]}': {text}"
    count = f"{len(bad)} such samples" if len(bad) > 1 else "the only such sample"
    return f"{named} ({count}; 'bad: set-aside' leaves them out)."
