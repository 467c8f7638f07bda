"""``xreg data generate`` and ``xreg data import``: new datasets from a recipe or from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The store to write; NAME-VERSION.zarr here without it."),
]


def generate(
    recipe: Annotated[Path, typer.Argument(help="A generation recipe (YAML).")],
    output: Output = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Samples computed at once; all cores without it.")
    ] = None,
    executor: Annotated[
        str, typer.Option(help="process (this machine) or dask (a cluster).")
    ] = "process",
    scheduler: Annotated[str | None, typer.Option(help="Address of the Dask scheduler.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value over the recipe, with dots.")
    ] = None,
) -> None:
    """Compute the spectra of a recipe; repeat after an interruption to go on.

    Finished samples are kept in OUTPUT.partial until the store is complete.
    """
    from xreg.cli.progress import progress
    from xreg.registry.generate import generate
    from xreg.registry.generation_recipe import load_generation_recipe

    parsed = load_generation_recipe(recipe, set_ or ())
    with progress():
        made = generate(
            parsed,
            recipe.parent,
            output,
            workers=workers,
            executor=executor,  # type: ignore[arg-type]  # checked there
            scheduler=scheduler,
        )
    for sample, reason in made.failures.items():
        typer.secho(f"set aside: {sample}: {reason}", fg="yellow", err=True)
    typer.echo(f"{made.path}: {made.samples} samples, {made.computed} computed now")
