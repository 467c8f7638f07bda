"""The exporter is chosen by name; the command says what it wrote and what it left out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from xreg.cli.app import app
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.data.splits import Split
from xreg.core.errors import ConfigError, DataError, UnknownNameError
from xreg.core.readers.spectra.spectrum import read_spectrum
from xreg.core.testing import tetrahedra, waters
from xreg.plugins.pairs.exporter import PairsExporter
from xreg.registry.stores.writer import write_store
from xreg.workbench.exporting.exports import choose_exporter, export_dataset

ENERGY = np.linspace(7100, 7150, 6)


def toy(samples=None) -> Dataset:
    samples = waters(3) if samples is None else samples
    n = len(samples)
    spectra = {
        "xas": Channel(np.arange(6.0 * n).reshape(n, 6) ** 2, ENERGY, (), "Mb"),
        "moments": Channel(np.ones((n, 2)), None, ("mean", "width")),
    }
    split = Split(samples.ids[:1], samples.ids[1:2], samples.ids[2:])
    metadata = Metadata(name="toy", version="1.0.0", licence="CC0-1.0")
    labels = {"angle": np.linspace(100, 110, n)}
    return Dataset(samples, Spectra(spectra), metadata, labels, {"angle": "°"}, {"default": split})


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.extxyz", "extxyz"),
        ("a.XYZ", "extxyz"),
        ("a.b.npz", "npz"),
        ("a.csv", "csv"),
        ("a.nxs", "nexus"),
    ],
)
def test_the_ending_tells_the_format(file, name):
    assert choose_exporter(Path(file)).name == name


@pytest.mark.parametrize("file", ["a", "a.png", "folder/"])
def test_another_ending_asks_for_a_name(file):
    with pytest.raises(ConfigError, match=r"choose one with --to: .*npz \(\.npz\).*xdi \(a folder"):
        choose_exporter(Path(file))


def test_two_exporters_of_one_ending_are_both_named(monkeypatch):
    monkeypatch.setattr("xreg.plugins.csv.exporter.CsvExporter.suffixes", (".npz",))
    with pytest.raises(ConfigError, match="may be written by csv and by npz; name one"):
        choose_exporter(Path("a.npz"))


def test_a_misspelt_exporter_or_setting_is_told():
    with pytest.raises(UnknownNameError, match=r"--to npzz: no exporter 'npzz'.*'npz'"):
        choose_exporter(Path("a"), "npzz")
    with pytest.raises(ConfigError, match=r"compresed.*compressed"):
        choose_exporter(Path("a.npz"), "", {"compresed": True})


def test_the_command_writes_and_tells(tmp_path):
    write_store(toy(), tmp_path / "toy.zarr")
    words = ["data", "export", str(tmp_path / "toy.zarr"), "-o", str(tmp_path / "out" / "toy.csv")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        f"{tmp_path}/out/toy.samples.csv: 3 samples",
        f"{tmp_path}/out/toy.csv: 3 samples",
    ]
    left_out = "left out, as csv cannot hold it: "
    assert done.stderr.splitlines() == [
        f"{left_out}target features 'moments'",
        f"{left_out}the structures",
        f"{left_out}metadata: licence",
    ]
    with (tmp_path / "out" / "toy.samples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "id": "water-1",
        "label angle (°)": "105.0",
        "unit xas": "Mb",
        "split default": "validation",
    }
    again = CliRunner().invoke(app, words)
    assert isinstance(again.exception, DataError)
    assert "toy.csv' exists already" in str(again.exception)


def test_xdi_names_element_and_edge(tmp_path):
    whole = toy(tetrahedra(3))
    done = export_dataset(whole, tmp_path / "xdi", "xdi")
    assert len(list((tmp_path / "xdi").iterdir())) == 3
    found = read_spectrum((tmp_path / "xdi" / "feo4-1.xdi").read_bytes())
    assert (found.element, found.edge, found.unit) == ("Fe", "K", "Mb")
    assert found.fields["label.angle"] == "105.0 °"
    assert found.fields["split.default"] == "validation"
    assert found.notes == ()
    np.testing.assert_array_equal(found.intensity, np.arange(6.0, 12) ** 2)
    assert "the structures" in done.left_out
    lines = (tmp_path / "xdi" / "feo4-1.xdi").read_text().splitlines()
    assert lines[0].startswith("# XDI/1.0 xreg/")
    assert lines[1:5] == [
        "# Element.symbol: Fe",
        "# Element.edge: K",
        "# Column.1: energy eV",
        "# Column.2: xas Mb",
    ]


def test_xdi_says_that_it_does_not_know_the_edge(tmp_path):
    done = export_dataset(toy(), tmp_path / "xdi", "xdi")  # oxygen at 7,100 eV
    (told,) = (text for text in done.left_out if "edge" in text)
    assert told.startswith("the edge of O in channel 'xas'")


def test_xanesnet_reads_the_folders(tmp_path):
    whole = toy(tetrahedra(2))
    turned = whole.samples
    turned.absorber[0] = 2
    PairsExporter(absorber_first=True).write(whole, tmp_path / "set")
    # As XANESNET does: two lines of header, then columns; atoms after two lines, the first absorbs.
    lines = (tmp_path / "set" / "xanes" / "feo4-0.txt").read_text().splitlines()
    assert lines[:2] == ["FDMNES", "energy (eV) <xanes> (Mb)"]
    table = np.array([line.split() for line in lines[2:]], float)
    np.testing.assert_array_equal(table, np.transpose([ENERGY, np.arange(6.0) ** 2]))
    atoms = (tmp_path / "set" / "xyz" / "feo4-0.xyz").read_text().splitlines()
    assert atoms[0] == "5"
    assert [line.split()[0] for line in atoms[2:]] == ["O", "Fe", "O", "O", "O"]
    first = np.array(atoms[2].split()[1:], float)
    np.testing.assert_array_equal(first, whole.samples[0].positions[2])


def test_one_of_several_channels_must_be_chosen_for_pairs(tmp_path):
    whole = toy()
    two = {"xes": whole.spectra["xas"], **whole.spectra}
    both = Dataset(whole.samples, Spectra(two), whole.metadata)
    with pytest.raises(DataError, match=r"has xes, xas; choose with --set to\.channel=xes"):
        export_dataset(both, tmp_path / "set", "pairs")
    done = export_dataset(both, tmp_path / "set", "pairs", {"channel": "xas"})
    assert list(done.left_out[:2]) == ["channel 'xes'", "target features 'moments'"]
    with pytest.raises(UnknownNameError, match="no channel 'xa'"):
        export_dataset(both, tmp_path / "other", "pairs", {"channel": "xa"})
