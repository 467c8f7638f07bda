"""``xreg grow``: a dataset that grows where a model needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli import options
from xreg.cli.output import echo, note, warn


def grow(
    recipe: Annotated[Path, typer.Argument(help="A recipe (YAML): pool, generator, model.")],
    out: options.RequiredOut,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    bad: options.Bad = None,
    workers: options.Workers = None,
    executor: options.Executor = "process",
    scheduler: options.Scheduler = None,
    set_: options.Set = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Grow a dataset where a model is least sure; repeat the command to resume.

    Of a pool of structures or a parameter space a few samples are computed, a model learns from
    them, and the samples of whose spectra it is least sure come next, until the error or the budget
    of the recipe is reached. The folder holds the dataset and run.yaml, a recipe of a run on it.
    """
    from xreg.cli.progress import progress
    from xreg.core.executor import executor_kind
    from xreg.core.text import counted
    from xreg.workbench.grow.grow import grow as carry_out
    from xreg.workbench.grow.recipe import GrowRecipe
    from xreg.workbench.recipes.load import load

    kind = executor_kind(executor)
    loaded = load(GrowRecipe, recipe, {"bad": bad}, set_ or (), only or (), allow_code=allow_code)
    if options.shown(loaded, dry_run):
        return
    for one, place in options.places(loaded, out, out, lambda name, _: name, again=True):
        with progress():
            grown = carry_out(
                one,
                recipe.parent,
                place or out,
                workers=workers,
                executor=kind,
                scheduler=scheduler,
            )
        note(*grown.notes)
        record = grown.record
        for done in record.rounds:
            for sample, reason in done.failed.items():
                warn(f"set aside: {sample}: {reason}")
        last = record.rounds[-1]
        rounds = counted(len(record.rounds), "round")
        echo(
            f"{grown.store}: {counted(record.computed, 'sample')} in {rounds} and "
            f"{len(record.test)} to test; relative error {last.error:.3f} (R² {last.r2:.4f}); "
            f"{record.finished}"
        )
        echo(f"report: {grown.folder / 'report.html'}")
