"""Scans of one specimen become one: mean, spread, and what they share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xreg.cli import main as cli
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters
from xreg.core.data.specimens import Specimen, Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError, UnknownNameError
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.process.merge import MergeSection, merge_scans

ENERGY = np.arange(7100.0, 7110.0)
RNG = np.random.default_rng(0)
VALUES = 1 + RNG.random((5, len(ENERGY)))


def scans(**labels: list) -> Dataset:
    samples = Specimens(list("abcde"), ["Fe"] * 2 + ["Fe2O3"] * 3, [26] * 5)
    known = {"what": ["foil", "foil", "rust", "rust", "rust"], **labels}
    return Dataset(
        samples,
        Spectra({"xas": Channel(VALUES, ENERGY, (), "arb. u.")}),
        Metadata(name="fe", version="1.0.0"),
        {name: np.array(values) for name, values in known.items()},
        {"temperature": "K"},
    )


def test_mean_and_spread() -> None:
    given = scans(temperature=[300.0] * 2 + [77.0] * 3, scan=["1", "2", "1", "2", "3"])
    made = merge_scans(given, MergeSection(by="what"))
    assert list(made.samples) == [Specimen("foil", "Fe", 26), Specimen("rust", "Fe2O3", 26)]
    np.testing.assert_allclose(made.spectra["xas"].intensity[0], (VALUES[0] + VALUES[1]) / 2)
    np.testing.assert_allclose(
        made.spectra["xas_noise"].intensity[0], np.abs(VALUES[0] - VALUES[1]) / np.sqrt(2)
    )
    assert made.spectra["xas_noise"].unit == "arb. u."
    assert made.labels["temperature"].tolist() == [300, 77]
    assert made.labels["scans"].tolist() == [2, 3]
    assert "scan" not in made.labels
    record = made.metadata.provenance["merged"]
    assert record["scans"] == {"foil": ["a", "b"], "rust": ["c", "d", "e"]}
    assert record["labels_left_out"] == ["scan"]


def test_error_of_the_mean_and_none() -> None:
    error = merge_scans(scans(), MergeSection(by="what", noise="error"))
    deviation = merge_scans(scans(), MergeSection(by="what"))
    np.testing.assert_allclose(
        error.spectra["xas_noise"].intensity[1],
        deviation.spectra["xas_noise"].intensity[1] / np.sqrt(3),
    )
    assert list(merge_scans(scans(), MergeSection(by="what", noise="none")).spectra) == ["xas"]


@pytest.mark.parametrize(
    ("by", "labels", "error", "message"),
    [
        ("wat", {}, UnknownNameError, "no label 'wat'"),
        ("x", {"x": ["a", "a", "b", "b", "c"]}, DataError, r"'c' has one scan \('e'\)"),
        ("x", {"x": ["a"] * 5}, DataError, "the scans of 'a' differ in composition"),
        ("x", {"x": ["a", "a", "b", "b", ""]}, DataError, "is empty for 1 sample"),
    ],
)
def test_what_is_no_set_of_scans(by: str, labels: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        merge_scans(scans(**labels), MergeSection(by=by))


def test_samples_of_their_own_are_not_merged() -> None:
    given = Dataset(
        Parameters(["a", "b"], np.ones((2, 1)), ["dq"], ["eV"]),
        Spectra({"xas": Channel(VALUES[:2], ENERGY, (), "arb. u.")}),
        Metadata(name="ni", version="1.0.0"),
        {"what": np.array(["x", "x"])},
    )
    with pytest.raises(ConfigError, match="these are parameters"):
        merge_scans(given, MergeSection(by="what"))


def test_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    write_store(scans(), tmp_path / "fe.zarr")
    (tmp_path / "merge.yaml").write_text("dataset: {version: 1.1.0}\nmerge: {by: what}\n")
    with pytest.raises(SystemExit) as ended:
        cli.main(["data", "process", "fe.zarr", "merge.yaml", "-o", "merged.zarr"])
    assert not ended.value.code
    assert "scans merged by what" in capsys.readouterr().out
    made = open_store(tmp_path / "merged.zarr")
    assert made.samples.ids.tolist() == ["foil", "rust"]
    assert list(made.spectra) == ["xas", "xas_noise"]
    (tmp_path / "none.yaml").write_text("dataset: {version: 1.1.0}\n")
    with pytest.raises(SystemExit) as ended:
        cli.main(["data", "process", "fe.zarr", "none.yaml", "-o", "none.zarr"])
    assert ended.value.code == 2
    assert "give channels to make" in capsys.readouterr().err
