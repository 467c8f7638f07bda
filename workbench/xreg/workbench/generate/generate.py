"""The driver of spectrum generators: batches, all cores, failures, resume, and the store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import (
    ConfigError,
    MissingRequirementError,
    PluginError,
    RunError,
    SampleError,
)
from xreg.core.executor import ExecutorKind, WorkerDiedError, open_workers
from xreg.core.files import require_parent_folder
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.interfaces.generator import version_of
from xreg.core.interfaces.outputs import real_numbers
from xreg.core.progress import report
from xreg.core.source import source_hash
from xreg.core.storage import canonical_json
from xreg.registry.plugins import PluginHost, host
from xreg.registry.stores.journal import Finished, Journal
from xreg.registry.stores.layout import check_names, check_precision
from xreg.workbench.generate.compute import Batch, Compute, Result
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.generate.samples import (
    SampleTable,
    read_samples,
    sample_keys,
    with_needed_labels,
)
from xreg.workbench.generate.store import Growth, open_base
from xreg.workbench.process.process import check_processing
from xreg.workbench.recipes.sections import ComponentSection

__all__ = ["Generated", "build_generator", "generate", "generate_table", "require_new"]

# A batch lasts about so long: a kill loses little, and writing it down costs nothing beside it.
# A slower sample is a batch of its own, so that a kill loses what was in hand and nothing more.
BATCH_SECONDS = 0.5
MAX_BATCH = 1000


@dataclass(frozen=True)
class Generated:
    """What a generation left.

    Attributes
    ----------
    path
        The store.
    samples
        How many samples it holds.
    computed
        How many were computed by this call; the others had been before.
    failures
        Why each sample that was set aside failed, by id.
    summary
        What its spectra are like (:meth:`xreg.core.readers.summary.Summary.plain`).
    notes
        What was read of the samples in a way that the user should see.
    """

    path: Path
    samples: int
    computed: int
    failures: Mapping[str, str]
    summary: Mapping[str, Any]
    notes: Sequence[str] = ()


def generate(
    recipe: GenerationRecipe,
    folder: Path,
    output: Path | None = None,
    *,
    workers: int | None = None,
    executor: ExecutorKind = "process",
    scheduler: str | None = None,
    plugins: PluginHost | None = None,
) -> Generated:
    """Compute the spectra that a recipe asks for and write them as one store.

    The store grows in ``<output>.partial``, a thousand samples at a time, and can be read there
    (:func:`xreg.registry.stores.store.open_store`). A killed call goes on where it was; the store
    is the same as if it had never been interrupted, because each sample's spectrum is its own and
    has its place.

    Parameters
    ----------
    recipe
        What to compute.
    folder
        Where relative paths of the recipe are meant from.
    output
        The store to write, ``<name>-<version>.zarr`` in the working folder by default.
    workers, executor, scheduler
        See :func:`xreg.core.executor.open_workers`.
    plugins
        Where the generator is looked up; everything installed by default.

    Raises
    ------
    ConfigError, DataError, MissingRequirementError
        If the request is bad; nothing was computed.
    RunError
        If a sample fails and the recipe refuses that; what was finished is kept.
    """
    output = output or Path(recipe.store_name)
    plugins = plugins or host()
    require_new(output)
    generator = build_generator(recipe.generator, plugins)
    table = read_samples(recipe.samples, folder, recipe.precision, generator)
    return generate_table(
        recipe, generator, table, output, workers=workers, executor=executor, scheduler=scheduler,
        plugins=plugins,
    )  # fmt: skip


def build_generator(section: ComponentSection, plugins: PluginHost) -> SpectrumGenerator:
    """Return the generator that a recipe names.

    Raises
    ------
    MissingRequirementError
        If it cannot run here.
    """
    generator: SpectrumGenerator = plugins.build("generator", section.name, section.settings)
    if not (availability := generator.available()):
        raise MissingRequirementError(
            f"generator '{section.name}' cannot run here: {availability.reason}"
        )
    return generator


def require_new(output: Path) -> None:
    """Raise `ConfigError` where a store cannot be made, as it exists or has no parent folder."""
    require_parent_folder(output)
    if output.exists():
        raise ConfigError(f"'{output}' exists; a store is never overwritten: give another --out.")


def generate_table(
    recipe: GenerationRecipe,
    generator: SpectrumGenerator,
    table: SampleTable,
    output: Path,
    *,
    workers: int | None = None,
    executor: ExecutorKind = "process",
    scheduler: str | None = None,
    plugins: PluginHost,
) -> Generated:
    """Do the same for samples that have been read already; the recipe's own are not looked at."""
    require_new(output)
    labelled = with_needed_labels(table.samples, table.labels, generator)
    table = replace(table, samples=labelled)
    _check(recipe, generator, table)
    task = _task(generator, plugins)
    base = open_base(recipe, generator)
    keys = sample_keys(table.samples, table.unfit)
    head = {**task, "precision": recipe.precision}
    journal = Journal(output.with_name(f"{output.name}.partial"), head)
    growth = Growth(recipe, table, generator, task, keys, journal, base, output)
    with journal:
        growth.open()
        work = _Work(generator, table, keys, growth, recipe.bad == "refuse")
        missing = np.flatnonzero(~growth.done)
        if missing.size:
            work.run(missing, executor, workers, scheduler)
        samples, failures, summary = growth.finish()
        growth.remove()
    failures = {**table.bad, **failures}
    return Generated(output, samples, work.computed, failures, summary, table.notes)


