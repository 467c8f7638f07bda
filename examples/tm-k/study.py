"""Learn the spectra of ``tm-k``: one model of nine metals against nine, and a metal in few shots.

Usage::

    python examples/tm-k/study.py STORE.zarr tables    # several splits by complex
    python examples/tm-k/study.py STORE.zarr few-shot  # a metal of few complexes
    python examples/tm-k/study.py STORE.zarr choose    # on folds of training data

Complexes are never divided. Splits hold back a quarter of the complexes of every metal.
``published`` is the network of Rankine and Penfold, J. Chem. Phys. 156, 164102 (2022) on weighted
symmetry functions; ``best`` is a Gaussian process on SOAP, chosen by ``choose``. Models of all
metals have the absorber as a feature. A complex with an element that a model has not met is
predicted all the same here (``xreg predict`` refuses it).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset
from xreg.core.interfaces.blocks import Blocks
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.preprocessing import Preprocessing
from xreg.plugins.xanes.peaks import match_peaks, peak_scores
from xreg.plugins.xanes.relative_error import relative_error
from xreg.registry.plugins import host
from xreg.registry.stores.store import open_store

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

METALS = ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn")
SEEDS = (0, 1, 2, 3, 4)
HELD_OUT = 0.25
SHOTS = (0, 1, 2, 3)
FLOOR = 0.01

NETWORK: dict[str, Any] = {
    "name": "mlp", "widths": [512, 512], "activation": "relu", "batch_norm": True, "dropout": 0.25,
    "init": "he-uniform", "loss": "mse", "optimiser": "adam", "learning_rate": 1e-4,
    "schedule": "constant", "batch": 32, "epochs": 512, "early_stopping": False, "device": "cpu",
}  # fmt: skip
SOAP: dict[str, Any] = {
    "name": "soap", "n_max": 8, "l_max": 6, "cutoff": [6.0, 3.6], "sigma": [0.4, 0.25],
    "compression": "mu2",
    "weights": ["one", "Z", "electronegativity", "covalent_radius", "group", "light"],
    "transform": "sqrt",
}  # fmt: skip
SMALL = {**SOAP, "cutoff": [3.6], "sigma": [0.25]}
ABSORBER = {"name": "labels", "names": ["absorber"]}
PUBLISHED = ([{"name": "wacsf"}], NETWORK, "global")
BEST = ([SOAP], {"name": "gp-features", "registration": 24}, "none")
CHOICES = {
    "wacsf, gp": ([{"name": "wacsf"}], {"name": "gp-features"}, "global"),
    "soap, gp": ([SOAP], {"name": "gp-features"}, "global"),
    "soap, gp, shift 24": BEST,
    "soap 3.6, gp": ([SMALL], {"name": "gp-features"}, "global"),
    "soap + wacsf, gp": ([SOAP, {"name": "wacsf"}], {"name": "gp-features"}, "global"),
    "soap + wacsf, gp, shift 24": (
        [SOAP, {"name": "wacsf"}], {"name": "gp-features", "registration": 24}, "none",
    ),
    "soap, ridge": ([SOAP], {"name": "ridge"}, "global"),
    "published": PUBLISHED,
}  # fmt: skip


def pipeline(recipe: tuple[list[dict[str, Any]], dict[str, Any], str], many: bool) -> Pipeline:
    """Return a pipeline; of several metals, the absorber is among the features."""

    def build(kind: str, settings: dict[str, Any]) -> Any:
        rest = {k: v for k, v in settings.items() if k != "name"}
        return host().build(kind, settings["name"], rest)

    parts, emulator, targets = recipe
    blocks = Blocks(
        {f"{p['name']} {i}": build("descriptor", p)
         for i, p in enumerate([*parts, ABSORBER] if many else parts)}
    )  # fmt: skip
    return Pipeline(
        build("emulator", emulator), blocks, preprocessing=Preprocessing(targets=targets)
    )


class Study:
    """The spectra of one engine, and what is trained on them.

    Parameters
    ----------
    data
        The dataset, FEFF's samples alone.
    """

    def __init__(self, data: Dataset) -> None:
        self.data = data
        self.metal = np.asarray(data.label("metal")).astype(str)
        self.complex = np.asarray(data.label("complex")).astype(str)
        self.energy = np.asarray(data.spectra["xanes"].energy)
        self.y = np.asarray(data.spectra["xanes"].intensity, dtype=np.float64)
        self.target = Target("xanes", self.energy)
        self.metals = [m for m in METALS if m in self.metal]

    def held_out(self, seed: int, share: float = HELD_OUT) -> NDArray[np.bool_]:
        """Return which samples test: a share of the complexes of every metal."""
        rng = np.random.default_rng([11, seed])
        test = np.zeros(len(self.y), bool)
        for metal in self.metals:
            own = rng.permutation(np.unique(self.complex[self.metal == metal]))
            test |= np.isin(self.complex, own[: max(1, round(share * len(own)))])
        return test

    def predicted(self, recipe: Any, train: Rows, test: Rows) -> Array:
        """Train on some rows and predict others."""
        many = len(set(self.metal[train])) > 1
        samples = self.data.samples
        model = pipeline(recipe, many).fit(samples[train], self.y[train], self.target)
        X = model.inputs(samples[test])
        return np.asarray(model.target_scaler.inverse_transform(model.emulator.predict(X)))

    def zero_shot(self, recipe: Any, train: Rows, test: Rows) -> Array:
        """Do the same without the absorber as a feature, for a metal that is not trained on."""
        samples = self.data.samples
        model = pipeline(recipe, False).fit(samples[train], self.y[train], self.target)
        X = model.inputs(samples[test])
        return np.asarray(model.target_scaler.inverse_transform(model.emulator.predict(X)))

    def scores(self, rows: Rows, guess: Array, mean: Array) -> dict[str, float]:
        """Return R² (against the mean spectrum of the training part), Δμ and peaks."""
        true = self.y[rows]
        found = peak_scores(match_peaks(self.energy, true, guess))
        delta = relative_error(true, guess, FLOOR)
        low, middle, high = np.quantile(delta, [0.25, 0.5, 0.75])
        return {
            "r2": 1 - float(((guess - true) ** 2).sum() / ((true - mean) ** 2).sum()),
            "delta": float(middle), "delta_q1": float(low), "delta_q3": float(high),
            "peak": found["energy"]["mean_error"], "hits": found["hit_rate"],
            "false": found["false_rate"],
        }  # fmt: skip

    def nearest(self, train: Rows, test: Rows, seed: int) -> dict[str, Array]:
        """Return what no model predicts: mean, random spectrum, that of the most similar site."""
        own = pipeline(([SOAP], {"name": "ridge"}, "global"), False).descriptor
        samples = self.data.samples
        X = own.fit(samples[train]).transform(samples)
        X = (X - X[train].mean(axis=0)) / np.maximum(X[train].std(axis=0), 1e-9)
        distance = ((X[test][:, None] - X[train]) ** 2).sum(axis=2)
        rng = np.random.default_rng(seed)
        return {
            "mean": np.repeat(self.y[train].mean(axis=0)[None], len(test), axis=0),
            "random": self.y[rng.choice(train, len(test))],
            "nearest": self.y[train[distance.argmin(axis=1)]],
        }


def tables(study: Study) -> Iterator[dict[str, Any]]:
    """Yield the scores of each split, model and metal."""
    for name, recipe in (("best", BEST), ("published", PUBLISHED)):
        for seed in SEEDS:
            held = study.held_out(seed)
            train, test = np.flatnonzero(~held), np.flatnonzero(held)
            mean = study.y[train].mean(axis=0)
            guesses = study.nearest(train, test, seed) if name == "best" else {}
            guesses[f"{name}, one model"] = study.predicted(recipe, train, test)
            nine = np.empty((len(test), len(study.energy)))
            for metal in study.metals:
                rows = study.metal[test] == metal
                nine[rows] = study.predicted(recipe, train[study.metal[train] == metal], test[rows])
            guesses[f"{name}, nine models"] = nine
            for model, guess in guesses.items():
                for metal in ["all", *study.metals]:
                    rows = (study.metal[test] == metal) | (metal == "all")
                    found = study.scores(test[rows], guess[rows], mean)
                    yield {"seed": seed, "model": model, "metal": metal, "n": int(rows.sum()),
                           **found}  # fmt: skip


def few_shot(study: Study) -> Iterator[dict[str, Any]]:
    """Yield the scores of a metal of which few complexes are known, with and without the others."""
    for seed in SEEDS:
        held = study.held_out(seed)
        for metal in study.metals:
            own = study.metal == metal
            test = np.flatnonzero(held & own)
            others = np.flatnonzero(~own)
            rng = np.random.default_rng([seed, *metal.encode()])
            known = rng.permutation(np.unique(study.complex[own & ~held]))
            for shots in [s for s in SHOTS if s < len(known)] + [len(known)]:
                mine = np.flatnonzero(np.isin(study.complex, known[:shots]))
                mean = study.y[~held].mean(axis=0)
                ways: dict[str, Array] = {}
                joint = np.concatenate([others, mine])
                if shots:
                    ways["others too"] = study.predicted(BEST, joint, test)
                    ways["own alone"] = study.predicted(BEST, mine, test)
                else:
                    ways["others too"] = study.zero_shot(BEST, joint, test)
                for way, guess in ways.items():
                    yield {"seed": seed, "metal": metal, "way": way, "shots": shots,
                           "all": shots == len(known), "n": len(test),
                           **study.scores(test, guess, mean)}  # fmt: skip


def choose(study: Study) -> Iterator[dict[str, Any]]:
    """Yield the scores of all choices on four folds of the first split's training part."""
    training = np.flatnonzero(~study.held_out(SEEDS[0]))
    names = np.random.default_rng(5).permutation(np.unique(study.complex[training]))
    fold = {name: i % 4 for i, name in enumerate(names)}
    number = np.array([fold[c] for c in study.complex[training]])
    for name, recipe in CHOICES.items():
        guess = np.empty((len(training), len(study.energy)))
        for k in range(4):
            guess[number == k] = study.predicted(
                recipe, training[number != k], training[number == k]
            )
        mean = study.y[training].mean(axis=0)
        yield {"model": name, **study.scores(training, guess, mean)}


