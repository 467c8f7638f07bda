"""``xreg models``: what was trained, what each model knows, and models by name and version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli import options, versions
from xreg.cli.output import cell, echo, echo_table

app = typer.Typer(
    help="Trained models: of runs here, and of registries; pull and publish them.",
    no_args_is_help=True,
)


@app.command("list")
def list_(registry: options.Registry = None) -> None:
    """List the models of runs/ and of the registries; pulls nothing."""
    from xreg.registry.models import list_models

    rows = []
    for model in list_models(registry):
        data = model.summary.get("dataset") or {}
        r2 = (model.metrics.get("test") or {}).get("r2")
        entry = None if model.found is None else model.found.entry
        state = "" if entry is None else "withdrawn" if entry.withdrawn else entry.size_text
        rows.append(
            (
                model.reference,
                " ".join(filter(None, (data.get("name"), data.get("version")))),
                "" if r2 is None else f"R² {r2:.4f}",
                state,
                model.origin,
                "" if entry is None else entry.title,
            )
        )
    if not rows:
        echo("no models here; `xreg run` makes one.")
    echo_table(rows)


@app.command()
def show(
    model: options.Model,
    registry: options.Registry = None,
    form: options.CardFormat = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Show what a model predicts, what it knows, how it was made, and how good it is."""
    from xreg.registry.models import describe_model, find, find_model

    if form is not None:
        from xreg.registry.cards.text import card_text

        echo(card_text(find(model, registry).entry, form), nl=False)
        return
    rows = describe_model(find_model(model, registry), allow_code=allow_code)
    echo_table([(name, cell(value)) for name, value in rows])


@app.command()
def publish(
    run: Annotated[Path, typer.Argument(help="Folder of the run that trained it.")],
    reference: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="What to call it.")],
    repeat: Annotated[
        list[Path] | None,
        typer.Option(
            help="A run of the same recipe with other seeds: scores become mean ± spread. "
            "Repeatable."
        ),
    ] = None,
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
    allow_code: options.AllowCode = False,
) -> None:
    """Put the model of a run into a registry, with a card; what the card lacks is asked for."""
    given = locals()  # as the fields of a card are called
    from xreg.cli.progress import progress
    from xreg.registry.publishing import publish_model
    from xreg.registry.versions.entries import ModelEntry

    said = versions.asked(ModelEntry.collection, card, given)
    with progress():
        done = publish_model(
            run,
            reference,
            registry,
            said,
            repeats=repeat or (),
            allow_code=allow_code,
            finish=commit,
        )
    versions.print_published(done, commit=commit)


versions.add_commands(app, "model")
