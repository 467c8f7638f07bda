"""What a figure of several results is, and how it finds their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Overlay", "Result", "at", "found_in", "judged", "look"]

LINES = ("-", "--", ":")


class Result(Protocol):
    """A run or an evaluation, as far as figures of several need it."""

    @property
    def recipe(self) -> Mapping[str, Any]:
        """What was asked for."""
        ...

    @property
    def summary(self) -> Mapping[str, Any]:
        """Where it comes from."""
        ...

    @property
    def metrics(self) -> Mapping[str, Any]:
        """All its scores."""
        ...


@dataclass(frozen=True, eq=False)
class Overlay:
    """One figure of several results.

    Attributes
    ----------
    name
        Of its file.
    title, caption
        Above and below it.
    draw
        Makes it.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]


def found_in(
    named: Mapping[str, Result], pick: Callable[[Mapping[str, Any]], Any]
) -> dict[str, Any]:
    """Return what the results have of something, by label; nothing where fewer than two have it."""
    found = {label: pick(run.metrics) for label, run in named.items()}
    found = {label: value for label, value in found.items() if value is not None}
    return found if len(found) > 1 else {}


def at(metrics: Mapping[str, Any], *path: str) -> Any:
    """Return what nested numbers hold at a path, None where there is no such."""
    value: Any = metrics
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def judged(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the scores of the test part, or of the part that an evaluation judged."""
    names = [name for name in metrics if name not in ("decomposers", "analyses")]
    return metrics["test"] if "test" in metrics else metrics[names[-1]] if names else {}


def look(i: int) -> tuple[str, str]:
    """Return colour and kind of the line of result number i."""
    from xreg.core.analysis import style

    return style.PALETTE[i % len(style.PALETTE)], LINES[i // len(style.PALETTE) % len(LINES)]
