"""A plugin written for version 1.1 of the interface still works: what that version added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import DataError
from xreg.core.readers.importing.log import ImportLog
from xreg.registry.plugins import PluginHost
from xreg.workbench.process.steps import ProcessedChannel, process


@pytest.fixture
def frozen(install) -> PluginHost:
    return install("1_1")


def dataset(frozen: PluginHost) -> Dataset:
    generator = frozen.build("generator", "frozen-barns", {})
    samples = Parameters(["a", "b", "c"], np.array([[1.0], [2.0], [3.0]]), ["x"], ["eV"])
    spectra = Spectrum.stack(
        generator.generate_many(samples), generator.grids(), generator.channel_units()
    )
    return Dataset(samples, spectra, Metadata(name="toy", version="1.0.0", licence="MIT"))


def test_nothing_is_broken(frozen: PluginHost) -> None:
    assert not frozen.broken
    assert {i.spec.kind for i in frozen} == {"exporter", "generator", "importer", "step"}


def test_a_dataset_is_written_and_read(frozen: PluginHost, tmp_path: Path) -> None:
    whole = dataset(frozen)
    assert whole.spectra["xas"].unit == "barn"
    exporter = frozen.build("exporter", "frozen-rows", {})
    done = exporter.write(whole, tmp_path / "out.rows")
    assert done.files == (tmp_path / "out.rows",)
    assert list(done.left_out) == ["the parameters", "metadata: licence"]
    with pytest.raises(DataError, match="exists already"):
        exporter.write(whole, tmp_path / "out.rows")
    with pytest.raises(DataError, match=r"must end in \.rows"):
        exporter.write(whole, tmp_path / "out.txt")
    log = ImportLog()
    again = list(frozen.build("importer", "frozen-rows", {}).entries(done.files[0], log))
    for entry, row in zip(again, whole.spectra["xas"].intensity, strict=True):
        assert entry.curves["xas"].unit == "barn"
        np.testing.assert_array_equal(entry.curves["xas"].intensity, row)
    assert log.splits == {"given": {"a": "train", "b": "test", "c": "test"}}


def test_a_step_states_its_unit(frozen: PluginHost, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dataset(frozen)
    monkeypatch.setattr("xreg.workbench.process.steps.host", lambda: frozen)
    recipe = {"half": ProcessedChannel(source="xas", steps=[{"name": "frozen-half"}])}
    made = process(whole.spectra, recipe, whole.samples, {})
    assert made["half"].unit == "2 barn"
    np.testing.assert_array_equal(made["half"].intensity, whole.spectra["xas"].intensity / 2)
