"""``xreg data``: datasets by name and version."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from xreg.cli import options, versions
from xreg.cli.commands.data import create, export, process, sticks
from xreg.cli.output import cell, echo, echo_table

app = typer.Typer(help="Datasets: list, pull, make and publish them.", no_args_is_help=True)

Reference = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="The newest version if none is given.")
]


@app.command("list")
def list_(registry: options.Registry = None) -> None:
    """List the published datasets; pulls nothing."""
    from xreg.registry.datasets import is_cached, list_datasets

    rows = [
        (
            found.entry.reference,
            f"{found.entry.samples} {found.entry.kind}",
            ", ".join(found.entry.channels),
            found.entry.size_text,
            "withdrawn" if found.entry.withdrawn else "cached" if is_cached(found.entry) else "",
            found.registry.name,
            found.entry.title,
        )
        for found in list_datasets(registry)
    ]
    if not rows:
        echo("no dataset is published here")
    echo_table(rows)


@app.command()
def show(
    reference: Reference,
    registry: options.Registry = None,
    form: options.CardFormat = None,
) -> None:
    """Show everything known about a dataset, or a store of your own (….zarr); pulls nothing."""
    from xreg.core.yaml_text import dump_yaml

    location = ""
    if reference.endswith((".zarr", ".zarr.partial")):
        from xreg.registry.publishing import describe

        entry = describe(Path(reference))
        place = {"folder": reference}
    else:
        from xreg.registry.datasets import cached, find, is_cached

        found = find(reference, registry=registry)
        entry = found.entry
        location = found.registry.location
        place = {
            "registry": str(found.registry),
            "in the cache": str(cached(entry)) if is_cached(entry) else "no",
        }
    if form is not None:
        from xreg.registry.cards.text import card_text

        echo(card_text(entry, form, location), nl=False)
        return
    echo(f"{entry.reference}  {cell(entry.title)}", bold=True)
    if entry.withdrawn is not None:
        told = f"withdrawn on {entry.withdrawn.date}: {cell(entry.withdrawn.reason)}"
        echo(told, fg="yellow")
    if entry.description:
        echo(_indented(entry.description))
    provenance = dump_yaml(entry.provenance)
    for name, text in (
        (
            "samples",
            cell(f"{entry.samples} {entry.kind}{entry.contents and f' ({entry.contents})'}"),
        ),
        ("channels", _lines(f"{k}: {c} [{c.unit}]" for k, c in entry.channels.items())),
        ("labels", _lines(f"{k}{f' [{u}]' if u else ''}" for k, u in entry.labels.items())),
        (
            "splits",
            _lines(
                f"{name}: {', '.join(f'{n} {part}' for part, n in parts.items())}"
                for name, parts in entry.splits.items()
            ),
        ),
        ("authors", _lines(map(str, entry.authors))),
        ("licence", cell(entry.licence)),
        ("intended use", cell(entry.intended_use)),
        ("limits", cell(entry.limits)),
        ("citation", cell(entry.citation)),
        ("provenance", _lines(provenance.splitlines()) if entry.provenance else ""),
        ("published", entry.published),
        ("hash", entry.hash),
        ("size", f"{entry.size_text} in {entry.files} files"),
        *place.items(),
    ):
        if text:
            echo(f"{name}: {text}")


def _indented(text: str) -> str:
    """Return foreign text of several lines, none of which looks like one of ours."""
    return "\n".join(f"  {line}" for line in text.split("\n")) if "\n" in text else text


def _lines(items: Iterable[str]) -> str:
    return "".join(f"\n  {cell(item)}" for item in items)


@app.command()
def publish(
    store: Annotated[Path, typer.Argument(help="Folder of the store (….zarr).")],
    card: versions.Card = None,
    title: options.Title = "",
    description: options.Description = "",
    authors: versions.Authors = None,
    licence: options.Licence = "",
    citation: options.Citation = "",
    intended_use: versions.Use = "",
    limits: versions.Limits = "",
    keywords: versions.Keywords = None,
    commit: versions.Commit = False,
    registry: options.Registry = None,
) -> None:
    """Check a store and put it into a registry, under the name and version that it carries.

    Authors and a licence must be stated, by the store or here; what is missing is asked for.
    """
    given = locals()  # as the fields of a card are called
    from xreg.cli.progress import progress
    from xreg.registry.publishing import publish, stated
    from xreg.registry.versions.entries import DatasetEntry

    said = versions.asked(DatasetEntry.collection, card, given, stated(store))
    with progress():
        done = publish(store, registry, said, finish=commit)
    versions.print_published(done, commit=commit)


versions.add_commands(app, "dataset")


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Dataset: name@version, or a store.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The one to compare with it.")],
    ids: Annotated[bool, typer.Option("--ids", help="Name every sample.")] = False,
    registry: options.Registry = None,
) -> None:
    """Say what changed between two versions: samples, channels, labels, splits, metadata."""
    from xreg.cli.progress import progress
    from xreg.registry.cards.difference import difference
    from xreg.registry.datasets import open_dataset

    with progress():
        found = list(
            difference(open_dataset(old, registry=registry), open_dataset(new, registry=registry))
        )
    for change in found:
        named = change.ids if ids else change.ids[:3]
        more = ", …" if len(named) < len(change.ids) else ""
        tail = f" ({', '.join(named)}{more})" if named else ""
        echo(cell(f"{change.where}: {change.text}{tail}"))
    if not found:
        echo("no difference")


app.command("generate")(create.generate)
app.command("import")(create.import_)
app.command("export")(export.export)
app.command("process")(process.process)
app.command("sticks")(sticks.sticks)
