"""``xreg fit``: the parameters that make a model's spectrum a measured one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli.options import (
    AllowCode,
    EnergyColumn,
    EnergyUnit,
    NoiseColumn,
    Scan,
    SignalColumn,
    spectrum_columns,
)
from xreg.cli.output import echo


def fit(
    model: Annotated[
        str,
        typer.Argument(help="Model of parameters: folder or name of a run, or name@version."),
    ],
    spectrum: Annotated[
        Path,
        typer.Argument(help="Measured spectrum in a text file: csv, xdi, columns of any program."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to make.")],
    energy: EnergyColumn = None,
    signal: SignalColumn = None,
    noise: NoiseColumn = None,
    unit: EnergyUnit = None,
    scan: Scan = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter that is known; again for several."),
    ] = None,
    range_: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            metavar="NAME=LOW:HIGH",
            help="A narrower range of a parameter; again for several.",
        ),
    ] = None,
    shift: Annotated[
        str, typer.Option(metavar="LOW:HIGH", help="Limits of the rigid energy shift in eV.")
    ] = "-1:1",
    window: Annotated[
        str | None, typer.Option(metavar="LOW:HIGH", help="Energies to fit, in eV.")
    ] = None,
    background: Annotated[
        str, typer.Option(help="none, constant, linear, steps or linear+steps.")
    ] = "linear",
    edge: Annotated[
        list[float] | None,
        typer.Option(help="Energy of a step of the background in eV; twice for L3 and L2."),
    ] = None,
    edge_width: Annotated[float, typer.Option(help="Full width of the steps in eV.")] = 1.0,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Exact generator to refine with (that of the model's dataset by default), or none."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of that generator."),
    ] = None,
    starts: Annotated[int, typer.Option(help="Searches through the network.")] = 64,
    seed: Annotated[int, typer.Option(help="Seed of their starting points.")] = 0,
    intervals: Annotated[
        bool, typer.Option(help="Find the 68 % interval of each unknown, not only its σ.")
    ] = True,
    registry: Annotated[
        str | None, typer.Option(help="Registry of the model and its dataset.")
    ] = None,
    allow_code: AllowCode = False,
) -> None:
    """Fit a measured spectrum: search through the network, refine exactly, say how sure it is."""
    from xreg.cli.pairs import numbers, pairs
    from xreg.cli.progress import progress
    from xreg.core.files import require_free
    from xreg.core.readers.spectra.columns import SpectrumColumns
    from xreg.workbench.fit.fit import FitSettings, fit_spectrum
    from xreg.workbench.fit.results import result_rows, write_fit
    from xreg.workbench.recipes.overrides import apply_setting

    require_free(out)
    columns = SpectrumColumns.parse(spectrum_columns(energy, signal, noise, unit, scan), "fit")
    engine_settings: dict[str, object] = {}
    for text in set_ or []:
        apply_setting(engine_settings, text)
    settings = FitSettings.parse(
        {
            "background": background,
            "edges": tuple(edge or ()),
            "edge_width": edge_width,
            "shift": numbers("--shift", shift, 2),
            "window": None if window is None else numbers("--window", window, 2),
            "fix": {k: numbers("--fix", v, 1)[0] for k, v in pairs("--fix", fix)},
            "ranges": {k: numbers("--range", v, 2) for k, v in pairs("--range", range_)},
            "starts": starts,
            "seed": seed,
            "intervals": intervals,
            "engine": engine or "",
            "engine_settings": engine_settings,
        },
        "fit",
    )
    with progress():
        done = fit_spectrum(
            model, spectrum, settings, registry, columns=columns, allow_code=allow_code
        )
        table = write_fit(done, out)
    rows = [("", "value", "σ", "68 % interval", "unit", "range", ""), *result_rows(table)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        echo("  ".join(cells).rstrip())
    for remark in table["remarks"]:
        echo(remark)
    echo(f"residual {table['residual']['share_of_height']:.2%} of the height: {out}")
