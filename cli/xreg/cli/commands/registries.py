"""``xreg registry``: where datasets and models come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli.output import echo, note

app = typer.Typer(
    help="Registries that xreg searches; one of your own, and what others meet in it.",
    no_args_is_help=True,
)

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


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(help="A new or empty folder, or a git repository.")
    ] = Path(),
    remote: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Where its objects are kept: a folder, or a URL of s3, ssh, https, gs, azure or "
            "webdav; in the repository itself if not given.",
        ),
    ] = None,
) -> None:
    """Make a registry: a git repository with DVC in it, and a page for its visitors."""
    from xreg.registry.maintenance.founding import found

    made = found(folder, remote)
    echo(f"{made.root} is a registry; its objects are kept in {made.remote}.")
    note(*made.remarks)


@app.command()
def check(
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="[REGISTRY]",
            help="A configured name, a folder or a git URL; the registry around the working folder "
            "if not given.",
        ),
    ] = None,
) -> None:
    """Say in words what a stranger would meet who clones a registry."""
    from xreg.cli.progress import progress
    from xreg.core.errors import DataError
    from xreg.core.text import counted
    from xreg.registry.maintenance.inspection import inspect
    from xreg.registry.registries import candidates

    registry = candidates(place)[0]
    with progress():
        findings = list(inspect(registry))
    severe = [finding for finding in findings if finding.severe]
    for finding in severe:
        echo(f"problem: {finding.text}", fg="red")
    for finding in findings:
        if not finding.severe:
            echo(f"advice: {finding.text}")
    if severe:
        raise DataError(f"{registry.name}: {counted(len(severe), 'problem')} that strangers meet.")
    echo(f"{registry.name}: a stranger can use everything that it says it has.")
