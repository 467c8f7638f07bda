"""The picture and the page of a growth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xreg.core.files import write_csv, write_text
from xreg.workbench.grow.recipe import GrowRecipe
from xreg.workbench.grow.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_growth", "write_results"]


def write_results(recipe: GrowRecipe, record: Record, folder: Path) -> None:
    """Write ``rounds.csv``, ``growth.png`` and ``report.html``."""
    from importlib.metadata import version

    from xreg.core.analysis.style import styled
    from xreg.workbench.report.page import drawn, fill

    head = ["round", "computed", "trained on", "relative error", "R2", "spread of candidates",
            "spread of chosen", "failed", "computing (s)", "training (s)"]  # fmt: skip
    rows = [
        [
            number, len(one.rows), one.trained, one.error, one.r2, *(one.spread or ("", "")),
            len(one.failed), one.seconds.get("computing", 0.0), one.seconds.get("training", 0.0),
        ]
        for number, one in enumerate(record.rounds)
    ]  # fmt: skip
    write_csv(folder / "rounds.csv", [head, *rows])
    with styled():
        picture = drawn(draw_growth(record), folder / "growth.png")
    page = fill("grow", recipe=recipe, record=record, picture=picture, xreg=version("xreg"))
    write_text(folder / "report.html", page)


def draw_growth(record: Record) -> Figure:
    """Draw the error on the test samples against the number of samples, and the spread."""
    from xreg.core.analysis import style

    with_spread = [one for one in record.rounds if one.spread is not None]
    figure = style.new_figure(2.8)
    axes = figure.subplots(1, 2 if with_spread else 1, squeeze=False)[0]
    axes[0].plot([one.trained for one in record.rounds], [one.error for one in record.rounds],
                 "o-", ms=4, color=style.PREDICTED)  # fmt: skip
    axes[0].set_xlabel("samples trained on")
    axes[0].set_ylabel("relative error, √(1 − R²)")
    style.log_ticks(axes[0].xaxis, axes[0].yaxis)
    if with_spread:
        numbers = [n for n, one in enumerate(record.rounds) if one.spread is not None]
        for place, label, colour in ((0, "candidates", style.TRUE), (1, "chosen", style.PREDICTED)):
            means = [one.spread[place] for one in with_spread if one.spread]
            axes[1].plot(numbers, means, "o-", ms=4, color=colour, label=label)
        axes[1].set_xlabel("round")
        axes[1].set_ylabel("mean spread (unit of the target)")
        axes[1].set_ylim(bottom=0)
        style.count_axis(axes[1].xaxis)
        axes[1].legend()
        style.panel_letters(axes.tolist())
    return figure
