"""``xreg data export``: a dataset in files of other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from xreg.cli.options import Registry, RequiredOut, Set, To
from xreg.cli.output import echo


def export(
    dataset: Annotated[
        str, typer.Argument(help="Dataset: name, name@version, or path of a .zarr store.")
    ],
    out: RequiredOut,
    to: To = None,
    set_: Set = None,
    registry: Registry = None,
) -> None:
    """Write a dataset in a format of other programs.

    extxyz, npz, csv and nexus write files; xdi, columns and pairs a folder of a file for each
    sample. What a format cannot hold is listed. A setting of the exporter is --set to.KEY=VALUE.
    """
    from xreg.cli.progress import progress
    from xreg.core.text import counted
    from xreg.workbench.exporting.exports import ExportOptions
    from xreg.workbench.recipes.data import open_section
    from xreg.workbench.recipes.load import load_one

    settings = [f"dataset.registry={registry}"] if registry else []
    flags = {"dataset": dataset, "to": to}
    options = load_one(ExportOptions, None, flags, settings + (set_ or []))
    exporter = options.exporter(out)
    with progress():
        opened, _ = open_section(options.dataset, spectra=True)
        done = exporter.write(opened, out)
    for what in done.left_out:
        echo(f"left out, as {exporter.name} cannot hold it: {what}", fg="yellow", err=True)
    for file in done.files:
        echo(f"{file}: {counted(len(opened), 'sample')}")
