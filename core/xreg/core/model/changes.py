"""Whether the code of a model is that which trained it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xreg.core.source import source_hash

__all__ = ["code_changes"]


def code_changes(parts: Mapping[str, Any]) -> list[str]:
    """Return, a sentence each, which parts of a model read from disk have other code now.

    ``parts`` are objects with ``trained_by``, by what they are called.
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
    return [
        f"The code of {' and of '.join(changed)} has changed since the model was trained: its "
        "predictions and scores may differ from those of its run; train it again to be sure."
    ]
