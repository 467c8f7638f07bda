"""How often the intervals of ``xreg explain`` hold what is true: groups left out, another engine.

Models of FEFF's spectra of iron compounds are asked about FEFF's own spectra of groups that were
left out, and about those that FDMNES computed of the same sites, the stand-in for experiment::

    python benchmarks/explain.py [--group trajectory|compound] [--seeds 5]

Over several seeds, of the folds and of what is learned with (random curves, noise), numbers are
mean ± standard deviation.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from xreg.registry.datasets import open_dataset
from xreg.workbench.explain.learn import LEVELS, STRANGE, between_groups, learn, mismatch_of
from xreg.workbench.explain.quantities import Quantity, quantities
from xreg.workbench.match.library import Comparison, Library

ENGINES = ("feff", "fdmnes")
LEAVE = ("temperature", "time", "fermi_energy", "core_energy")


def main(
    group: str, folds: int, shift: float, broadening: float, noise: float, account: bool, seeds: int
) -> None:
    """Print the table of each engine."""
    dataset = open_dataset("fe-k")
    library = Library.of(dataset, "xanes", "", group)
    asked, _ = quantities(dataset, None, LEAVE)
    engine = dataset.label("engine")
    found = [
        answered(library, asked, engine, seed, folds, shift, broadening, noise, account)
        for seed in range(seeds)
    ]
    for kind in ENGINES:
        print(f"\n{kind}, groups of '{group}' left out\n")
        print("| quantity | spectra | refused | median error | of the median | within 68 % | "
              "95 % | half width of 68 % |")  # fmt: skip
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        for one in asked:
            numbers = [summary(rows[kind], one.name) for rows in found]
            cells = [
                spread([row[column] for row in numbers], form)
                for column, form in enumerate((".0f", ".0%", ".2g", ".2g", ".0%", ".0%", ".2g"))
            ]
            unit = f" ({one.unit})" if one.unit else ""
            print(f"| {one.name}{unit} | " + " | ".join(cells) + " |")


def answered(
    library: Library, asked: list[Quantity], engine: Any, seed: int, folds: int,
    shift: float, broadening: float, noise: float, account: bool,
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """Return what is answered about each engine's spectra of the groups left out, fold by fold."""
    names = np.random.default_rng(seed).permutation(np.unique(library.groups[engine == "feff"]))
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ENGINES}
    for held in np.array_split(names, folds):
        known = np.flatnonzero((engine == "feff") & ~np.isin(library.groups, held))
        part = Library(
            library.ids[known], library.energy, library.intensity[known], None,
            np.unique(library.groups[known], return_inverse=True)[1],
        )  # fmt: skip
        compared = Comparison.between(
            part, library.energy, (library.energy[0] + 3, library.energy[-1] - 3),
            shift=(-shift, shift), broadening=broadening, scale=True, offset=True,
        )  # fmt: skip
        here = [Quantity(one.name, one.unit, one.values[known]) for one in asked]
        apart = between_groups(compared, part.groups, noise, seed)
        for kind in ENGINES:
            new = np.flatnonzero((engine == kind) & np.isin(library.groups, held))
            if not len(new):
                continue
            mismatch = mismatch_of(compared, library.intensity[new], apart) if account else 0.0
            explainer = learn(
                compared, here, part.groups, apart, noise=noise, mismatch=mismatch, seed=seed
            )
            answers, misfit, _, _ = explainer.explain(library.intensity[new])
            strange = explainer.strangeness(misfit)
            for one, answer, judged in zip(asked, answers, explainer.judged, strict=True):
                true = one.values[new]
                rows[kind].append({
                    "name": one.name, "told": (strange < STRANGE) & judged.known,
                    "error": np.abs(answer.value - true),
                    "null": np.abs(np.median(one.values[known]) - true),
                    "inside": (answer.low <= true) & (true <= answer.high),
                    "half": (answer.high - answer.low)[0] / 2,
                })  # fmt: skip
    return rows


def summary(rows: list[dict[str, Any]], name: str) -> list[float]:
    """Return the numbers of one quantity: a row of the table, NaN where nothing was told."""
    of = {
        key: np.concatenate([row[key] for row in rows if row["name"] == name], axis=-1)
        for key in ("told", "error", "null", "inside", "half")
    }
    told = of["told"]
    if not told.any():
        return [len(told), 1.0, *[np.nan] * (3 + len(LEVELS))]
    return [
        len(told), 1 - told.mean(), np.median(of["error"][told]), np.median(of["null"][told]),
        *of["inside"][:, told].mean(axis=1), np.median(of["half"][told]),
    ]  # fmt: skip


def spread(values: list[float], form: str) -> str:
    """Return mean ± standard deviation of what is there, "–" where nothing is."""
    there = [value for value in values if np.isfinite(value)]
    if not there:
        return "–"
    mean = format(np.mean(there), form)
    several = len(there) > 1 and np.ptp(there) > 0
    return f"{mean} ± {np.std(there, ddof=1):{form}}" if several else mean


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--group", default="trajectory")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--shift", type=float, default=1.0)
    parser.add_argument("--broadening", type=float, default=2.0)
    parser.add_argument("--noise", type=float, default=0.005)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--plain", dest="account", action="store_false")
    main(**vars(parser.parse_args()))
