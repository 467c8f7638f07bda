"""``xreg explain``: what structure measured spectra tell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from xreg.cli import options
from xreg.cli.output import echo, echo_table, note

SHOWN = 6
"""So many spectra are printed; the folder holds all."""


def explain(
    spectra: options.MeasuredSpectra,
    out: options.RequiredOut,
    model: Annotated[
        str | None,
        typer.Option(help="Folder of a run or model, name of a run, or name@version."),
    ] = None,
    quantity: Annotated[
        list[str] | None,
        typer.Option(help="What is asked, by name; repeatable. All that is known by default."),
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
    seed: options.Seed = None,
    set_: options.Set = None,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    registry: options.Registry = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Say what structure measured spectra tell, with intervals that were tested on groups left out.

    What cannot be known is refused: quantities without skill, spectra that resemble nothing. A
    model of parameters (L edges) tells them by xreg fit.
    """
    from xreg.cli.progress import progress
    from xreg.workbench.explain.recipe import ExplainRecipe
    from xreg.workbench.explain.results import explain as carry_out
    from xreg.workbench.recipes.load import load

    recipe, flags = options.spectra_or_recipe(spectra)
    columns = options.spectrum_columns(energy, signal, noise, unit, scan)
    flags |= options.measured_settings(columns, window, shift)
    flags |= {
        "model": model,
        "quantities": tuple(quantity) if quantity else None,
        "group": group,
        "broadening": broadening,
        "seed": seed,
        "registry": registry,
    }
    loaded = load(ExplainRecipe, recipe, flags, set_ or [], only or ())
    if options.shown(loaded, dry_run):
        return
    for one, place in options.places(loaded, out, out, lambda name, _: name):
        with progress():
            _, table = carry_out(one, place or out, allow_code=allow_code)
        _print_results(table, place or out)


def _print_results(table: dict[str, Any], out: Path) -> None:
    """Print what the first spectra tell, and where everything is."""
    for one in table["spectra"][:SHOWN]:
        echo(f"{one['name']}: {one['words'][0].lower()}{one['words'][1:]}")
        rows = [
            (f"  {name}", f"{told['value']:.4g}", told["unit"],
             "{:.4g} … {:.4g}".format(*told["interval_68"]),
             "{:.4g} … {:.4g}".format(*told["interval_95"]),
             " or ".join(f"{s['value']:.4g} ({s['share']:.0%})" for s in told["solutions"]))
            for name, told in one["told"].items()
        ]  # fmt: skip
        if rows:
            echo_table([("", "value", "unit", "68 %", "95 %", ""), *rows])
    if (more := table["explained"] - SHOWN) > 0:
        echo(f"and {more:,} more")
    note(*table["remarks"])
    echo(f"report: {out / 'report.html'}")
