"""From finished samples to a store: shards as they come, then labels, splits and provenance."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.code import code_in
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.spectra import ARBITRARY, Channel, Spectra
from xreg.core.errors import ConfigError, CorruptError, RunError
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.readers.summary import summarise
from xreg.core.storage import digest
from xreg.registry.consent import refuse_files
from xreg.registry.stores.growing import GrowingStore
from xreg.registry.stores.journal import Finished, Journal, differing
from xreg.registry.stores.layout import ChannelSpec
from xreg.registry.stores.partial import ChosenRows, without
from xreg.registry.stores.writer import write_store
from xreg.workbench.fit.sticks import origin
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.generate.samples import SampleTable, sample_keys, with_needed_labels
from xreg.workbench.process.process import process_dataset
from xreg.workbench.recipes.splits import make_splits, with_defaults

__all__ = ["Base", "Growth", "open_base", "with_summary"]


@dataclass(frozen=True, eq=False)
class Base:
    """An earlier version of the dataset, whose samples need not be computed again.

    Attributes
    ----------
    dataset
        The earlier version, None without one.
    rows
        Its row of each sample, by the sample's key.
    """

    dataset: Dataset | None = None
    rows: Mapping[str, int] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self.rows


def open_base(recipe: GenerationRecipe, generator: SpectrumGenerator) -> Base:
    """Open the earlier version that a recipe extends.

    Raises
    ------
    ConfigError
        If it was made by another generator, with other settings or to another precision, so that
        its rows cannot stand beside new ones. Another version of the program is allowed, and told
        in the provenance.
    """
    if not recipe.extends:
        return Base()
    from xreg.registry.datasets import open_dataset

    dataset = open_dataset(recipe.extends)
    known = origin(dataset.metadata.provenance, recipe.extends)
    where = f"'{recipe.extends}' cannot be extended"
    if known["name"] != generator.name:
        raise ConfigError(f"{where}: its generator is {known['name']}, not {generator.name}.")
    refuse_files(
        code_in(f"generator '{generator.name}'", generator.Config, known["settings"]),
        f"dataset '{recipe.extends}'",
    )
    # Through the settings class, for settings that are younger than the earlier version.
    settings = generator.Config.parse(known["settings"], where)
    for name, value in dict(generator.config).items():
        if (old := getattr(settings, name)) != value:
            there, now = differing(old, value)
            raise ConfigError(f"{where}: its setting {name} is {there}, the recipe's {now}.")
    if lacking := sorted(set(generator.label_units()) - set(dataset.labels)):
        raise ConfigError(
            f"{where}: it has no label '{lacking[0]}', which {generator.name} gives today."
        )
    precision = dataset.metadata.provenance.get("precision")
    if precision != recipe.precision:
        raise ConfigError(
            f"{where}: its precision is {precision}, the recipe's {recipe.precision}."
        )
    samples = with_needed_labels(dataset.samples, dict(dataset.labels), generator)
    return Base(dataset, {key: i for i, key in enumerate(sample_keys(samples))})


class Growth:
    """The store of a generation, and which of its samples are done.

    Parameters
    ----------
    recipe, table, generator, task
        What is computed, and what computes it.
    keys
        Key of each of the n samples.
    journal
        Finished samples; to be entered before :meth:`open`.
    base
        Earlier version whose samples are taken over.
    output
        Final place of the store.

    Attributes
    ----------
    done
        (n,) whether a sample needs nothing more: computed, taken over, or set aside.
    """

    def __init__(
        self,
        recipe: GenerationRecipe,
        table: SampleTable,
        generator: SpectrumGenerator,
        task: Mapping[str, Any],
        keys: Sequence[str],
        journal: Journal,
        base: Base,
        output: Path,
    ) -> None:
        self.recipe, self.table, self.generator, self.task = recipe, table, generator, task
        self.keys, self.journal, self.base = keys, journal, base
        self.splits = make_splits(recipe.split, table.samples.ids, table.labels)
        units = {**table.label_units, **generator.label_units()}
        self.units = {name: unit for name, unit in units.items() if unit}
        stated = generator.channel_units()
        self.channel_units = {name: stated.get(name, ARBITRARY) for name in generator.grids()}
        self.store = GrowingStore(
            journal.folder,
            output,
            self._metadata({}),
            table.samples,
            {
                name: ChannelSpec(grid, (), self.channel_units[name])
                for name, grid in generator.grids().items()
            },
            precision={k: v for k, v in recipe.precision.items() if k not in recipe.processing},
            labels=table.labels,
            label_units=self.units,
            splits=self.splits,
            fingerprint=digest("".join(keys)),
            like=base.dataset,
        )
        self.done = np.zeros(len(keys), dtype=bool)

    def open(self) -> None:
        """Go on from what the work folder holds."""
        refuse = self.recipe.bad == "refuse"
        if self.store.foreign:
            for shard in sorted(self.journal.shards):
                self._reopen(shard)
            shutil.rmtree(self.store.unfinished)
        self.store.open()
        for shard in self.store.damaged(self.journal.shards):
            self.journal.reopen(shard)
        for shard in sorted(self.journal.shards) if refuse else ():
            if any(self.journal.shard(shard).failures):
                self._reopen(shard)
        spans = list(self.store.spans())
        for shard, low, high in spans:
            self.done[low:high] = shard in self.journal.shards
        self.journal.forget(self.keys[row] for row in np.flatnonzero(self.done).tolist())
        known = {*self.base.rows, *self.journal.place, *(() if refuse else self.journal.failed)}
        self.done |= [key in known for key in self.keys]
        self._left = np.array([(~self.done[low:high]).sum() for _, low, high in spans])
        for shard in np.flatnonzero(self._left == 0).tolist():
            if shard not in self.journal.shards:
                self._write_shard(shard)

    def note(self, rows: NDArray[np.intp]) -> None:
        """Note that these samples are done; write the shards that are complete by that."""
        rows = rows[~self.done[rows]]
        self.done[rows] = True
        shards, counts = np.unique(rows // self.store.shard_rows, return_counts=True)
        self._left[shards] -= counts
        for shard in shards[self._left[shards] == 0].tolist():
            self._write_shard(shard)

    def finish(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Give the store its final form and name.

        Returned are its size, why samples failed, by id, and what its spectra are like.

        Nothing in it depends on when, where or in which order the samples were computed.

        Raises
        ------
        RunError
            If no sample succeeded.
        """
        ids, labels = self.table.samples.ids, dict(self.table.labels)
        for name in self.generator.label_units():
            labels[name] = np.empty(len(ids))
        failures: dict[str, str] = {}
        for shard, low, high in self.store.spans():
            finished = self.journal.shard(shard)
            for name, values in finished.labels.items():
                labels[name][low:high] = values
            for i, reason in enumerate(finished.failures, low):
                if reason is not None:
                    failures[str(ids[i])] = reason
        metadata = self._metadata(failures)
        if not failures and not self.recipe.processing:
            grids = self.generator.grids()
            stored = {
                name: Channel(self.store.stored(name), grid, (), self.channel_units[name])
                for name, grid in grids.items()
            }
            summary = summarise(self.table.samples, Spectra(stored)).plain()
            metadata = with_summary(metadata, summary)
            self.store.complete(metadata, labels, self.units, self.splits)
            return len(ids), failures, summary
        kept = np.flatnonzero(~np.isin(ids, list(failures)))
        if not kept.size:
            first = next(iter(failures))
            raise RunError(
                f"no sample could be computed ({len(failures)} tried), first '{first}': "
                f"{failures[first]}"
            )
        samples = self.table.samples[kept]
        dataset = Dataset(
            samples,
            Spectra(
                {
                    name: Channel(
                        ChosenRows(self.store.stored(name), kept),
                        grid,
                        (),
                        self.channel_units[name],
                    )
                    for name, grid in self.generator.grids().items()
                }
            ),
            metadata,
            {name: values[kept] for name, values in labels.items()},
            self.units,
            {name: without(split, samples.ids) for name, split in self.splits.items()},
        )
        if self.recipe.processing:
            dataset = process_dataset(dataset, self.recipe.processing)
        summary = summarise(dataset.samples, dataset.spectra, set_aside=failures).plain()
        write_store(
            replace(dataset, metadata=with_summary(dataset.metadata, summary)),
            self.store.path,
            precision=self.recipe.precision,
            like=self.base.dataset,
        )
        return len(kept), failures, summary

    def remove(self) -> None:
        """Delete the work folder, whose results are in the store now."""
        shutil.rmtree(self.store.unfinished, ignore_errors=True)
        self.journal.remove()

    def _write_shard(self, shard: int) -> None:
        """Write a shard of the store from the journal and the earlier version."""
        low = shard * self.store.shard_rows
        keys = self.keys[low : low + self.store.shard_rows]
        failures = [None if k in self.base else self.journal.failed.get(k) for k in keys]
        old = [i for i, key in enumerate(keys) if key in self.base]
        new = [
            i for i, key in enumerate(keys) if key in self.journal.place and key not in self.base
        ]
        channels, labels = {}, {}
        for name, grid in self.generator.grids().items():
            channels[name] = np.full((len(keys), len(grid)), np.nan)
            if new:
                channels[name][new] = self.journal.channel(name, [keys[i] for i in new])
        for name in self.generator.label_units():
            labels[name] = np.full(len(keys), np.nan)
            labels[name][new] = self.journal.label(name, [keys[i] for i in new])
        if old and self.base.dataset is not None:
            rows = [self.base.rows[keys[i]] for i in old]
            for name, block in channels.items():
                block[old] = self.base.dataset.spectra[name][rows].intensity
            for name, values in labels.items():
                values[old] = self.base.dataset.labels[name][rows]
        self.store.write_shard(shard, channels)
        self.journal.finish(shard, Finished(keys, failures, {}, labels))

    def _reopen(self, shard: int) -> None:
        """Take the samples of a finished shard back into the journal."""
        finished = self.journal.shard(shard)
        low = shard * self.store.shard_rows
        with suppress(CorruptError):  # then they are computed again
            channels = self.store.read(low, low + len(finished.keys))
            self.journal.add(replace(finished, channels=channels))
        self.journal.reopen(shard)

    def _metadata(self, failures: Mapping[str, str]) -> Metadata:
        recipe, split = self.recipe, self.recipe.split
        provenance = {
            "made_by": f"xreg data generate, xreg {version('xreg')}",
            "generator": dict(self.task),
            "deterministic": self.generator.deterministic,
            "samples": self.table.origin,
            "precision": recipe.precision,
            "split": None if split is None else with_defaults(split, 0).stated(),
            "set_aside": [
                {"id": i, "reason": reason} for i, reason in {**self.table.bad, **failures}.items()
            ],
        }
        if self.base.dataset is not None:
            provenance["extends"] = _origin(self.base.dataset)
        return Metadata(**recipe.dataset.model_dump(), provenance=provenance)


def with_summary(metadata: Metadata, summary: Mapping[str, Any]) -> Metadata:
    """Return metadata whose provenance tells what the spectra are like."""
    provenance = {**metadata.provenance, "summary": summary}
    return metadata.model_copy(update={"provenance": provenance})


def _origin(dataset: Dataset) -> dict[str, Any]:
    """Say which version rows were taken over from and what had computed them."""
    known = dataset.metadata
    return {
        "dataset": f"{known.name} {known.version}",
        "generator": {
            key: known.provenance["generator"][key]
            for key in ("version", "plugin", "code")
            if key in known.provenance["generator"]
        },
    }