def summary(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> Iterator[str]:
    """Yield one line for each combination of keys: means ± standard deviations over seeds."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[k] for k in keys), []).append(row)
    for key, found in groups.items():
        cells = []
        for score in ("r2", "delta", "delta_q1", "delta_q3", "peak", "hits", "false"):
            values = np.array([np.nan if r[score] is None else r[score] for r in found], float)
            spread = np.nanstd(values, ddof=1) if len(values) > 1 else 0.0
            cells.append(f"{score} {np.nanmean(values):.3f} ± {spread:.3f}")
        yield f"{' | '.join(map(str, key)):44s} {'; '.join(cells)}"


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("store", type=Path)
    parts: dict[str, tuple[Callable[[Study], Iterator[dict[str, Any]]], tuple[str, ...]]] = {
        "tables": (tables, ("model", "metal")),
        "few-shot": (few_shot, ("way", "shots", "all")),
        "choose": (choose, ("model",)),
    }
    parser.add_argument("part", choices=list(parts))
    parser.add_argument("--json", type=Path, help="write the scores there, too")
    args = parser.parse_args()
    data = open_store(args.store)
    study = Study(data.select(np.flatnonzero(data.label("engine") == "feff")))
    work, keys = parts[args.part]
    rows = []
    for row in work(study):
        rows.append(row)
        if args.json:
            args.json.write_text(json.dumps(rows, indent=1) + "\n")
    for line in summary(rows, keys):
        print(line)


if __name__ == "__main__":
    main()
