"""``xreg evaluate``: a trained model judged on a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from xreg.cli import options
from xreg.cli.output import echo, note

if TYPE_CHECKING:
    from xreg.workbench.evaluate.evaluate import Evaluated


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|RECIPE",
            help="Folder of a run or model, name of a run, or name@version; or a recipe (.yaml).",
        ),
    ],
    out: options.RequiredOut,
    dataset: Annotated[
        str | None,
        typer.Argument(help="Dataset: name, name@version, or path of a .zarr store."),
    ] = None,
    split: options.Split = None,
    part: options.Part = None,
    channel: options.Channel = None,
    analysis: options.Analyses = None,
    bad: options.Bad = None,
    set_: options.Set = None,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    interpolate: options.Interpolate = False,
    registry: options.Registry = None,
    allow_code: options.AllowCode = False,
    no_cache: options.NoCache = False,
) -> None:
    """Evaluate a model on a dataset: scores, analyses, figures and a report in one folder.

    A setting of an analysis asks for that analysis: --set analyses.spectrum-error.worst=50. A
    recipe with several evaluations leaves a folder of such folders, and a page that lays them over
    each other.
    """
    from xreg.cli.progress import progress
    from xreg.workbench.evaluate.evaluate import evaluate as carry_out
    from xreg.workbench.evaluate.recipe import Evaluation
    from xreg.workbench.recipes.load import load
    from xreg.workbench.runs.comparison import write_series_page

    recipe, flags = options.recipe_or(model, "model")
    flags |= {
        "dataset": dataset,
        "split": split,
        "part": part,
        "channel": channel,
        "analyses": dict.fromkeys(analysis) if analysis else None,
        "bad": bad,
        "interpolate": interpolate or None,
    }
    settings = options.settings(set_, registry)
    loaded = load(Evaluation, recipe, flags, settings, only or (), allow_code=allow_code)
    if options.shown(loaded, dry_run):
        return
    for one, place in options.places(loaded, out, out, lambda name, _: name):
        with options.features_folder(no_cache) as features, progress():
            found = carry_out(one, place or out, allow_code=allow_code, features=features)
        _print_results(found)
    if "" not in loaded and len(loaded) > 1 and (page := write_series_page(out)):
        echo(f"side by side: {page}")


def _print_results(found: Evaluated) -> None:
    """Print remarks and scores of an evaluation, and where it is."""
    from xreg.cli.summary import score, score_interval
    from xreg.core.text import counted

    note(*found.remarks)
    judged = next(name for name in found.metrics if name not in ("decomposers", "analyses"))
    scores = found.metrics[judged]
    r2 = score(scores["r2"]) + score_interval(scores)
    echo(f"{judged:<10}  R² {r2}  ({counted(scores['samples'], 'sample')})")
    if error := scores.get("spectrum_error"):
        echo(
            f"{'':<10}  spectrum error: median {error['median']:.2f} %, "
            f"{error['outliers']:.1f} % of spectra at 10 % or more"
        )
    echo(f"report: {found.folder / 'report.html'}")
