"""A model of Ti4+ and a measured spectrum of it, whose parameters are known."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xreg.cli.main import main
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters, ParameterSet
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.ions.model import spaces
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.polynomial.polynomial import Polynomial
from xreg.plugins.ridge.ridge import Ridge
from xreg.registry.stores.writer import write_store

ION = {"ion": "Ti4+", "after": 15.0, "points": 251}
TRUE = {"Dq": 0.17, "Ds": 0.0, "Dt": 0.0, "S1": 0.8, "S2": 0.76, "T": 300.0, "sigma": 0.1,
        "gamma1": 0.42, "gamma2": 0.6}  # fmt: skip
RANGES = {"Dq": (0.1, 0.2), "S2": (0.7, 0.9), "gamma1": (0.3, 0.6)}
SHIFT, SCALE, BASE = 0.25, 3.0, 0.4


@pytest.fixture(scope="session")
def known() -> SimpleNamespace:
    """What the measured spectrum was made of."""
    return SimpleNamespace(ion=ION, true=TRUE, ranges=RANGES, shift=SHIFT, scale=SCALE, base=BASE)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run: a model of Ti4+, quick to train and good enough to search with."""
    folder = tmp_path_factory.mktemp("fit")
    values = np.tile(list(TRUE.values()), (500, 1))
    rng = np.random.default_rng(0)
    for name, (low, high) in RANGES.items():
        values[:, list(TRUE).index(name)] = rng.uniform(low, high, 500)
    units = spaces()["published"].units
    samples = Parameters([f"set-{i}" for i in range(500)], values, tuple(TRUE), units)
    generator = Multiplet(**ION)
    energy = generator.grids()["xas"]
    spectra = np.array([s.channels["xas"] for s in generator.generate_many(samples)])
    provenance = {"generator": {"name": "multiplet", "settings": ION}}
    dataset = Dataset(
        samples,
        Spectra({"xas": Channel(spectra, energy)}),
        Metadata(name="ti4", version="1.0.0", provenance=provenance),
    )
    write_store(dataset, folder / "ti4.zarr")
    pipeline = Pipeline(Ridge(), Polynomial(degree=6))
    pipeline.fit(samples, spectra, Target("xas", energy)).save(folder / "run" / "model")
    told = {"name": "ti4", "version": "1.0.0", "path": str(folder / "ti4.zarr"), "registry": None}
    (folder / "run" / "summary.json").write_text(json.dumps({"dataset": told}))
    return folder / "run"


@pytest.fixture(scope="session")
def spectrum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A measured spectrum: other energies than the model's, shifted, scaled, noisy."""
    generator = Multiplet(ion="Ti4+", before=7.0, after=17.0, points=481)
    energy, known = generator.grids()["xas"], generator.generate(ParameterSet("truth", TRUE))
    intensity = SCALE * known.channels["xas"] + BASE
    intensity += 0.005 * SCALE * np.random.default_rng(1).normal(size=481)
    path = tmp_path_factory.mktemp("measured") / "tio2.txt"
    rows = [f"{e:.4f}  {i:.6f}" for e, i in zip(energy + SHIFT, intensity, strict=True)]
    path.write_text("# made by a test\nenergy intensity\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def xreg(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        text = capsys.readouterr()
        return code, text.out, text.err

    return run
