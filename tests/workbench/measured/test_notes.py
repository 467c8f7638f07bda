"""What is noted of measured spectra reaches whoever compares, explains or processes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.registry.stores.writer import write_store
from xreg.workbench.measured.named import fluorescence_of, read_spectra
from xreg.workbench.measured.stacks import read_stacks, told
from xreg.workbench.process.process import ProcessingRecipe, process_store

ENERGY = np.arange(7000.0, 7300.0, 1.0)
EDGE = 0.5 + np.arctan((ENERGY - 7112) / 1.5) / np.pi
PLAIN = SpectrumColumns()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    samples = Specimens(["rust", "foil", "thin"], ["Fe2O3", "", "Fe2O3"], [26, 26, 26])
    labels = {
        "mode": np.array(["fluorescence", "Fluorescence yield", "transmission"]),
        "edge": np.array(["K", "K", "K"]),
    }
    spectra = Spectra({"xas": Channel(np.stack([EDGE] * 3) + 0.01 * np.eye(3, 300), ENERGY)})
    dataset = Dataset(samples, spectra, Metadata(name="fe", version="1.0.0"), labels)
    return write_store(dataset, tmp_path / "fe.zarr")


def test_samples_of_a_store_keep_the_warning(store: Path, tmp_path: Path) -> None:
    pytest.importorskip("xraydb")
    rust, foil, thin = read_spectra([str(store)], PLAIN)
    assert "leaves 29% of the structure above the Fe K edge of a thick" in rust.notes[0]
    assert "its composition would have to be told" in foil.notes[0]
    assert thin.notes == ()
    said = told(read_stacks([str(store)], PLAIN))
    assert [one.partition(",")[0] for one in said] == ["In rust", "In foil"]
    flat = {"source": "xas", "steps": [{"name": "gaussian", "width": 1}]}
    recipe = {"processing": {"flat": flat}, "dataset": {"version": "1.1.0"}}
    asked = ProcessingRecipe.parse(recipe, "process")
    _, summary = process_store(str(store), asked, tmp_path / "new.zarr")
    assert sum("self-absorption" in doubt for doubt in summary["doubts"]) == 2


def test_samples_without_the_label_are_none(store: Path) -> None:
    samples = Specimens(["a"], ["Fe2O3"], [26])
    spectra = Spectra({"xas": Channel(EDGE[None], ENERGY)})
    dataset = Dataset(samples, spectra, Metadata(name="fe", version="1.0.0"), {})
    assert fluorescence_of(dataset, ENERGY) == {}


def test_what_is_converted_in_a_series_is_told(tmp_path: Path) -> None:
    head = "# energy keV, mu\n"
    for name in ("a.dat", "b.dat", "c.dat"):
        rows = zip(ENERGY / 1000, EDGE, strict=True)
        (tmp_path / name).write_text(head + "".join(f"{e:.4f} {mu:.5f}\n" for e, mu in rows))
    files = [str(tmp_path / name) for name in ("a.dat", "b.dat", "c.dat")]
    said = told(read_stacks(files, SpectrumColumns(unit="keV")))
    assert said
    assert said[0].startswith("In a.dat and 2 more, ")
    assert "keV" in said[0]
