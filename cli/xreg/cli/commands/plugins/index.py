"""``xreg plugins search``, ``info``, ``install``, ``index``: plugins that others have entered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xreg.cli.output import cell, echo, echo_table
from xreg.core.errors import ConfigError, RunError

if TYPE_CHECKING:
    from xreg.registry.plugins.index import Index

app = typer.Typer(help="Make an index of plugins, check one, enter a plugin.", no_args_is_help=True)

Place = Annotated[
    list[str] | None,
    typer.Option(
        "--index",
        metavar="PLACE",
        help="A folder or git URL; by default those of your configuration, and the bundled one.",
    ),
]
NOT_REVIEWED = "nobody but its author is known to have read the code"


def search(
    words: Annotated[
        list[str] | None, typer.Argument(help="Words to look for; all must occur.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind: descriptor, emulator, …")
    ] = None,
    index: Place = None,
) -> None:
    """Look for plugins in the indexes; nothing is fetched or run but the indexes themselves."""
    from xreg.core.interfaces.kinds import KINDS
    from xreg.registry.plugins.index import search as work

    if kind is not None and kind not in KINDS:
        raise ConfigError(f"no kind of plugin '{kind}'; there are {', '.join(KINDS)}.")
    found = work(_indexes(index), words or (), kind)
    rows = [
        (one.kind, one.name, entry.distribution, cell(one.summary or entry.summary))
        for _, entry in found
        for one in entry.components
        if kind in (None, one.kind)
    ]
    rows += [("hooks", "", e.distribution, cell(e.summary)) for _, e in found if not e.components]
    echo_table(rows)
    if not rows:
        echo("no plugin of that kind or words is in the indexes")


def info(
    name: Annotated[str, typer.Argument(help="A distribution, or a component that it brings.")],
    index: Place = None,
) -> None:
    """Show what an index says of a plugin."""
    from xreg.workbench.plugins.indexing import find_entry, installed_version

    where, entry = find_entry(_indexes(index), name)
    echo(f"{entry.distribution} {entry.checked.version}", bold=True)
    rows = [
        ("summary", entry.summary),
        ("licence", entry.licence),
        ("maintainer", entry.maintainer),
        ("homepage", entry.homepage or ""),
        ("interface", f"{entry.api} up to {entry.api.partition('.')[0]}.x"),
        ("checked", f"version {entry.checked.version} with xreg {entry.checked.xreg}, "
                    f"{entry.checked.date}"),
        ("reviewed", "yes" if entry.reviewed else f"no: {NOT_REVIEWED}"),
        ("requires", ", ".join(entry.requires)),
        ("index", where.place),
        ("installed", installed_version(entry) or "no"),
    ]  # fmt: skip
    for key, value in rows:
        if value:
            echo(f"  {key:<10}  {cell(value)}")
    for one in entry.components:
        settings = f" ({', '.join(one.settings)})" if one.settings else ""
        echo(f"  {one.kind} {one.name}: {cell(one.summary)}{settings}")


def install(
    name: Annotated[str, typer.Argument(help="A distribution, or a component that it brings.")],
    index: Place = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Install the checked version of a plugin by pip, after showing what will be run.

    A plugin is code: it runs whenever xreg starts.
    """
    from xreg.workbench.plugins import indexing

    where, entry = indexing.find_entry(_indexes(index), name)
    command = indexing.install_command(where, entry)
    echo(f"{entry.distribution} {entry.checked.version}: {cell(entry.summary)}")
    if not entry.reviewed:
        echo(f"not reviewed: {NOT_REVIEWED}")
    echo(f"this will be run: {cell(indexing.in_words(command))}")
    if not yes:
        try:
            agreed = typer.confirm("Run it?")
        except typer.Abort:
            raise ConfigError("nobody answered; say --yes to install without a question.") from None
        if not agreed:
            echo("nothing was installed")
            return
    indexing.install(command)
    echo(f"installed {entry.distribution}; `xreg plugins list` shows it")


@app.command()
def new(folder: Annotated[Path, typer.Argument(help="The new folder.")]) -> None:
    """Make an index: a folder to put into git, with a workflow that checks pull requests."""
    from xreg.workbench.plugins.indexing import new_index

    echo(f"made {new_index(folder)}")
    echo(
        "next: put it into git; `xreg plugins index entry PLUGIN_FOLDER INDEX_FOLDER` adds an entry"
    )


@app.command()
def check(
    place: Annotated[str, typer.Argument(help="Folder or git URL of an index.")] = ".",
    fetch: Annotated[
        bool,
        typer.Option(
            "--fetch",
            help="Also fetch each distribution (a wheel, or its commit) and compare what it "
            "declares with its entry; it is read, never installed, built or run.",
        ),
    ] = False,
) -> None:
    """Check the entries of an index: data alone, nothing of any plugin is run.

    Exit code 1 where one is unsound.
    """
    from xreg.registry.plugins.index.index import open_index
    from xreg.workbench.plugins.distributions import differences

    found = open_index(place)
    faults = list(found.faults)
    if fetch:
        for one in found.entries:
            faults += [f"{one.distribution}: {what}" for what in differences(found, one)]
    for fault in faults:
        echo(f"  mend  {cell(fault)}", fg="red")
    echo(f"{len(found.entries)} sound entries, {len(faults)} to mend")
    if faults:
        raise RunError(f"{len(faults)} of the entries of '{place}' cannot be used.")


@app.command()
def entry(
    plugin: Annotated[Path, typer.Argument(help="Folder of the plugin; its code is run.")],
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    maintainer: Annotated[
        str | None, typer.Option(help="Who looks after it; by default its first author.")
    ] = None,
    git: Annotated[
        str | None, typer.Option(help="Git repository, where no package index has it.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="The commit of it that is entered.")] = None,
    folder: Annotated[
        str, typer.Option(help="Its folder in that repository, or in that of the index.")
    ] = "",
) -> None:
    """Write the entry of a plugin that passes its checks, for a pull request."""
    from xreg.workbench.plugins.indexing import write_entry

    file = write_entry(
        plugin, index, maintainer=maintainer, git=git, commit=revision, folder=folder
    )
    echo(f"wrote {file}")


def _indexes(places: list[str] | None) -> list[Index]:
    """Return the indexes; what is wrong with single entries goes to standard error."""
    from xreg.registry.plugins.index import indexes

    found = indexes(places or ())
    for index in found:
        for fault in index.faults[:10]:
            echo(f"left out of {cell(index.place)}: {cell(fault)}", err=True)
        if len(index.faults) > 10:
            echo(f"left out of {cell(index.place)}: {len(index.faults) - 10} more", err=True)
    return found
