"""Whether samples chosen by spread teach a model more than as many at random.

Reads what ``xreg grow examples/grow/ni2.yaml -o FOLDER`` left, of one seed in each folder, prints
the error by the number of samples, and draws it. Run by hand::

    for seed in 0 1 2; do
      xreg grow examples/grow/ni2.yaml -o grown/$seed --set seed=$seed --set samples.seed=$seed
    done
    python benchmarks/grow.py grown/* --picture grow.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from xreg.core.analysis import style

COLOURS = {"spread": style.PREDICTED, "random": style.TRUE}


def errors(folder: Path) -> dict[int, float]:
    """Return the error on the test samples by the number of samples computed."""
    rounds = json.loads((folder / "rounds.json").read_text())["rounds"]
    computed = np.cumsum([len(one["rows"]) for one in rounds])
    return dict(zip(computed.tolist(), (one["error"] for one in rounds), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    found = {how: [errors(f / how) for f in given.folders] for how in COLOURS}
    counts = sorted(set.intersection(*(set(one) for runs in found.values() for one in runs)))
    print("| samples | by spread | at random |\n|---:|---:|---:|")
    table = {
        how: np.array([[one[n] for n in counts] for one in runs]) for how, runs in found.items()
    }
    for i, n in enumerate(counts):
        cells = []
        for how in COLOURS:
            values = table[how][:, i]
            spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.3f}{spread}")
        print(f"| {n} | {' | '.join(cells)} |")
    if given.picture is None:
        return
    with style.styled():
        figure = style.new_figure(2.8, 4.5)
        axis = figure.subplots()
        for how, colour in COLOURS.items():
            for row in table[how]:
                axis.plot(counts, row, "o-", ms=4, color=colour, label=how)
        style.log_ticks(axis.xaxis, axis.yaxis)
        axis.set_xlabel("samples computed")
        axis.set_ylabel("relative error, √(1 − R²)")
        handles = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
        axis.legend(handles.values(), handles.keys())
        figure.savefig(given.picture, dpi=200)


if __name__ == "__main__":
    main()
