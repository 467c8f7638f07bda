"""Arguments and options that several commands have; a command writes ``options.Out``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from xreg.cli.output import echo, note
from xreg.core.errors import ConfigError

if TYPE_CHECKING:
    from xreg.workbench.recipes.sections import AnyRecipe

RecipeT = TypeVar("RecipeT")
OLD = {"--output": "--out"}
"""Options of earlier versions that are refused, and what they are called now."""
RENAMED = {"--engine": "--generator"}
"""Options of earlier versions that stand in shared command lines, and still work."""

_OUT = typer.Option(
    "--out",
    "-o",
    help="Where the result goes; it must not exist yet, but for a site of pages, which is renewed.",
)
Out = Annotated[Path | None, _OUT]
RequiredOut = Annotated[Path, _OUT]
Registry = Annotated[
    str | None,
    typer.Option(
        "--registry",
        "-r",
        metavar="PLACE",
        help="A configured name, a folder or a git URL; by default the registry around the "
        "working folder, then those you have configured.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A setting of the recipe, dotted: emulator.width=128. Repeatable.",
    ),
]
Bad = Annotated[
    str | None,
    typer.Option(
        metavar="refuse|set-aside",
        help="Bad samples: refuse them, or set them aside and list them.",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Of a recipe with several results (each:), only the one of this name."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Print the resolved recipe, and the cost of a run; do nothing else."
    ),
]
Name = Annotated[
    str | None, typer.Option(help="Name of the result; by default that of the recipe or of --out.")
]
_CHANNEL = typer.Option(help="Channel of spectra, by name.")
Channel = Annotated[str | None, _CHANNEL]
Channels = Annotated[list[str] | None, _CHANNEL]
Split = Annotated[str | None, typer.Option(help="Split of the dataset, by name.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes at once; all cores if not given.")
]
Absorber = Annotated[
    str | None,
    typer.Option(
        help="Absorbing atom: index from 0, an element or, at import, the info key that holds one "
        "of these. By default the first atom, if that is of one element everywhere."
    ),
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
        help="Analysis, one of `xreg plugins analyses`; repeatable. By default the cheap ones "
        "that apply."
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
Executor = Annotated[str, typer.Option(help="process (this machine), or a cluster: dask.")]
EnergyColumn = Annotated[
    str | None,
    typer.Option("--energy", metavar="COL", help="Column of the energies: name, or number from 1."),
]
SignalColumn = Annotated[
    str | None,
    typer.Option(
        "--signal",
        metavar="COL",
        help="Column of the signal, if a text spectrum has several: name or number, A/B of two "
        "columns, or 'ln(A/B)'.",
    ),
]
NoiseColumn = Annotated[
    str | None,
    typer.Option(
        "--noise", metavar="COL", help="Column of the noise; by default the one named so."
    ),
]
EnergyUnit = Annotated[
    str | None,
    typer.Option(
        "--unit",
        metavar="eV|keV",
        help="Unit of the energies; by default that of the file, else eV.",
    ),
]
Scan = Annotated[
    str | None,
    typer.Option("--scan", metavar="N", help="Number of the scan, if a file holds several."),
]
Licence = Annotated[
    str, typer.Option(help="Terms of use, as SPDX calls them: CC0-1.0, CC-BY-4.0, BSD-3-Clause …")
]
Group = Annotated[
    str | None,
    typer.Option(
        help="Label that near-copies share (a compound, a trajectory); they are kept together."
    ),
]

Part = Annotated[
    str | None,
    typer.Option(
        help="train, validation, test or all; test if a split is named, else all samples."
    ),
]

Interpolate = Annotated[
    bool,
    typer.Option(
        "--interpolate", help="Interpolate known spectra where the model has other energies."
    ),
]

To = Annotated[
    str | None,
    typer.Option(help="Name of the exporter (xreg plugins list), if OUT does not tell."),
]
Title = Annotated[str, typer.Option(help="One line that says what it is.")]
Description = Annotated[str, typer.Option(help="What it is and how it was made.")]
Citation = Annotated[str, typer.Option(help="The publication to cite beside it.")]
Author = typer.Option("--author", help="Whose it is: 'Family, Given (ORCID)' or '{Group}'.")
CardFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Of a card: markdown, yaml, json, and croissant of a dataset; of a citation: bibtex, "
        "cff, datacite.",
    ),
]
Shift = Annotated[
    str | None,
    typer.Option(metavar="LOW:HIGH", help="Limits of the rigid energy shift in eV."),
]
Broadening = Annotated[
    float | None,
    typer.Option(help="Widest Gaussian that measured spectra may be broader by, in eV; 2."),
]
MeasuredSpectra = Annotated[
    list[str],
    typer.Argument(
        metavar="SPECTRUM…|RECIPE",
        help="Measured spectra: text files, a folder, one .zarr store, or one map (.npz, HDF5); or "
        "a recipe (.yaml).",
    ),
]
Window = Annotated[
    str | None,
    typer.Option(metavar="LOW:HIGH", help="Measured energies to use, in eV; all by default."),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        help="Compute all features anew; nothing is taken from the cache or kept in it.",
    ),
]
Scheduler = Annotated[str | None, typer.Option(help="Address of the Dask scheduler.")]
Sites = Annotated[
    str,
    typer.Option(
        help="If several atoms may be the absorber: one (refuse), all (a sample of each), or "
        "distinct (of each that the symmetry of a crystal tells apart)."
    ),
]


@contextmanager
def features_folder(no_cache: bool) -> Iterator[Path | None]:
    """Yield where features are kept meanwhile: in the cache (None), or where nothing remains."""
    if not no_cache:
        yield None
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="xreg-features-") as folder:
        yield Path(folder)


def present(arguments: Sequence[str]) -> list[str]:
    """Return arguments with options as they are called now.

    Raises
    ------
    ConfigError
        For one of :data:`OLD`.
    """
    found = []
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if option in OLD:
            raise ConfigError(f"there is no option '{option}' any more; write {OLD[option]}.")
        if option in RENAMED:
            note(f"{option} is called {RENAMED[option]} now")
            found.append(f"{RENAMED[option]}{equals}{value}")
        else:
            found.append(argument)
    return found


def places(
    loaded: Mapping[str, RecipeT],
    out: Path | None,
    folder: Path,
    own: Callable[[str, RecipeT], str],
    *,
    again: bool = False,
) -> Iterator[tuple[RecipeT, Path | None]]:
    """Yield each recipe of a file and where its result goes.

    The result of a single one goes to ``out``. Those of several go into that folder, and what is
    there already is passed over.

    Parameters
    ----------
    loaded
        The recipes by name, which is empty for the only one of a file.
    out
        What the user asks for.
    folder
        Folder of several results where the user says nothing.
    own
        Gives the name of one of several results.
    again
        Whether a result that is there is gone on with.
    """
    for name, recipe in loaded.items():
        if not name or (out is not None and len(loaded) == 1):
            yield recipe, out
            continue
        place = (out or folder) / own(name, recipe)
        if place.exists() and not again:
            echo(f"{place}: there already")
            continue
        yield recipe, place


def shown(loaded: Mapping[str, AnyRecipe], dry_run: bool) -> bool:
    """Print the resolved recipes where nothing else is to be done, and return whether it is so."""
    if dry_run:
        echo("---\n".join(recipe.to_yaml() for recipe in loaded.values()), nl=False)
    return dry_run


def settings(set_: list[str] | None, registry: str | None, section: str = "dataset") -> list[str]:
    """Return what --set says, and the registry of a section of the recipe."""
    from xreg.workbench.recipes.overrides import with_registry

    return with_registry(set_ or [], registry, section)


def recipe_or(first: str, key: str) -> tuple[Path | None, dict[str, Any]]:
    """Return a first argument as the recipe that it is, or as the value of a key of one."""
    if first.endswith((".yaml", ".yml")):
        return Path(first), {}
    return None, {key: first}


def site_choice(sites: str) -> Any:
    """Return which of several candidates for the absorber are samples."""
    return _one_of("--sites", sites, ("one", "all", "distinct"))


def average_choice(average: str | None) -> Any:
    """Return what is averaged over; None for nothing."""
    return None if average is None else _one_of("--average", average, ("structure", "all"))


def sets_aside(bad: str | None) -> bool:
    """Return whether bad samples are left out."""
    return bad is not None and _one_of("--bad", bad, ("refuse", "set-aside")) == "set-aside"


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


def measured_settings(
    columns: Mapping[str, str], window: str | None, shift: str | None
) -> dict[str, Any]:
    """Return what a user says of measured spectra: columns, energies, limits of the shift."""
    from xreg.cli.pairs import numbers

    return {
        "columns": dict(columns) or None,
        "window": None if window is None else numbers("--window", window, 2),
        "shift": None if shift is None else numbers("--shift", shift, 2),
    }


def spectra_or_recipe(spectra: list[str]) -> tuple[Path | None, dict[str, Any]]:
    """Return a lone first argument as the recipe that it is, else all of them as spectra."""
    if len(spectra) == 1:
        recipe, _ = recipe_or(spectra[0], "spectra")
        if recipe is not None:
            return recipe, {}
    return None, {"spectra": spectra}
