"""``xreg match``: measured spectra found in a library of references."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from xreg.cli import options
from xreg.cli.output import echo, note


def match(
    spectra: options.MeasuredSpectra,
    out: options.RequiredOut,
    library: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET", help="The references: name, name@version, or path of a .zarr store."
        ),
    ] = None,
    channel: options.Channel = None,
    label: Annotated[
        str | None, typer.Option(help="Label of the library whose value is sought.")
    ] = None,
    group: options.Group = None,
    energy: options.EnergyColumn = None,
    signal: options.SignalColumn = None,
    noise: options.NoiseColumn = None,
    unit: options.EnergyUnit = None,
    scan: options.Scan = None,
    window: options.Window = None,
    shift: options.Shift = None,
    broadening: options.Broadening = None,
    combine: Annotated[
        int | None, typer.Option(help="Most references of a linear combination; 3, 0 for none.")
    ] = None,
    sum_to_one: Annotated[
        bool, typer.Option("--sum-to-one", help="Weights of combinations add up to one.")
    ] = False,
    series: Annotated[
        bool, typer.Option("--series", help="Take the spectra as a series: PCA, MCR-ALS.")
    ] = False,
    seed: options.Seed = None,
    set_: options.Set = None,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    registry: options.Registry = None,
) -> None:
    """Find measured spectra in a library: nearest references, combinations, and how sure.

    Shift, broadening, scale and offset are free. Probabilities are calibrated with the library
    itself. A recipe with several matches leaves a folder of such folders.
    """
    from xreg.cli.progress import progress
    from xreg.workbench.match.maps.results import match_map
    from xreg.workbench.match.recipe import MatchRecipe
    from xreg.workbench.match.results import match as carry_out
    from xreg.workbench.measured.stacks import is_map
    from xreg.workbench.recipes.load import load

    recipe, flags = options.spectra_or_recipe(spectra)
    columns = options.spectrum_columns(energy, signal, noise, unit, scan)
    flags |= options.measured_settings(columns, window, shift)
    flags |= {
        "library": library,
        "channel": channel,
        "label": label,
        "group": group,
        "broadening": broadening,
        "combine": combine,
        "sum_to_one": sum_to_one or None,
        "series": {} if series else None,
        "seed": seed,
    }
    settings = options.settings(set_, registry, "library")
    loaded = load(MatchRecipe, recipe, flags, settings, only or ())
    if options.shown(loaded, dry_run):
        return
    for one, place in options.places(loaded, out, out, lambda name, _: name):
        if is_map(one.spectra):
            with progress():
                _, table = match_map(one, place or out)
            _print_map(table, place or out)
            continue
        with progress():
            _, table = carry_out(one, place or out)
        _print_results(table, place or out)


def _print_results(table: dict[str, Any], out: Path) -> None:
    """Print the answer for each spectrum, and where everything is."""
    for one in table["spectra"]:
        near = one["nearest"][0]
        told = ", ".join(
            f"{row['value']} ({row['probability']:.0%})"
            for row in one["probabilities"][: 3 if one["resembles"] else 0]
        )
        echo(
            f"{one['name']}: nearest {near['reference']}, misfit {near['misfit']:.2%}, "
            f"shift {near['shift']:.2f} eV{f'; most probably {told}' if told else ''}"
        )
        if one["combinations"]:
            parts = " + ".join(
                f"{part['weight']:.3f}±{part['std']:.3f} {part['reference']}"
                for part in one["combinations"][0]["weights"]
            )
            echo(f"  = {parts} (R factor {one['combinations'][0]['r_factor']:.2g})")
        note(*one["remarks"])
    if series := table["series"]:
        echo(f"series: {series['components']} components, lack of fit {series['lack_of_fit']:.2%}")
    echo(f"report: {out / 'report.html'}")


def _print_map(table: dict[str, Any], out: Path) -> None:
    """Print what most of a map is, and where everything is."""
    for one in table["likely"][:5]:
        echo(f"{one['value']}: {one['spectra']:,} of {table['count']:,} spectra")
    low, middle, high = table["misfit"]
    echo(f"misfit {middle:.2%} (5 … 95 %: {low:.2%} … {high:.2%})")
    note(*table["remarks"])
    echo(f"report: {out / 'report.html'}")
