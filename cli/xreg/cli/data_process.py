"""``xreg data process``: channels made anew from raw ones, without running an engine again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli.output import echo


def process(
    store: Annotated[str, typer.Argument(help="A store (….zarr), or NAME@VERSION.")],
    recipe: Annotated[Path, typer.Argument(help="A recipe of channels and steps (YAML).")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The store to write; NAME-VERSION.zarr here without it."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value over the recipe, with dots.")
    ] = None,
) -> None:
    """Broaden, align, normalise and resample raw spectra into channels of a new store.

    Raw channels are kept, channels of an earlier processing replaced; the steps are recorded.
    """
    from xreg.cli.summary import tell_summary
    from xreg.workbench.process.process import load_processing_recipe, process_store

    parsed = load_processing_recipe(recipe, set_ or ())
    written, summary = process_store(store, parsed, output)
    tell_summary(summary["text"], summary["doubts"])
    echo(f"{written}: channels {', '.join(parsed.processing)} made")
