"""The driver of spectrum generators: batches, all cores, failures, resume, and the store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
    XregError,
)
from xreg.core.executor import ExecutorKind, WorkerDiedError, open_workers
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.progress import report
from xreg.core.samples import Samples
from xreg.core.spectra import Spectrum
from xreg.core.storage import canonical_json
from xreg.registry.generation_journal import Finished, Journal
from xreg.registry.generation_recipe import GenerationRecipe
from xreg.registry.generation_samples import SampleTable, read_samples, sample_keys
from xreg.registry.generation_store import assemble, make_splits, open_base
from xreg.registry.layout import check_names, check_precision
from xreg.registry.plugins import PluginHost, host
from xreg.registry.stores import write_store

__all__ = ["Generated", "generate"]

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
    """

    path: Path
    samples: int
    computed: int
    failures: Mapping[str, str]


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

    Finished samples are kept in ``<output>.partial`` until the store is complete, so that a killed
    call goes on where it was; the store is the same as if it had never been interrupted, because
    it is assembled in the order of the samples from what each gave by itself.

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
    name, dataset = recipe.generator.name, recipe.dataset
    output = output or Path(f"{dataset.name}-{dataset.version}.zarr")
    if output.exists():
        raise ConfigError(
            f"'{output}' exists; a store is never overwritten: give another --output."
        )
    plugins = plugins or host()
    generator: SpectrumGenerator = plugins.build("generator", name, recipe.generator.settings)
    if not (availability := generator.available()):
        raise MissingRequirementError(f"generator '{name}' cannot run here: {availability.reason}")
    table = read_samples(recipe.samples, folder, recipe.precision)
    _check(recipe, generator, table)
    task = _task(generator, plugins)
    base = open_base(recipe, generator)
    keys = sample_keys(table.samples)
    with Journal(output.with_name(f"{output.name}.partial"), task) as journal:
        refuse = recipe.on_failure == "refuse"
        # Failures that were set aside before count as done only where they are still set aside.
        done = {*base.rows, *journal.place, *(() if refuse else journal.failed)}
        missing = [i for i, key in enumerate(keys) if key not in done]
        work = _Work(generator, table.samples, keys, journal, refuse)
        if missing:
            work.run(missing, executor, workers, scheduler)
        failures = {
            str(table.samples.ids[i]): journal.failed[key]
            for i, key in enumerate(keys)
            if key in journal.failed
        }
        made = assemble(recipe, table, generator, task, keys, journal, base, failures)
        write_store(made, output, precision=recipe.precision)
        journal.remove()
    return Generated(output, len(made), work.computed, failures)


def _check(recipe: GenerationRecipe, generator: SpectrumGenerator, table: SampleTable) -> None:
    """Refuse before any work what the finished store would be refused for."""
    if not isinstance(table.samples, generator.accepts):
        raise ConfigError(
            f"generator '{generator.name}' takes {generator.accepts.kind}; '{recipe.samples.file}' "
            f"holds {table.samples.kind}."
        )
    if both := sorted(set(table.labels) & set(generator.label_units())):
        raise ConfigError(
            f"the label '{both[0]}' comes from the samples and from '{generator.name}'."
        )
    check_names("label", table.labels)
    check_precision(recipe.precision, [*generator.grids(), "positions", "parameters"])
    make_splits(recipe.split, table.samples.ids, table.labels)


def _task(generator: SpectrumGenerator, plugins: PluginHost) -> dict[str, Any]:
    """Return all that decides what the generator computes for a sample, as JSON values."""
    installed = plugins.get("generator", generator.name)
    return {
        "name": generator.name,
        "version": generator.version(),
        "plugin": f"{installed.distribution} {installed.version}",
        "settings": generator.config.model_dump(mode="json"),
    }


@dataclass(frozen=True, eq=False)
class _Batch:
    rows: Sequence[int]
    samples: Samples


@dataclass(frozen=True)
class _Result:
    spectra: list[Spectrum | XregError]
    seconds: float


@dataclass(frozen=True)
class _Compute:
    """What a worker does with a batch; it travels as the generator's class and settings."""

    generator: type[SpectrumGenerator]
    settings: str

    def __call__(self, batch: _Batch) -> _Result:
        generator = _built(self.generator, self.settings)
        start = time.perf_counter()
        try:
            spectra = generator.generate_many(batch.samples)
        except XregError:
            raise
        except Exception:  # one sample's bug is not the whole batch's
            spectra = [_single(generator, batch.samples[i : i + 1]) for i in range(len(batch.rows))]
        return _Result(list(spectra), time.perf_counter() - start)


def _single(generator: SpectrumGenerator, sample: Samples) -> Spectrum | XregError:
    try:
        (spectrum,) = generator.generate_many(sample)
    except XregError:
        raise
    except Exception as error:
        text = str(error).strip().partition("\n")[0]
        return SampleError(f"{type(error).__name__}: {text}" if text else type(error).__name__)
    return spectrum


@lru_cache(maxsize=4)
def _built(generator: type[SpectrumGenerator], settings: str) -> SpectrumGenerator:
    """Return the generator of this process, built once: it may hold expensive tables."""
    return generator(generator.Config.model_validate_json(settings))


