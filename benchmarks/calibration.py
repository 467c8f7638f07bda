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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.model.transfer.alignment import misalignment
from xreg.core.model.transfer.calibration import Calibration, calibrate
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
    for by, counts in (("trajectory", asked.counts), ("compound", asked.counts[1:])):
        for name, target in (("as they stand", known), ("apart", moved)):
            for count in counts:
                key = f"{name}, by {by}, {count}"
                table[key] = _draws(energy, predicted, target, labels[by], count, asked.draws)
                print(key, _words(table[key]), flush=True)
    if asked.json:
        Path(asked.json).write_text(json.dumps(table, indent=1), encoding="utf-8")


def _draws(
    energy: NDArray[Any], predicted: NDArray[Any], known: NDArray[Any],
    groups: NDArray[Any], count: int, draws: int,
) -> dict[str, Any]:  # fmt: skip
    """Return mean and spread over draws of what is left on all spectra that were not drawn."""
    found: dict[str, list[float]] = {}
    for seed in range(draws):
        chosen: list[str] = []
        for group in np.random.default_rng(seed).permutation(np.unique(groups)):
            if np.isin(groups, chosen).sum() >= count:
                break
            chosen.append(str(group))
        few = np.isin(groups, chosen)
        try:
            made, _ = calibrate(energy, predicted[few], known[few], groups[few], REACH, seed)
        except DataError:
            continue
        plain = Calibration(made.instrument)
        spectra = {
            "before": predicted[~few],
            "plain": plain.apply(energy, predicted[~few]),
            "chosen": made.apply(energy, predicted[~few]),
        }
        for step, values in spectra.items():
            shift = np.abs(misalignment(energy, values, known[~few], REACH))
            found.setdefault(f"shift {step}", []).append(float(shift.mean()))
            rms = np.sqrt(np.square(values - known[~few]).mean())
            found.setdefault(f"rms {step}", []).append(float(rms))
        found.setdefault("corrected", []).append(float(made.correction is not None))
        found.setdefault("spectra", []).append(float(few.sum()))
    return {key: [float(np.mean(v)), float(np.std(v, ddof=1))] for key, v in found.items()}


def _words(numbers: dict[str, Any]) -> str:
    return "; ".join(f"{key} {mean:.3f} ± {spread:.3f}" for key, (mean, spread) in numbers.items())


if __name__ == "__main__":
    main()
