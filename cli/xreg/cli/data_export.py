"""``xreg data export``: a dataset in files of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from xreg.cli.output import echo


def export(
    dataset: Annotated[
        str, typer.Argument(help="Dataset: name, name@version, or path of a .zarr store.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The new file or folder; it is never overwritten.")
    ],
    to: Annotated[
        str,
        typer.Option(help="Name of the exporter (xreg plugins list), where OUT does not tell it."),
    ] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value: a setting of the exporter.")
    ] = None,
    registry: Annotated[
        str | None, typer.Option("--registry", "-r", help="Registry of the dataset.")
    ] = None,
) -> None:
    """Write a dataset in a format of other programs.

    extxyz, npz and csv write files; xdi and pairs a folder of a file for each sample. What a format
    cannot hold is listed.
    """
    from xreg.cli.progress import progress
    from xreg.core.text import counted
    from xreg.registry.datasets import open_dataset
    from xreg.workbench.exporting.exports import choose_exporter
    from xreg.workbench.recipes.overrides import apply_setting

    settings: dict[str, Any] = {}
    for text in set_ or ():
        apply_setting(settings, text)
    exporter = choose_exporter(out, to, settings)
    with progress():
        opened = open_dataset(dataset, registry=registry)
        done = exporter.write(opened, out)
    for what in done.left_out:
        echo(f"left out, as {exporter.name} cannot hold it: {what}", fg="yellow", err=True)
    for file in done.files:
        echo(f"{file}: {counted(len(opened), 'sample')}")
