"""``xreg search``: methods compete under equal conditions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xreg.cli.options import (
    AllowCode,
    Bad,
    Dataset,
    DryRun,
    Executor,
    NoCache,
    Only,
    Out,
    Registry,
    Scheduler,
    Set,
    Workers,
    features_folder,
    places,
    shown,
)
from xreg.cli.output import echo

if TYPE_CHECKING:
    from xreg.workbench.search.ranking import FamilyResult


def search(
    recipe: Annotated[
        Path | None, typer.Argument(help="Search recipe (YAML); flags can replace it.")
    ] = None,
    dataset: Dataset = None,
    family: Annotated[
        list[str] | None,
        typer.Option(
            help="Descriptor that competes; repeatable. By default all that take the samples."
        ),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Processor time of each family in seconds.")
    ] = None,
    registry: Registry = None,
    bad: Bad = None,
    set_: Set = None,
    out: Out = None,
    only: Only = None,
    dry_run: DryRun = False,
    time: Annotated[
        float | None,
        typer.Option(help="Stop after this many minutes; repeat the command to resume."),
    ] = None,
    workers: Workers = None,
    executor: Executor = "process",
    scheduler: Scheduler = None,
    allow_code: AllowCode = False,
    no_cache: NoCache = False,
) -> None:
    """Compare families of methods, each with the same budget of processor time.

    Without --out the folder is searches/<name>; an existing search is resumed.
    """
    from xreg.cli.progress import progress
    from xreg.core.executor import executor_kind
    from xreg.workbench.recipes.load import load
    from xreg.workbench.search.recipe import SearchRecipe
    from xreg.workbench.search.search import search as carry_out

    kind = executor_kind(executor)
    overrides = {
        "dataset": dataset,
        "families": dict.fromkeys(family) if family else None,
        "budget": budget,
        "bad": bad,
    }
    settings = [f"dataset.registry={registry}"] if registry else []
    loaded = load(
        SearchRecipe, recipe, overrides, settings + (set_ or []), only or (), allow_code=allow_code
    )
    if shown(loaded, dry_run):
        return
    first, one = next(iter(loaded.items()))
    whole = Path("searches") / one.name.removesuffix(f"-{first}")
    until = None if time is None else 60 * time
    for one, place in places(loaded, out, whole, lambda name, _: name, again=True):
        folder = place or whole
        with features_folder(no_cache) as features, progress():
            results = carry_out(
                one,
                folder,
                workers=workers,
                executor=kind,
                scheduler=scheduler,
                seconds=until,
                features=features,
            )
        _print_results(results, folder)


def _print_results(results: list[FamilyResult], folder: Path) -> None:
    """Print the ranking and where everything is."""
    from xreg.core.text import counted
    from xreg.workbench.search.ranking import remarks

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
