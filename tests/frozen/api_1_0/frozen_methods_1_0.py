"""The methods of the frozen plugin. Never edit this."""

from dataclasses import replace

import numpy as np
from frozen_plugin_1_0 import NoConfig, PowerConfig, RankConfig

from xreg.core.data.samples import ParameterSet
from xreg.core.data.spectra import Spectrum
from xreg.core.interfaces import (
    Analysis,
    Decomposer,
    Descriptor,
    Emulator,
    FeatureLabel,
    SpectrumGenerator,
    Step,
)
from xreg.core.interfaces.analysis import Findings, Table
from xreg.core.interfaces.importer import Entry, Importer
from xreg.core.readers.importing.curve import Curve


class Distances(Descriptor):
    """Shortest and mean distance of the absorber to other atoms."""

    name = "frozen-distances"
    Config = PowerConfig

    def transform(self, samples):
        rows = []
        for sample in samples:
            apart = np.linalg.norm(sample.positions - sample.positions[sample.absorber], axis=1)
            others = np.delete(apart, sample.absorber) ** self.config.power
            rows.append([others.min(), others.mean()])
        return np.array(rows)

    @property
    def feature_labels(self):
        return [FeatureLabel("shortest", "Å"), FeatureLabel("mean", "Å")]


class Line(Emulator):
    """Least squares."""

    name = "frozen-line"
    Config = NoConfig

    def _fit(self, X, Y, validation):
        self.weights_ = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), Y, rcond=None)[0]

    def _predict(self, X):
        return np.column_stack([X, np.ones(len(X))]) @ self.weights_, None


class Axes(Decomposer):
    """The first features themselves."""

    name = "frozen-axes"
    Config = RankConfig

    def fit(self, X, Y, emulator=None):
        self.require_rank(np.shape(X))
        self.emulator = emulator
        self.width_ = int(np.shape(X)[1])
        return self

    @property
    def rank(self):
        self.require_fitted()
        return self.config.rank

    def transform(self, X):
        return self._features(X, self.width_)[:, : self.config.rank]

    def inverse_transform(self, t):
        scores = self._scores(t)
        features = np.zeros((len(scores), self.width_))
        features[:, : scores.shape[1]] = scores
        return features


class Lines(SpectrumGenerator):
    """A line for each distance to the absorber."""

    name = "frozen-lines"
    Config = NoConfig

    def grids(self):
        return {"xas": np.linspace(0.0, 4.0, 41)}

    def version(self):
        return "frozen 1.0"

    def generate(self, sample):
        apart = np.linalg.norm(sample.positions - sample.positions[sample.absorber], axis=1)
        grid = self.grids()["xas"]
        return Spectrum({"xas": np.exp(-(((grid[:, None] - apart) / 0.3) ** 2)).sum(axis=1)}, {})


class Power(Step):
    """Intensities raised to a power."""

    name = "frozen-power"
    Config = PowerConfig

    def apply(self, curves):
        return replace(curves, intensity=np.abs(curves.intensity) ** self.config.power)


class Tables(Importer):
    """A table: the first row energies, each further one a parameter and a spectrum."""

    name = "frozen-table"
    Config = NoConfig

    @classmethod
    def sniff(cls, path, head):
        return 1.0 if head.startswith(b"frozen 1.0\n") else 0.0

    def entries(self, source, log):
        content = log.seen(source.name, source.read_bytes())
        rows = [line.split() for line in content.decode().splitlines()[1:]]
        energy = np.array(rows[0], dtype=float)
        for number, row in enumerate(rows[1:]):
            values = np.array(row, dtype=float)
            sample = ParameterSet(f"row-{number}", {"x": float(values[0])})
            yield Entry(f"row {number}", [sample], {"xas": Curve(energy, values[1:])}, {})


class Largest(Analysis):
    """The largest error."""

    name = "frozen-largest"
    Config = NoConfig

    def analyse(self, context):
        result = context.result
        error = np.abs(result.predicted - result.known).max(axis=1)
        rows = [[str(name), float(value)] for name, value in zip(result.ids, error, strict=True)]
        table = Table("errors", "Largest error", ["sample", "error"], rows)
        return Findings("Done.", {"largest": error.max()}, [table])
