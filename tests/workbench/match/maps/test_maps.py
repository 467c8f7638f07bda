"""A map found in a library pixel by pixel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from typer.testing import CliRunner

from xreg.cli.app import app
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.registry.stores.writer import write_store

GRID = np.arange(7100.0, 7180.0, 0.5)


def edge(place: float, height: float) -> np.ndarray:
    x = GRID - place
    return 0.5 + np.arctan(x / 1.5) / np.pi + height * np.exp(-(((x - 6) / 3) ** 2))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "edges.zarr"
    rng = np.random.default_rng(0)
    kinds = np.array(["oxide", "metal", "sulfide"])[np.arange(24) % 3]
    centres = {"oxide": (7123, 0.8), "metal": (7112, 0.1), "sulfide": (7118, 0.4)}
    spectra = np.array([
        edge(centres[k][0] + 0.2 * rng.normal(), centres[k][1] + 0.03 * rng.normal()) for k in kinds
    ])  # fmt: skip
    names = [f"r{i}" for i in range(24)]
    dataset = Dataset(Specimens(names), Spectra({"xas": Channel(spectra, GRID)}),
                      Metadata(name="edges", version="1.0.0"), {"kind": kinds})  # fmt: skip
    write_store(dataset, path)
    return path


def test_each_pixel_gets_its_kind_and_weights(library, tmp_path):
    at = np.arange(7104.0, 7174.0, 0.4)
    oxide, metal = edge(7123, 0.8), edge(7112, 0.1)
    share = np.array([1.0, 0.0, 1.0, 0.0, 0.5, 1.0])
    stack = np.array([np.interp(at - 0.5, GRID, s * oxide + (1 - s) * metal) for s in share])
    stack += np.random.default_rng(1).normal(0, 2e-3, stack.shape)
    stack[5] = 4.0
    np.savez(tmp_path / "map.npz", energy=at, mu=stack.reshape(2, 3, -1))
    arguments = ["match", str(tmp_path / "map.npz"), "--set", f"library.path={library}"]
    arguments += ["--label", "kind", "--shift", "-1:1", "--set", "references=[r0, r1]"]
    result = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    root = zarr.open_group(tmp_path / "out" / "match.zarr", mode="r")
    assert root["likely"][...].ravel().tolist()[:4] == ["oxide", "metal", "oxide", "metal"]
    assert root["dead"][...].ravel()[5] == "constant"
    assert np.isnan(root["misfit"][...].ravel()[5])
    np.testing.assert_allclose(root["shift"][...].ravel()[:4], 0.5, atol=0.3)
    np.testing.assert_allclose(root["weight r0"][...].ravel()[:5], share[:5], atol=0.1)
    told = json.loads((tmp_path / "out" / "match.json").read_text())
    assert (told["dead"], told["shape"]) == (1, [2, 3])
    assert any("1 pixel of 6 left out as dead" in remark for remark in told["remarks"])
    assert (tmp_path / "out" / "report.html").exists()


def test_a_map_beyond_the_library_is_refused(library, tmp_path):
    at = np.linspace(8000, 8100, 100)
    np.savez(tmp_path / "map.npz", energy=at, mu=np.random.default_rng(0).uniform(size=(2, 3, 100)))
    result = CliRunner().invoke(
        app, ["match", str(tmp_path / "map.npz"), "--set", f"library.path={library}",
              "-o", str(tmp_path / "out")]
    )  # fmt: skip
    assert "the library has spectra from 7100 to 7179.5 eV" in str(result.exception)
