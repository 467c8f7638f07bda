"""``xreg search``: methods compete under equal conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli.options import AllowCode, Dataset, Executor, NoCache, Scheduler, features_folder
from xreg.cli.output import echo


def search(
    recipe: Annotated[
        Path | None, typer.Argument(help="Search recipe (YAML); flags can replace it.")
    ] = None,
    dataset: Dataset = None,
    family: Annotated[
        list[str] | None,
        typer.Option(
            help="Descriptor that competes; give it again for several. All installed ones that "
            "take the samples by default."
        ),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Processor time of each family in seconds.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any setting: emulator.epochs=500, folds.count=3."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder of the search; one that exists goes on. searches/<name>."
        ),
    ] = None,
    time: Annotated[
        float | None, typer.Option(help="Stop after so many minutes; call again to go on.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; all cores if not given.")
    ] = None,
    executor: Executor = "process",
    scheduler: Scheduler = None,
    allow_code: AllowCode = False,
    no_cache: NoCache = False,
) -> None:
    """Let families of methods compete, each with an equal budget of processor time."""
    from xreg.cli.progress import progress
    from xreg.core.executor import executor_kind
    from xreg.core.text import counted
    from xreg.workbench.search.ranking import remarks
    from xreg.workbench.search.recipe import load_search
    from xreg.workbench.search.search import search as carry_out

    kind = executor_kind(executor)
    overrides = {"dataset": dataset, "families": family or None, "budget": budget}
    loaded = load_search(recipe, overrides, set_ or (), allow_code=allow_code)
    folder = out or Path("searches") / (loaded.name or f"{loaded.dataset.name or 'dataset'}-search")
    with features_folder(no_cache) as features, progress():
        results = carry_out(
            loaded,
            folder,
            workers=workers,
            executor=kind,
            scheduler=scheduler,
            seconds=None if time is None else 60 * time,
            features=features,
        )
    for place, s in enumerate(results, 1):
        if s.score is None:
            echo(f"{place:>2}. {s.label:<16} no candidate ({s.failed} failed)")
        else:
            test = "" if s.test is None else f"  test {s.test:.4f}"
            echo(
                f"{place:>2}. {s.label:<16} R² {s.score:.4f} ± {s.fold_spread:.4f}{test}"
                f"  ({counted(s.candidates, 'candidate')}, {s.seconds:.0f} s)"
            )
    for remark in remarks(results):
        echo(remark)
    echo(f"report: {folder / 'report.html'}; recipes of the winners: {folder / 'recipes'}")
