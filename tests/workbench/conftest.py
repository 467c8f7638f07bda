"""A synthetic dataset with a known answer: water geometries and an analytic spectrum of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import make_split

ENERGY = np.linspace(520.0, 532.0, 61)


@pytest.fixture(autouse=True, scope="module")
def forked(warm_workers: None) -> None:
    """Commands that are called in this process fork their workers."""


def analytic_spectrum(long: np.ndarray, short: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Two Gaussian lines: the first follows the longer bond, the second the angle, in degrees."""
    first = 526 - 4 * (long - 0.95)[:, None]
    second = 529 + 0.03 * (angle - 105)[:, None]
    lines = np.exp(-((ENERGY - first) ** 2)) + 0.7 * np.exp(-((ENERGY - second) ** 2) / 0.5)
    return lines * (1 + 0.3 * (short - 0.95)[:, None])


def water(n: int, seed: int = 0) -> Dataset:
    """Return n water molecules in random orientation."""
    rng = np.random.default_rng(seed)
    bonds = np.sort(rng.normal(0.98, 0.06, (n, 2)), axis=1)
    angle = rng.normal(105, 10, n)
    half = np.radians(angle) / 2
    positions = np.zeros((n, 3, 3))
    positions[:, 1, :2] = bonds[:, :1] * np.stack([np.cos(half), np.sin(half)], axis=1)
    positions[:, 2, :2] = bonds[:, 1:] * np.stack([np.cos(half), -np.sin(half)], axis=1)
    turn, _ = np.linalg.qr(rng.normal(size=(n, 3, 3)))
    positions = positions @ turn
    spectra = analytic_spectrum(bonds[:, 1], bonds[:, 0], angle)
    ids = np.array([f"traj{i % 4}-step{i:04d}" for i in range(n)])
    samples = Structures(
        ids,
        np.tile(np.array([8, 1, 1], np.int32), n),
        positions.reshape(-1, 3),
        3 * np.arange(n + 1),
        np.zeros(n, np.int64),
    )
    return Dataset(
        samples=samples,
        spectra=Spectra({"xes": Channel(spectra, ENERGY)}),
        metadata=Metadata(
            name="water",
            version="1.0.0",
            title="Synthetic water",
            description="Random water geometries with an analytic spectrum.",
            licence="CC0-1.0",
            citation="Made by a test.",
        ),
        labels={"angle": angle, "trajectory": np.arange(n) % 4},
        label_units={"angle": "°"},
        splits={"default": make_split(ids, seed=1)},
    )


@pytest.fixture(scope="session")
def water_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset as a store."""
    from xreg.registry.stores.writer import write_store

    return write_store(water(400), tmp_path_factory.mktemp("data") / "water" / "1.0.0.zarr")


@pytest.fixture(scope="session")
def mixed_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Water and hydroxide in turn, which ``internal`` cannot describe together."""
    from xreg.registry.stores.writer import write_store

    whole = water(40)
    old = whole.samples
    assert isinstance(old, Structures)
    kept = np.arange(len(old.numbers)) % 6 != 5  # the last atom of every second molecule
    sizes = np.tile([3, 2], 20)
    samples = Structures(
        old.ids,
        old.numbers[kept],
        old.positions[kept],
        np.append(0, np.cumsum(sizes)),
        np.zeros(40, np.int64),
    )
    folder = tmp_path_factory.mktemp("data") / "mixed" / "1.0.0.zarr"
    return write_store(replace(whole, samples=samples), folder)


PLUGIN = '''
import os
import time
from typing import Literal

import numpy as np

from xreg.core.config import Config, setting
from xreg.core.hooks import ComponentSpec, hookimpl
from xreg.core.interfaces import Descriptor, Emulator, FeatureLabel
from xreg.core.errors import SampleError
from xreg.core.run import ReportSection

XREG_API = "1.0"


class OddConfig(Config):
    fault: Literal["none", "width", "nan", "refuse"] = setting("none", description="What is odd.")


class Odd(Descriptor):
    """Distances to the first atom; wrong, fussy or slow where it is asked to be."""

    name = "odd"
    Config = OddConfig

    def transform(self, samples):
        if os.environ.get("ODD_SLEEP") and not samples.ids[0].endswith("step0000"):
            time.sleep(float(os.environ["ODD_SLEEP"]))
        fault = self.config.fault
        rows = []
        for s in samples:
            if fault == "refuse" and s.id.endswith("5"):
                raise SampleError(f"sample '{s.id}' is odd.")
            r = np.linalg.norm(s.positions[1:] - s.positions[0], axis=1)
            rows.append(np.full(2, np.nan) if fault == "nan" and s.id.endswith("7") else np.sort(r))
        X = np.array(rows)
        return np.hstack([X, X]) if fault == "width" else X

    @property
    def feature_labels(self):
        return [FeatureLabel("r short", "Å"), FeatureLabel("r long", "Å")]


class DullConfig(Config):
    fail: bool = setting(False, description="Whether to fail.")


class Dull(Emulator):
    """Predicts the mean; takes samples themselves."""

    name = "dull"
    Config = DullConfig
    takes = "samples"

    def _fit(self, X, Y, validation):
        if self.config.fail:
            raise ValueError("the matrix is singular\\nand more")
        self.mean_ = Y.mean(axis=0)

    def _predict(self, X):
        return np.tile(self.mean_, (len(X), 1)), None


@hookimpl
def xreg_components():
    return [
        ComponentSpec("descriptor", "odd", OddConfig, "odd_plugin:Odd"),
        ComponentSpec("emulator", "dull", DullConfig, "odd_plugin:Dull"),
    ]


@hookimpl
def xreg_run_started(run):
    raise RuntimeError("a tracker is out of order")


@hookimpl
def xreg_run_finished(run):
    with open(run.folder / "tracked", "w") as stream:
        stream.write(f"{run.name} {run.metrics['test']['r2']:.3f}")


@hookimpl
def xreg_report_sections(run):
    return [ReportSection("Odd remarks", f"<p>after {run.seconds:.1f} s</p>")]
'''


@pytest.fixture
def odd_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A third-party distribution on the path, with odd components and hooks; its folder."""
    from xreg.registry.plugins import host

    folder = tmp_path / "site"
    info = folder / "odd-3.1.dist-info"
    info.mkdir(parents=True)
    (folder / "odd_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 3.1\n")
    (info / "entry_points.txt").write_text("[xreg]\nodd = odd_plugin\n")
    monkeypatch.syspath_prepend(str(folder))
    host.cache_clear()
    yield folder
    host.cache_clear()
    sys.modules.pop("odd_plugin", None)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a cache of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XREG_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture(scope="session")
def made_water() -> Callable[..., Dataset]:
    """Make the dataset in memory."""
    return water


@pytest.fixture
def spoilt_store(tmp_path: Path) -> Path:
    """A store with a second channel, as another program may leave it: NaN in two spectra of xes."""
    from xreg.registry.stores.writer import write_store

    dataset = water(400)
    xes = dataset.spectra["xes"]
    spectra = Spectra({"xes": xes, "xas": Channel(xes.intensity[:, ::-1].copy(), ENERGY + 20)})
    store = write_store(replace(dataset, spectra=spectra), tmp_path / "spoilt.zarr")
    array = zarr.open_array(store / "spectra/xes/intensity", mode="r+")
    values: Any = array[:]
    values[[3, 11]] = np.nan
    array[:] = values
    return store
