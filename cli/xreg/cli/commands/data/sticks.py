"""``xreg data sticks``: the transitions behind one spectrum of a dataset."""

from __future__ import annotations

from typing import Annotated

import typer

from xreg.cli import options
from xreg.cli.output import echo


def sticks(
    dataset: Annotated[str, typer.Argument(help="A store (….zarr), or NAME[@VERSION].")],
    sample: Annotated[str, typer.Argument(help="Id of the sample.")],
    out: options.RequiredOut,
    registry: options.Registry = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Compute the transitions behind a spectrum: energies and strengths before any broadening.

    OUT is a .csv file.
    """
    from xreg.workbench.fit.sticks import sticks_of, write_sticks
    from xreg.workbench.predict.predict import check_output

    check_output(out, (".csv",))
    lines = sticks_of(dataset, sample, registry, allow_code=allow_code)
    write_sticks(out, lines)
    echo(f"{len(lines.energy)} transitions of {sample}: {out}")
