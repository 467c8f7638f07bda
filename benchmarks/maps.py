"""A map of Ni2+ spectra with known parameters: fitted as one batch, and pixel by pixel.

Parameters change smoothly over the map (or are drawn at random, ``--random``), each pixel has a
shift, scale and linear background of its own and noise of 1 % of its height. One pixel in a hundred
is dead: not finite, zero or constant. Run by hand::

    python benchmarks/maps.py make map.npz --size 100
    python benchmarks/maps.py fit MODEL map.npz --out fits/map
    python benchmarks/maps.py single MODEL map.npz singles.jsonl --pixels 100
    python benchmarks/maps.py report map.npz fits/map singles.jsonl
    python benchmarks/maps.py below MODEL map.npz fits/map --pixels 1000
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before any BLAS is loaded

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

NAMES = ("Dq", "Ds", "Dt", "S1", "S2", "T", "sigma", "gamma1", "gamma2")
LOW = np.array([0.0, -1.4, -0.8, 0.6, 0.6, 1.0, 0.05, 0.3, 0.3])
HIGH = np.array([0.2, 1.4, 0.8, 1.0, 1.0, 1000.0, 0.2, 1.0, 1.2])
# Of each parameter in its range: value, rise along the map, height of a wave and its number.
FIELDS = [
    (0.5, 0.3, 0.1, 1), (0.55, 0.05, 0.08, 2), (0.45, -0.05, 0.06, 1.5), (0.4, 0.2, 0.1, 1),
    (0.5, 0.1, 0.1, 0.5), (0.3, 0, 0, 0), (0.4, 0.1, 0.1, 1), (0.3, 0.1, 0.1, 2),
    (0.4, 0.1, 0.1, 1),
]  # fmt: skip
NOISE = 0.01
DEAD = {"not finite": np.nan, "zero": 0.0, "constant": 7.0}
DEAD_SHARE = 0.01


def make(path: Path, size: int, random: bool) -> None:
    from scipy.interpolate import CubicSpline

    from xreg.core.data.samples import Parameters
    from xreg.core.ions.model import spaces
    from xreg.plugins.multiplet.multiplet import Multiplet

    rng = np.random.default_rng(3)
    n = size * size
    if random:
        places, shift = rng.random((n, 9)), rng.uniform(-0.8, 0.8, n)
    else:
        y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
        waves = [(a + b * x + c * np.sin(2 * np.pi * (k * x + y))).ravel() for a, b, c, k in FIELDS]
        places = np.clip(np.stack(waves, axis=1) + 0.004 * rng.normal(size=(n, 9)), 0.01, 0.99)
        shift = rng.uniform(-0.2, 0.2, n)
    values = LOW + (HIGH - LOW) * places
    engine = Multiplet(ion="Ni2+", before=7, after=27, points=341)
    grid = engine.grids()["xas"]
    samples = Parameters([str(i) for i in range(n)], values, NAMES, spaces()["published"].units)
    energy = grid[(grid >= 848.55) & (grid <= 876.9)]
    spectra = np.stack([
        CubicSpline(grid, found.channels["xas"])(energy - moved)
        for found, moved in zip(engine.generate_many(samples), shift, strict=True)
    ])  # fmt: skip
    height = spectra.max(axis=1, keepdims=True)
    base = rng.uniform(0, 0.3, (n, 1)) + rng.uniform(-0.1, 0.1, (n, 1)) * np.linspace(
        -1, 1, len(energy)
    )
    counts = spectra + height * (base + NOISE * rng.normal(size=spectra.shape))
    counts *= rng.uniform(1, 1000, (n, 1))
    dead = rng.choice(n, round(DEAD_SHARE * n), replace=False)
    for kind, value in enumerate(DEAD.values()):
        counts[dead[kind :: len(DEAD)]] = value
    np.savez(path, energy=energy, counts=counts.reshape(size, size, -1))
    np.savez(_truth(path), values=np.column_stack([values, shift]), dead=dead)


def _truth(path: Path) -> Path:
    return path.with_name(f"{path.stem}-truth.npz")


def fit(model: str, path: Path, out: Path, workers: int) -> None:
    from xreg.workbench.fit.maps.results import fit_stack
    from xreg.workbench.fit.recipe import FitRecipe

    began = time.perf_counter()
    recipe = FitRecipe(model=model, spectrum=str(path))
    table = fit_stack(recipe, out, workers=workers)
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    processor = sum(u.ru_utime + u.ru_stime for u in (own, children))
    print(
        f"{table['fitted']} pixels: {time.perf_counter() - began:.0f} s with {workers} workers, "
        f"processor {processor:.0f} s, {1000 * processor / table['fitted']:.0f} ms each; "
        f"ambiguous {table['ambiguous']:.0%}"
    )


def single(model: str, path: Path, results: Path, pixels: int) -> None:
    """Fit some pixels one by one; every result is a line, so that what was stopped goes on."""
    import torch

    from xreg.workbench.fit.fit import fit_spectrum
    from xreg.workbench.fit.recipe import FitSettings

    torch.set_num_threads(1)
    arrays, truth, dead = np.load(path), *(np.load(_truth(path))[n] for n in ("values", "dead"))
    counts = arrays["counts"].reshape(-1, len(arrays["energy"]))
    done = set()
    if results.exists():
        done = {json.loads(line)["pixel"] for line in results.read_text().splitlines()}
    chosen = np.random.default_rng(0).permutation(len(counts))
    for pixel in chosen[~np.isin(chosen, dead)][:pixels].tolist():
        if pixel in done:
            continue
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pixel.txt"
            np.savetxt(file, np.column_stack([arrays["energy"], counts[pixel]]))
            began = time.process_time()
            found = fit_spectrum(model, file, FitSettings())
            seconds = time.process_time() - began
        labels = found.fit.problem.labels
        values = dict(zip((*found.fit.problem.names, "shift"),
                          (*found.fit.best.values, found.fit.best.shift), strict=True))  # fmt: skip
        known = dict(zip((*NAMES, "shift"), truth[pixel].tolist(), strict=True))
        line = {
            "pixel": pixel,
            "seconds": seconds,
            "chi2": found.fit.best.chi2,
            "error": {name: abs(float(values[name]) - known[name]) for name in labels},
            "std": dict(zip(labels, found.fit.std.tolist(), strict=True)),
        }
        with results.open("a") as stream:
            stream.write(json.dumps(line) + "\n")


def report(path: Path, folder: Path, results: Path) -> None:
    import zarr

    truth, dead = (np.load(_truth(path))[name] for name in ("values", "dead"))
    root = zarr.open_group(folder / "fit.zarr", mode="r")
    told = np.flatnonzero(root["dead"][...].ravel() != "")
    alive = np.setdiff1d(np.arange(len(truth)), dead)
    same = np.array_equal(told, np.sort(dead))
    print(f"dead: {len(dead)}, marked {len(told)}, {'the same' if same else 'OTHERS'}")
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    rows = [line["pixel"] for line in lines]
    seconds = np.median([line["seconds"] for line in lines])
    print(
        f"{len(truth)} pixels, {len(rows)} of them by single fits as well, which take "
        f"{seconds:.1f} s of processor time (median)\n"
    )
    left = root["chi2"][...].ravel()[rows] / np.array([line["chi2"] for line in lines])
    print(f"χ² of batch over single: median {np.median(left):.4f}, higher by 2 % or more in "
          f"{np.mean(left > 1.02):.0%}, lower by that in {np.mean(left < 0.98):.0%}\n")  # fmt: skip
    print("| unknown | single, median error | batch, the same pixels | batch, all | median σ | "
          "within 1σ | 2σ |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|---:|")
    for i, name in enumerate((*NAMES, "shift")):
        error = np.abs(root[name][...].ravel() - truth[:, i])
        std = root[f"{name}_std"][...].ravel()
        alone = np.median([line["error"][name] for line in lines])
        print(f"| {name} | {alone:.2g} | {np.median(error[rows]):.2g} | "
              f"{np.median(error[alive]):.2g} | {np.median(std[alive]):.2g} | "
              f"{np.mean((error <= std)[alive]):.0%} | {np.mean((error <= 2 * std)[alive]):.0%} |"
        )  # fmt: skip


def below(model: str, path: Path, folder: Path, pixels: int) -> None:
    """Tell in how many pixels χ² reaches the minimum of the exact engine below the truth."""
    import zarr

    from xreg.registry.models import find_model, load_model
    from xreg.workbench.fit.engine import engine
    from xreg.workbench.fit.fit import covered, engine_of, problem_of
    from xreg.workbench.fit.maps.descent import Descent, Pixels
    from xreg.workbench.fit.maps.rendering import Renderer
    from xreg.workbench.fit.recipe import FitRecipe
    from xreg.workbench.measured.stacks import read_stacks

    truth, dead = (np.load(_truth(path))[name] for name in ("values", "dead"))
    recipe = FitRecipe(model=model, spectrum=str(path))
    (stack,) = read_stacks(recipe.places, recipe.columns)
    entry = find_model(model, None)
    loaded = load_model(entry.folder)
    generator = engine_of(entry, recipe, None, False)
    assert generator is not None
    problem = problem_of(loaded, stack.measured(int(stack.good[0])), recipe, path)
    domain = loaded.domain
    exact = engine(generator, loaded.target.channel, domain.parameters, domain.units)
    covered(problem, exact.energy)

    def simulate(values: np.ndarray) -> np.ndarray:
        import torch

        return exact.spectra(torch.as_tensor(values)).numpy()

    renderer = Renderer(problem, exact.energy, simulate, 2e-4)
    stack = stack.within(*problem.measured.energy[[0, -1]])
    alive = np.setdiff1d(np.arange(len(truth)), dead)
    chosen = np.random.default_rng(1).permutation(alive)[:pixels]
    lowest = np.full(len(truth), np.nan)
    for rows in np.array_split(chosen, max(1, len(chosen) // 32)):
        spectra = stack.intensity[rows]
        known = Pixels.of(spectra, np.ones_like(spectra), problem.curves)
        start = (truth[rows] - problem.origin) / problem.widths
        down = Descent(known, np.arange(len(rows)), start, renderer)
        down.run(25)
        lowest[rows] = down.chi2
    found = zarr.open_group(folder / "fit.zarr", mode="r")["chi2"][...].ravel()[chosen]
    noise = np.fmin(found, lowest[chosen]) / (stack.intensity.shape[1] - 13)
    rise = (found - lowest[chosen]) / noise
    above = ", ".join(f"{limit:g} in {np.mean(rise > limit):.1%}" for limit in (0.5, 3, 25))
    print(
        f"{len(chosen)} pixels: χ² above that below the truth by more than {above}; "
        f"lower by more than 0.5 in {np.mean(rise < -0.5):.1%}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A map of known parameters, found again.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("make")
    one.add_argument("path", type=Path)
    one.add_argument("--size", type=int, default=100)
    one.add_argument("--random", action="store_true")
    one = commands.add_parser("fit")
    one.add_argument("model")
    one.add_argument("path", type=Path)
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--workers", type=int, default=2)
    one = commands.add_parser("single")
    one.add_argument("model")
    one.add_argument("path", type=Path)
    one.add_argument("results", type=Path)
    one.add_argument("--pixels", type=int, default=100)
    one = commands.add_parser("report")
    one.add_argument("path", type=Path)
    one.add_argument("folder", type=Path)
    one.add_argument("results", type=Path)
    one = commands.add_parser("below")
    one.add_argument("model")
    one.add_argument("path", type=Path)
    one.add_argument("folder", type=Path)
    one.add_argument("--pixels", type=int, default=1000)
    arguments = vars(parser.parse_args())
    globals()[arguments.pop("command")](**arguments)
