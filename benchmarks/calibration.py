"""A FEFF model calibrated on a few FDMNES spectra of fe-k: errors of spectra that were held out.

    xreg run examples/fe-k/run.yaml --set emulator.ensemble=2 --out runs/fe-k
    python benchmarks/calibration.py runs/fe-k

Each draw takes some trajectories (groups) for calibration and judges on all others. ``compounds``
takes whole compounds instead. Engines in fe-k were brought together on average already; ``apart``
moves and broadens FDMNES' spectra first, as an uncalibrated monochromator of poorer resolution.
With ``--fine-tune`` the network is trained on, too, with the spectra as they stand, and what
``xreg calibrate`` would keep of both is judged.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import DataError
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.transfer.alignment import misalignment
from xreg.core.model.transfer.calibration import Calibration, calibrate
from xreg.core.model.transfer.fine_tuning import fine_tune
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
    parser.add_argument("--fine-tune", action="store_true")
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
    if asked.fine_tune:
        pipeline = Pipeline(model.emulator.__sklearn_clone__(), model.descriptor, start=model)
        for by, count in _tasks(asked.counts):
            made = _fine_tuned(pipeline, samples, predicted, known, labels[by], count, asked.draws)
            print(f"fine-tuned, by {by}, {count}", _words(made), flush=True)
        return
    table: dict[str, Any] = {}
    for name, target in (("as they stand", known), ("apart", moved)):
        for by, count in _tasks(asked.counts):
            key = f"{name}, by {by}, {count}"
            table[key] = _draws(energy, predicted, target, labels[by], count, asked.draws)
            print(key, _words(table[key]), flush=True)
    if asked.json:
        Path(asked.json).write_text(json.dumps(table, indent=1), encoding="utf-8")


def _tasks(counts: list[int]) -> list[tuple[str, int]]:
    """Return what is drawn, and how many spectra; few of whole compounds would be two groups."""
    return [("trajectory", n) for n in counts] + [("compound", n) for n in counts[1:]]


def _draws(
    energy: NDArray[Any], predicted: NDArray[Any], known: NDArray[Any],
    groups: NDArray[Any], count: int, draws: int,
) -> dict[str, Any]:  # fmt: skip
    """Return mean and spread over draws of what is left on all spectra that were not drawn."""
    found: dict[str, list[float]] = {}
    for seed in range(draws):
        few = _few(groups, count, seed)
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


def _few(groups: NDArray[Any], count: int, seed: int) -> NDArray[np.bool_]:
    """Return which spectra are learned from: groups at random until there are so many."""
    chosen: list[str] = []
    for group in np.random.default_rng(seed).permutation(np.unique(groups)):
        if np.isin(groups, chosen).sum() >= count:
            break
        chosen.append(str(group))
    return np.isin(groups, chosen)


def _fine_tuned(
    pipeline: Pipeline, samples: Any, predicted: NDArray[Any], known: NDArray[Any],
    groups: NDArray[Any], count: int, draws: int,
) -> dict[str, Any]:  # fmt: skip
    """Return what is left on all spectra that were not drawn, by either way and as kept."""
    assert pipeline.start is not None
    energy, found = pipeline.start.target.grid, dict[str, list[float]]()
    for seed in range(draws):
        few = _few(groups, count, seed)
        rows, rest = np.flatnonzero(few), np.flatnonzero(~few)
        alone, held = calibrate(energy, predicted[few], known[few], groups[few], REACH, seed)
        tuned = fine_tune(
            pipeline, samples[rows], predicted[few], known[few], groups[few], REACH, seed
        )
        after = tuned.model.predict_with_spread(tuned.model.inputs(samples[rest]))[0]
        spectra = {
            "before": predicted[rest],
            "calibrated": alone.apply(energy, predicted[rest]),
            "tuned": Calibration(tuned.instrument).apply(energy, after),
        }
        kept = tuned.held.by_group(groups[few]) < held.by_group(groups[few])
        spectra["kept"] = spectra["tuned" if kept else "calibrated"]
        for step, values in spectra.items():
            shift = np.abs(misalignment(energy, values, known[rest], REACH))
            found.setdefault(f"shift {step}", []).append(float(shift.mean()))
            rms = np.sqrt(np.square(values - known[rest]).mean())
            found.setdefault(f"rms {step}", []).append(float(rms))
        for way, of in (("calibrated", held), ("tuned", tuned.held)):
            rms = np.sqrt(np.square(of.rms_after).mean())
            found.setdefault(f"rms of folds {way}", []).append(float(rms))
        found.setdefault("fine-tuning kept", []).append(float(kept))
        found.setdefault("spectra", []).append(float(few.sum()))
    return {key: [float(np.mean(v)), float(np.std(v, ddof=1))] for key, v in found.items()}


def _words(numbers: dict[str, Any]) -> str:
    return "; ".join(f"{key} {mean:.3f} ± {spread:.3f}" for key, (mean, spread) in numbers.items())


if __name__ == "__main__":
    main()
