"""A line for each distance to the absorber; every computed id is noted in ``$TOY_LOG``."""

from __future__ import annotations

import os
import time

import numpy as np
from xreg_toy import TableConfig, ToyConfig

from xreg.core.data.samples import Parameters
from xreg.core.data.spectra import Spectrum
from xreg.core.errors import SampleError
from xreg.core.interfaces import Availability, SpectrumGenerator

GRID = np.linspace(0.0, 3.0, 13)


def note(sample):
    if log := os.environ.get("TOY_LOG"):
        with open(log, "a") as file:
            file.write(f"{sample.id}\n")


class Toy(SpectrumGenerator):
    name = "toy"
    Config = ToyConfig

    def grids(self):
        return {"xes": GRID}

    def label_units(self):
        return {"longest": "Å"}

    def version(self):
        return "toy 1"

    def generate(self, sample):
        note(sample)
        time.sleep(self.config.seconds)
        distances = np.linalg.norm(sample.positions - sample.positions[sample.absorber], axis=1)
        lines = np.exp(-(((GRID[:, None] - distances) / self.config.width) ** 2)).sum(axis=1)
        match self.config.fails.get(sample.id):
            case "sample":
                raise SampleError(f"sample '{sample.id}': no convergence in 50 cycles")
            case "bug":
                raise ZeroDivisionError("a bug")
            case "death":
                os._exit(9)
            case "nan":
                lines[3] = np.nan
            case "shape":
                lines = lines[:-1]
            case "complex":
                lines = lines + 1j
            case "text":
                lines = lines.astype(str)
            case "nothing":
                return None
        return Spectrum({"xes": lines}, {"longest": float(distances.max())})


class ToyTable(SpectrumGenerator):
    name = "toy-table"
    Config = TableConfig
    accepts = Parameters

    def grids(self):
        return {"xas": GRID}

    def version(self):
        return "toy 1"

    def generate(self, sample):
        note(sample)
        time.sleep(self.config.seconds)
        if sample.id in self.config.fails:
            raise SampleError(f"sample '{sample.id}': no luck")
        return Spectrum({"xas": sample.values["dq"] * GRID + sample.values["ds"]})


class ToyAbsent(ToyTable):
    name = "toy-absent"

    def available(self):
        return Availability(False, "the program 'toy' is not on the PATH; install it.")
