"""A FEFF model calibrated on a few FDMNES spectra of fe-k: errors of spectra that were held out.

    xreg run examples/fe-k/run.yaml --set emulator.ensemble=2 --out runs/fe-k
    python benchmarks/calibration.py runs/fe-k

Each draw takes some trajectories (groups) for calibration and judges on all others. ``compounds``
takes whole compounds instead. Engines in fe-k were brought together on average already; ``apart``
moves and broadens FDMNES' spectra first, as an uncalibrated monochromator of poorer resolution.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.model.transfer.alignment import misalignment
from xreg.core.model.transfer.calibration import calibrate
from xreg.core.model.transfer.instrument import Instrument
from xreg.registry.datasets import open_dataset
from xreg.registry.models import load_model

REACH = 5.0
APART = Instrument(2.5, 1.5, 0.8)


def main() -> None:
    """Print a table of every setting, and write the numbers as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 20, 50])
    parser.add_argument("--json")
    asked = parser.parse_args()
    model, dataset = load_model(asked.model), open_dataset("fe-k")
    rows = np.flatnonzero(np.asarray(dataset.labels["engine"]) == "fdmnes")
    rows = np.delete(rows, list(model.refusals(dataset.samples[rows])))
    samples, energy = dataset.samples[rows], model.target.grid
    known = np.asarray(dataset.spectra["xanes"].intensity[rows], np.float64)
    predicted = model.predict(samples)
    labels = {name: np.asarray(dataset.labels[name])[rows] for name in ("trajectory", "compound")}
    moved = known @ APART.matrix(energy).T
    table: dict[str, Any] = {}
    for name, target, by in (
        ("as they stand", known, "trajectory"), ("apart", moved, "trajectory"),
        ("as they stand", known, "compound"), ("apart", moved, "compound"),
    ):  # fmt: skip
        for count in asked.counts:
            for correct in (False, True):
                key = f"{name}, by {by}, {count} spectra, {'corrected' if correct else 'plain'}"
                table[key] = _draws(
                    energy, predicted, target, labels, by, count, correct, asked.draws
                )
                print(key, _words(table[key]), flush=True)
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump(table, file, indent=1)


def _draws(
    energy: NDArray[Any], predicted: NDArray[Any], known: NDArray[Any],
    labels: dict[str, NDArray[Any]], by: str, count: int, correct: bool, draws: int,
) -> dict[str, Any]:  # fmt: skip
    before = np.abs(misalignment(energy, predicted, known, REACH))
    found: dict[str, list[float]] = {}
    for seed in range(draws):
        groups = np.random.default_rng(seed).permutation(np.unique(labels[by]))
        chosen: list[str] = []
        for group in groups:
            if np.isin(labels[by], chosen).sum() >= count:
                break
            chosen.append(str(group))
        few = np.isin(labels[by], chosen)
        try:
            made, _ = calibrate(
                energy, predicted[few], known[few], labels[by][few], REACH, seed, correct,
            )  # fmt: skip
        except DataError:
            continue
        after = made.apply(energy, predicted[~few])
        shift = np.abs(misalignment(energy, after, known[~few], REACH))
        rms = [np.sqrt(np.square(y - known[~few]).mean()) for y in (predicted[~few], after)]
        numbers = {
            "shift before": before[~few].mean(), "shift after": shift.mean(),
            "median shift before": np.median(before[~few]), "median shift after": np.median(shift),
            "rms before": rms[0], "rms after": rms[1],
            "spectra": few.sum(), "held out": (~few).sum(),
            "corrected": made.correction is not None,
        }  # fmt: skip
        for key, value in numbers.items():
            found.setdefault(key, []).append(float(value))
    return {key: [float(np.mean(v)), float(np.std(v, ddof=1))] for key, v in found.items()}


def _words(numbers: dict[str, Any]) -> str:
    return "; ".join(f"{key} {mean:.3f} ± {spread:.3f}" for key, (mean, spread) in numbers.items())


if __name__ == "__main__":
    main()
