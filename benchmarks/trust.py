"""Whether trust suffers from validation samples that also stopped the training.

A run judges its model on the validation part, which early stopping has looked at too. Here the same
models are judged once on those samples and once on as many that nothing has looked at; both
judgements are then compared with the true errors of all other samples. Run by hand, on a store of
spectra of one ion::

    python benchmarks/trust.py ni2-52k.zarr
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from xreg.core.data.dataset import Dataset
from xreg.core.metrics import spectrum_error
from xreg.core.model.domain import Target
from xreg.core.model.model import Model
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.trust import OUTLIER, Trust
from xreg.plugins.mlp.mlp import MLP
from xreg.plugins.polynomial.polynomial import Polynomial
from xreg.registry.datasets import open_dataset

Rows = NDArray[np.intp]
TRAIN, JUDGED, OTHERS, SEEDS = 4_000, 500, 10_000, 4


def fitted(data: Dataset, rows: Rows, aside: Rows, seed: int) -> Model:
    """Return a small ensemble that early stopping, on ``aside``, ended."""
    emulator = MLP(ensemble=3, epochs=200, check_every=2, patience=5, seed=10 * seed, threads=1)
    channel = data.spectra["xas"]
    known, held = channel.intensity[rows], channel.intensity[aside]
    return Pipeline(emulator, Polynomial(degree=3)).fit(
        data.samples[rows],
        known,
        Target("xas", channel.energy),
        validation=(data.samples[aside], held),
    )


def predicted(model: Model, data: Dataset, rows: Rows) -> tuple[NDArray[np.float64], ...]:
    """Return inputs, predictions, their spread, and known spectra."""
    samples = data.samples[rows]
    known = np.asarray(data.spectra["xas"].intensity[rows], dtype=np.float64)
    return model.inputs(samples), *model.predict(samples, return_std=True), known


def main() -> None:
    data = open_dataset(sys.argv[1])
    print("| judged on | seed | median true / expected error | rank correlation | "
          f"mean trust (%) | share under {OUTLIER:g} % |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|")
    for seed in range(SEEDS):
        order = np.random.default_rng(seed).permutation(len(data.samples))
        parts = np.split(order, np.cumsum([TRAIN, JUDGED, JUDGED, OTHERS]))
        train, stop, fresh, others = (np.sort(part) for part in parts[:4])
        model = fitted(data, train, stop, seed)
        inputs, mean, spread, known = predicted(model, data, others)
        error = 100 * spectrum_error(known, mean)
        for name, rows in (("samples that stopped training", stop), ("fresh samples", fresh)):
            trust = Trust.fit(model.inputs(data.samples[train]), *predicted(model, data, rows))
            assert trust is not None
            found = trust.assess(inputs, mean, spread)
            print(f"| {name} | {seed} | {np.median(error / found.expected):.3f} | "
                  f"{spearmanr(found.expected, error).statistic:.3f} | "
                  f"{100 * found.trust.mean():.1f} | {100 * np.mean(error < OUTLIER):.1f} |",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
