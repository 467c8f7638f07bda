"""Features of a whole dataset, built once, block by block, and kept in the cache.

A block is a file of consecutive samples' features, named by what it was made from: samples,
descriptor, its code and what that imports, its settings and all that ``fit`` learned. A killed run
therefore goes on where it was, a second run finds everything done, and nothing stale is ever found.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress, storage
from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.data.specimens import Specimens
from xreg.core.errors import SampleError
from xreg.core.executor import ExecutorKind, WorkerDiedError, cores, open_workers
from xreg.core.files import disk_errors
from xreg.core.interfaces import Descriptor
from xreg.core.interfaces.blocks import Blocks
from xreg.core.model.features import require_kind, transformed
from xreg.core.source import libraries, source_hash
from xreg.registry.registries import CACHE_REMEDY, cache_folder, ready_cache

__all__ = ["Execution", "FeatureCache", "fit_descriptor"]

BLOCK_ROWS = 256
# Workers import the descriptor anew, which takes seconds: shorter work is done here.
WORTHWHILE_SECONDS = 20.0


@dataclass(frozen=True, eq=False)
class Block:
    """Features of consecutive samples.

    Attributes
    ----------
    values
        (b, d) features; NaN for samples that could not be described.
    reasons
        Why not, by row of the block.
    seconds
        Processor time that it took to describe them.
    """

    values: NDArray[np.float64]
    reasons: dict[int, str]
    seconds: float


@dataclass(frozen=True)
class Execution:
    """Where costly work runs; no number depends on it.

    Attributes
    ----------
    kind
        Processes of this machine, or a Dask cluster.
    workers
        Items at once; all cores (or threads of the cluster) if not given.
    scheduler
        Address of the Dask scheduler.
    features
        Where features are kept; in the user's cache if not given.
    """

    kind: ExecutorKind = "process"
    workers: int | None = None
    scheduler: str | None = None
    features: Path | None = None

    def pays(self, seconds: float) -> bool:
        """Whether work of that many seconds is better done by several."""
        if self.kind != "process":
            return True
        return (self.workers or cores()) > 1 and seconds > WORTHWHILE_SECONDS


class FeatureCache:
    """Builds and keeps features of the samples of one dataset.

    An instance serves as the ``featurize`` of a :class:`~xreg.core.model.pipeline.Pipeline`.

    Parameters
    ----------
    samples
        All n samples of the dataset; may be lazy.
    content
        Hash of the dataset, or empty: then the samples themselves are hashed.
    execution
        Where costly descriptors run.

    Attributes
    ----------
    bad
        Reason for each row that the descriptor could not describe, filled by :meth:`build`.
    seconds
        Processor time that the features of the descriptor built last took, whenever it was.
    """

    def __init__(
        self,
        samples: Samples,
        content: str,
        execution: Execution | None = None,
    ) -> None:
        self.samples = samples
        self.execution = execution or Execution()
        self.folder = self.execution.features or cache_folder() / "features"
        self.bad: dict[int, str] = {}
        self.computed = 0
        self.seconds = 0.0
        self._content = content or _hash_samples(samples)
        self._ready: dict[Path, tuple[dict[int, str], float]] = {}
        self._row = {name: row for row, name in enumerate(samples.ids.tolist())}

    def __call__(self, descriptor: Descriptor, samples: Samples) -> NDArray[np.float64]:
        """Return the (n, d) features of some samples of the dataset, in their order."""
        if isinstance(descriptor, Blocks):
            return np.hstack([self(part, samples) for part in descriptor.parts.values()])
        rows = np.array([self._row[name] for name in samples.ids.tolist()], dtype=np.intp)
        self.build(descriptor)
        if wrong := sorted(set(rows.tolist()) & set(self.bad)):
            raise SampleError(
                f"descriptor '{descriptor.name}' cannot describe sample "
                f"'{self.samples.ids[wrong[0]]}': {self.bad[wrong[0]]}"
            )
        home = self._home(descriptor)
        features = np.empty((len(rows), len(descriptor.feature_labels)))
        for block in np.unique(rows // BLOCK_ROWS).tolist():
            inside = np.flatnonzero(rows // BLOCK_ROWS == block)
            values = _read(home / _name(block)).values
            features[inside] = values[rows[inside] - block * BLOCK_ROWS]
        return features

    def build(self, descriptor: Descriptor) -> None:
        """Make sure that all blocks for a fitted descriptor exist; list rows it cannot describe.

        Memory holds a few blocks at a time, whatever the size of the dataset. Several descriptors
        are kept one by one.
        """
        if isinstance(descriptor, Blocks):
            bad: dict[int, str] = {}
            seconds = 0.0
            for part in descriptor.parts.values():
                self.build(part)
                bad, seconds = {**self.bad, **bad}, seconds + self.seconds
            self.bad, self.seconds = bad, seconds
            return
        require_kind(descriptor, self.samples)
        home = self._home(descriptor)
        if home in self._ready:
            self.bad, self.seconds = self._ready[home]
            return
        with disk_errors(f"keeping features in '{self.folder}'", CACHE_REMEDY):
            self._build(descriptor, home)

    def _build(self, descriptor: Descriptor, home: Path) -> None:
        if self.execution.features is None:
            ready_cache("features", home.name)
        home.mkdir(parents=True, exist_ok=True)
        blocks = range(-(-len(self.samples) // BLOCK_ROWS))
        width = len(descriptor.feature_labels)
        self.bad, self.seconds = {}, 0.0
        todo = []
        for block in blocks:
            found = _kept(home / _name(block), (len(self._rows(block)), width))
            if found is None:
                todo.append(block)
            else:
                self._note(block, found)
        done = len(blocks) - len(todo)
        task = f"features ({descriptor.name})"
        progress.report(task, min(done * BLOCK_ROWS, len(self.samples)), len(self.samples))
        for block, made in self._blocks(descriptor, todo):
            _write(home / _name(block), made)
            self._note(block, made)
            self.computed += len(made.values)
            done += 1
            progress.report(task, min(done * BLOCK_ROWS, len(self.samples)), len(self.samples))
        self._ready[home] = self.bad, self.seconds

    def _note(self, number: int, block: Block) -> None:
        self.bad |= {number * BLOCK_ROWS + row: why for row, why in block.reasons.items()}
        self.seconds += block.seconds

    def _blocks(self, descriptor: Descriptor, todo: list[int]) -> Iterator[tuple[int, Block]]:
        """Yield blocks and their numbers, as they are ready."""
        if not todo:
            return
        start = time.perf_counter()
        yield todo[0], describe(descriptor, self._part(todo[0]))
        expected = (time.perf_counter() - start) * (len(todo) - 1)
        if not self.execution.pays(expected) or len(todo) == 1:
            for block in todo[1:]:
                yield block, describe(descriptor, self._part(block))
            return
        items = ((block, descriptor, self._part(block)) for block in todo[1:])
        execution = self.execution
        with open_workers(execution.kind, execution.workers, execution.scheduler) as workers:
            for (block, _, _), outcome in workers.unordered(_describe_item, items):
                if isinstance(outcome, WorkerDiedError):
                    raise outcome
                yield block, outcome

    def _rows(self, block: int) -> range:
        low = block * BLOCK_ROWS
        return range(low, min(low + BLOCK_ROWS, len(self.samples)))

    def _part(self, block: int) -> Samples:
        rows = self._rows(block)
        part: Samples = self.samples[rows.start : rows.stop]
        return part

    def _home(self, descriptor: Descriptor) -> Path:
        values, arrays = descriptor.state()
        learned = {
            key: [str(a.dtype), list(a.shape), storage.digest(np.ascontiguousarray(a).tobytes())]
            for key, a in arrays.items()
        }
        # Labels can be computed, or changed in memory: the content of a store does not tell them.
        read = {
            name: storage.digest("\n".join(map(str, self.samples.labels[name].tolist())))
            for name in descriptor.needs_labels
            if name in self.samples.labels
        }
        key = storage.canonical_json(
            {
                **({"labels": read} if read else {}),
                "samples": self._content,
                "descriptor": descriptor.name,
                "code": _code(descriptor),
                "libraries": libraries(type(descriptor)),
                "settings": descriptor.config.model_dump(mode="json"),
                "state": values,
                "arrays": learned,
                "block": BLOCK_ROWS,
            }
        )
        return self.folder / storage.digest(key)[:32]


def describe(descriptor: Descriptor, samples: Samples) -> Block:
    """Return features, the reason for each row that has none, and what they cost.

    Raises
    ------
    PluginError
        If the descriptor returns an array of another shape than it declares.
    """
    start = time.process_time()
    width = len(descriptor.feature_labels)
    try:
        values = transformed(descriptor, samples, width)
        reasons: dict[int, str] = {}
    except SampleError:
        values, reasons = np.full((len(samples), width), np.nan), {}
        for row in range(len(samples)):
            try:
                values[row] = transformed(descriptor, samples[row : row + 1], width)[0]
            except SampleError as error:
                reasons[row] = str(error)
    for row in np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist():
        values[row] = np.nan
        reasons.setdefault(row, f"descriptor '{descriptor.name}' gives values that are not finite.")
    return Block(values, reasons, time.process_time() - start)


def fit_descriptor(
    descriptor: Descriptor, samples: Samples, rows: NDArray[np.intp]
) -> dict[int, str]:
    """Fit a descriptor to those of some samples from which it can learn.

    Returns
    -------
    dict
        Why it cannot learn from each of the others, by row; it is fitted without them.

    Raises
    ------
    SampleError
        If it can learn from none, or from each by itself and not from all together.
    """
    try:
        descriptor.fit(samples[rows])
    except SampleError:
        bad = _samples_that_fail(descriptor, samples, rows)
        rest = rows[~np.isin(rows, list(bad))]
        if not bad or not len(rest):
            raise
        descriptor.fit(samples[rest])
        return bad
    return {}


def _samples_that_fail(
    descriptor: Descriptor, samples: Samples, rows: NDArray[np.intp]
) -> dict[int, str]:
    """Return the single samples that a fit fails of, which few do, by halves."""
    try:
        descriptor.fit(samples[rows])
    except SampleError as error:
        if len(rows) == 1:
            return {int(rows[0]): str(error)}
        first, second = np.array_split(rows, 2)
        return {
            **_samples_that_fail(descriptor, samples, first),
            **_samples_that_fail(descriptor, samples, second),
        }
    return {}


def _describe_item(item: tuple[int, Descriptor, Samples]) -> Block:
    return describe(item[1], item[2])


def _code(descriptor: Descriptor) -> str:
    """Return what tells the code of a descriptor; without a source, nothing found will do."""
    return source_hash(type(descriptor)) or f"{os.getpid()} {id(type(descriptor))}"


def _name(block: int) -> str:
    return f"{block:06d}.npz"


def _write(path: Path, block: Block) -> None:
    rows = sorted(block.reasons)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as stream:
            np.savez(
                stream,
                features=block.values,
                bad=np.array(rows, dtype=np.int64),
                reasons=np.array([block.reasons[row] for row in rows], dtype=np.str_),
                seconds=block.seconds,
            )
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _read(path: Path) -> Block:
    with np.load(path, allow_pickle=False) as stored:
        reasons = dict(zip(stored["bad"].tolist(), stored["reasons"].tolist(), strict=True))
        return Block(stored["features"], reasons, float(stored["seconds"]))


def _kept(path: Path, shape: tuple[int, int]) -> Block | None:
    """Return a block that was made before; None where it must be made."""
    try:
        block = _read(path)
    except Exception:  # absent, or whatever a damaged zip file raises: the block is made again
        return None
    return block if block.values.shape == shape else None


def _hash_samples(samples: Samples) -> str:
    """Return a hash over samples that come from no store."""
    parts = [storage.digest("\n".join(samples.ids.tolist()))]
    for batch in samples.batches(4096):
        arrays: list[Any] = []
        if isinstance(batch, Structures):
            arrays = [batch.numbers, batch.positions, batch.offsets, batch.absorber]
            arrays += [batch.cell, batch.pbc]
        elif isinstance(batch, Parameters):
            arrays = [batch.values]
        elif isinstance(batch, Specimens):
            arrays = [batch.composition, batch.absorber]
        parts += [storage.digest(np.ascontiguousarray(array).tobytes()) for array in arrays]
    return storage.digest("".join(parts))
