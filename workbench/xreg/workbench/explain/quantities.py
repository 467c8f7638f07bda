"""What can be asked of a spectrum: numbers that are known of every sample of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xreg.core.arrays import Array
from xreg.core.atoms.neighbours import neighbours
from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Structures
from xreg.core.model.model import Model

__all__ = ["Quantity", "quantities"]

FIRST_SHELL = 1.2  # times the nearest distance: what stands nearer is of the first shell
REACH = 6.0  # Å, in which a neighbour is sought
FEW_FEATURES = 12  # so many columns of a descriptor a person can read


@dataclass(frozen=True, eq=False)
class Quantity:
    """A number of every sample.

    Attributes
    ----------
    name, unit
        What it is called.
    values
        (n,) its values.
    """

    name: str
    unit: str
    values: Array


def quantities(
    dataset: Dataset, model: Model | None, leave: tuple[str, ...] = ()
) -> tuple[list[Quantity], list[str]]:
    """Return what can be asked, and why some labels cannot be, a sentence each.

    Of structures: distance of the nearest neighbour, number of neighbours within 1.2 times that,
    and their mean distance. Of a model with few features, those with a unit (bond lengths,
    angles); of its decomposers the scores. Of every dataset its numeric labels, but for those to
    ``leave`` (that of the groups).
    """
    found: list[Quantity] = []
    if isinstance(dataset.samples, Structures):
        found += _shell(dataset.samples)
    if model is not None and model.descriptor is not None:
        found += _features(dataset, model)
    notes = []
    for name, stored in dataset.labels.items():
        values = np.asarray(stored)
        if name in leave or values.dtype.kind not in "biuf":
            continue
        if not np.isfinite(values).all():
            notes.append(f"The label '{name}' is not known of every sample, so it is not asked.")
            continue
        found.append(Quantity(name, dataset.label_units.get(name, ""), values.astype(np.float64)))
    return [one for one in found if np.ptp(one.values) > 0], notes


def _shell(samples: Structures) -> list[Quantity]:
    nearest, count, mean = (np.empty(len(samples)) for _ in range(3))
    for row in range(len(samples)):
        around = neighbours(samples[row], REACH).distances
        if not len(around):  # a free atom has no shell to ask of
            return []
        shell = around[around < FIRST_SHELL * around[0]]
        nearest[row], count[row], mean[row] = around[0], len(shell), shell.mean()
    return [
        Quantity("nearest neighbour", "Å", nearest),
        Quantity("neighbours of the first shell", "", count),
        Quantity("mean distance of the first shell", "Å", mean),
    ]


def _features(dataset: Dataset, model: Model) -> list[Quantity]:
    labels = model.feature_labels
    readable = len(labels) <= FEW_FEATURES and all(label.unit for label in labels)
    if not (readable or model.decomposers):
        return []
    scaled = model.inputs(dataset.samples)
    found = []
    if readable:
        values = model.features.scaling.scaler.inverse_transform(scaled)
        found = [Quantity(label.name, label.unit, values[:, i]) for i, label in enumerate(labels)]
    for name, decomposer in model.decomposers.items():
        scores = np.asarray(decomposer.transform(scaled), dtype=np.float64)
        found += [Quantity(f"{name} {i + 1}", "", scores[:, i]) for i in range(scores.shape[1])]
    return found
