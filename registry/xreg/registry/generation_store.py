"""From finished samples to a dataset: rows gathered in order, rounded, split, with provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.dataset import Dataset, Metadata, Split, make_split
from xreg.core.errors import ConfigError, RunError, UnknownNameError, did_you_mean
from xreg.core.interfaces import SpectrumGenerator
from xreg.core.spectra import Channel, Spectra
from xreg.registry.generation_journal import Journal
from xreg.registry.generation_recipe import GenerationRecipe, SplitSection
from xreg.registry.generation_samples import SampleTable, sample_keys

__all__ = ["Base", "assemble", "make_splits", "open_base"]


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
    known = dataset.metadata.provenance.get("generator", {})
    where = f"'{recipe.extends}' cannot be extended"
    if known.get("name") != generator.name:
        raise ConfigError(f"{where}: its generator is {known.get('name')}, not {generator.name}.")
    # Through the settings class, for settings that are younger than the earlier version.
    settings = generator.Config.parse(known.get("settings", {}), where)
    for name, value in dict(generator.config).items():
        if (old := getattr(settings, name)) != value:
            raise ConfigError(f"{where}: its setting {name} is {old!r}, the recipe's {value!r}.")
    precision = dataset.metadata.provenance.get("precision")
    if precision != recipe.precision:
        raise ConfigError(
            f"{where}: its precision is {precision}, the recipe's {recipe.precision}."
        )
    return Base(dataset, {key: i for i, key in enumerate(sample_keys(dataset.samples))})


class Rows:
    """The spectra of one channel, read from the journal and the earlier version when asked for.

    Parameters
    ----------
    name
        Name of the channel.
    width
        Number of its energies.
    keys
        Key of each of the n samples.
    """

    def __init__(
        self, name: str, width: int, keys: Sequence[str], journal: Journal, base: Base
    ) -> None:
        self.shape = (len(keys), width)
        self.dtype = np.dtype(np.float64)
        self.ndim = 2
        self._name, self._keys = name, keys
        self._journal, self._base = journal, base

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice) -> NDArray[np.float64]:
        """Return a block of consecutive rows."""
        keys = self._keys[key]
        block = np.empty((len(keys), self.shape[1]))
        old = [i for i, k in enumerate(keys) if k in self._base]
        new = [i for i, k in enumerate(keys) if k not in self._base]
        if old and self._base.dataset is not None:
            rows = [self._base.rows[keys[i]] for i in old]
            block[old] = self._base.dataset.spectra[self._name][rows].intensity
        if new:
            block[new] = self._journal.channel(self._name, [keys[i] for i in new])
        return block


def assemble(
    recipe: GenerationRecipe,
    table: SampleTable,
    generator: SpectrumGenerator,
    task: Mapping[str, Any],
    keys: Sequence[str],
    journal: Journal,
    base: Base,
    failures: Mapping[str, str],
) -> Dataset:
    """Return the finished samples as a dataset whose spectra are read block by block.

    Nothing in it depends on when, where or in which order the samples were computed.

    Raises
    ------
    RunError
        If no sample succeeded.
    """
    kept = np.array([i for i, i_d in enumerate(table.samples.ids) if i_d not in failures], np.intp)
    if not kept.size:
        first = next(iter(failures))
        raise RunError(f"all {len(failures)} samples failed, first '{first}': {failures[first]}")
    samples = table.samples[kept]
    keys = [keys[i] for i in kept]
    channels = {
        name: Channel(Rows(name, len(grid), keys, journal, base), grid)
        for name, grid in generator.grids().items()
    }
    labels: dict[str, NDArray[Any]] = {name: values[kept] for name, values in table.labels.items()}
    for name in generator.label_units():
        labels[name] = _label(name, keys, journal, base)
    units = {**table.label_units, **{k: u for k, u in generator.label_units().items() if u}}
    split, splits = recipe.split, make_splits(recipe.split, samples.ids, labels)
    section = recipe.samples
    provenance = {
        "made_by": f"xreg data generate, xreg {version('xreg')}",
        "generator": dict(task),
        "deterministic": generator.deterministic,
        "samples": {**section.model_dump(mode="json"), "file": Path(section.file).name,
                    "sha256": table.sha256},
        "precision": recipe.precision,
        "split": None if split is None else split.model_dump(mode="json"),
        "set_aside": [{"id": i, "reason": reason} for i, reason in failures.items()],
    }  # fmt: skip
    if base.dataset is not None:
        provenance["extends"] = _origin(base.dataset)
    metadata = Metadata(**recipe.dataset.model_dump(), provenance=provenance)
    return Dataset(samples, Spectra(channels), metadata, labels, units, splits)


def make_splits(
    section: SplitSection | None, ids: NDArray[np.str_], labels: Mapping[str, NDArray[Any]]
) -> dict[str, Split]:
    """Return the split 'default' as a recipe asks for it, or none."""
    if section is None:
        return {}
    if section.group and section.group not in labels:
        raise UnknownNameError(
            f"split.group '{section.group}' is none of the labels"
            f"{did_you_mean(section.group, labels)}."
        )
    groups = labels[section.group] if section.group else None
    return {"default": make_split(ids, section.fractions, seed=section.seed, groups=groups)}


def _label(name: str, keys: Sequence[str], journal: Journal, base: Base) -> NDArray[np.float64]:
    values = np.empty(len(keys))
    for i, key in enumerate(keys):
        if base.dataset is not None and key in base:
            values[i] = base.dataset.labels[name][base.rows[key]]
        else:
            values[i] = journal.label(name, [key])[0]
    return values


def _origin(dataset: Dataset) -> dict[str, Any]:
    """Say which version rows were taken over from and what had computed them."""
    known = dataset.metadata
    return {
        "dataset": f"{known.name} {known.version}",
        "generator": {key: known.provenance["generator"][key] for key in ("version", "plugin")},
    }
