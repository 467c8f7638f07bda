"""``xreg predict``: spectra of new structures from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from xreg.cli import options
from xreg.cli.output import echo, note, warn

if TYPE_CHECKING:
    from xreg.core.model.trust import Assessment
    from xreg.workbench.predict.predict import Prediction
    from xreg.workbench.predict.samples import NewSamples


def predict(
    model: options.Model,
    samples: Annotated[
        Path,
        typer.Argument(
            help="Structures (xyz, extxyz, cif, POSCAR …), or CSV for a model of parameters."
        ),
    ],
    out: options.RequiredOut,
    plot: Annotated[Path | None, typer.Option(help="Draw the spectra into this PNG file.")] = None,
    absorber: options.Absorber = None,
    sites: options.Sites = "one",
    average: Annotated[
        str | None,
        typer.Option(
            help="Write mean spectra: of each structure over its sites (structure), or of all "
            "structures, as those of a trajectory (all)."
        ),
    ] = None,
    through: Annotated[
        str | None,
        typer.Option(
            metavar="DECOMPOSER",
            help="Predict through the scores of this decomposer of the run (ednn, nnca …), in "
            "place of its emulator.",
        ),
    ] = None,
    to: options.To = None,
    set_: options.Set = None,
    bad: options.Bad = None,
    registry: options.Registry = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Predict spectra of structures; what the model cannot know is refused.

    OUT is a .csv file, a .zarr group, or what an exporter writes (.nxs, .npz …; --to names one,
    --set to.KEY=VALUE its settings). With an element as --absorber each of its atoms is predicted.
    """
    from xreg.cli.summary import print_summary
    from xreg.core.interfaces.exporter import Exported
    from xreg.core.text import counted
    from xreg.registry.models import load_model
    from xreg.workbench.exporting.exports import WriteOptions
    from xreg.workbench.predict import predict as work
    from xreg.workbench.predict.average import averaged, write_average
    from xreg.workbench.predict.samples import read_samples
    from xreg.workbench.recipes.load import load_one

    over = options.average_choice(average)
    writing = load_one(WriteOptions, None, {"to": to}, set_ or ())
    work.check_result(out, writing)
    loaded = load_model(model, registry, allow_code=allow_code)
    if through is not None:
        loaded = loaded.through(through)
    if plot is not None:
        work.check_plot(plot, loaded.target)
    wanted, choice = loaded.needs_labels, options.site_choice(sites)
    read = read_samples(samples, loaded.domain, absorber, sites=choice, labels=wanted)
    read = read.known_to(loaded)
    _print_read(read, options.sets_aside(bad))
    found = work.predict(loaded, read.samples, read)
    if found.refused and not options.sets_aside(bad):  # what only shows when it is described
        places = {name: row for row, name in enumerate(read.samples.ids.tolist())}
        _refuse(read.without({places[name]: why for name, why in found.refused.items()}))
    if over is None:
        made = Exported((out,), work.write_prediction(out, found, writing))
    else:
        made = write_average(out, averaged(found, read, over), writing)
    for what in made.left_out:
        warn(f"left out, as {to or out.suffix} cannot hold it: {what}")
    if plot is not None:
        work.draw_prediction(plot, found)
    print_summary(found.summary.lines(), found.summary.doubts())
    unknown = [f"not predicted: {name}: {why}" for name, why in found.refused.items()]
    note(*found.remarks, *unknown)
    spread = " with their spread" if found.spread is not None else ""
    spectra = counted(len(found.ids), "spectrum", "spectra")
    mean = {None: "", "structure": ", averaged for each structure", "all": ", averaged"}[over]
    files = ", ".join(map(str, made.files))
    echo(f"{spectra} of channel {found.target.channel}{spread}{mean}: {files}")
    if over is None and found.intervals and work.intervals_path(out).exists():
        echo(f"intervals: {work.intervals_path(out)}")
    if found.assessment is not None:
        place = work.trust_path(out) if out.suffix == ".csv" else out
        where = f": {place}" if over is None else ", site by site"
        why = "it was learned from the errors of the emulator" if through else TOO_FEW
        _print_trust(found, found.assessment, where, why)


def _print_read(read: NewSamples, set_aside: bool) -> None:
    """Print what was read in a way that the user should see; refuse bad samples where asked to."""
    for remark, frames in read.notes.items():
        more = f" (and {len(frames) - 1} more)" if len(frames) > 1 else ""
        note(f"{frames[0]}{more}: {remark}")
    if read.bad and (not set_aside or not len(read.samples)):
        _refuse(read)
    for frame, reason in read.bad:
        warn(f"set aside: {frame}: {reason}")


TOO_FEW = "too few spectra were there to learn which predictions go wrong"


def _print_trust(found: Prediction, assessment: Assessment, where: str, why: str) -> None:
    """Print how many spectra may be trusted how far or why none, and why one is outside."""
    levels = assessment.level.tolist()
    counts = [f"{levels.count(level)} {level}" for level in ("high", "medium", "low")]
    far = int(assessment.outside.sum())
    outside = f", {far} outside what the model was trained on" if far else ""
    if assessment.judged:
        echo(f"trust: {', '.join(counts)}{outside}{where}")
    else:
        echo(
            f"trust: none; {why}, so only what lies outside is told ({far} of {len(levels)}){where}"
        )
    if far:
        row = int(assessment.outside.argmax())
        echo(f"  {found.ids[row]}: {assessment.reasons[row]}")


def _refuse(read: NewSamples) -> NoReturn:
    from xreg.workbench.predict.samples import BadSamplesError

    error = BadSamplesError(read)
    for line in error.lines if len(error.lines) > 1 else ():
        echo(f"bad: {line}", err=True)
    raise error
