"""Pages of tasks: what methods compete in, and the rows that were entered."""

from __future__ import annotations

from collections.abc import Sequence

from xreg.workbench.leaderboards.entry import Row as Entered
from xreg.workbench.leaderboards.entry import rows_of
from xreg.workbench.leaderboards.task import METRICS, Task, list_tasks
from xreg.workbench.pages.places import Place
from xreg.workbench.pages.sections import Row, SearchEntry
from xreg.workbench.pages.writer import SiteWriter
from xreg.workbench.search.leaderboard import Benchmark

__all__ = ["write_tasks"]

HEADS = ("Place", "Family", "Model", "R²", "±", "Test R²", "Time (s)", "Plugins", "Signed off by",
         "Row")  # fmt: skip
NUMERIC = (0, 3, 4, 5, 6)


def write_tasks(writer: SiteWriter, place: Place) -> tuple[list[Row], list[SearchEntry], list[str]]:
    """Write a page for each task of a registry.

    Returns
    -------
    rows, search, notes
        What the list of leaderboards shows, what the search finds, and what is wrong with tasks.
    """
    rows, search = [], []
    tasks, notes = list_tasks(place.registry.location)
    for task in tasks:
        entered, faults = rows_of(place.registry, task.name)
        notes += faults
        path = f"{place.prefix}tasks/{task.name}.html"
        _write(writer, place, task, entered, path)
        best = next((row for row in entered if row.task_digest == task.digest), None)
        rows.append(
            Row(
                cells=[
                    (task.title, path),
                    str(len(entered)),
                    best.family.label if best else "–",
                    f"{best.family.score:.4f}" if best else "–",
                ],
                facets={"Dataset": [task.rules["dataset"]["name"]], "Kind": ["task"]},
                note=_conditions(task),
            )
        )
        words = " ".join([task.description, *(row.credit for row in entered[:50])])[:600]
        search.append(SearchEntry("task", task.name, task.title, path, words))
    return rows, search, notes


def _write(
    writer: SiteWriter, place: Place, task: Task, entered: Sequence[Entered], path: str
) -> None:
    rows = [
        Row(
            cells=[
                str(number),
                row.family.label,
                _model(row),
                f"{row.family.score:.4f}",
                f"{row.family.fold_spread:.4f}",
                "–" if row.family.test is None else f"{row.family.test:.4f}",
                f"{row.family.seconds:.0f}",
                row.credit,
                f"{row.signed_off_by}, {row.submitted}",
                row.name if row.task_digest == task.digest else f"{row.name} (of earlier rules)",
            ],
            facets={"Model": [_model(row)], "Plugin": [s.distribution for s in row.sources]},
        )
        for number, row in enumerate(entered, 1)
    ]
    writer.list(
        path,
        rows,
        ("Model", "Plugin"),
        title=task.title,
        kicker="Task",
        about=_conditions(task),
        notes=[" ".join(task.description.split()), f"Judged by: {METRICS[task.metric]}."],
        commands=[
            f"xreg search RECIPE --task {task.name} -o FOLDER{place.option}",
            f"xreg leaderboard submit FOLDER --sign-off NAME{place.option}",
            f"xreg leaderboard verify {task.name} ROW{place.option}",
        ],
        heads=HEADS,
        numeric=NUMERIC,
        empty="No row was entered yet; the commands above make one.",
    )


def _model(row: Entered) -> str:
    model = row.family.decomposer or row.family.emulator or {}
    return str(model.get("name", "–"))[:100]


def _conditions(task: Task) -> str:
    """Return the rules in a sentence, as a benchmark of searches says them."""
    data, channel = task.rules["dataset"], task.rules["target"]["channel"]
    what = ", ".join(filter(None, [f"{data['name']} {data['version']}", channel]))
    return f"{what}: {Benchmark('', task.rules).conditions}"
