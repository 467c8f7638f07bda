"""Learn the spectra of ``tm-k``: one model of nine metals against nine, and a metal in few shots.

Usage::

    python examples/tm-k/study.py STORE.zarr tables    # several splits by complex
    python examples/tm-k/study.py STORE.zarr few-shot  # a metal of few complexes
    python examples/tm-k/study.py STORE.zarr engines   # the engines, and a model beside them
    python examples/tm-k/study.py STORE.zarr choose    # on folds of training data

Scores are given twice: of the spectra as they are, and after true and predicted ones are broadened
as FDMNES does (an arctangent; the core hole is that of each metal). FEFF's spectra have their
widths already: the second scores are of a coarser look.

Complexes are never divided. Splits hold back a quarter of the complexes of every metal.
``published`` is the network of Rankine and Penfold, J. Chem. Phys. 156, 164102 (2022) on weighted
symmetry functions; ``best`` is a Gaussian process on SOAP, chosen by ``choose`` for 1.0.0. Models
of all metals have the absorber as a feature. A complex with an element that a model has not met is
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
from two_engines import ENGINES, moved, pairs, scores

from xreg.core.atoms.edges import edge_of
from xreg.core.data.broadening import arctangent_broadened
from xreg.core.data.dataset import Dataset
from xreg.core.interfaces.blocks import Blocks
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.preprocessing import Preprocessing
from xreg.registry.plugins import host
from xreg.registry.stores.store import open_store

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

METALS = ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn")
SEEDS = (0, 1, 2, 3, 4)
HELD_OUT = 0.25
SHOTS = (0, 2, 5, 10)
ARCTANGENT = {"gamma_max": 15.0, "e_cent": 30.0, "e_larg": 30.0}  # eV

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
    everything
        The dataset; models learn FEFF's samples alone.
    """

    def __init__(self, everything: Dataset) -> None:
        data = everything.select(np.flatnonzero(everything.label("engine") == ENGINES[0]))
        self.everything, self.data = everything, data
        self.row = {name: i for i, name in enumerate(data.samples.ids.tolist())}
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

    def broadened(self, metals: Array, spectra: Array) -> Array:
        """Return spectra after FDMNES' broadening, each with the core hole of its metal."""
        out = np.empty_like(spectra)
        for metal in np.unique(metals):
            rows = metals == metal
            # The Fermi level is 0, below which FEFF has left nothing but the foot of the edge.
            out[rows] = arctangent_broadened(
                self.energy, spectra[rows], 0.0, edge_of(str(metal), "K").width, **ARCTANGENT,
                occupied=True,
            )  # fmt: skip
        return out

    def scores(
        self, rows: Rows, guess: Array, train: Rows, true: Array | None = None
    ) -> dict[str, float]:
        """Return the scores of guesses, and with ``broad_`` those after broadening.

        R² is against the mean spectrum of the training part, of its metals' broadened ones after
        broadening.
        """
        true, metals = self.y[rows] if true is None else true, self.metal[rows]
        mean = self.y[train].mean(axis=0)
        wide = self.broadened(self.metal[train], self.y[train]).mean(axis=0)
        found = scores(self.energy, true, guess, mean)
        after = scores(self.energy, self.broadened(metals, true), self.broadened(metals, guess),
                       wide)  # fmt: skip
        return found | {f"broad_{name}": value for name, value in after.items()}

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
                    found = study.scores(test[rows], guess[rows], train)
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
                           **study.scores(test, guess, np.flatnonzero(~held))}  # fmt: skip


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
        yield {"model": name, **study.scores(training, guess, training)}


def engines(study: Study) -> Iterator[dict[str, Any]]:
    """Yield how far FDMNES is from FEFF on the same structures, beside models that learned FEFF.

    The model predicts each of these structures without its complex; complexes of one fold are one
    of each metal.
    """
    both = pairs(study.everything)
    rows = np.array([study.row[i] for i in study.everything.samples.ids[both.rows].tolist()])
    names = study.complex[rows]
    guess, nearest = np.empty_like(both.first), np.empty_like(both.first)
    place = {m: list(dict.fromkeys(names[study.metal[rows] == m].tolist())) for m in study.metals}
    fold = np.array([place[study.metal[r]].index(study.complex[r]) for r in rows])
    for k in np.unique(fold):
        mine = fold == k
        train = np.flatnonzero(~np.isin(study.complex, names[mine]))
        guess[mine] = study.predicted(BEST, train, rows[mine])
        nearest[mine] = study.nearest(train, rows[mine], int(k))["nearest"]
    rest = np.flatnonzero(~np.isin(study.complex, names))
    shifts = both.shifts()
    ways = {
        "FDMNES, as it is": both.second,
        "FDMNES, one shift": moved(both.energy, both.second, float(np.median(shifts))),
        "FDMNES, each by its shift": both.shifted(shifts),
        "model": guess,
        "most similar site": nearest,
        "mean spectrum": np.repeat(study.y[rest].mean(axis=0)[None], len(rows), axis=0),
    }
    for way, found in ways.items():
        for metal in ["all", *study.metals]:
            mine = (study.metal[rows] == metal) | (metal == "all")
            if mine.any():
                yield {"way": way, "metal": metal, "n": int(mine.sum()),
                       "shift": float(np.median(shifts[mine])),
                       **study.scores(rows[mine], found[mine], rest)}  # fmt: skip


def summary(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> Iterator[str]:
    """Yield one line for each combination of keys: means ± standard deviations over seeds.

    Scores that are not defined for a seed (the error of peaks where none was found) are left out.
    """
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[k] for k in keys), []).append(row)
    for key, found in groups.items():
        cells = []
        for score in ("r2", "delta", "delta_q1", "delta_q3", "peak", "hits", "false", "broad_r2",
                      "broad_delta", "broad_peak"):  # fmt: skip
            values = np.array([np.nan if r[score] is None else r[score] for r in found], float)
            values = values[np.isfinite(values)]
            spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
            cells.append(f"{score} {values.mean():.3f}{spread}" if len(values) else f"{score} –")
        yield f"{' | '.join(map(str, key)):44s} {'; '.join(cells)}"


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("store", type=Path)
    parts: dict[str, tuple[Callable[[Study], Iterator[dict[str, Any]]], tuple[str, ...]]] = {
        "tables": (tables, ("model", "metal")),
        "few-shot": (few_shot, ("way", "shots", "all")),
        "engines": (engines, ("way", "metal")),
        "choose": (choose, ("model",)),
    }
    parser.add_argument("part", choices=list(parts))
    parser.add_argument("--json", type=Path, help="write the scores there, too")
    args = parser.parse_args()
    data = open_store(args.store)
    study = Study(data)
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
