"""``xreg data``: datasets by name and version."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from xreg.cli.commands.data import create, export, process, sticks
from xreg.cli.options import Registry
from xreg.cli.output import cell, echo

app = typer.Typer(help="Datasets: list, pull, make and publish them.", no_args_is_help=True)

Reference = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="The newest version if none is given.")
]


@app.command("list")
def list_(registry: Registry = None) -> None:
    """List the published datasets; pulls nothing."""
    from xreg.registry.datasets import cached, list_datasets

    rows = [
        (
            found.entry.reference,
            cell(f"{found.entry.samples} {found.entry.kind}"),
            cell(", ".join(found.entry.channels)),
            found.entry.size_text,
            "cached" if cached(found.entry).is_dir() else "",
            cell(found.registry.name),
            cell(found.entry.title),
        )
        for found in list_datasets(registry)
    ]
    if not rows:
        echo("no dataset is published here")
    widths = [max(len(row[column]) for row in rows) for column in range(7)] if rows else []
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        echo("  ".join(cells).rstrip())


@app.command()
def show(reference: Reference, registry: Registry = None) -> None:
    """Show everything known about a dataset, or a store of your own (….zarr); pulls nothing."""
    from xreg.workbench.recipes.yaml_text import dump_yaml

    if reference.endswith((".zarr", ".zarr.partial")):
        from xreg.registry.publishing import describe

        entry = describe(Path(reference))
        place = {"folder": reference}
    else:
        from xreg.registry.datasets import cached, find

        found = find(reference, registry=registry)
        entry = found.entry
        store = cached(entry)
        place = {
            "registry": str(found.registry),
            "in the cache": str(store) if store.is_dir() else "no",
        }
    echo(f"{entry.reference}  {cell(entry.title)}", bold=True)
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
        ("licence", cell(entry.licence)),
        ("citation", cell(entry.citation)),
        ("provenance", _lines(provenance.splitlines()) if entry.provenance else ""),
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
def pull(
    references: Annotated[
        list[str],
        typer.Argument(metavar="NAME[@VERSION]...", help="The newest version if none is given."),
    ],
    registry: Registry = None,
) -> None:
    """Download datasets into the cache and check each file against its hash."""
    from xreg.cli.progress import progress
    from xreg.registry.datasets import pull

    for reference in references:
        with progress():
            store = pull(reference, registry=registry)
        echo(str(store))


@app.command()
def publish(
    store: Annotated[Path, typer.Argument(help="Folder of the store (….zarr).")],
    registry: Registry = None,
) -> None:
    """Check a store and put it into a registry, under the name and version that it carries."""
    from xreg.cli.progress import progress
    from xreg.registry.publishing import publish

    with progress():
        done = publish(store, registry)
    entry = done.entry
    echo(f"{entry.reference} ({entry.size_text}, {entry.hash}) is in the registry's remote.")
    echo("To make it known, commit and push what git sees changed:")
    echo(f"  cd {done.root}")
    echo(f"  git add {' '.join(done.paths)}")
    echo(f'  git commit -m "data: {entry.name} {entry.version}"')


@app.command()
def verify(
    reference: Annotated[
        str | None,
        typer.Argument(metavar="[NAME[@VERSION]]", help="All datasets if none is given."),
    ] = None,
    registry: Registry = None,
) -> None:
    """Compare every file, in the remote and in the cache, with its hash."""
    from xreg.cli.progress import progress
    from xreg.core.errors import CorruptError
    from xreg.registry.publishing import verify

    damaged = []
    with progress():
        checked = list(verify(reference, registry))
    for check in checked:
        entry, place = check.found.entry, check.found.registry.name
        where = " and ".join(check.copies)
        count = len(check.problems)
        state = f"{count} problem{'s' * (count > 1)}" if count else "intact"
        echo(f"{entry.reference}  {place}  {entry.files} files in {where}: {state}")
        for problem in check.problems:
            echo(f"  {problem}", fg="red", err=True)
        if check.problems:
            damaged.append(f"{entry.reference} of {place}")
    if damaged:
        raise CorruptError(
            f"{', '.join(damaged)}: files differ from what was published; `xreg data pull` mends "
            "the cache, and the registry's maintainers the remote."
        )


app.command("generate")(create.generate)
app.command("import")(create.import_)
app.command("export")(export.export)
app.command("process")(process.process)
app.command("sticks")(sticks.sticks)
