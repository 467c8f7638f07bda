"""What hooks and the report learn about a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["ReportSection", "Run"]


@dataclass
class Run:
    """A run under way or complete.

    Attributes
    ----------
    name
        Name of the recipe.
    folder
        Where results stand now (a temporary folder until the run is complete).
    recipe
        The resolved recipe, defaults filled in.
    metrics
        Scores by part (``train``, ``validation``, ``test``); empty until computed.
    seconds
        Wall time so far.
    """

    name: str
    folder: Path
    recipe: dict[str, Any]
    metrics: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class ReportSection:
    """One section of the report page: a title and self-contained HTML."""

    title: str
    html: str
