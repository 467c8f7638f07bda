"""``xreg runs``: results that lie here, found, shown and put side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xreg.cli import options
from xreg.cli.output import cell, echo, echo_table
from xreg.cli.summary import score

if TYPE_CHECKING:
    from xreg.workbench.runs.record import RunRecord

app = typer.Typer(help="Runs: list, show and compare them.", no_args_is_help=True)

DEFAULT = Path("runs")


@app.command("list")
def list_(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders with runs in them; runs by default.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="NAME[@VERSION]", help="Only runs of this dataset.")
    ] = None,
    uses: Annotated[
        list[str] | None,
        typer.Option(help="Only runs with this component; repeatable."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only runs begun since, such as 2026-11-01.")
    ] = None,
    least: Annotated[
        float | None, typer.Option(help="Only runs of at least this R² on the test part.")
    ] = None,
) -> None:
    """List runs, the newest first."""
    from xreg.workbench.runs.record import Filters, find_runs

    filters = Filters(data, tuple(uses or ()), since, least)
    found, damaged = find_runs(folders or [DEFAULT], filters)
    rows = [
        (run.started, str(run.folder), run.data, " + ".join(run.uses()), _score(run))
        for run in found
    ]
    echo_table(rows)
    for sentence in damaged:
        echo(f"left out: {cell(sentence)}", err=True)
    if not rows:
        echo("no such run is here")


@app.command()
def show(folder: Annotated[Path, typer.Argument(help="Folder of a run.")]) -> None:
    """Show what a run was made of and how it ended."""
    from xreg.core.data.splits import PARTS
    from xreg.workbench.runs.record import read_run

    run = read_run(folder)
    echo(cell(run.name), bold=True)
    echo(f"  dataset     {cell(run.data)}")
    echo(f"  begun       {cell(run.started)}, {run.summary.get('total_seconds', '?')} s")
    for one in run.summary.get("components", ()):
        code = str(one.get("code", ""))[:12]
        where = f"{one.get('distribution')} {one.get('version')}, code {code}"
        echo(f"  {cell(one.get('kind')):<10}  {cell(one.get('name'))} ({cell(where)})")
    for part in PARTS:
        if part in run.metrics:
            samples = run.metrics[part].get("samples")
            echo(f"  {part:<10}  R² {_score(run, part)} of {samples} samples")
    for remark in run.summary.get("remarks", ()):
        echo(f"  note: {cell(remark)}")
    echo(f"  report      {folder / 'report.html'}")


@app.command()
def compare(
    folders: Annotated[list[Path], typer.Argument(help="Folders of two or more runs.")],
    out: options.Out = None,
) -> None:
    """Put runs side by side: scores, settings that differ, figures.

    What differs is printed; with --out (a .html file) all stands on one page, figures included.
    """
    from xreg.workbench.runs.comparison import compare as work
    from xreg.workbench.runs.comparison import write_page
    from xreg.workbench.runs.record import read_run

    compared = work([read_run(folder) for folder in folders])
    page = None if out is None else write_page(compared, out)
    scores = [(key, [score(value) for value in row]) for key, row in compared.scores]
    _table(compared.labels, scores)
    for title, rows in (("settings", compared.settings), ("code", compared.sources)):
        echo()
        if rows:
            echo(f"{title} that differ{'s' if title == 'code' else ''}")
            _table(compared.labels, rows)
        else:
            echo(f"no {title} differ{'s' if title == 'code' else ''}")
    if page is not None:
        echo()
        echo(f"page: {page}")


def _table(labels: list[str], rows: list[tuple[str, list[str]]]) -> None:
    echo_table([("", *labels), *((key, *cells) for key, cells in rows)])


def _score(run: RunRecord, part: str = "test") -> str:
    """Return the R² of a part, and its spread where it is a mean over several splits."""
    spread = run.spread(part)
    return score(run.score(part)) + ("" if spread is None else f" ± {spread:.4f}")
