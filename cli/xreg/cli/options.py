"""Arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

__all__ = [
    "AllowCode",
    "Analyses",
    "Dataset",
    "Executor",
    "Model",
    "NoCache",
    "Scheduler",
    "features_folder",
]

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
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        help="Compute all features anew; nothing is taken from the cache or kept in it.",
    ),
]
Scheduler = Annotated[str | None, typer.Option(help="Address of the Dask scheduler.")]


@contextmanager
def features_folder(no_cache: bool) -> Iterator[Path | None]:
    """Yield where features are kept meanwhile: in the cache (None), or where nothing remains."""
    if not no_cache:
        yield None
        return
    with TemporaryDirectory(prefix="xreg-features-") as folder:
        yield Path(folder)