class _Work:
    """Computes the missing samples and writes them down as they come."""

    def __init__(
        self,
        generator: SpectrumGenerator,
        samples: Samples,
        keys: Sequence[str],
        journal: Journal,
        refuse: bool,
    ) -> None:
        self.generator = generator
        self.samples = samples
        self.keys = keys
        self.journal = journal
        self.refuse = refuse
        self.computed = 0
        self.seconds_each = 0.0
        self.grids = generator.grids()
        self.labels = generator.label_units()
        self._again: list[int] = []

    def run(
        self,
        missing: Sequence[int],
        executor: ExecutorKind,
        workers: int | None,
        scheduler: str | None,
    ) -> None:
        """Compute the samples of these rows."""
        settings = canonical_json(self.generator.config.model_dump(mode="json"))
        compute = _Compute(type(self.generator), settings)
        task, total = f"generating with {self.generator.name}", len(self.samples)
        before = total - len(missing)
        began = time.monotonic()
        report(task, before, total)
        with open_workers(executor, workers, scheduler) as crew:
            for batch, result in crew.unordered(compute, self._batches(missing, crew.size)):
                if isinstance(result, WorkerDiedError):
                    self._died(batch, result)
                    continue
                self.seconds_each = result.seconds / len(batch.rows)
                self._keep(batch, result.spectra)
                rate = self.computed / (time.monotonic() - began)
                left = (len(missing) - self.computed) / rate
                report(task, before + self.computed, total, f"{rate:.3g}/s, {_span(left)} left")
            for batch, result in crew.unordered(compute, self._singles()):
                spectra = (
                    [SampleError(str(result))]
                    if isinstance(result, WorkerDiedError)
                    else result.spectra
                )
                self._keep(batch, spectra)
                report(task, before + self.computed, total)

    def _batches(self, missing: Sequence[int], crew: int) -> Iterator[_Batch]:
        """Yield batches of a few seconds each, as far as that is known when one is asked for."""
        start = 0
        while start < len(missing):
            size = int(BATCH_SECONDS / self.seconds_each) if self.seconds_each else 1
            share = -(-(len(missing) - start) // (2 * crew))  # all workers are busy to the end
            rows = missing[start : start + max(1, min(size, share, MAX_BATCH))]
            yield _Batch(rows, self.samples[np.array(rows)])
            start += len(rows)

    def _singles(self) -> Iterator[_Batch]:
        for row in self._again:
            yield _Batch([row], self.samples[np.array([row])])

    def _died(self, batch: _Batch, error: WorkerDiedError) -> None:
        if len(batch.rows) > 1:  # find out on which
            self._again.extend(batch.rows)
        else:
            self._keep(batch, [SampleError(str(error))])

    def _keep(self, batch: _Batch, spectra: Sequence[Spectrum | XregError]) -> None:
        """Check the results of a batch and write them down."""
        if len(spectra) != len(batch.rows):
            raise PluginError(
                f"generator '{self.generator.name}' returned {len(spectra)} spectra for "
                f"{len(batch.rows)} samples."
            )
        n = len(batch.rows)
        channels = {name: np.full((n, len(grid)), np.nan) for name, grid in self.grids.items()}
        labels = {name: np.full(n, np.nan) for name in self.labels}
        failures: list[str | None] = []
        for i, spectrum in enumerate(spectra):
            if isinstance(spectrum, Spectrum):
                self._fill(spectrum, batch.samples.ids[i], i, channels, labels)
                finite = all(
                    np.isfinite(v[i]).all() for v in [*channels.values(), *labels.values()]
                )
                failures.append(None if finite else "the result is not finite")
            else:
                failures.append(str(spectrum))
        good = [i for i in range(n) if failures[i] is None]
        kept = good if self.refuse else list(range(n))
        if kept:
            self.journal.add(
                Finished(
                    [self.keys[batch.rows[i]] for i in kept],
                    [failures[i] for i in kept],
                    {name: values[kept] for name, values in channels.items()},
                    {name: values[kept] for name, values in labels.items()},
                )
            )
        self.computed += n
        if self.refuse and len(good) < n:
            i = next(i for i in range(n) if failures[i] is not None)
            reason, sample = str(failures[i]).rstrip("."), str(batch.samples.ids[i])
            if sample not in reason:
                reason = f"sample '{sample}': {reason}"
            raise RunError(
                f"{reason}; finished samples are kept in '{self.journal.folder}', so repair it and "
                "repeat, or set on_failure to set-aside."
            )

    def _fill(
        self,
        spectrum: Spectrum,
        sample: str,
        row: int,
        channels: Mapping[str, NDArray[np.float64]],
        labels: Mapping[str, NDArray[np.float64]],
    ) -> None:
        for what, into, values in (
            ("channels", channels, spectrum.channels),
            ("labels", labels, spectrum.labels),
        ):
            got = {name: np.shape(value) for name, value in values.items()}
            want = {name: array.shape[1:] for name, array in into.items()}
            if got != want:
                raise PluginError(
                    f"generator '{self.generator.name}' returned the {what} {got} for sample "
                    f"'{sample}'; it declares {want}."
                )
            for name, value in values.items():
                into[name][row] = value


def _span(seconds: float) -> str:
    """Put a duration into words (``3 h 12 min``)."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
