"""Runs as they lie on disk: what each was, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from xreg.core.errors import CorruptError, DataError
from xreg.core.files import read_file, readable
from xreg.core.run import require_format
from xreg.core.storage import parse_json
from xreg.core.yaml_text import load_yaml

__all__ = ["Filters", "RunRecord", "find_runs", "flat", "read_run"]

SUMMARY, METRICS, RECIPE = "summary.json", "metrics.json", "recipe.yaml"
DEPTH = 3
MOST_BYTES = 50_000_000


@dataclass(frozen=True, eq=False)
class RunRecord:
    """A complete run.

    Attributes
    ----------
    folder
        Where it lies.
    recipe
        What was asked for, defaults filled in.
    summary
        Where it comes from (``summary.json``).
    metrics
        All its scores (``metrics.json``).
    """

    folder: Path
    recipe: dict[str, Any]
    summary: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.name

    @property
    def started(self) -> str:
        """Day and time of its beginning, to the minute."""
        return str(self.summary.get("started", ""))[:16].replace("T", " ")

    @property
    def data(self) -> str:
        """Dataset, version and channel."""
        data = _mapping(self.summary.get("dataset"))
        return f"{data.get('name', '?')}@{data.get('version', '?')} {data.get('channel', '')}"

    def uses(self) -> list[str]:
        """Return the names of descriptor, emulator and decomposers."""
        given = self.recipe.get("descriptor")
        found = [*(given if isinstance(given, list) else [given]), self.recipe.get("emulator")]
        found += list(_mapping(self.recipe.get("decomposers")).values())
        return [str(part["name"]) for part in found if isinstance(part, Mapping) and "name" in part]

    def score(self, part: str = "test") -> float | None:
        """Return the covered variance of a part; over several splits, its mean."""
        value = self.over_splits(part).get("mean", _mapping(self.metrics.get(part)).get("r2"))
        return value if isinstance(value, float | int) else None

    def spread(self, part: str = "test") -> float | None:
        """Return the spread of that score over several splits; None where there is one."""
        value = self.over_splits(part).get("spread")
        return value if isinstance(value, float | int) else None

    def over_splits(self, part: str, score: str = "r2") -> dict[str, Any]:
        """Return mean, spread and values of a score over several splits; empty for one split."""
        found = _mapping(_mapping(self.metrics.get("splits")).get("scores"))
        return _mapping(found.get(f"{part}.{score}"))


@dataclass(frozen=True)
class Filters:
    """Which runs are wanted; what is not given filters nothing.

    Attributes
    ----------
    dataset
        Name of the dataset, or ``name@version``.
    uses
        Components that all play a part.
    since
        First day (``2026-11-01``).
    least
        Smallest R² of the test part.
    """

    dataset: str | None = None
    uses: tuple[str, ...] = field(default=())
    since: str | None = None
    least: float | None = None

    def take(self, run: RunRecord) -> bool:
        """Whether a run is wanted."""
        data = run.data.split(" ")[0]
        score = run.score()
        return (
            (self.dataset is None or self.dataset in (data, data.partition("@")[0]))
            and set(self.uses) <= set(run.uses())
            and (self.since is None or run.started >= self.since)
            and (self.least is None or (score is not None and score >= self.least))
        )


def read_run(folder: Path) -> RunRecord:
    """Read a run.

    Raises
    ------
    DataError
        If the folder holds none, or a file of it is damaged.
    """
    if not (folder / SUMMARY).is_file() or not (folder / METRICS).is_file():
        raise DataError(f"'{folder}' is no run: it has no {SUMMARY} and {METRICS}.")
    summary = parse_json(_bytes(folder / SUMMARY), f"'{folder / SUMMARY}'")
    metrics = parse_json(_bytes(folder / METRICS), f"'{folder / METRICS}'")
    require_format(summary.get("format"), f"'{folder / SUMMARY}'")
    try:
        recipe = load_yaml(_bytes(folder / RECIPE).decode("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = str(error).partition("\n")[0]
        raise CorruptError(f"'{folder / RECIPE}' is damaged ({told}).") from None
    return RunRecord(folder, _mapping(recipe), summary, metrics)


def find_runs(
    places: Iterable[Path], filters: Filters | None = None
) -> tuple[list[RunRecord], list[str]]:
    """Return the runs below some folders, the newest first, and a sentence for each damaged one.

    Raises
    ------
    DataError
        If a folder is none.
    """
    found, damaged = [], []
    for place in places:
        if not place.is_dir():
            raise DataError(f"there is no folder '{place}'; give one with runs in it.")
        for folder in _folders(place, DEPTH):
            try:
                run = read_run(folder)
            except DataError as error:
                damaged.append(str(error))
                continue
            if (filters or Filters()).take(run):
                found.append(run)
    return sorted(found, key=lambda run: (run.started, run.name), reverse=True), damaged


def flat(value: Any, path: str = "", *, lists: bool = False) -> dict[str, Any]:
    """Return the leaves of nested mappings by their dotted path; of lists of numbers too if asked.

    A list that holds mappings or lists is always taken apart.
    """
    if isinstance(value, Mapping) and value:
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list) and (
        (lists and value) or any(isinstance(inner, Mapping | list) for inner in value)
    ):
        items = enumerate(value)
    else:
        return {path: value}
    leaves: dict[str, Any] = {}
    for key, inner in items:
        leaves |= flat(inner, f"{path}.{key}" if path else str(key), lists=lists)
    return leaves


def _folders(place: Path, depth: int) -> Iterator[Path]:
    if (place / SUMMARY).is_file() and (place / METRICS).is_file():
        yield place
    elif depth:
        for inner in sorted(place.iterdir()):
            if inner.is_dir() and not inner.name.startswith(".") and not inner.is_symlink():
                yield from _folders(inner, depth - 1)


def _bytes(path: Path) -> bytes:
    with readable(f"'{path}'"):
        return read_file(path, MOST_BYTES)


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
