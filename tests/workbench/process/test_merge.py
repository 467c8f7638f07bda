"""Scans of one specimen become one: mean, spread, and what they share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xreg.cli import main as cli
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Parameters, Structure, Structures
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
        ("x", {"x": [1.0, 1.0, 2.0, np.nan, np.nan]}, DataError, "is empty for 2 samples"),
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


def test_sites_count_as_often_as_they_stand_for() -> None:
    weights = [1, 4, 2, 1, 3]
    every = np.repeat(np.arange(5), weights)
    atoms = [
        Structure(name, np.array([29, 8]), np.eye(3)[:2] * 2, np.eye(3), [False] * 3, 0)
        for name in "abcde"
    ]
    given = Dataset(
        Structures.of(atoms),
        Spectra({"xas": Channel(VALUES, ENERGY, (), "arb. u.")}),
        Metadata(name="cuo", version="1.0.0"),
        {"structure": np.array(list("xxyyy")), "multiplicity": np.array(weights)},
    )
    section = MergeSection(by="structure", weight="multiplicity", noise="error")
    made = merge_scans(given, section)
    assert list(made.samples) == [Specimen("x", "CuO", 29), Specimen("y", "CuO", 29)]
    for row, (low, high) in enumerate(((0, 5), (5, 11))):
        written_out = VALUES[every[low:high]]
        mean, error = (made.spectra[name].intensity[row] for name in ("xas", "xas_noise"))
        np.testing.assert_allclose(mean, written_out.mean(axis=0))
        np.testing.assert_allclose(
            error, written_out.std(axis=0, ddof=1) / np.sqrt(high - low), atol=1e-12
        )
    for bad in ([1, 0, 1, 1, 1], [1, 1.5, 1, 1, 1], ["a"] * 5):
        wrong = replace(given, labels={**given.labels, "multiplicity": np.array(bad)})
        with pytest.raises(DataError, match="'multiplicity' must be a whole number"):
            merge_scans(wrong, section)


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
