"""Channels made from raw ones by recorded steps, in a new store or in one being generated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from xreg.core.config import Config, setting
from xreg.core.data.dataset import NAME_PATTERN, VERSION_PATTERN, Dataset
from xreg.core.data.spectra import Spectra
from xreg.core.errors import ConfigError, UnknownNameError, did_you_mean
from xreg.core.files import require_parent_folder
from xreg.core.readers.summary import summarise
from xreg.workbench.measured.named import fluorescence_of, in_words
from xreg.workbench.process.merge import MergeSection, merge_scans
from xreg.workbench.process.steps import ProcessedChannel, process_and_find
from xreg.workbench.recipes.sections import AnyRecipe

__all__ = [
    "Processing",
    "ProcessingRecipe",
    "check_processing",
    "process_dataset",
    "process_store",
]

ChannelName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Processing = dict[ChannelName, ProcessedChannel]


class ChangedDataset(Config):
    """What the new dataset is called; where nothing is said, as the old one."""

    name: str | None = setting(None, pattern=NAME_PATTERN, description="Name of the dataset.")
    version: str | None = setting(None, pattern=VERSION_PATTERN, description="Version.")
    title: str | None = setting(None, description="One line for lists.")
    description: str | None = setting(None, description="What it is and how it was made.")


class ProcessingRecipe(AnyRecipe):
    """What ``xreg data process`` reads: the channels to make, and what the result is called."""

    command: ClassVar[str] = "process"

    dataset: ChangedDataset = setting(
        ChangedDataset(), description="What the new dataset is called; the old one's name if not."
    )
    processing: Processing = setting({}, description="Channels to make, by name.")
    merge: MergeSection | None = setting(
        None, description="Scans of one specimen to make one, after the channels are made."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.processing and self.merge is None:
            raise ValueError("give channels to make (processing), or scans to merge (merge)")
        return self


def check_processing(
    processing: Mapping[str, ProcessedChannel], channels: Collection[str], labels: Collection[str]
) -> None:
    """Refuse, before any work, what names things that will not be there.

    Raises
    ------
    ConfigError, UnknownNameError
        If a channel is made twice or from one that is not there, or a step asks for a label that
        is not there.
    """
    known = list(channels)
    for name, spec in processing.items():
        where = f"processing.{name}"
        if name in channels:
            raise ConfigError(f"{where}: there is a channel of that name; take another.")
        if spec.source not in known:
            raise UnknownNameError(
                f"{where}: no channel '{spec.source}'{did_you_mean(spec.source, known)}."
            )
        for step in spec.built(where):
            for label in step.labels:
                if label not in labels:
                    raise UnknownNameError(
                        f"{where}: no label '{label}'{did_you_mean(label, labels)}."
                    )
        known.append(name)


def process_dataset(dataset: Dataset, processing: Mapping[str, ProcessedChannel]) -> Dataset:
    """Return a dataset with the channels that a processing makes beside those that it had.

    Channels of an earlier processing are replaced: they can be made again from what is kept. The
    steps stand in the provenance, under ``processing``; what they found becomes labels.

    Raises
    ------
    ConfigError, DataError, UnknownNameError
        If the processing cannot be done; the message names channel, step and sample.
    """
    known = dataset.metadata.provenance
    earlier = known.get("processing", {})
    kept = {name: c for name, c in dataset.spectra.items() if name not in earlier}
    old = {label for one in earlier.values() for label in one.get("found", ())}
    labels = {name: values for name, values in dataset.labels.items() if name not in old}
    check_processing(processing, kept, labels)
    made, found = process_and_find(Spectra(kept), processing, dataset.samples, labels)
    if taken := sorted(set(found) & set(labels)):
        raise ConfigError(f"there is a label '{taken[0]}' already; name the channel otherwise.")
    steps = {name: spec.recorded() for name, spec in processing.items()}
    for name, one in steps.items():
        if mine := [label for label in found if label.startswith(f"{name}.")]:
            one["found"] = mine
    units = {name: unit for name, unit in dataset.label_units.items() if name in labels}
    units |= {name: unit for name, (_, unit) in found.items() if unit}
    labels |= {name: values for name, (values, _) in found.items()}
    metadata = dataset.metadata.model_copy(update={"provenance": {**known, "processing": steps}})
    return replace(
        dataset,
        spectra=Spectra({**kept, **made}),
        labels=labels,
        label_units=units,
        metadata=metadata,
        hash="",
    )


def process_store(
    reference: str,
    recipe: ProcessingRecipe,
    output: Path | None = None,
    registry: str | None = None,
) -> tuple[Path, Mapping[str, Any]]:
    """Write a new store with the channels of a recipe, from one that exists.

    Returned are the store, and what its spectra are like.

    Parameters
    ----------
    reference
        ``name@version``, or a store.
    recipe
        What to make.
    output
        The store to write, ``<name>-<version>.zarr`` in the working folder by default.
    registry
        Where to look for a dataset by name.

    Raises
    ------
    ConfigError, DataError, UnknownNameError
        If ``output`` exists or the processing cannot be done; nothing is left behind.
    """
    from xreg.registry.datasets import open_dataset
    from xreg.registry.stores.writer import write_store

    dataset = open_dataset(reference, registry=registry)
    if recipe.processing:
        dataset = process_dataset(dataset, recipe.processing)
    if recipe.merge is not None:
        dataset = merge_scans(dataset, recipe.merge)
    energy = next((c.energy for c in dataset.spectra.values() if c.energy is not None), ())
    told = fluorescence_of(dataset, energy)
    ids, summary = dataset.samples.ids, summarise(dataset.samples, dataset.spectra).plain()
    summary["doubts"] += in_words([(str(ids[row]), note) for row, note in told.items()])
    old = dataset.metadata
    new = recipe.dataset.model_dump(exclude_none=True)
    provenance = {
        **old.provenance,
        "processed_by": f"xreg data process, xreg {version('xreg')}",
        "processed_from": f"{old.name} {old.version}",
        "summary": summary,
    }
    metadata = old.model_copy(update={**new, "provenance": provenance})
    output = output or Path(f"{metadata.name}-{metadata.version}.zarr")
    require_parent_folder(output)
    if output.exists():
        raise ConfigError(f"'{output}' exists; a store is never overwritten: give another --out.")
    written = replace(dataset, metadata=metadata)
    path = write_store(written, output, precision=old.provenance.get("precision"))
    return path, summary
