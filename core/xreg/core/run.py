"""What hooks and the report learn about a run, and the version of what a run writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xreg.core.errors import DataError

__all__ = ["FORMAT", "ReportSection", "Run", "require_format"]

FORMAT = 2
"""Version of the recipe language, and of the JSON files of results, which hold parts of recipes.

Without a number results are of version 1."""


def require_format(stated: Any, where: str) -> int:
    """Return the version that a recipe or a file of results states, 1 if none.

    Raises
    ------
    DataError
        If it is no version, or of a later xreg.
    """
    number = 1 if stated is None else stated
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise DataError(f"{where}: 'format' must be a number of 1 to {FORMAT}, got {stated!r}.")
    if number > FORMAT:
        raise DataError(
            f"{where} has format {number}; this xreg reads formats up to {FORMAT}, so take the "
            "xreg that wrote it or a newer one."
        )
    return number


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
