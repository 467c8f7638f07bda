"""The methods of the frozen plugin. Never edit this."""

import numpy as np
from frozen_plugin_1_2 import LineConfig, NoConfig

from xreg.core.data.samples import Parameters
from xreg.core.data.spaces import Parameter, require_within
from xreg.core.data.spectra import Spectrum
from xreg.core.interfaces import Emulator, SpectrumGenerator


class Line(Emulator):
    """A linear map, by steps of gradient descent."""

    name = "frozen-line"
    Config = LineConfig
    architecture = frozenset({"bias"})

    def _fit(self, X, Y, validation):
        inputs = self._with_bias(X)
        start = self.start
        if start is None:
            self.weights_ = np.zeros((inputs.shape[1], Y.shape[1]))
        else:
            self.weights_ = start.weights_.copy()
        rate = len(X) / np.linalg.norm(inputs, 2) ** 2
        for _ in range(self.config.steps):
            self.weights_ -= rate * inputs.T @ (inputs @ self.weights_ - Y) / len(X)

    def _predict(self, X):
        return self._with_bias(X) @ self.weights_, None

    def _with_bias(self, X):
        return np.column_stack([X, np.ones(len(X))]) if self.config.bias else X


class Within(SpectrumGenerator):
    """A line at the parameter x, which has limits."""

    name = "frozen-within"
    Config = NoConfig
    accepts = Parameters

    def grids(self):
        return {"xas": np.linspace(0.0, 4.0, 41)}

    def parameters(self):
        return {"x": Parameter("eV", 0.0, 4.0, "place of the line")}

    def version(self):
        return "frozen 1.2"

    def generate(self, sample):
        require_within(sample, self.parameters())
        return Spectrum({"xas": np.exp(-((self.grids()["xas"] - sample.values["x"]) ** 2))}, {})
