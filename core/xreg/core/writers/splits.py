"""The splits of a dataset, sample by sample."""

from __future__ import annotations

from xreg.core.data.dataset import Dataset
from xreg.core.data.splits import PARTS

__all__ = ["parts_of"]


def parts_of(dataset: Dataset) -> dict[str, list[str]]:
    """Return the part that each of the n samples is in, empty for none, by name of the split."""
    ids = dataset.samples.ids.tolist()
    found = {}
    for name, split in dataset.splits.items():
        known = {str(one): part for part in PARTS for one in getattr(split, part)}
        found[name] = [known.get(one, "") for one in ids]
    return found
