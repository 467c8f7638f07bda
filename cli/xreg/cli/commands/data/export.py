"""``xreg data export``: a dataset in files of other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from xreg.cli import options
from xreg.cli.output import echo, warn


def export(
    dataset: Annotated[
        str, typer.Argument(help="Dataset: name, name@version, or path of a .zarr store.")
    ],
    out: options.RequiredOut,
    to: options.To = None,
    set_: options.Set = None,
    registry: options.Registry = None,
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

    flags = {"dataset": dataset, "to": to}
    wanted = load_one(ExportOptions, None, flags, options.settings(set_, registry))
    exporter = wanted.exporter(out)
    with progress():
        opened, _ = open_section(wanted.dataset, spectra=True)
        done = exporter.write(opened, out)
    for what in done.left_out:
        warn(f"left out, as {exporter.name} cannot hold it: {what}")
    for file in done.files:
        echo(f"{file}: {counted(len(opened), 'sample')}")
