"""``xreg models``: what was trained, and what each model knows."""

from __future__ import annotations

import typer

from xreg.cli.options import AllowCode, Model, Registry
from xreg.cli.output import echo

app = typer.Typer(help="Trained models: of runs here, and of registries.", no_args_is_help=True)


@app.command("list")
def list_(registry: Registry = None) -> None:
    """List the models of runs/ and of the registries."""
    from xreg.registry.models import list_models

    rows = []
    for entry in list_models(registry):
        data = entry.summary.get("dataset") or {}
        r2 = (entry.metrics.get("test") or {}).get("r2")
        rows.append(
            (
                entry.reference,
                " ".join(filter(None, (data.get("name"), data.get("version")))),
                "" if r2 is None else f"R² {r2:.4f}",
                entry.origin,
            )
        )
    if not rows:
        echo("no models here; `xreg run` makes one.")
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        echo("  ".join(cells).rstrip())


@app.command()
def show(
    model: Model,
    registry: Registry = None,
    allow_code: AllowCode = False,
) -> None:
    """Show what a model predicts, what it knows, how it was made, and how good it is."""
    from xreg.registry.models import describe_model, find_model

    rows = describe_model(find_model(model, registry), allow_code=allow_code)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        echo(f"{name:<{width}}  {value}")
