"""``xreg leaderboard``: searches under the same rules, and the rows of published tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from xreg.cli import options
from xreg.cli.output import cell, echo, echo_table, warn
from xreg.core.errors import ConfigError, RunError


class _Group(TyperGroup):
    """A group whose first command may be left out: what begins with a folder ranks searches."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["rank", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Group,
    help="Rank searches; show, submit and verify rows of published tasks.",
    no_args_is_help=True,
)
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="Name of a published task.")]


@app.command()
def rank(
    searches: Annotated[
        list[Path], typer.Argument(help="Folders of searches, or their results.json.")
    ],
    out: options.Out = None,
) -> None:
    """Rank the families of several searches, one table for each benchmark.

    The tables are printed, or go into a Markdown file by --out. The word rank may be left out.
    """
    from xreg.workbench.search import leaderboard as work

    benchmarks = work.leaderboard(searches)
    text = work.markdown(benchmarks)
    if out is None:
        echo(text)
    else:
        from xreg.core.files import write_text

        write_text(out, f"# Leaderboard\n\n{text}")
        echo(f"{sum(len(b.entries) for b in benchmarks)} families in {len(benchmarks)} benchmarks")


@app.command()
def tasks(registry: options.Registry = None) -> None:
    """List the tasks that registries publish."""
    from xreg.workbench.leaderboards.task import list_tasks

    found, damaged = list_tasks(registry)
    rows = []
    for task in found:
        data = task.rules["dataset"]
        budget = f"{task.rules['budget']:g} s"
        rows.append((task.name, f"{data['name']}@{data['version']}", budget, task.title))
    echo_table(rows)
    for sentence in damaged:
        echo(f"left out: {cell(sentence)}", err=True)
    if not found:
        echo("no task is published here")


@app.command()
def show(task: TaskName, registry: options.Registry = None) -> None:
    """Show a task and its rows, the best first, with every plugin to credit."""
    from xreg.workbench.leaderboards.entry import rows_of
    from xreg.workbench.leaderboards.task import METRICS, find_task

    found = find_task(task, registry)
    echo(cell(found.title), bold=True)
    for line in found.description.splitlines():
        echo(f"  {cell(line)}")
    echo(f"  {METRICS[found.metric]}; {found.rules['budget']:g} s of processor time a family")
    rows, faults = ([], []) if found.registry is None else rows_of(found.registry, task)
    for place, row in enumerate(rows, 1):
        best = row.family
        test = "" if best.test is None else f"  test {best.test:.4f}"
        old = "" if row.task_digest == found.digest else "  (of earlier rules)"
        echo(f"{place:>2}. R² {best.score:.4f} ± {best.fold_spread:.4f}{test}  {best.label}{old}")
        echo(f"      {cell(row.name)}; {cell(row.credit)}; {cell(row.signed_off_by)}, "
             f"{row.submitted}")  # fmt: skip
    for sentence in faults:
        echo(f"left out: {cell(sentence)}", err=True)
    if not rows:
        echo(f"no row yet; `xreg search --task {task}` makes one")


@app.command()
def submit(
    folder: Annotated[Path, typer.Argument(help="Folder of a search made with --task.")],
    sign_off: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Who says that the search was made as the task asks: you."
        ),
    ] = None,
    winner: Annotated[list[str] | None, typer.Option(help="Only this family; repeatable.")] = None,
    registry: options.Registry = None,
) -> None:
    """Add the winners of a search to the leaderboard of its task, a file each.

    They are written into the registry's folder; commit them, and send them as a pull request.
    """
    from xreg.workbench.leaderboards.submit import submit as work

    if not sign_off:
        raise ConfigError(
            'a row carries the name of who stands for it: say --sign-off "Your Name <address>".'
        )
    for file in work(folder, sign_off, registry, winner or ()):
        echo(f"wrote {file}")
    echo("next: commit what is new, and send it as a pull request")


@app.command()
def verify(
    task: TaskName,
    row: Annotated[str, typer.Argument(help="Name of a row, or a family for its best row.")],
    path: Annotated[
        str | None, typer.Option(help="The dataset's .zarr store, where no registry has it.")
    ] = None,
    registry: options.Registry = None,
    allow_code: options.AllowCode = False,
    no_cache: options.NoCache = False,
) -> None:
    """Compute a row again: the same folds, seeds and settings.

    Exit code 1 unless all is the same to the digit, or within the row's spread.
    """
    from xreg.workbench.leaderboards.verify import verify as work

    with options.features_folder(no_cache) as features:
        done = work(task, row, registry, path=path, allow_code=allow_code, features=features)
    for what in done.circumstances:
        warn(f"not as before: {cell(what)}")
    if not done.within:
        raise RunError(f"row '{done.row.name}' is {done.in_words()}")
    echo(f"{cell(done.row.name)}: {done.in_words()}")
    echo(f"credit: {cell(done.row.credit)}")
