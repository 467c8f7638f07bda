"""How far a fit finds back the parameters of spectra that were made with known ones.

Each spectrum comes from the exact engine at random parameters of the published space, on energies
of its own, with a random shift, scale and linear background, and noise of 1 % of its height. Every
result is one line of a file, so that a run that was stopped goes on. Run by hand::

    python benchmarks/fit.py MODEL results.jsonl --ion Ni2+ --spectra 100
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before any BLAS is loaded

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xreg.core.data.samples import ParameterSet
from xreg.core.ions.model import spaces
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.workbench.fit.engine import engine
from xreg.workbench.fit.fit import Fitted, fit_spectrum
from xreg.workbench.fit.minima import descend
from xreg.workbench.fit.misfit import Misfit
from xreg.workbench.fit.recipe import FitSettings

NOISE = 0.01  # of the height of the spectrum
STEP = 0.1  # eV between measured energies
LIMITS = (-1.0, 1.0)  # eV, of the shift
SAME = 0.5  # difference of χ², in units of the noise, between a minimum and itself


def one(
    model: str, ion: str, number: int, small: float | None, starts: int, seed: int
) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    sample = spaces()["published"].sample(1, method="random", seed=1000 + number)[0]
    if small is not None:  # a nearly cubic site, whose signs are hard to tell
        sample.values.update(
            Ds=float(rng.uniform(-small, small)), Dt=float(rng.uniform(-small / 2, small / 2))
        )
    shift = float(rng.uniform(0.8 * LIMITS[0], 0.8 * LIMITS[1]))
    wide = Multiplet(ion=ion, before=7, after=27, points=round(34 / STEP) + 1)
    energy, known = wide.grids()["xas"], wide.generate(ParameterSet("truth", sample.values))
    signal = rng.uniform(1, 1000) * known.channels["xas"]
    height = signal.max()
    measured = signal + height * NOISE * rng.normal(size=len(energy))
    measured += height * (
        rng.uniform(0, 0.3) + rng.uniform(-0.1, 0.1) * np.linspace(-1, 1, len(energy))
    )
    exact = {"name": "multiplet", "ion": ion}
    settings = FitSettings(shift=LIMITS, starts=starts, seed=seed, generator=exact)
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spectrum.txt"
        np.savetxt(path, np.column_stack([energy + shift, measured]))
        done = fit_spectrum(model, path, settings)
    seconds = time.process_time() - start
    truth = {**sample.values, "shift": shift}
    labels = done.fit.problem.labels
    found = dict(zip((*done.fit.problem.names, "shift"),
                     (*done.fit.best.values, done.fit.best.shift), strict=True))  # fmt: skip
    return {
        "number": number,
        "seconds": seconds,
        "global": _found(done, np.array([truth[label] for label in labels])),
        "equivalent": len(done.fit.equivalent),
        "open_signs": done.fit.open_signs,
        "undetermined": [str(direction) for direction in done.fit.undetermined],
        "at_limit": done.fit.at_limit,
        "unknowns": {
            label: {
                "true": truth[label],
                "found": float(found[label]),
                "std": float(std),
                "inside": any(
                    part.low <= truth[label] <= part.high for part in done.intervals[label]
                ),
                "parts": len(done.intervals[label]),
                "width": float(width),
            }
            for label, std, width in zip(labels, done.fit.std, done.fit.problem.widths, strict=True)
        },
    }


def _found(done: Fitted, truth: np.ndarray) -> bool:
    """Say whether the fit is as good as the minimum below the truth."""
    problem = done.fit.problem
    assert done.generator is not None
    exact = engine(done.generator, done.channel, problem.names, problem.units)
    x = np.clip((truth - problem.origin) / problem.widths, 0, 1)
    below = descend(Misfit(problem, exact), x)
    return bool(done.fit.best.chi2 < below.chi2 + SAME * done.fit.noise**2)


def report(rows: list[dict[str, Any]]) -> None:
    count = len(rows)
    best = sum(row["global"] for row in rows)
    signs = sum(bool(row["open_signs"]) for row in rows)
    several = sum(row["equivalent"] > 0 for row in rows)
    seconds = np.median([row["seconds"] for row in rows])
    print(f"{count} spectra, {seconds:.1f} s each; the lowest minimum found in {best / count:.0%}, "
          f"others as good in {several / count:.0%}, "
          f"a sign open in {signs / count:.0%}\n")  # fmt: skip
    print("| unknown | median error | 90 % below | median σ | within 1σ | 2σ | in the interval |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for label in rows[0]["unknowns"]:
        cells = [row["unknowns"][label] for row in rows]
        table = {k: np.array([cell[k] for cell in cells]) for k in cells[0]}
        error = abs(table["found"] - table["true"])
        within = [f"{np.mean(error <= k * table['std']):.0%}" for k in (1, 2)]
        print(f"| {label} | {np.median(error):.2g} | {np.quantile(error, 0.9):.2g} | "
              f"{np.median(table['std']):.2g} | {within[0]} | {within[1]} | "
              f"{np.mean(table['inside']):.0%} |")  # fmt: skip


def main(
    model: str,
    results: Path,
    ion: str,
    spectra: int,
    small: float | None,
    starts: int,
    seed: int,
) -> None:
    torch.set_num_threads(1)
    rows = (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )
    done = {row["number"] for row in rows}
    with results.open("a") as stream:
        for number in range(spectra):
            if number not in done:
                rows.append(one(model, ion, number, small, starts, seed))
                stream.write(json.dumps(rows[-1]) + "\n")
                stream.flush()
    report(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Known parameters, found again.")
    parser.add_argument("model", help="a trained model of that ion")
    parser.add_argument("results", type=Path, help="file of results, a line a spectrum")
    parser.add_argument("--ion", default="Ni2+")
    parser.add_argument("--spectra", type=int, default=100)
    parser.add_argument(
        "--small", type=float, help="greatest |Ds| in eV, twice that of Dt; all of the space if not"
    )
    parser.add_argument("--starts", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0, help="of the starts, not of the spectra")
    main(**vars(parser.parse_args()))
