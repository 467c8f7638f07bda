"""Whether the code of a model is that which trained it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xreg.core.source import source_hash

__all__ = ["code_changes"]


def code_changes(
    parts: Mapping[str, Any], difference: Callable[[], float] | None = None
) -> list[str]:
    """Return, a sentence each, which parts of a model read from disk have other code now.

    Parameters
    ----------
    parts
        Objects with ``trained_by``, by what they are called.
    difference
        How far the model's check samples are predicted from what they were; None where it has none.
        Asked only where code has changed.
    """
    if any(part.trained_by == "" for part in parts.values()):
        return [
            "The model does not tell which code it was trained by, so that a change since then "
            "cannot be noticed."
        ]
    changed = [
        what
        for what, part in parts.items()
        if part.trained_by is not None and part.trained_by != source_hash(type(part))
    ]
    if not changed:
        return []
    began = f"The code of {' and of '.join(changed)} has changed since the model was trained"
    if difference is None:
        return [
            f"{began}: its predictions and scores may differ from those of its run; train it again "
            "to be sure."
        ]
    found = difference()
    if found == 0:
        return [f"{began}; the samples kept to check that are predicted as they were."]
    how = f"by up to {found:.1%} of their spread" if np.isfinite(found) else "or not at all"
    return [
        f"{began}: the samples kept to check that are predicted differently, {how}; train it again."
    ]
