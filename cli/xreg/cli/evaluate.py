"""``xreg evaluate``: a trained model judged on a dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from xreg.cli.options import AllowCode, Analyses, Model, NoCache, features_folder
from xreg.cli.output import echo


def evaluate(
    model: Model,
    dataset: Annotated[
        str, typer.Argument(help="Dataset: name, name@version, or path of a .zarr store.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to make.")],
    split: Annotated[
        str | None,
        typer.Option(
            help="Split of the dataset; the run's own if the model was trained on this dataset."
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="train, validation, test or all; test if a split is named, else all samples."
        ),
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="Channel with the known spectra; the model's if not given.")
    ] = None,
    analysis: Analyses = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="ANALYSIS.KEY=VALUE",
            help="Setting of an analysis, which is then done: spectrum-error.worst=50.",
        ),
    ] = None,
    interpolate: Annotated[
        bool,
        typer.Option(
            "--interpolate", help="Interpolate known spectra where the model has other energies."
        ),
    ] = False,
    registry: Annotated[
        str | None, typer.Option(help="Registry of model and dataset: name, path or git URL.")
    ] = None,
    allow_code: AllowCode = False,
    no_cache: NoCache = False,
) -> None:
    """Judge a model on a dataset: scores, analyses, figures and one page in one folder."""
    from xreg.cli.progress import progress
    from xreg.cli.summary import score_interval
    from xreg.core.text import counted
    from xreg.workbench.evaluate.evaluate import Question
    from xreg.workbench.evaluate.evaluate import evaluate as carry_out

    question = Question(
        model,
        dataset,
        registry,
        channel,
        split,
        part,
        analysis or None,
        set_ or (),
        interpolate,
        allow_code,
    )
    with features_folder(no_cache) as features, progress():
        found = carry_out(replace(question, features=features), out)
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
