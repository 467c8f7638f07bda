"""Every exporter passes the suite of its kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xreg.core.readers.spectra.columns import SpectrumColumns
from xreg.core.readers.spectra.spectrum import read_spectrum
from xreg.core.testing import ExporterSuite, ReadBack
from xreg.plugins.columns.exporter import ColumnsExporter
from xreg.plugins.columns.importer import ColumnsImporter
from xreg.plugins.csv.exporter import CsvExporter
from xreg.plugins.csv.importer import CsvImporter
from xreg.plugins.extxyz.exporter import ExtxyzExporter
from xreg.plugins.extxyz.importer import ExtxyzImporter
from xreg.plugins.nexus.exporter import NexusExporter
from xreg.plugins.nexus.importer import NexusImporter
from xreg.plugins.npz.exporter import NpzExporter
from xreg.plugins.npz.importer import NpzImporter
from xreg.plugins.pairs.exporter import PairsExporter
from xreg.plugins.pairs.importer import PairsImporter
from xreg.plugins.xdi.exporter import XdiExporter
from xreg.plugins.xdi.importer import XdiImporter


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


class TestCsv(ExporterSuite):
    component = CsvExporter
    importer = CsvImporter


class Folder(ExporterSuite):
    """A folder of files that the importer reads one by one."""

    channels = ("xas",)

    def read(self, path: Path) -> ReadBack:
        found = ReadBack()
        for file in sorted(path.iterdir()):
            one = super().read(file)
            assert len(one.ids) == 1
            for name in ("ids", "spectra", "samples", "labels"):
                getattr(found, name).extend(getattr(one, name))
            found.units, found.label_units = one.units, one.label_units
            found.parameter_units = one.parameter_units
            for name, parts in one.splits.items():
                found.splits.setdefault(name, {}).update(parts)
        return found


class TestXdi(Folder):
    component = XdiExporter
    importer = XdiImporter


class TestColumns(Folder):
    component = ColumnsExporter
    importer = ColumnsImporter


class TestNexus(ExporterSuite):
    component = NexusExporter
    importer = NexusImporter


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
