"""A synthetic dataset with a known answer: water geometries and an analytic spectrum of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xreg.core.dataset import Dataset, Metadata, make_split
from xreg.core.samples import Structures
from xreg.core.spectra import Channel, Spectra

ENERGY = np.linspace(520.0, 532.0, 61)


def analytic_spectrum(long: np.ndarray, short: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Two Gaussian lines: the first follows the longer bond, the second the angle, in degrees."""
    first = 526 - 4 * (long - 0.95)[:, None]
    second = 529 + 0.03 * (angle - 105)[:, None]
    lines = np.exp(-((ENERGY - first) ** 2)) + 0.7 * np.exp(-((ENERGY - second) ** 2) / 0.5)
    return lines * (1 + 0.3 * (short - 0.95)[:, None])


def water(n: int, seed: int = 0, spoilt: tuple[int, ...] = ()) -> Dataset:
    """Return n water molecules in random orientation; the spectra of ``spoilt`` ones are NaN."""
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
    spectra[list(spoilt)] = np.nan
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
    from xreg.registry.stores import write_store

    return write_store(water(400), tmp_path_factory.mktemp("data") / "water" / "1.0.0.zarr")
