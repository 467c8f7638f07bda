"""Pages of leaderboards: one for each benchmark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from xreg.core import storage
from xreg.workbench.pages.places import Place
from xreg.workbench.pages.sections import Part, Row, SearchEntry
from xreg.workbench.pages.tasks import write_tasks
from xreg.workbench.pages.writer import SiteWriter
from xreg.workbench.search.leaderboard import Benchmark, leaderboard

__all__ = ["write_leaderboards"]

HEADS = ("Place", "Family", "Model", "R²", "± folds", "± seeds", "Test R²", "Candidates",
         "Time (s)", "Plugin")  # fmt: skip
KEY = re.compile(r"[0-9a-f]{8,64}")


def write_leaderboards(
    writer: SiteWriter, places: Sequence[Place], results: Sequence[Path]
) -> Part:
    """Write the pages of all tasks and benchmarks.

    Parameters
    ----------
    writer
        The site.
    places
        The registries, which publish tasks.
    results
        Folders of searches, or their ``results.json``.
    """
    rows: list[Row] = []
    search: list[SearchEntry] = []
    notes: list[str] = []
    for place in places:
        more, found, faults = write_tasks(writer, place)
        rows += more
        search += found
        notes += faults
    for benchmark in leaderboard(results):
        path = f"leaderboards/{_slug(benchmark.key)}.html"
        _write(writer, benchmark, path)
        best = benchmark.entries[0] if benchmark.entries else None
        rows.append(
            Row(
                cells=[
                    (benchmark.title, path),
                    str(len(benchmark.entries)),
                    best.label if best else "–",
                    f"{best.score:.4f}" if best else "–",
                ],
                facets={"Dataset": [benchmark.rules["dataset"]["name"]], "Kind": ["searches"]},
                note=benchmark.conditions,
            )
        )
        words = " ".join(sorted({entry.label for entry in benchmark.entries})[:100])
        search.append(
            SearchEntry("leaderboard", benchmark.title, benchmark.conditions, path, words)
        )
    path = "leaderboards/index.html"
    writer.list(
        path,
        rows,
        ("Dataset", "Kind"),
        title="Leaderboards",
        about="Methods judged by the same rules: tasks that anyone may enter, and searches.",
        notes=notes,
        heads=("Task or benchmark", "Entries", "Best", "R²"),
        numeric=(1, 3),
        empty="No results of searches are published yet.",
    )
    return Part("Leaderboards", path, len(rows), "methods judged by the same rules", search)


def _slug(key: str) -> str:
    """Return a benchmark's key as a file's name; a stranger may call it anything."""
    return key if KEY.fullmatch(key) else storage.digest(key.encode())[:16]


def _write(writer: SiteWriter, benchmark: Benchmark, path: str) -> None:
    rows = [
        Row(
            cells=[
                str(number),
                e.label,
                e.model,
                f"{e.score:.4f}",
                f"{e.fold_spread:.4f}",
                "–" if e.seed_spread is None else f"{e.seed_spread:.4f}",
                "–" if e.test is None else f"{e.test:.4f}",
                str(e.candidates),
                f"{e.seconds:.0f}",
                e.plugin,
            ],
            facets={"Model": [e.model], "Plugin": [e.plugin]},
        )
        for number, e in enumerate(benchmark.entries, 1)
    ]
    writer.list(
        path,
        rows,
        ("Model", "Plugin"),
        title=benchmark.title,
        kicker="Leaderboard",
        about=benchmark.conditions,
        notes=[
            "R² is the mean over folds and seeds of the best candidate of each family; ± are "
            "standard deviations."
        ],
        heads=HEADS,
        numeric=(0, 3, 4, 5, 6, 7, 8),
        empty="Nothing was entered yet.",
        foot=f"Benchmark {benchmark.key}.",
    )
