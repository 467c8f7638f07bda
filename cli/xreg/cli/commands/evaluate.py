"""``xreg evaluate``: a trained model judged on a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from xreg.cli.options import (
    AllowCode,
    Analyses,
    Bad,
    Channel,
    DryRun,
    Interpolate,
    NoCache,
    Only,
    Part,
    Registry,
    RequiredOut,
    Set,
    Split,
    features_folder,
    places,
    recipe_or,
    shown,
)
from xreg.cli.output import echo

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
    out: RequiredOut,
    dataset: Annotated[
        str | None,
        typer.Argument(help="Dataset: name, name@version, or path of a .zarr store."),
    ] = None,
    split: Split = None,
    part: Part = None,
    channel: Channel = None,
    analysis: Analyses = None,
    bad: Bad = None,
    set_: Set = None,
    only: Only = None,
    dry_run: DryRun = False,
    interpolate: Interpolate = False,
    registry: Registry = None,
    allow_code: AllowCode = False,
    no_cache: NoCache = False,
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

    recipe, flags = recipe_or(model, "model")
    flags |= {
        "dataset": dataset,
        "split": split,
        "part": part,
        "channel": channel,
        "analyses": dict.fromkeys(analysis) if analysis else None,
        "bad": bad,
        "interpolate": interpolate or None,
    }
    settings = [f"dataset.registry={registry}"] if registry else []
    loaded = load(
        Evaluation, recipe, flags, settings + (set_ or []), only or (), allow_code=allow_code
    )
    if shown(loaded, dry_run):
        return
    for one, place in places(loaded, out, out, lambda name, _: name):
        with features_folder(no_cache) as features, progress():
            found = carry_out(one, place or out, allow_code=allow_code, features=features)
        _print_results(found)
    if "" not in loaded and len(loaded) > 1 and (page := write_series_page(out)):
        echo(f"side by side: {page}")


def _print_results(found: Evaluated) -> None:
    """Print remarks and scores of an evaluation, and where it is."""
    from xreg.cli.summary import score_interval
    from xreg.core.text import counted

    for remark in found.remarks:
        echo(f"note: {remark}", fg=typer.colors.YELLOW, err=True)
    judged = next(name for name in found.metrics if name not in ("decomposers", "analyses"))
    scores = found.metrics[judged]
    r2 = "–" if scores["r2"] is None else f"{scores['r2']:.4f}"
    r2 += score_interval(scores)
    echo(f"{judged:<10}  R² {r2}  ({counted(scores['samples'], 'sample')})")
    if error := scores.get("spectrum_error"):
        echo(
            f"{'':<10}  spectrum error: median {error['median']:.2f} %, "
            f"{error['outliers']:.1f} % of spectra at 10 % or more"
        )
    echo(f"report: {found.folder / 'report.html'}")
