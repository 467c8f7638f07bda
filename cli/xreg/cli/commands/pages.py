"""``xreg pages``: a site that shows what registries hold, and pages to explore spectra."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli import options
from xreg.cli.output import echo

SITE = "site"

app = typer.Typer(
    help="Pages of a registry, and interactive pages of spectra.", no_args_is_help=True
)


@app.command()
def build(
    registries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REGISTRY]...",
            help="Configured names, folders or git URLs; by default the registry around the "
            "working folder, and those you have configured.",
        ),
    ] = None,
    out: options.Out = None,
    searches: Annotated[
        list[Path] | None,
        typer.Option(
            "--search",
            metavar="PLACE",
            help="Folder of a search, or its results.json, for the leaderboards. Repeatable.",
        ),
    ] = None,
    pull: Annotated[
        bool,
        typer.Option("--pull", help="Pull datasets that are not here, for their spectra."),
    ] = False,
    explore: Annotated[
        bool,
        typer.Option(
            "--explore", help="Make an explorer of the newest version of each dataset that is here."
        ),
    ] = False,
    heading: Annotated[
        str, typer.Option(help="Heading of the site; the name of the registry if not given.")
    ] = "",
) -> None:
    """Build a static site: datasets, models, plugins, leaderboards.

    It opens from a disk and from any web host, and needs no server. It becomes the folder site
    unless --out says otherwise.
    """
    from xreg.workbench.pages.build import build_pages

    built = build_pages(
        registries or (),
        out or Path(SITE),
        results=searches or (),
        fetch=pull,
        explore=explore,
        title=heading,
    )
    echo(built)
    echo(f"open {built.folder / 'index.html'}")


@app.command()
def explore(
    what: Annotated[
        str,
        typer.Argument(
            metavar="DATASET|RUN",
            help="A dataset (name, name@version, path of a .zarr store), or the folder or name of "
            "a run or an evaluation.",
        ),
    ],
    out: options.Out = None,
    channel: options.Channel = None,
    registry: options.Registry = None,
) -> None:
    """Make one interactive page: a map of all samples, the spectra and structure of each.

    It needs no network. Of a run it becomes explorer.html in its folder, of a dataset
    NAME-explorer.html in the working folder, unless --out says otherwise.
    """
    from xreg.workbench.explorer.explore import explore as work

    echo(work(what, out, channel, registry))
