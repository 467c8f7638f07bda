"""``xreg run``: from a recipe to a folder of results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xreg.cli import options
from xreg.cli.output import echo, note, warn
from xreg.core.errors import ConfigError

if TYPE_CHECKING:
    from xreg.workbench.run.features import Execution
    from xreg.workbench.run.recipe import Recipe


def run(
    recipe: Annotated[
        Path | None,
        typer.Argument(help="Recipe (YAML), flags can replace it; or a run's folder to repeat."),
    ] = None,
    dataset: options.Dataset = None,
    registry: options.Registry = None,
    channel: options.Channel = None,
    split: options.Split = None,
    descriptor: Annotated[str | None, typer.Option(help="Descriptor.")] = None,
    emulator: Annotated[str | None, typer.Option(help="Emulator.")] = None,
    decomposer: Annotated[list[str] | None, typer.Option(help="Decomposer; repeatable.")] = None,
    analysis: options.Analyses = None,
    bad: options.Bad = None,
    set_: options.Set = None,
    name: options.Name = None,
    out: options.Out = None,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    workers: options.Workers = None,
    executor: options.Executor = "process",
    scheduler: options.Scheduler = None,
    allow_code: options.AllowCode = False,
    no_cache: options.NoCache = False,
) -> None:
    """Train and evaluate a model as a recipe says; everything goes into one folder.

    Without --out the folder is runs/<date>-<name>. A recipe with several runs leaves a
    folder of such folders, runs/<name>, and a table of their scores; those that exist already
    are skipped. Given the folder of a run, it is repeated, and every number is compared.
    """
    from xreg.core.executor import executor_kind
    from xreg.workbench.recipes.load import load
    from xreg.workbench.run.features import Execution
    from xreg.workbench.run.recipe import Recipe

    execution = Execution(executor_kind(executor), workers, scheduler)
    overrides = {
        "name": name,
        "dataset": dataset,
        "split": split,
        "descriptor": descriptor,
        "emulator": emulator,
        "decomposers": dict.fromkeys(decomposer) if decomposer else None,
        "analyses": dict.fromkeys(analysis) if analysis else None,
        "bad": bad,
    }
    texts = [f"target.channel={channel}"] if channel else []
    settings = texts + options.settings(set_, registry)
    if recipe is not None and recipe.is_dir():
        if dry_run or only or settings or any(value is not None for value in overrides.values()):
            raise ConfigError(
                f"'{recipe}' is a run, which is repeated as it was; to change something, give its "
                "recipe.yaml."
            )
        with options.features_folder(no_cache) as features:
            _repeat(recipe, out, replace(execution, features=features))
        return
    loaded = load(Recipe, recipe, overrides, settings, only or (), allow_code=allow_code)
    if dry_run:
        _estimate(loaded, execution)
        return
    with options.features_folder(no_cache) as features:
        _carry_out(loaded, out, replace(execution, features=features))


def _repeat(folder: Path, out: Path | None, execution: Execution) -> None:
    """Repeat a run and say whether every number came out the same."""
    from xreg.cli.progress import progress
    from xreg.workbench.runs.repeat import repeat

    with progress():
        done = repeat(folder, out, execution)
    _print_results(done.folder)
    for what in done.circumstances:
        warn(f"not as before: {what}")
    echo(done.in_words())


def _carry_out(loaded: dict[str, Recipe], out: Path | None, execution: Execution) -> None:
    """Do one run, or several and a table of their scores."""
    from xreg.cli.progress import progress
    from xreg.workbench.run.run import execute
    from xreg.workbench.run.series import write_scores
    from xreg.workbench.runs.comparison import write_series_page

    first = next(iter(loaded))
    whole = out or Path("runs") / loaded[first].name.removesuffix(f"-{first}")
    for one, place in options.places(loaded, out, whole, lambda name, _: name):
        with progress():
            folder = execute(one, place, execution)
        _print_results(folder)
    if "" not in loaded and not (out and len(loaded) == 1):
        echo(f"scores: {write_scores(whole)}")
        if page := write_series_page(whole):
            echo(f"side by side: {page}")


def _estimate(recipes: dict[str, Recipe], execution: Execution) -> None:
    """Print each recipe in full and what it would cost."""
    from xreg.cli.progress import progress
    from xreg.workbench.run.estimate import estimate

    for number, recipe in enumerate(recipes.values()):
        with progress():
            cost = estimate(recipe, execution)
        echo("---\n" * bool(number) + cost.recipe.to_yaml(), nl=False)
        for line in cost.lines():
            echo(f"# {line}")


def _print_results(folder: Path) -> None:
    """Print the scores of a run and where it is."""
    import json

    from xreg.cli.summary import score, score_interval
    from xreg.core.data.splits import PARTS
    from xreg.core.text import counted

    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    note(*summary["remarks"])
    data = summary["dataset"]
    echo(f"{data['name']} {data['version']}, channel {data['channel']}")
    over = metrics.get("splits")
    if over is not None:
        echo(f"mean ± spread over {counted(len(over['names']), 'split')}")
    for part in PARTS:
        if part in metrics:
            scores = metrics[part]
            if over is not None:
                _print_over_splits(part, over)
                continue
            r2 = score(scores["r2"])
            if "targets" in scores:  # of several units, maybe
                r2 += f" raw, {score(scores['r2_standardised'])} standardised"
            r2 += score_interval(scores)
            echo(f"{part:<10}  R² {r2}  ({counted(scores['samples'], 'sample')})")
    for label, parts in metrics["decomposers"].items():
        shown = "test" if "test" in parts else next(iter(parts), "")
        values = "  ".join(f"k={k} {score(v)}" for k, v in enumerate(parts.get(shown, ()), 1))
        echo(f"{label:<10}  covered variance ({shown})  {values}")
    echo(f"report: {folder / 'report.html'}")


def _print_over_splits(part: str, over: dict[str, Any]) -> None:
    """Print the R² of a part as mean ± spread over the splits of a run."""
    from xreg.cli.summary import score_interval

    r2 = over["scores"].get(f"{part}.r2")
    if r2 is None:
        echo(f"{part:<10}  R² –")
        return
    text = f"{r2['mean']:.4f} ± {r2['spread']:.4f}"
    if part == over["part"]:
        text += f"{score_interval(over)}  ({over['groups']:,} different groups or samples tested)"
    echo(f"{part:<10}  R² {text}")
