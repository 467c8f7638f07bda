"""``xreg data process``: channels made anew from raw ones, without running an engine again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli import options
from xreg.cli.output import echo


def process(
    store: Annotated[str, typer.Argument(help="A store (….zarr), or NAME@VERSION.")],
    recipe: Annotated[Path, typer.Argument(help="A recipe of channels and steps (YAML).")],
    out: options.Out = None,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    set_: options.Set = None,
    registry: options.Registry = None,
) -> None:
    """Broaden, align, normalise and resample raw spectra into channels of a new store.

    Raw channels are kept, channels of an earlier processing replaced; the steps are recorded.
    Without --out the new store is NAME-VERSION.zarr here.
    """
    from xreg.cli.summary import print_summary
    from xreg.workbench.process.process import ProcessingRecipe, process_store
    from xreg.workbench.recipes.load import load

    loaded = load(ProcessingRecipe, recipe, None, set_ or (), only or ())
    if options.shown(loaded, dry_run):
        return
    for parsed, place in options.places(loaded, out, Path(), lambda name, _: f"{name}.zarr"):
        written, summary = process_store(store, parsed, place, registry)
        print_summary(summary["text"], summary["doubts"])
        made = [f"channels {', '.join(parsed.processing)} made"] if parsed.processing else []
        made += [f"scans merged by {parsed.merge.by}"] if parsed.merge else []
        echo(f"{written}: {'; '.join(made)}")