def _check(recipe: GenerationRecipe, generator: SpectrumGenerator, table: SampleTable) -> None:
    """Refuse before any work what the finished store would be refused for."""
    samples = table.samples
    if not isinstance(samples, generator.accepts):
        raise ConfigError(
            f"generator '{generator.name}' takes {generator.accepts.kind}; "
            f"'{recipe.samples.file or 'a parameter space'}' holds {samples.kind}."
        )
    if (table.unfit or table.bad) and recipe.bad == "refuse":
        reason = next(iter([*table.bad.values(), *table.unfit.values()])).rstrip(".")
        raise SampleError(f"{reason}; or have such samples set aside (bad: set-aside).")
    generator.check(samples)
    if both := sorted(set(table.labels) & set(generator.label_units())):
        raise ConfigError(
            f"the label '{both[0]}' comes from the samples and from '{generator.name}'."
        )
    check_names("label", table.labels)
    channels = _declared_grids(generator)
    check_processing(recipe.processing, channels, {*table.labels, *generator.label_units()})
    made = [*channels, *recipe.processing]
    check_precision(recipe.precision, [*made, "positions", "parameters"])


def _declared_grids(generator: SpectrumGenerator) -> dict[str, NDArray[np.float64]]:
    """Return the energies that a generator declares; refuse those that no channel can have."""
    grids = dict(generator.grids())
    for name, grid in grids.items():
        what = f"the energies of channel '{name}' of generator '{generator.name}'"
        energies = real_numbers(grid, what)
        if energies.ndim != 1 or not np.isfinite(energies).all() or (np.diff(energies) <= 0).any():
            raise PluginError(f"{what} do not increase strictly; its plugin is at fault.")
    return grids


def _task(generator: SpectrumGenerator, plugins: PluginHost) -> dict[str, Any]:
    """Return all that decides what the generator computes for a sample, as JSON values."""
    installed = plugins.get("generator", generator.name)
    return {
        "name": generator.name,
        "version": version_of(generator),
        "plugin": installed.origin,
        "code": source_hash(type(generator)),
        "settings": generator.config.model_dump(mode="json"),
    }


