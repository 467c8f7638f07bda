"""``xreg leaderboard``: results of searches under the same rules, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xreg.cli.options import Out
from xreg.cli.output import echo


def leaderboard(
    searches: Annotated[
        list[Path], typer.Argument(help="Folders of searches, or their results.json.")
    ],
    out: Out = None,
) -> None:
    """Rank the families of several searches, one table for each benchmark.

    The tables are printed, or go into a Markdown file by --out.
    """
    from xreg.workbench.search import leaderboard as work

    benchmarks = work.leaderboard(searches)
    text = work.markdown(benchmarks)
    if out is None:
        echo(text)
    else:
        from xreg.core.files import write_text

        write_text(out, f"# Leaderboard\n\n{text}")
        echo(f"{sum(len(b.entries) for b in benchmarks)} families in {len(benchmarks)} benchmarks")
