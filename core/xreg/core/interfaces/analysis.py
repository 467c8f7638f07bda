"""Analyses: from a model and known spectra to numbers, tables and figures."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from xreg.core.config import Config
from xreg.core.interfaces.component import Component, ConfigT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xreg.core.analysis.context import AnalysisContext

__all__ = ["Analysed", "Analysis", "Cell", "Drawing", "Findings", "Table", "file_name"]

Cell = str | int | float | None


@dataclass(frozen=True, eq=False)
class Table:
    """A table of the report, and a CSV file of its own.

    Attributes
    ----------
    name
        Name of the file: lower case, digits and dashes.
    title, caption
        What it holds, and how to read it.
    columns
        Heads, with units in brackets.
    rows
        Texts and numbers; None (or NaN, which becomes None) for an empty cell.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", [[_plain(cell) for cell in row] for row in self.rows])


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure to be drawn in the style of the report.

    Attributes
    ----------
    name
        Name of the file: lower case, digits and dashes.
    title, caption
        What it shows, and how to read it.
    draw
        Returns the figure (see ``analysis.style.new_figure``); called inside
        ``analysis.style.styled``.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]


@dataclass(frozen=True, eq=False)
class Findings:
    """What an analysis found.

    Attributes
    ----------
    text
        One or two sentences that say it, for the head of its section.
    metrics
        Numbers by name, as they stand in ``metrics.json``; what is not finite becomes null.
    tables, drawings
        For the report and as files.
    arrays, units
        Long lists of numbers, by sample or energy, for ``arrays.zarr``.
    """

    text: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> Any:
        """Return the metrics as JSON values."""
        return _plain(self.metrics)


@dataclass(frozen=True, eq=False)
class Analysed:
    """A finished analysis under its label, with the settings that it had."""

    label: str
    name: str
    summary: str
    config: Config
    findings: Findings


class Analysis(Component[ConfigT]):
    """Looks at a model and at samples whose spectra are known.

    A recipe asks for it under ``analyses``, ``xreg evaluate`` with ``--analysis``. What it cannot
    do without stands in its declaration (:class:`~xreg.core.hooks.AnalysisSpec`).
    """

    kind: ClassVar[str] = "analysis"

    @abstractmethod
    def analyse(self, context: AnalysisContext) -> Findings:
        """Return what it finds.

        Raises
        ------
        NotApplicableError
            If only the numbers tell that it does not apply.
        """


def file_name(label: str) -> str:
    """Return a label as the name of a table or drawing."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
