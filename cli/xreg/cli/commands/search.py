"""``xreg search``: methods compete under equal conditions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xreg.cli import options
from xreg.cli.output import echo
from xreg.core.errors import ConfigError

if TYPE_CHECKING:
    from xreg.workbench.leaderboards.task import Task
    from xreg.workbench.search.ranking import FamilyResult


def search(
    recipe: Annotated[
        Path | None, typer.Argument(help="Search recipe (YAML); flags can replace it.")
    ] = None,
    dataset: options.Dataset = None,
    family: Annotated[
        list[str] | None,
        typer.Option(
            help="Descriptor that competes; repeatable. By default all that take the samples."
        ),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Processor time of each family in seconds.")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="Published task to take part in; it gives all rules but the families."),
    ] = None,
    registry: options.Registry = None,
    bad: options.Bad = None,
    set_: options.Set = None,
    out: options.Out = None,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    time: Annotated[
        float | None,
        typer.Option(help="Stop after this many minutes; repeat the command to resume."),
    ] = None,
    workers: options.Workers = None,
    executor: options.Executor = "process",
    scheduler: options.Scheduler = None,
    allow_code: options.AllowCode = False,
    no_cache: options.NoCache = False,
) -> None:
    """Compare families of methods, each with the same budget of processor time.

    Without --out the folder is searches/<name>; an existing search is resumed.
    """
    from xreg.cli.progress import progress
    from xreg.core.executor import executor_kind
    from xreg.workbench.leaderboards.task import note_task, require_anew, require_same_task
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
    rules = None
    if task is not None:
        rules = _task(task, registry, recipe, {**overrides, "families": None}, set_ or [])
        overrides |= rules.overrides()
    settings = options.settings(set_, registry)
    loaded = load(SearchRecipe, recipe, overrides, settings, only or (), allow_code=allow_code)
    if options.shown(loaded, dry_run):
        return
    first, one = next(iter(loaded.items()))
    whole = Path("searches") / one.name.removesuffix(f"-{first}")
    if rules is not None and len(loaded) > 1:
        raise ConfigError("a task takes one search at a time; say --only NAME.")
    if rules is not None:
        require_anew(one)
    if rules is not None and out is None:
        whole = Path("searches") / rules.name
    until = None if time is None else 60 * time
    for one, place in options.places(loaded, out, whole, lambda name, _: name, again=True):
        folder = place or whole
        if rules is not None:
            require_same_task(folder, rules)
        with options.features_folder(no_cache) as features, progress():
            results = carry_out(
                one,
                folder,
                workers=workers,
                executor=kind,
                scheduler=scheduler,
                seconds=until,
                features=features,
            )
        if rules is not None:
            note_task(folder, rules)
        _print_results(results, folder)


def _task(
    name: str,
    registry: str | None,
    recipe: Path | None,
    given: dict[str, Any],
    settings: list[str],
) -> Task:
    """Return the task, once it is sure that neither recipe nor flags ask for other rules."""
    from xreg.workbench.leaderboards.task import RULES, find_task, require_no_rules

    task = find_task(name, registry)
    if stated := [key for key, value in given.items() if value is not None]:
        raise ConfigError(f"the task '{name}' says the {stated[0]}; leave out --{stated[0]}.")
    for text in settings:
        key = text.partition("=")[0].strip()
        if key.partition(".")[0] in RULES and key not in ("dataset.path", "dataset.registry"):
            raise ConfigError(f"the task '{name}' says '{key}'; leave out --set {text}.")
    if recipe is not None:
        require_no_rules(task, recipe)
    return task


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
