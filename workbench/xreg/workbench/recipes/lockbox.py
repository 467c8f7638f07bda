"""Which recipes look at a lockbox, and that each look is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xreg.core.storage import canonical_json, digest
from xreg.registry.versions.looks import Looks, look
from xreg.workbench.recipes.splits import SplitSection

if TYPE_CHECKING:
    from xreg.core.data.dataset import Dataset

__all__ = ["LOCKBOX", "counted_look"]

LOCKBOX = "lockbox"
"""A stored split of this name is one, too."""


def counted_look(
    split: SplitSection, dataset: Dataset, command: str, name: str, method: Mapping[str, Any]
) -> Looks | None:
    """Count that a recipe tests on the lockbox of a dataset; None where it does not.

    Two looks with the same ``method`` are looks at one method.

    Raises
    ------
    DataError
        If the look cannot be counted.
    """
    if not split.opened and split.name != LOCKBOX:
        return None
    box = [split.name, split.group, split.clusters, split.lockbox]
    about = {
        "dataset": f"{dataset.metadata.name} {dataset.metadata.version}",
        "command": command,
        "name": name,
        "method": digest(canonical_json(dict(method)))[:16],
    }
    return look(dataset.hash or dataset.metadata.name, box, about)
