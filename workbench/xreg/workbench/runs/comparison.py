"""Runs side by side: their scores, the settings in which they differ, their figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xreg.core.data.splits import PARTS
from xreg.core.errors import DataError
from xreg.core.files import require_free, write_text
from xreg.workbench.runs.record import RunRecord, flat, read_run

__all__ = ["Comparison", "compare", "write_page", "write_series_page"]

MOST_RUNS, MOST_BESIDE = 64, 12
NEVER_COMPARED = ("name", "format", "report")
FIGURES = "figures"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Some runs side by side.

    Attributes
    ----------
    runs
        The runs, as given.
    scores
        A row each: what it is, and its value in each run; None where a run has none.
    settings
        A row for each setting of the recipes in which they differ.
    sources
        A row for each component whose version or code differs.
    figures
        Files of each figure by name, None where a run lacks it; none for many runs.
    """

    runs: Sequence[RunRecord]
    scores: list[tuple[str, list[float | None]]]
    settings: list[tuple[str, list[str]]]
    sources: list[tuple[str, list[str]]]
    figures: dict[str, list[Path | None]]

    @property
    def labels(self) -> list[str]:
        """What each run is called: its folder, with as much of its path as tells them apart."""
        names = [run.name for run in self.runs]
        if len(set(names)) == len(names):
            return names
        return [str(run.folder) for run in self.runs]


def compare(runs: Sequence[RunRecord]) -> Comparison:
    """Put results side by side: runs, or evaluations.

    Raises
    ------
    DataError
        If there are fewer than two, or too many for a page.
    """
    if not 2 <= len(runs) <= MOST_RUNS:
        raise DataError(f"2 to {MOST_RUNS} runs can be compared, and {len(runs)} are given.")
    leaves = [flat(run.metrics, lists=True) for run in runs]
    wanted = [f"{part}.{score}" for part in PARTS for score in ("r2", "r2_standardised", "rmse")]
    wanted += [f"{part}.spectrum_error.median" for part in PARTS]
    over = [f"splits.scores.{part}.r2.{what}" for part in PARTS for what in ("mean", "spread")]
    wanted = [*over, *wanted]
    wanted += sorted({k for one in leaves for k in one if k.startswith("decomposers.")})
    # Of analyses the numbers themselves; what lies deeper stands in their own tables.
    wanted += sorted(
        {k for one in leaves for k in one if k.startswith("analyses.") and k.count(".") == 2}
    )
    scores = [(key, [_number(one.get(key)) for one in leaves]) for key in wanted]
    recipes = [flat(run.recipe) for run in runs]
    keys = dict.fromkeys(key for one in recipes for key in one)
    settings = [
        (key, [_text(one[key]) if key in one else "–" for one in recipes])
        for key in keys
        if key.partition(".")[0] not in NEVER_COMPARED
    ]
    beside = runs if len(runs) <= MOST_BESIDE else ()
    names = sorted({path.name for run in beside for path in (run.folder / FIGURES).glob("*.png")})
    places = {name: [run.folder / FIGURES / name for run in runs] for name in names}
    return Comparison(
        runs,
        [(_title(key), row) for key, row in scores if any(value is not None for value in row)],
        [(key, row) for key, row in settings if len(set(row)) > 1],
        _sources(runs),
        {
            name: [file if file.is_file() else None for file in files]
            for name, files in places.items()
        },
    )


def write_page(compared: Comparison, path: Path, *, renew: bool = False) -> Path:
    """Write all that as one page that needs nothing else.

    Raises
    ------
    DataError
        If the file is there already and may not be replaced.
    """
    from xreg.workbench.report.page import data_url, fill

    if not renew:
        require_free(path)
    pictures = {
        name: [None if file is None else data_url(file) for file in files]
        for name, files in compared.figures.items()
    }
    text = fill(
        "comparison",
        compared=compared,
        pictures=pictures,
        overlays=_overlays(compared),
        beside=MOST_BESIDE,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
    return path


def write_series_page(folder: Path) -> Path | None:
    """Write ``comparison.html`` on the 2 to 64 results in a folder; None for any other number."""
    found = sorted(one.parent for one in folder.glob("*/metrics.json"))
    if not 2 <= len(found) <= MOST_RUNS:
        return None
    compared = compare([read_run(one) for one in found])
    return write_page(compared, folder / "comparison.html", renew=True)


def _overlays(compared: Comparison) -> list[dict[str, str]]:
    """Return the figures that lay the results over each other, as the template shows them."""
    from xreg.core.analysis.style import styled
    from xreg.workbench.report.draw import save_figure
    from xreg.workbench.report.page import data_url
    from xreg.workbench.runs.overlays.overlays import overlays

    found = []
    with TemporaryDirectory() as folder, styled():
        for one in overlays(compared.runs, compared.labels):
            file = Path(folder) / f"{one.name}.png"
            save_figure(one.draw(), file)
            found.append({"title": one.title, "caption": one.caption, "source": data_url(file)})
    return found


def _sources(runs: Sequence[RunRecord]) -> list[tuple[str, list[str]]]:
    rows: dict[str, list[str]] = {"xreg": [str(run.summary.get("xreg", "–")) for run in runs]}
    for i, run in enumerate(runs):
        for one in run.summary.get("components", ()):
            row = rows.setdefault(f"{one.get('kind')} {one.get('name')}", ["–"] * len(runs))
            code = str(one.get("code", ""))[:8]
            row[i] = f"{one.get('distribution')} {one.get('version')} ({code})"
    # Where a run lacks a component, the settings say so already.
    return [(key, row) for key, row in rows.items() if len(set(row) - {"–"}) > 1]


def _title(key: str) -> str:
    """Return the path of a score as it is printed; that of a decomposer ends in its rank."""
    if key.startswith("splits.scores."):
        score, _, what = key.removeprefix("splits.scores.").rpartition(".")
        return f"{score}, {what} over splits"
    path, _, last = key.rpartition(".")
    return f"{path} k={int(last) + 1}" if last.isdecimal() else key


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, float | int) and value is not True else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
