"""What an analysis is: a name, its settings, and a function from a context to findings.

An analysis is declared in :data:`xreg.core.analysis.table.ANALYSES` and written as a function::

    def analyse(context: AnalysisContext, config: MyConfig) -> Findings: ...

A recipe asks for it under ``analyses``, ``xreg evaluate`` with ``--analysis``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.structure_settings import ONE_TO_ONE
from xreg.core.analysis.windows import in_window
from xreg.core.config import Config
from xreg.core.errors import NotApplicableError
from xreg.core.model.trust import FEWEST

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xreg.core.analysis.context import AnalysisContext

__all__ = [
    "NEEDS",
    "Analysed",
    "AnalysisSpec",
    "Cell",
    "Drawing",
    "Findings",
    "Need",
    "Table",
    "file_name",
]

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
        Returns the figure (see ``report.style.new_figure``); called inside ``report.style.styled``.
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
    """A finished analysis, with the settings that it had."""

    name: str
    summary: str
    config: Config
    findings: Findings


@dataclass(frozen=True)
class Need:
    """Something that an analysis cannot do without, known before any training.

    Attributes
    ----------
    words
        What it is (``"spectra on an energy grid"``).
    met
        Whether a context, fitted or not, has it.
    """

    words: str
    met: Callable[[AnalysisContext], bool]


def _has_inverse(context: AnalysisContext) -> bool:
    """Tell from the settings whether some decomposer is a network that can be inverted."""
    from xreg.core.decomposers.linear import (
        LinearDecomposer,  # whose encoder is a matrix without activation
    )

    return any(
        getattr(decomposer.config, "activation", "") in ONE_TO_ONE
        and not isinstance(decomposer, LinearDecomposer)
        for decomposer in context.pipeline.decomposers.values()
    )


NEEDS: Mapping[str, Need] = {
    "spectra": Need("spectra on an energy grid", lambda s: s.target.energy is not None),
    "features": Need("a model with a descriptor", lambda s: s.pipeline.descriptor is not None),
    "structures": Need("samples that are structures", lambda s: s.samples.kind == "structures"),
    "parameters": Need("samples that are parameters", lambda s: s.samples.kind == "parameters"),
    "decomposer": Need("a model with a decomposer", lambda s: bool(s.pipeline.decomposers)),
    "inverse": Need(
        "a decomposer that is an encoder-decoder network with a one-to-one activation "
        f"({', '.join(ONE_TO_ONE)}), such as ednn with activation: leaky-relu",
        _has_inverse,
    ),
    "trust": Need(
        "a model that was judged on at least 30 validation samples when it was trained",
        lambda s: (
            s.pipeline.trust_ is not None
            or (s.retrainable and len(s.rows.get("validation", ())) >= FEWEST)
        ),
    ),
    "training": Need(
        "the training data, to train again (only 'xreg run' has them)", lambda s: s.retrainable
    ),
}


@dataclass(frozen=True)
class AnalysisSpec:
    """One analysis.

    Attributes
    ----------
    name
        What a recipe calls it: lower case, digits and dashes.
    config
        Its settings.
    target
        ``"module:function"``, imported on first use.
    summary
        What it says, in one line.
    needs
        Names in :data:`NEEDS`; an analysis that finds out only from the numbers that it does not
        apply raises :class:`NotApplicableError`.
    default
        Whether it is done where nobody asks for it and it applies: it must cost little.
    """

    name: str
    config: type[Config]
    target: str
    summary: str
    needs: tuple[str, ...] = ()
    default: bool = False

    def require(self, context: AnalysisContext, config: Config | None = None) -> None:
        """Raise :class:`NotApplicableError` for what the context lacks.

        With settings, also refuse a label (``group``, ``label``, ``labels``) or an energy window
        (``window``, ``windows``) that the data do not have: that is known before any training.
        """
        lacks = [NEEDS[name].words for name in self.needs if not NEEDS[name].met(context)]
        if lacks:
            raise NotApplicableError(f"analysis '{self.name}' needs {' and '.join(lacks)}.")
        labels = [getattr(config, name, "") for name in ("group", "label")]
        for label in filter(None, [*labels, *getattr(config, "labels", ())]):
            context.label(label, context.judged)
        windows = [getattr(config, "window", None), *(getattr(config, "windows", None) or ())]
        if context.target.energy is not None:
            for window in windows:
                in_window(context.target.energy, window, 1)

    def analyse(self, context: AnalysisContext, config: Config) -> Findings:
        """Do it.

        Raises
        ------
        NotApplicableError
            If the context lacks what the analysis needs.
        """
        self.require(context)
        module, _, function = self.target.partition(":")
        return cast(Findings, getattr(importlib.import_module(module), function)(context, config))


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
