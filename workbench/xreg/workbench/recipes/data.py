"""From the sections on data of a recipe to dataset, target and split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xreg.core.errors import DataError, UnknownNameError, did_you_mean
from xreg.core.storage import canonical_json, digest
from xreg.workbench.recipes.sections import DatasetSection, frames_slice
from xreg.workbench.recipes.splits import SplitSection, find_splits
from xreg.workbench.recipes.targets import TargetSection, target_of

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset
    from xreg.core.data.spectra import Channel
    from xreg.core.data.splits import Split

__all__ = ["open_data", "open_section", "with_group"]


def open_data(
    data: DatasetSection,
    target: TargetSection,
    split: SplitSection,
    seed: int,
    group: str | None = None,
) -> tuple[dict[str, Any], Dataset, Channel, dict[str, Split]]:
    """Return a recipe's sections on data, filled in, and what they name.

    Groups that the section on the split or ``group`` names, and that the dataset has no label of,
    become labels of it where they can be computed.

    Raises
    ------
    UnknownNameError
        If the dataset, version, channel, split or label does not exist.
    DataError
        If the dataset is not the one whose hash the recipe states, or the parts do not fit.
    """
    dataset, named = open_section(data)
    filled = {"dataset": named, "target": target.model_dump(mode="json")}
    filled["target"]["channel"], channel = target_of(target, dataset)
    if dataset.samples.limitation:
        raise DataError(
            f"dataset '{dataset.metadata.name}' holds {dataset.samples.in_words}: no model can be "
            "trained on them; import the spectra together with structures or parameters."
        )
    for name in (split.group, group):
        dataset = with_group(dataset, name, split.clusters)
    filled["split"], found = find_splits(dataset, split, seed)
    return filled, dataset, channel, found


def with_group(dataset: Dataset, name: str | None, clusters: int) -> Dataset:
    """Return a dataset with a computed group as a label; as it is where none of it is asked for."""
    from xreg.core.atoms.groups import GROUPS, computed_groups

    if name is None or name not in GROUPS or name in dataset.labels:
        return dataset
    found = computed_groups(name, dataset.samples, clusters)
    return replace(dataset, labels={**dataset.labels, name: found})


def open_section(
    section: DatasetSection, *, spectra: bool = False
) -> tuple[Dataset, dict[str, Any]]:
    """Return the dataset that a section names, cut to the samples it asks for, and it filled in.

    ``spectra`` is as for :func:`xreg.registry.datasets.open_dataset`.
    """
    from xreg.registry.datasets import open_dataset

    dataset = open_dataset(
        section.path or section.name, section.version, section.registry, spectra=spectra
    )
    if section.hash and dataset.hash and section.hash != dataset.hash:
        raise DataError(
            f"dataset '{dataset.metadata.name}' {dataset.metadata.version} has the hash "
            f"{dataset.hash}, but the recipe asks for {section.hash}; get the one it was made for, "
            "or clear 'dataset.hash'."
        )
    filled = section.model_dump(mode="json") | {
        "name": dataset.metadata.name,
        "version": dataset.metadata.version,
        "path": str(Path(section.path).resolve()) if section.path else None,
        "hash": dataset.hash,
    }
    return (dataset if section.whole else _cut(dataset, section)), filled


def _cut(dataset: Dataset, section: DatasetSection) -> Dataset:
    """Return the samples of a dataset that a section asks for; its hash says which they are."""
    inside = np.zeros(len(dataset), dtype=bool)
    inside[frames_slice(section.frames)] = True
    for name, wanted in section.where.items():
        known = np.asarray(dataset.label(name))
        values = wanted if isinstance(wanted, list) else [wanted]
        if known.dtype.kind in "US":
            values = [str(value) for value in values]
        if missing := [value for value in values if not np.isin(known, [value]).any()]:
            hint = did_you_mean(str(missing[0]), np.unique(known).astype(str))
            raise UnknownNameError(
                f"dataset.where: no sample of '{dataset.metadata.name}' has {name} "
                f"'{missing[0]}'{hint}."
            )
        inside &= np.isin(known, values)
    rows = np.flatnonzero(inside)
    if not rows.size:
        raise DataError(
            f"no sample of dataset '{dataset.metadata.name}' is left by 'dataset.frames' and "
            "'dataset.where'."
        )
    chosen = digest(canonical_json([dataset.hash, section.frames, section.where]))
    return replace(dataset.select(rows), hash=chosen if dataset.hash else "")
