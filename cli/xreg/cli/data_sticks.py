"""``xreg data sticks``: the transitions behind one spectrum of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli.options import AllowCode
from xreg.cli.output import echo


def sticks(
    dataset: Annotated[str, typer.Argument(help="A store (….zarr), or NAME[@VERSION].")],
    sample: Annotated[str, typer.Argument(help="Id of the sample.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Result: .csv.")],
    registry: Annotated[str | None, typer.Option(help="Registry of the dataset.")] = None,
    allow_code: AllowCode = False,
) -> None:
    """Compute the transitions behind a spectrum: energies and strengths before any broadening."""
    from xreg.workbench.fit.sticks import sticks_of, write_sticks
    from xreg.workbench.predict.predict import check_output

    check_output(out, (".csv",))
    lines = sticks_of(dataset, sample, registry, allow_code=allow_code)
    write_sticks(out, lines)
    echo(f"{len(lines.energy)} transitions of {sample}: {out}")
