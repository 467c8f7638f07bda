"""Arguments and options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["AllowCode", "Analyses", "Dataset", "Executor", "Model", "Scheduler"]

Model = Annotated[
    str, typer.Argument(help="Folder of a run or model, name of a run, or name@version.")
]
Dataset = Annotated[
    str | None, typer.Option(help="Dataset: name, name@version, or path of a .zarr store.")
]
Analyses = Annotated[
    list[str] | None,
    typer.Option(
        help="Analysis, one of `xreg plugins analyses`; give it again for several. Cheap ones that "
        "apply by default."
    ),
]
AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-code",
        help="Agree to the code (templates, input lines of programs) that came with a dataset, "
        "model or recipe; remembered for exactly that code.",
    ),
]
Executor = Annotated[str, typer.Option(help="process (this machine) or dask (a cluster).")]
Scheduler = Annotated[str | None, typer.Option(help="Address of the Dask scheduler.")]
