"""A log of all xreg runs in one CSV file, and a table of earlier runs in each report."""

import csv
import html
import os
from datetime import UTC, datetime
from pathlib import Path

from xreg.core.hooks import hookimpl
from xreg.core.run import ReportSection

XREG_API = "1.0"

COLUMNS = ("time", "event", "run", "dataset", "descriptor", "emulator", "r2_test", "seconds")
SHOWN = 10


def log_file():
    """Return where the log is."""
    return Path(os.environ.get("XREG_RUNLOG") or "xreg-runs.csv")


@hookimpl
def xreg_run_started(run):
    """Note that a run began: one that never finishes shows, too."""
    _append("started", run)


@hookimpl
def xreg_run_finished(run):
    """Note how a run ended."""
    _append(
        "finished",
        run,
        r2_test=f"{run.metrics.get('test', {}).get('r2', float('nan')):.4f}",
        seconds=f"{run.seconds:.1f}",
    )


@hookimpl
def xreg_report_sections(run):
    """Show the last finished runs of the same dataset."""
    dataset = _names(run)["dataset"]
    rows = [r for r in _read() if r["event"] == "finished" and r["dataset"] == dataset][-SHOWN:]
    if not rows:
        return []
    shown = [c for c in COLUMNS if c not in ("event", "dataset")]
    head = "".join(f"<th>{c}</th>" for c in shown)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(row[c])}</td>" for c in shown) + "</tr>" for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return [ReportSection(f"Earlier runs on {html.escape(dataset)}", table)]


def _names(run):
    """Return what the run is made of, by the recipe's section."""
    parts = {part: run.recipe.get(part) or {} for part in ("dataset", "descriptor", "emulator")}
    return {part: section.get("name") or "" for part, section in parts.items()}


def _append(event, run, **values):
    now = datetime.now(UTC).isoformat(timespec="seconds")
    row = {"time": now, "event": event, "run": run.name, **_names(run), **values}
    path = log_file()
    # One write of one line in append mode: runs that end together do not mix their lines.
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if file.tell() == 0:
            writer.writeheader()
        writer.writerow(row)


def _read():
    try:
        with log_file().open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []
