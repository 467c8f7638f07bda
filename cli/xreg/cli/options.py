"""Arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from xreg.core.errors import ConfigError

__all__ = [
    "AllowCode",
    "Analyses",
    "Bad",
    "Dataset",
    "EnergyColumn",
    "EnergyUnit",
    "Executor",
    "Model",
    "NoCache",
    "NoiseColumn",
    "Scan",
    "Scheduler",
    "SignalColumn",
    "Sites",
    "every_site",
    "features_folder",
    "sets_aside",
    "spectrum_columns",
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
EnergyColumn = Annotated[
    str | None,
    typer.Option("--energy", metavar="COL", help="Column of the energies: name, or number from 1."),
]
SignalColumn = Annotated[
    str | None,
    typer.Option(
        "--signal",
        metavar="COL",
        help="Column of the signal, where a text spectrum has several: name or number, A/B of two "
        "columns, or 'ln(A/B)'.",
    ),
]
NoiseColumn = Annotated[
    str | None,
    typer.Option(
        "--noise", metavar="COL", help="Column of the noise; without it the one that is named so."
    ),
]
EnergyUnit = Annotated[
    str | None,
    typer.Option("--unit", metavar="eV|keV", help="Unit of the energies; as the file says, or eV."),
]
Scan = Annotated[
    str | None,
    typer.Option("--scan", metavar="N", help="Number of the scan, where a file holds several."),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        help="Compute all features anew; nothing is taken from the cache or kept in it.",
    ),
]
Scheduler = Annotated[str | None, typer.Option(help="Address of the Dask scheduler.")]
Bad = Annotated[
    str, typer.Option(help="Samples that are bad: refuse, or set-aside (leave them out).")
]
Sites = Annotated[
    str,
    typer.Option(
        help="Where several atoms may be the absorber: one (refuse), or all (a sample of each)."
    ),
]


@contextmanager
def features_folder(no_cache: bool) -> Iterator[Path | None]:
    """Yield where features are kept meanwhile: in the cache (None), or where nothing remains."""
    if not no_cache:
        yield None
        return
    with TemporaryDirectory(prefix="xreg-features-") as folder:
        yield Path(folder)


def every_site(sites: str) -> bool:
    """Return whether several candidates for the absorber are a sample each."""
    return _one_of("--sites", sites, ("one", "all")) == "all"


def sets_aside(bad: str) -> bool:
    """Return whether bad samples are left out."""
    return _one_of("--bad", bad, ("refuse", "set-aside")) == "set-aside"


def _one_of(option: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ConfigError(f"{option} takes {' or '.join(known)}, got '{value}'.")
    return value


def spectrum_columns(
    energy: str | None, signal: str | None, noise: str | None, unit: str | None, scan: str | None
) -> dict[str, str]:
    """Return what a user says of the columns of text spectra, as settings."""
    said = {"energy": energy, "signal": signal, "noise": noise, "unit": unit, "scan": scan}
    return {name: value for name, value in said.items() if value is not None}
