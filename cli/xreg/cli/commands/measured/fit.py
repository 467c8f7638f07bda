"""``xreg fit``: the parameters that make a model's spectrum a measured one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from xreg.cli import options
from xreg.cli.output import echo, echo_table


def fit(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|RECIPE",
            help="Model of parameters: folder or name of a run, or name@version; or a recipe "
            "(.yaml).",
        ),
    ],
    out: options.RequiredOut,
    spectrum: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SPECTRUM…",
            help="Measured spectrum in a text file: csv, xdi, columns of any program; or a map or "
            "series: an .npz or HDF5 file, a .zarr store, a folder, several files.",
        ),
    ] = None,
    energy: options.EnergyColumn = None,
    signal: options.SignalColumn = None,
    noise: options.NoiseColumn = None,
    unit: options.EnergyUnit = None,
    scan: options.Scan = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A known parameter; repeatable."),
    ] = None,
    range_: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            metavar="NAME=LOW:HIGH",
            help="A narrower range of a parameter; repeatable.",
        ),
    ] = None,
    shift: options.Shift = None,
    window: options.Window = None,
    background: Annotated[
        str | None,
        typer.Option(help="none, constant, linear (the default), steps or linear+steps."),
    ] = None,
    edge: Annotated[
        list[float] | None,
        typer.Option(help="Energy of a step of the background in eV; twice for L3 and L2."),
    ] = None,
    edge_width: Annotated[
        float | None, typer.Option(help="Full width of the steps in eV; 1.")
    ] = None,
    generator: Annotated[
        str | None,
        typer.Option(
            help="Exact generator to refine with (that of the model's dataset by default), or none."
        ),
    ] = None,
    set_: options.Set = None,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    starts: Annotated[int | None, typer.Option(help="Searches through the network; 64.")] = None,
    seed: options.Seed = None,
    intervals: Annotated[
        bool | None,
        typer.Option(
            "--intervals/--no-intervals",
            help="Find the 68 % interval of each unknown, not only its σ; done by default.",
        ),
    ] = None,
    refine: Annotated[
        str | None,
        typer.Option(
            metavar="all|some|none",
            help="Of a map or series, which spectra the exact engine refines; all by default.",
        ),
    ] = None,
    workers: options.Workers = None,
    registry: options.Registry = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Fit a measured spectrum: search with the network, refine exactly, give uncertainties.

    A setting of the exact generator is --set generator.KEY=VALUE. A recipe with several fits
    leaves a folder of such folders. In the file of a map, --energy, --signal and --noise are the
    paths of its arrays.
    """
    from xreg.cli.pairs import numbers, pairs
    from xreg.cli.progress import progress
    from xreg.core.files import require_free
    from xreg.workbench.fit.maps.results import fit_stack
    from xreg.workbench.fit.recipe import FitRecipe
    from xreg.workbench.fit.results import fit as carry_out
    from xreg.workbench.measured.stacks import is_several
    from xreg.workbench.recipes.load import load

    recipe, flags = options.recipe_or(model, "model")
    columns = options.spectrum_columns(energy, signal, noise, unit, scan)
    flags |= options.measured_settings(columns, window, shift)
    flags |= {
        "spectrum": [str(path) for path in spectrum] if spectrum else None,
        "background": background,
        "edges": tuple(edge) if edge else None,
        "edge_width": edge_width,
        "fix": {k: numbers("--fix", v, 1)[0] for k, v in pairs("--fix", fix)} or None,
        "ranges": {k: numbers("--range", v, 2) for k, v in pairs("--range", range_)} or None,
        "starts": starts,
        "seed": seed,
        "intervals": intervals,
        "generator": generator,
        "refine": refine,
        "registry": registry,
    }
    loaded = load(FitRecipe, recipe, flags, set_ or (), only or (), allow_code=allow_code)
    if options.shown(loaded, dry_run):
        return
    if "" in loaded:
        require_free(out)
    for one, place in options.places(loaded, out, out, lambda name, _: name):
        if is_several(one.places):
            with progress():
                table = fit_stack(one, place or out, workers=workers, allow_code=allow_code)
            _print_stack(table, place or out)
            continue
        with progress():
            table = carry_out(one, place or out, allow_code=allow_code)
        _print_results(table, place or out)


def _print_results(table: dict[str, Any], out: Path) -> None:
    """Print what was found, and where it is."""
    from xreg.workbench.fit.results import result_rows

    echo_table([("", "value", "σ", "68 % interval", "unit", "range", ""), *result_rows(table)])
    for remark in table["remarks"]:
        echo(remark)
    echo(f"residual {table['residual']['share_of_height']:.2%} of the height: {out}")


def _print_stack(table: dict[str, Any], out: Path) -> None:
    """Print what was found over a map or series, and where it is."""
    from xreg.workbench.fit.maps.results import stack_rows

    heads = ("", "median", "5 … 95 %", "median σ", "unit", "range", "")
    echo_table([heads, *stack_rows(table)])
    for remark in table["remarks"]:
        echo(remark)
    each = table["seconds"] / max(table["fitted"], 1)
    echo(
        f"{table['fitted']:,} of {table['count']:,} spectra in {table['seconds']:.0f} s "
        f"({1000 * each:.0f} ms each): {out / 'report.html'}"
    )
