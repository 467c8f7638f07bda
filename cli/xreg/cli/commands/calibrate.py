"""``xreg calibrate``: a model of computed spectra brought to a few measured ones."""

from __future__ import annotations

from typing import Annotated

import typer

from xreg.cli import options
from xreg.cli.output import echo, note


def calibrate(
    model: options.Model,
    dataset: Annotated[
        str,
        typer.Argument(help="Samples with measured spectra: name, name@version, or a .zarr store."),
    ],
    out: options.RequiredOut,
    group: options.Group = None,
    split: options.Split = None,
    part: options.Part = None,
    channel: options.Channel = None,
    interpolate: options.Interpolate = False,
    fine_tune: Annotated[
        bool | None,
        typer.Option(
            "--fine-tune/--no-fine-tune",
            help="Train the network on with the measured spectra, and keep that if held-out ones "
            "come out better; from fifty spectra on by default.",
        ),
    ] = None,
    bad: options.Bad = None,
    set_: options.Set = None,
    registry: options.Registry = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Learn from a few measured spectra what separates them from a model's predictions.

    Shift, broadening and scale always; from eight spectra of four groups on, a linear correction
    where it makes held-out groups better; from fifty on, the network is trained on with them, too,
    and kept so where that is better yet. OUT is a model as a run leaves it: predict, evaluate, fit
    and models publish take it.
    """
    from xreg.cli.progress import progress
    from xreg.core.text import counted
    from xreg.workbench.calibrate.calibrate import calibrate_model
    from xreg.workbench.calibrate.recipe import CalibrationRecipe
    from xreg.workbench.recipes.load import load_one

    flags = {
        "model": model,
        "dataset": dataset,
        "group": group,
        "split": split,
        "part": part,
        "channel": channel,
        "interpolate": interpolate or None,
        "fine_tune": fine_tune,
        "bad": bad,
    }
    settings = options.settings(set_, registry)
    recipe = load_one(CalibrationRecipe, None, flags, settings, allow_code=allow_code)
    with progress():
        found = calibrate_model(recipe, out, allow_code=allow_code)
    note(*found.remarks)
    told, held = found.calibration, found.held
    means = held.summary()
    groups = counted(len(set(found.groups.tolist())), "group")
    echo(f"{counted(len(found.ids), 'spectrum', 'spectra')} of {groups}: {told.in_words()}")
    echo(
        f"held-out groups: misaligned by {means['shift_before']:.2f} eV before, "
        f"{means['shift_after']:.2f} eV after; rms {means['rms_before']:.3g} before, "
        f"{means['rms_after']:.3g} after"
    )
    for way, one in found.tried.items():
        left = one.summary()
        echo(
            f"  {way}: misaligned by {left['shift_after']:.2f} eV, rms {left['rms_after']:.3g}"
            f"{' (kept)' if one is held else ''}"
        )
    echo(f"model: {found.folder}")
