"""The methods of the frozen plugin. Never edit this."""

from dataclasses import replace

import numpy as np
from frozen_plugin_1_1 import DigitsConfig, NoConfig

from xreg.core.data.samples import Parameters, ParameterSet
from xreg.core.data.spectra import Spectrum
from xreg.core.interfaces import Exporter, SpectrumGenerator, Step
from xreg.core.interfaces.importer import Entry, Importer
from xreg.core.readers.importing.curve import Curve


class Rows(Exporter):
    """The energies of a channel, then a row for each sample: id, unit and intensities."""

    name = "frozen-rows"
    Config = DigitsConfig
    suffixes = (".rows",)
    holds = frozenset(("units",))

    def channels(self, dataset):
        yield from list(super().channels(dataset))[:1]

    def _write(self, dataset, path):
        ((name, channel),) = self.channels(dataset)
        digits = self.config.digits
        lines = [" ".join(["rows", name, *(f"{e:.{digits}g}" for e in channel.energy)])]
        for sample, row in zip(dataset.samples.ids, np.asarray(channel.intensity), strict=True):
            numbers = (f"{value:.{digits}g}" for value in row)
            lines.append(" ".join([str(sample), channel.unit.replace(" ", "_"), *numbers]))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class RowsAgain(Importer):
    """What the exporter wrote; the first sample trains, the others test."""

    name = "frozen-rows"
    Config = NoConfig

    @classmethod
    def sniff(cls, path, head):
        return 1.0 if head.startswith(b"rows ") else 0.0

    def entries(self, source, log):
        first, *rows = log.seen(source.name, source.read_bytes()).decode().splitlines()
        _, channel, *energies = first.split()
        log.parameter_units = {"x": ""}
        for i, row in enumerate(rows):
            name, unit, *numbers = row.split()
            curve = Curve(np.array(energies, float), np.array(numbers, float), unit)
            log.splits.setdefault("given", {})[name] = "test" if i else "train"
            yield Entry(f"row {i}", [ParameterSet(name, {"x": float(i)})], {channel: curve}, {})


class Barns(SpectrumGenerator):
    """A line at the parameter x."""

    name = "frozen-barns"
    Config = NoConfig
    accepts = Parameters

    def grids(self):
        return {"xas": np.linspace(0.0, 4.0, 41)}

    def channel_units(self):
        return {"xas": "barn"}

    def version(self):
        return "frozen 1.1"

    def generate(self, sample):
        return Spectrum({"xas": np.exp(-((self.grids()["xas"] - sample.values["x"]) ** 2))}, {})


class Half(Step):
    """Half of each spectrum, counted in halves."""

    name = "frozen-half"
    Config = NoConfig

    def unit(self, before):
        return f"2 {before}"

    def apply(self, curves):
        return replace(curves, intensity=curves.intensity / 2)
