"""What a search draws and judges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xreg.workbench.search.recipe import Family

__all__ = ["Candidate", "Group"]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One trial: settings of descriptor and model, and what they scored.

    Attributes
    ----------
    number
        Number of the trial in its family.
    descriptor, model
        Settings drawn, complete with those that were fixed.
    scores
        (f,) covered variance on the held-out part of each fold; None where it failed.
    seconds
        Processor time of the model, and of the descriptor if it was the first on it.
    reason
        Why it failed.
    """

    number: int
    descriptor: dict[str, Any]
    model: dict[str, Any]
    scores: tuple[float, ...] | None
    seconds: float
    reason: str = ""

    @property
    def score(self) -> float:
        """Mean over the folds; minus infinity for a failed candidate."""
        return float(np.mean(self.scores)) if self.scores else -np.inf


@dataclass(frozen=True, eq=False)
class Group:
    """Trials on one built descriptor that a worker has claimed."""

    family: Family
    descriptor: dict[str, Any]
    trials: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    fresh: bool = True