class _Work:
    """Computes the missing samples and hands them on as they come."""

    def __init__(
        self,
        generator: SpectrumGenerator,
        table: SampleTable,
        keys: Sequence[str],
        growth: Growth,
        refuse: bool,
    ) -> None:
        self.generator = generator
        self.samples = table.samples
        self.unfit = table.unfit
        self.keys = keys
        self.growth = growth
        self.refuse = refuse
        self.computed = 0
        self.seconds_each = 0.0
        self._again: list[int] = []

    def run(
        self,
        missing: NDArray[np.intp],
        executor: ExecutorKind,
        workers: int | None,
        scheduler: str | None,
    ) -> None:
        """Compute the samples of these rows, as far as they are fit for it."""
        settings = canonical_json(self.generator.config.model_dump(mode="json"))
        compute = Compute(type(self.generator), settings)
        for row in missing.tolist():
            if row in self.unfit:
                batch = self._batch(np.array([row]))
                self._write(batch, compute.failed(batch, self.unfit[row]))
        missing = missing[~np.isin(missing, list(self.unfit))]
        task, total = f"generating with {self.generator.name}", len(self.samples)
        before = total - len(missing)
        began = time.monotonic()
        report(task, before, total)
        with open_workers(executor, workers, scheduler) as pool:
            for batch, result in pool.unordered(compute, self._batches(missing, pool.size)):
                if isinstance(result, WorkerDiedError):
                    if len(batch.rows) > 1:  # find out on which
                        self._again.extend(batch.rows.tolist())
                    else:
                        self._keep(batch, compute.failed(batch, str(result)))
                    continue
                self.seconds_each = result.seconds / len(batch.rows)
                self._keep(batch, result)
                rate = self.computed / (time.monotonic() - began)
                left = (len(missing) - self.computed) / rate
                report(task, before + self.computed, total, f"{rate:.3g}/s, {_span(left)} left")
            singles = (self._batch(np.array([row])) for row in self._again)
            for batch, result in pool.unordered(compute, singles):
                if isinstance(result, WorkerDiedError):
                    self._keep(batch, compute.failed(batch, str(result)))
                else:
                    self._keep(batch, result)
                report(task, before + self.computed, total)

    def _batches(self, missing: NDArray[np.intp], workers: int) -> Iterator[Batch]:
        """Yield batches of about half a second, as far as that is known when one is asked for."""
        start = 0
        while start < len(missing):
            size = int(BATCH_SECONDS / self.seconds_each) if self.seconds_each else 1
            share = -(-(len(missing) - start) // (2 * workers))  # all workers are busy to the end
            rows = missing[start : start + max(1, min(size, share, MAX_BATCH))]
            yield self._batch(rows)
            start += len(rows)

    def _batch(self, rows: NDArray[np.intp]) -> Batch:
        return Batch(rows, self.samples[rows])

    def _keep(self, batch: Batch, result: Result) -> None:
        """Write the results of a computation down, and count it."""
        self._write(batch, result)
        self.computed += len(batch.rows)

    def _write(self, batch: Batch, result: Result) -> None:
        """Write the results of a batch down; refuse failures where the recipe does."""
        failed = [i for i, reason in enumerate(result.failures) if reason is not None]
        kept = [i for i in range(len(batch.rows)) if not self.refuse or result.failures[i] is None]
        if kept:
            self.growth.journal.add(
                Finished(
                    [self.keys[row] for row in batch.rows[kept]],
                    [result.failures[i] for i in kept],
                    {name: values[kept] for name, values in result.channels.items()},
                    {name: values[kept] for name, values in result.labels.items()},
                )
            )
            self.growth.note(batch.rows[kept])
        if self.refuse and failed:
            reason = str(result.failures[failed[0]]).rstrip(".")
            sample = str(batch.samples.ids[failed[0]])
            if sample not in reason:
                reason = f"sample '{sample}': {reason}"
            raise RunError(
                f"{reason}; finished samples are kept in '{self.growth.journal.folder}', so repair "
                "it and repeat, or say bad: set-aside."
            )


def _span(seconds: float) -> str:
    """Put a duration into words (``3 h 12 min``)."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
