"""Stores and models as a stranger may publish them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.plugins.polynomial.polynomial import Polynomial
from xreg.plugins.ridge.ridge import Ridge
from xreg.registry.stores.writer import write_store
from xreg_tests.commands import run

NAMES = ("h", "sigma", "gamma1", "gamma2")


ENERGY = np.linspace(850.0, 860.0, 21)


SPECTRUM = "".join(f"{e} {np.exp(-((e - 855) ** 2))}\n" for e in np.linspace(851, 859, 33))


def table(n: int = 40) -> Parameters:
    values = np.random.default_rng(0).uniform(0.1, 0.4, (n, len(NAMES)))
    units = ("", "eV", "eV", "eV")
    return Parameters([f"set-{i}" for i in range(n)], values, NAMES, units)


def store(path: Path, generator: Any) -> Path:
    """A store of a stranger, whose provenance says ``generator``."""
    samples = table()
    spectra = Spectra({"xas": Channel(np.outer(samples.values[:, 0], np.ones(21)), ENERGY)})
    provenance = {"generator": generator}
    write_store(
        Dataset(samples, spectra, Metadata(name="mini", version="1.0.0", provenance=provenance)),
        path,
    )
    return path


def quanty(**settings: Any) -> dict[str, Any]:
    return {"name": "quanty", "settings": {"channels": ["xas"], "points": 11, **settings}}


def model(folder: Path, data: Mapping[str, Any] | None = None) -> Path:
    """A run of a stranger: a model of parameters, and what its summary says of its dataset."""
    samples = table()
    spectra = samples.values @ np.random.default_rng(1).random((4, 21))
    pipeline = Pipeline(Ridge(), Polynomial(degree=1))
    pipeline.fit(samples, spectra, Target("xas", ENERGY)).save(folder / "model")
    if data is not None:
        (folder / "summary.json").write_text(json.dumps({"dataset": data}))
    return folder


def fit(sandbox: Any, generator: Any, *options: str) -> int:
    path = store(sandbox.stranger / "mini.zarr", generator)
    told = {"name": "mini", "version": "1.0.0", "path": str(path), "registry": None}
    folder = model(sandbox.stranger / "run", told)
    (sandbox.work / "spectrum.txt").write_text(SPECTRUM)
    sandbox.freeze()
    return run("fit", folder, "spectrum.txt", "-o", "fitted", "--shift=0:0", *options)
