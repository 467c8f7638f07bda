"""``xreg registry``: where datasets and models come from."""

from __future__ import annotations

from typing import Annotated

import typer

from xreg.cli.output import echo

app = typer.Typer(help="Registries that xreg searches.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What to call it.")]


@app.command("list")
def list_() -> None:
    """List the registries in the order in which they are searched."""
    from xreg.core.errors import UnknownNameError
    from xreg.registry.registries import candidates

    try:
        for registry in candidates():
            echo(f"{registry.name}  {registry.location}")
    except UnknownNameError:
        echo("none; `xreg registry add NAME PATH_OR_URL` adds one")


@app.command()
def add(
    name: Name,
    location: Annotated[str, typer.Argument(metavar="PATH_OR_URL", help="Folder or git URL.")],
) -> None:
    """Check a registry and add it to your configuration."""
    from xreg.registry import registries

    registry = registries.add(name, location)
    echo(f"{registry.name}  {registry.location}")


@app.command()
def remove(name: Name) -> None:
    """Remove a registry from your configuration; what was pulled from it stays."""
    from xreg.registry import registries

    registries.remove(name)
