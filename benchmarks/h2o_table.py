"""The published table of the hot water molecule beside ours: covered variance on the test part.

Published scores: EDNN and NNCA, J. Passilahti, A. Vladyka and J. Niskanen, arXiv:2406.14044 (2024),
beside ECA on the same split. Run by hand after the recipe::

    xreg run examples/recipes/h2o-table.yaml
    python benchmarks/h2o_table.py runs/h2o-table
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

PUBLISHED = {
    ("xes", "ednn"): (0.86, 1.00),
    ("xes", "nnca"): (0.79, 1.00),
    ("xes", "eca"): (0.74, 1.00),
    ("xas", "ednn"): (0.85, 0.98),
    ("xas", "nnca"): (0.76, 0.92),
    ("xas", "eca"): (0.75, 0.91),
    ("xps", "ednn"): (1.00, 1.00),
    ("xps", "nnca"): (0.99, 1.00),
    ("xps", "eca"): (0.99, 1.00),
}
METHODS = ("emulator", "ednn", "nnca", "eca", "pca")


def main(folder: Path) -> None:
    with (folder / "scores.csv").open(newline="") as stream:
        scores = {
            (row["run"], row["method"], row["k"]): float(row["test"])
            for row in csv.DictReader(stream)
        }
    print("| run | method | k = 1 | published | k = 2 | published |")
    print("|---|---|---:|---:|---:|---:|")
    for run in dict.fromkeys(key[0] for key in scores):
        for method in METHODS:
            known = PUBLISHED.get((run, method), (None, None))
            if method == "emulator":
                print(f"| {run} | emulator | {scores[run, method, '']:.3f} | | | |")
                continue
            ours = [scores[run, method, k] for k in ("1", "2")]
            cells = [_cell(value) for pair in zip(ours, known, strict=True) for value in pair]
            print(f"| {run} | {method} | " + " | ".join(cells) + " |")


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
