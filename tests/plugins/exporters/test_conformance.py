"""Every exporter passes the suite of its kind."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from xreg.core.data.specimens import Specimen
from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import read_spectrum
from xreg.core.readers.spectra.table import read_table
from xreg.core.testing import ExporterSuite, ReadBack
from xreg.plugins.csv.exporter import CsvExporter
from xreg.plugins.extxyz.exporter import ExtxyzExporter
from xreg.plugins.extxyz.importer import ExtxyzImporter
from xreg.plugins.npz.exporter import NpzExporter
from xreg.plugins.npz.importer import NpzImporter
from xreg.plugins.pairs.exporter import PairsExporter
from xreg.plugins.pairs.importer import PairsImporter
from xreg.plugins.xdi.exporter import XdiExporter


class TestExtxyz(ExporterSuite):
    component = ExtxyzExporter
    importer = ExtxyzImporter


class TestNpz(ExporterSuite):
    component = NpzExporter
    importer = NpzImporter


class TestPairs(ExporterSuite):
    component = PairsExporter
    importer = PairsImporter
    channels = ("xas",)


def plain(text: str, kind: type) -> Any:
    """Return the value that a cell of text stands for."""
    return {"True": True, "False": False}[text] if kind is bool else kind(text)


NUMBERS = {"": 0, "O": 8}
LABELS = {"site": int, "energy_shift": float, "bound": bool, "where": str}


class TestCsv(ExporterSuite):
    component = CsvExporter

    def read(self, path: Path) -> ReadBack:
        stem = path.name.split(".")[0]
        found = ReadBack()
        with (path.parent / f"{stem}.samples.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        found.ids = [row["id"] for row in rows]
        for row in rows:
            values = {}
            for head, cell in row.items():
                name, _, unit = head.rstrip(")").partition(" (")
                if name in LABELS:
                    found.label_units = {**found.label_units, **({name: unit} if unit else {})}
                    values[name] = plain(cell, LABELS[name])
                elif head.startswith("unit "):
                    found.units = {**found.units, head.removeprefix("unit "): cell}
                elif head.startswith("split "):
                    parts = found.splits.setdefault(head.removeprefix("split "), {})
                    parts |= {row["id"]: cell} if cell else {}
                elif head not in ("id", "composition", "absorber"):
                    found.parameter_units = {**found.parameter_units, name: unit}
            found.labels.append(values)
            if "composition" in row:
                made = Specimen(row["id"], row["composition"], NUMBERS[row["absorber"]])
                found.samples.append(made)
        tables = {
            c: read_table((path.parent / f"{stem}.{c}.csv").read_bytes()) for c in self.channels
        }
        for name in found.ids:
            spectra = {}
            for channel, table in tables.items():
                column = table.names.index(name)
                spectra[channel] = (table.values[:, 0], table.values[:, column])
            found.spectra.append(spectra)
        return found


class TestXdi(ExporterSuite):
    component = XdiExporter

    def read(self, path: Path) -> ReadBack:
        found = ReadBack()
        for file in sorted(path.glob("*.xas.xdi")):
            name, spectra = file.name.removesuffix(".xas.xdi"), {}
            for channel in self.channels:
                content = (path / f"{name}.{channel}.xdi").read_bytes()
                table = read_table(content)
                spectra[channel] = (table.values[:, 0], table.values[:, 1])
                assert table.names == ("energy", channel)
                assert table.units[0] == "eV"
                found.units = {**found.units, channel: table.units[1]}
            assert table.fields["sample.id"] == name
            assert table.fields.get("element.symbol", "O") == "O"
            lines = [line[2:] for line in content.decode().splitlines() if line.startswith("# ")]
            # The reader folds case, as XDI says that fields may be told apart by nothing else.
            fields = dict(line.split(": ", 1) for line in lines if ": " in line)
            assert {key.lower() for key in fields} == set(table.fields)
            values = {}
            for key, text in fields.items():
                family, _, label = key.partition(".")
                if family == "Label":
                    cell, _, unit = (
                        text.partition(" ") if label == "energy_shift" else (text, "", "")
                    )
                    found.label_units = {**found.label_units, **({label: unit} if unit else {})}
                    values[label] = plain(cell, LABELS[label])
                elif family == "Split":
                    found.splits.setdefault(label, {})[name] = text
                elif family == "Parameter":
                    found.parameter_units = {**found.parameter_units, label: text.partition(" ")[2]}
            if not any(key.startswith("Parameter.") for key in fields):
                composition = fields.get("Sample.stoichiometry", "")
                absorber = NUMBERS[fields.get("Element.symbol", "")]
                found.samples.append(Specimen(name, composition, absorber))
            found.ids.append(name)
            found.spectra.append(spectra)
            found.labels.append(values)
        return found


def test_the_text_reader_takes_one_spectrum_of_a_csv_table(tmp_path):
    suite = TestCsv()
    base = suite.dataset("structures").select(np.arange(3))
    from dataclasses import replace

    from xreg.core.data.spectra import Spectra

    one = replace(base, spectra=Spectra({"xas": base.spectra["xas"]}))
    path = tmp_path / "out.csv"
    CsvExporter(separator=";").write(one, path)
    found = read_spectrum(path.read_bytes(), SpectrumColumns(signal=str(one.samples.ids[2])))
    np.testing.assert_array_equal(found.energy, one.spectra["xas"].energy)
    np.testing.assert_array_equal(found.intensity, one.spectra["xas"].intensity[2])
