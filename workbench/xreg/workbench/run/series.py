"""The runs of a recipe with ``each``: their scores in one table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xreg.core.data.splits import PARTS
from xreg.core.files import write_csv

__all__ = ["write_scores"]


def write_scores(folder: Path) -> Path:
    """Write ``scores.csv`` on the finished runs in a folder, and return its path.

    One row for the emulator of each run, and one for each rank of each decomposition: generalised
    covered variance in each part.
    """
    path = folder / "scores.csv"
    head = ["run", "dataset", "version", "channel", "method", "k", *PARTS]
    runs = sorted(found.parent for found in folder.glob("*/metrics.json"))
    write_csv(path, [head, *(row for run in runs for row in _rows(run))])
    return path


def _rows(run: Path) -> Iterator[list[Any]]:
    metrics, summary = (
        json.loads((run / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("metrics", "summary")
    )
    data = summary["dataset"]
    head = [run.name, data["name"], data["version"], data["channel"]]
    yield [*head, "emulator", "", *(metrics[p]["r2"] if p in metrics else "" for p in PARTS)]
    for label, scores in metrics["decomposers"].items():
        for k in range(max(map(len, scores.values()), default=0)):
            yield [*head, label, k + 1, *(scores[p][k] if p in scores else "" for p in PARTS)]
